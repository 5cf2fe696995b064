//! What an operator is asked next.

use super::answer::{MatchEntry, Said, Shown, standing};
use super::entrants::{Entrant, RecordedEpisode};
use anyhow::Result;
use apprentice_core::{Seed, sha256_bytes};
use apprentice_episode::EpisodeId;
use apprentice_statistics::{StopRule, Strengths};
use rand::Rng as _;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// What comes next for an operator.
#[expect(
    clippy::large_enum_variant,
    reason = "one at a time, and mostly a question"
)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Two episodes to compare.
    Match(MatchQuestion),
    /// Nothing: the order is told, up to the stated error.
    Decided,
    /// Nothing: this operator has seen every two episodes there are.
    Exhausted,
}

/// Two episodes to compare. As JSON it says nothing of versions; folders and files would, and are not in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MatchQuestion {
    /// To answer it by.
    pub id: String,
    /// The operator's how manieth entry an answer will be, from 0.
    pub number: u64,
    /// As they are to be shown.
    pub clips: [Clip; 2],
    /// Whether both were recorded from the same start.
    pub same_start: bool,
    /// Why these.
    pub reason: String,
}

/// An episode to show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Clip {
    /// The episode.
    pub episode: EpisodeId,
    /// Its folder below the run's, which may tell the version: not for the operator.
    #[serde(skip)]
    pub folder: String,
    /// Its file there.
    #[serde(skip)]
    pub file: String,
}

impl Clip {
    fn of(episode: &RecordedEpisode) -> Self {
        Self {
            episode: episode.id.clone(),
            folder: episode.folder.clone(),
            file: episode.file.clone(),
        }
    }
}

/// A question, and what is hidden until it is answered.
pub(super) struct Hidden {
    pub question: MatchQuestion,
    pub shown: [Shown; 2],
}

/// What this operator is asked next; `None` once every two episodes were seen.
pub(super) fn next_question(
    entrants: &[Entrant],
    who: &str,
    entries: &[MatchEntry],
    (rule, strengths): (StopRule, &Strengths),
    seed: Seed,
) -> Result<Option<Hidden>> {
    let number = entries.len() as u64;
    let mut rng = seed.derive(&format!("tournament {who}"), number).rng();
    let (mut seen, mut times) = (BTreeSet::new(), BTreeMap::new());
    for entry in standing(entries) {
        if let Said::Answer { shown, .. } = &entry.said {
            let [a, b] = shown.each_ref().map(|s| &s.episode);
            seen.insert((a.min(b), a.max(b)));
            *times.entry(a).or_insert(0_u32) += 1;
            *times.entry(b).or_insert(0_u32) += 1;
        }
    }
    let is_new = |a: &RecordedEpisode, b: &RecordedEpisode| {
        !seen.contains(&((&a.id).min(&b.id), (&a.id).max(&b.id)))
    };
    let pairs = |first: usize, second: usize| {
        let of = |i: usize| entrants.get(i).map_or(&[][..], |e| &e.episodes[..]);
        let all = of(first)
            .iter()
            .flat_map(move |a| of(second).iter().map(move |b| (a, b)));
        all.filter(|(a, b)| is_new(a, b))
    };
    let possible = |first: usize, second: usize| pairs(first, second).next().is_some();
    let Some((first, second)) = rule.next_pair(strengths, rng.random(), possible) else {
        return Ok(None);
    };
    // From the same start where there are such; then those that were seen least; then by lot.
    let chosen = pairs(first, second).min_by_key(|(a, b)| {
        let apart = a.start.is_none() || a.start != b.start;
        let often = |e: &RecordedEpisode| times.get(&e.id).copied().unwrap_or(0);
        (apart, often(a) + often(b), rng.random::<u64>())
    });
    let Some((a, b)) = chosen else {
        return Ok(None);
    };
    let same_start = a.start.is_some() && a.start == b.start;
    let (difference, _) = strengths.difference(first, second);
    let (ahead, behind) = if difference >= 0.0 {
        (first, second)
    } else {
        (second, first)
    };
    let wrong = strengths.probability_behind(ahead, behind, 0.0);
    let shown = |i: usize, episode: &RecordedEpisode| -> Result<Shown> {
        let entrant = entrants.get(i);
        let entrant =
            entrant.ok_or_else(|| anyhow::anyhow!("there is no entrant {i} in the tournament"))?;
        Ok(Shown {
            episode: episode.id.clone(),
            policy: entrant.sha256.clone(),
            version: entrant.version,
        })
    };
    let mut clips = [Clip::of(a), Clip::of(b)];
    let mut shown = [shown(first, a)?, shown(second, b)?];
    if rng.random::<bool>() {
        clips.reverse();
        shown.reverse();
    }
    let of = format!(
        "{who}\n{number}\n{}\n{}",
        clips[0].episode, clips[1].episode
    );
    let mut id = sha256_bytes(of.as_bytes());
    id.truncate(16);
    let reason = format!(
        "least certain: their order is wrong with a probability of {:.0} %",
        100.0 * wrong
    );
    Ok(Some(Hidden {
        question: MatchQuestion {
            id,
            number,
            clips,
            same_start,
            reason,
        },
        shown,
    }))
}
