//! A scripted person, who ranks the groups of rollouts that `apprentice rank` shows: those that end with the block on
//! the left mat before those on the right one, these before failures. They ask the robot how each scene ended.

use super::robot::Scene;
use apprentice_core::Seed;
use apprentice_episode::EpisodeId;
use apprentice_preference::groups_of_four;
use rand::seq::SliceRandom as _;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

/// What the person prefers, which nobody on our side is told.
pub const PREFERRED: &str = "left";

/// How much a scene is liked.
pub fn liking(scene: &Scene) -> u8 {
    u8::from(scene.success) * (1 + u8::from(scene.side == PREFERRED))
}

/// The lines to type for the groups of the run in `out`, whose seed is `seed`.
pub fn orders(out: &Path, seed: u64, scenes: &BTreeMap<u64, Scene>) -> String {
    lines(&likings(out, seed, scenes))
}

/// The same lines with the clips of each group in random order: a control, from which nothing can be learnt.
pub fn random_orders(out: &Path, seed: u64, which: u64, scenes: &BTreeMap<u64, Scene>) -> String {
    let mut groups = likings(out, seed, scenes);
    let mut random = Seed(seed).derive("random orders", which).rng();
    for group in &mut groups {
        group.shuffle(&mut random);
    }
    lines(&groups)
}

fn lines(groups: &[Vec<u8>]) -> String {
    groups.iter().map(|group| order(group) + "\n").collect()
}

/// How much each clip of each group is liked.
fn likings(out: &Path, seed: u64, scenes: &BTreeMap<u64, Scene>) -> Vec<Vec<u8>> {
    let list = std::fs::read_to_string(out.join("judge/rollouts.json")).unwrap();
    let list: Value = serde_json::from_str(&list).unwrap();
    let likings: BTreeMap<EpisodeId, u8> = list["episodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|episode| {
            let scene = &scenes[&episode["seed"].as_u64().unwrap()];
            (
                EpisodeId::new(episode["id"].as_str().unwrap()),
                liking(scene),
            )
        })
        .collect();
    let ids: Vec<EpisodeId> = list["episodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|episode| EpisodeId::new(episode["id"].as_str().unwrap()))
        .collect();
    let groups = groups_of_four(&ids, Seed(seed).derive("groups", 0));
    groups
        .iter()
        .map(|group| group.iter().map(|id| likings[id]).collect())
        .collect()
}

/// An order such as `2>1=4>3` of clips that are liked so much.
fn order(likings: &[u8]) -> String {
    let mut clips: Vec<(u8, usize)> = likings.iter().copied().zip(1..).collect();
    clips.sort_by_key(|&(liking, _)| std::cmp::Reverse(liking));
    let mut line = String::new();
    for pair in clips.windows(2) {
        let sign = if pair[0].0 == pair[1].0 { '=' } else { '>' };
        write!(line, "{}{sign}", pair[0].1).unwrap();
    }
    line + &clips[clips.len() - 1].1.to_string()
}

#[test]
fn better_clips_come_first_and_equal_ones_are_said_to_be() {
    assert_eq!(order(&[1, 2, 0, 1]), "2>1=4>3");
}
