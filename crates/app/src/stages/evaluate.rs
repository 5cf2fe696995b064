//! Evaluation: both policies on the same held-out scenes, and the reward on episodes it never saw.

use crate::context::Context;
use crate::stages::notes::{Judged, JudgedEpisode, judged, open_all};
use crate::stages::rank::{hidden_utility, preferred_grasp};
use crate::stages::reward::{SCORES, Scores, features, score};
use crate::stages::rollout::watch_policy;
use crate::stages::success::SuccessLabels;
use crate::stages::viewer_file::write_recording;
use anyhow::{Result, bail};
use apprentice_core::Proportion;
use apprentice_episode::Episode;
use apprentice_reward::{highest, majority_baseline, pair_accuracy, spearman, triplet_accuracy};
use serde::{Deserialize, Serialize};

/// The base policy's held-out episodes.
pub const BASE_FOLDER: &str = "evaluation/base";
/// The aligned policy's.
pub const ALIGNED_FOLDER: &str = "evaluation/aligned";
/// The reward's examination.
pub const REWARD_EXAM: &str = "evaluation/reward.json";
/// The reward's scores of the base policy's held-out episodes.
pub const HELD_OUT_SCORES: &str = "evaluation/scores.json";

/// A policy's success and preference on held-out scenes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rates {
    /// Mug picked up.
    pub success: Proportion,
    /// Mug picked up the preferred way, of all episodes in which it was picked up.
    pub preferred: Proportion,
}

/// How well the reward agrees with the hidden preference on held-out episodes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RewardExam {
    /// Rank correlation of reward and hidden utility.
    pub spearman_heldout: f64,
    /// Share of triplets (anchor, better, worse) in which the anchor, an episode of the highest utility, is
    /// more similar to the better one in the aligned space.
    pub triplet_accuracy_heldout: f64,
    /// Such triplets.
    pub triplets: usize,
    /// Share of pairs with different utility that the reward itself puts in the right order.
    pub pair_accuracy_heldout: f64,
    /// Such pairs.
    pub pairs: usize,
    /// Triplet accuracy of always naming the episode recorded first, or always the one recorded second,
    /// whichever is right more often.
    pub majority: f64,
    /// The best single feature's name and triplet accuracy (similar is what is close in that number),
    /// chosen with knowledge of the truth.
    pub best_single_feature: (String, f64),
}

/// Runs the base policy's evaluation.
///
/// # Errors
/// When recording fails.
pub fn run_base(context: &Context) -> Result<()> {
    run(context, super::policy::BASE, BASE_FOLDER, "evaluate base")
}

/// Runs the aligned policy's evaluation and the reward's examination.
///
/// # Errors
/// When recording fails.
pub fn run_aligned(context: &Context) -> Result<()> {
    run(
        context,
        super::align::ALIGNED,
        ALIGNED_FOLDER,
        "evaluate align",
    )
}

fn run(context: &Context, policy: &str, folder: &str, what: &str) -> Result<()> {
    if !context.config.robot.endpoint.is_empty() {
        bail!(
            "success is judged by the simulator, and the robot at {} is none; record rollouts and rank them instead",
            context.config.robot.endpoint
        );
    }
    let config = &context.config.evaluate;
    let seeds = (0..config.episodes as u64)
        .map(|i| context.seed.derive("held out", i))
        .collect();
    watch_policy(context, policy, folder, what, seeds, config.ticks)?;
    Ok(())
}

