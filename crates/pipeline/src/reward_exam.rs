//! The reward's examination: on episodes it never saw, beside answers that need no learning.

use crate::context::Context;
use crate::layout::{BASE_EVALUATION, HELD_OUT_SCORES, REWARD_EXAM};
use crate::outcomes::{open_all, read_outcomes};
use crate::preference::Preference;
use crate::scores::{Scores, features, read_reward, score};
use anyhow::Result;
use apprentice_episode::Episode;
use apprentice_reward::{highest, majority_baseline, pair_accuracy, spearman, triplet_accuracy};
use serde::{Deserialize, Serialize};

/// How well the reward agrees with the hidden preference on held-out episodes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RewardExam {
    /// Rank correlation of reward and hidden utility.
    pub spearman_heldout: f64,
    /// Share of triplets (anchor, better, worse) in which the anchor, an episode of the highest utility, is
    /// more similar to the better one, as the reward sees it.
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

/// Examines the reward on the base policy's held-out episodes.
///
/// # Errors
/// When they cannot be read.
pub fn examine_reward(context: &Context) -> Result<()> {
    let notes = read_outcomes(context, BASE_EVALUATION)?;
    let episodes = open_all(context, BASE_EVALUATION, &notes)?;
    let learned = read_reward(context)?;
    let features = features(context, &episodes)?;
    let scores = Scores {
        episodes: score(context, &learned, &features)?,
    };
    let totals: Vec<f64> = scores.episodes.iter().map(|s| s.total).collect();
    let preference = Preference::of(&context.config)?;
    let truth: Vec<f64> = notes
        .episodes
        .iter()
        .map(|e| preference.utility(e))
        .collect::<Result<_>>()?;
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