/// Examines the reward on the base policy's held-out episodes.
///
/// # Errors
/// When they cannot be read.
pub fn examine_reward(context: &Context) -> Result<()> {
    let notes = judged(context, BASE_FOLDER)?;
    let episodes = open_all(context, BASE_FOLDER, &notes)?;
    let learned = super::reward::load(context)?;
    let features = features(context, &episodes)?;
    let scores = Scores {
        episodes: score(context, &learned, &features)?,
    };
    let totals: Vec<f64> = scores.episodes.iter().map(|s| s.total).collect();
    let truth: Vec<f64> = notes
        .episodes
        .iter()
        .map(|e| hidden_utility(e, context.config.operator.prefers))
        .collect();
    let anchors = highest(&truth);
    let similarity = learned.model.similarities(&anchors, &features)?;
    let (accuracy, triplets) = triplet_accuracy(&truth, |anchor, other| similarity[anchor][other]);
    let (pair_accuracy_heldout, pairs) = pair_accuracy(&totals, &truth);
    let best = single_features(&episodes)
        .into_iter()
        .map(|(name, values)| {
            let near = |a: usize, other: usize| -(values[anchors[a]] - values[other]).abs();
            (name, triplet_accuracy(&truth, near).0)
        })
        .fold((String::new(), 0.0), |best, next| {
            if next.1 > best.1 { next } else { best }
        });
    let exam = RewardExam {
        spearman_heldout: spearman(&totals, &truth),
        triplet_accuracy_heldout: accuracy,
        triplets,
        pair_accuracy_heldout,
        pairs,
        majority: majority_baseline(&truth),
        best_single_feature: best,
    };
    context.dir.write(HELD_OUT_SCORES, &scores)?;
    context.dir.write(REWARD_EXAM, &exam)
}

/// Writes `run.rrd` anew, the aligned policy's first episodes after the rollouts.
///
/// # Errors
/// When an episode or score cannot be read, or the file cannot be written.
pub fn record_for_viewer(context: &Context) -> Result<()> {
    let scores: Scores = context.dir.read(SCORES)?;
    write_recording(context, Some(&scores.episodes), true)
}

/// Success and preference of a folder's episodes. Where nobody measured the outcome, success is the newest label a
/// person gave; episodes of which neither tells are left out of the success rate, and those whose outcome was not
/// measured out of the preference rate.
///
/// # Errors
/// When the labels cannot be read.
pub fn rates(context: &Context, notes: &Judged) -> Result<Rates> {
    let labels = SuccessLabels::read(context)?;
    let grasp = preferred_grasp(context.config.operator.prefers);
    let count = |of: &dyn Fn(&JudgedEpisode) -> bool| -> u64 {
        notes.episodes.iter().filter(|e| of(e)).count() as u64
    };
    let known = count(&|e| labels.success(e).is_some());
    let success = count(&|e| labels.success(e) == Some(true));
    let (picked, preferred) = (count(&|e| e.succeeded()), count(&|e| e.picked(grasp)));
    Ok(Rates {
        success: Proportion::new(success, known),
        preferred: Proportion::new(preferred, picked),
    })
}

/// One number an episode, each a guess at what a preference could hang on.
fn single_features(episodes: &[Episode]) -> Vec<(String, Vec<f64>)> {
    let last = |e: &Episode, i: usize| {
        e.ticks
            .last()
            .and_then(|t| t.proprioception.get(i))
            .map_or(0.0, |&v| f64::from(v))
    };
    let brightness = |e: &Episode, camera: usize| {
        let frame = e
            .ticks
            .last()
            .and_then(|t| t.observation.frames.get(camera));
        frame.map_or(0.0, |f| {
            let rgb = f.image.rgb();
            rgb.iter().map(|&v| f64::from(v)).sum::<f64>() / rgb.len().max(1) as f64
        })
    };
    let path = |e: &Episode| {
        e.ticks
            .windows(2)
            .map(|w| {
                let step = |i: usize| {
                    let at = |t: usize| w[t].proprioception.get(i).map_or(0.0, |&v| f64::from(v));
                    at(1) - at(0)
                };
                (step(0).powi(2) + step(1).powi(2) + step(2).powi(2)).sqrt()
            })
            .sum::<f64>()
    };
    let each = |name: &str, f: &dyn Fn(&Episode) -> f64| {
        (name.to_owned(), episodes.iter().map(f).collect())
    };
    vec![
        each("last finger opening", &|e| last(e, 9)),
        each("last tool height", &|e| last(e, 2)),
        each("last tool x", &|e| last(e, 0)),
        each("last tool y", &|e| last(e, 1)),
        each("last tool yaw (cosine)", &|e| last(e, 3)),
        each("tool path length", &path),
        each("last front picture's brightness", &|e| brightness(e, 0)),
        each("last wrist picture's brightness", &|e| brightness(e, 1)),
    ]
}
