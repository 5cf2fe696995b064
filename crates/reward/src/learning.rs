//! From rankings to a reward, with the rankings it did not see as its examiners.

use crate::{Evidence, RewardModel, permutation_test};
use apprentice_core::Seed;
use apprentice_encoder::{
    AlignmentConfig, AlignmentHead, Comparison, EncoderError, FeatureClip, align,
};
use apprentice_transport::{CostMatrix, TransportError, sinkhorn};
use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// How a reward is learnt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RewardConfig {
    /// Preferred videos that others are compared with.
    pub preferred: usize,
    /// Parts the rankings are divided into; each part is judged by a model that has not seen it.
    pub folds: usize,
    /// Shuffles of the permutation test.
    pub permutations: usize,
    /// Largest chance of a fluke at which the rankings count as evidence.
    pub significance: f64,
}

impl Default for RewardConfig {
    fn default() -> Self {
        Self {
            preferred: 6,
            folds: 4,
            permutations: 1999,
            significance: 0.01,
        }
    }
}

/// Ranked clips: for each ranking, (index into the clips, tier with 0 the best) of its episodes.
#[derive(Clone, Debug)]
pub struct RankedClips<'a> {
    /// Features of every clip that is ranked.
    pub clips: &'a [FeatureClip],
    /// The rankings.
    pub rankings: Vec<Vec<(usize, usize)>>,
}

/// A reward and what is known of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Learned {
    /// The reward, learnt from all rankings.
    pub model: RewardModel,
    /// What the rankings kept back say of it.
    pub evidence: Evidence,
    /// Clips chosen as preferred.
    pub preferred: Vec<usize>,
    /// Comparisons the rankings gave.
    pub comparisons: usize,
    /// Mean training loss of each epoch.
    pub training_loss: Vec<f64>,
    /// Validation loss of each epoch.
    pub validation_loss: Vec<f64>,
}

/// What can go wrong.
#[derive(Debug, Error)]
pub enum RewardError {
    /// The encoder could not be aligned.
    #[error(transparent)]
    Encoder(#[from] EncoderError),
    /// A video could not be scored.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// No episode was ever put above another.
    #[error("{0} rankings put no episode above another; rank episodes that differ")]
    NothingPreferred(usize),
}

/// Learns a reward: one model on all rankings, and one a fold for the evidence and the committee.
///
/// # Errors
/// When no ranking distinguishes its episodes, or training fails.
pub fn learn(
    ranked: &RankedClips<'_>,
    alignment: &AlignmentConfig,
    config: &RewardConfig,
    seed: Seed,
    device: &Device,
    mut watch: impl FnMut(f64) -> bool,
) -> Result<Learned, RewardError> {
    let folds = config.folds.clamp(2, ranked.rankings.len().max(2));
    let parts = (folds + 1) as f64;
    let mut held_out = Vec::new();
    let mut committee = Vec::new();
    for fold in 0..folds {
        let seen: Vec<&Vec<(usize, usize)>> = every(&ranked.rankings, |i| i % folds != fold);
        let mut progress =
            |done: usize, all: usize| watch((fold as f64 + done as f64 / all as f64) / parts);
        let Ok(part) = one(
            ranked.clips,
            &seen,
            alignment,
            config,
            seed.derive("fold", fold as u64),
            device,
            &mut progress,
        ) else {
            continue;
        };
        for ranking in every(&ranked.rankings, |i| i % folds == fold) {
            let scores: Result<Vec<f64>, _> = ranking
                .iter()
                .map(|&(clip, _)| part.model.score(&ranked.clips[clip]).map(|s| s.total))
                .collect();
            held_out.push((scores?, ranking.iter().map(|r| r.1).collect()));
        }
        committee.push(part.model);
    }
    let evidence = permutation_test(
        &held_out,
        config.permutations,
        seed.derive("permutations", 0),
    );
    let all: Vec<&Vec<(usize, usize)>> = ranked.rankings.iter().collect();
    let mut progress =
        |done: usize, all: usize| watch((folds as f64 + done as f64 / all as f64) / parts);
    let mut learned = one(
        ranked.clips,
        &all,
        alignment,
        config,
        seed.derive("all", 0),
        device,
        &mut progress,
    )?;
    learned.model.committee = committee;
    learned.evidence = evidence;
    Ok(learned)
}

fn every(
    rankings: &[Vec<(usize, usize)>],
    keep: impl Fn(usize) -> bool,
) -> Vec<&Vec<(usize, usize)>> {
    rankings
        .iter()
        .enumerate()
        .filter(|(i, _)| keep(*i))
        .map(|(_, r)| r)
        .collect()
}

/// A model from `rankings` alone, its evidence still empty.
fn one(
    clips: &[FeatureClip],
    rankings: &[&Vec<(usize, usize)>],
    alignment: &AlignmentConfig,
    config: &RewardConfig,
    seed: Seed,
    device: &Device,
    watch: &mut dyn FnMut(usize, usize) -> bool,
) -> Result<Learned, RewardError> {
    let comparisons = comparisons(rankings);
    if comparisons.is_empty() {
        return Err(RewardError::NothingPreferred(rankings.len()));
    }
    let (head, report) = align(clips, &comparisons, alignment, seed, device, watch)?;
    let preferred = choose_preferred(clips, rankings, &head, alignment, config.preferred)?;
    let model = RewardModel {
        preferred: preferred.iter().map(|&i| head.embed(&clips[i])).collect(),
        head,
        metric: alignment.metric,
        transport: alignment.transport,
        committee: Vec::new(),
    };
    Ok(Learned {
        model,
        evidence: Evidence {
            accuracy: 0.5,
            pairs: 0,
            p_value: 1.0,
        },
        preferred,
        comparisons: comparisons.len(),
        training_loss: report.training_loss,
        validation_loss: report.validation_loss,
    })
}

/// Every (anchor, closer, farther) a ranking states: the anchor is at least as good as the closer
/// one, which is better than the farther one. In a ranking without such a trio (one best, the rest
/// tied below), nothing is compared: who is like whom was not said.
#[must_use]
pub fn comparisons(rankings: &[&Vec<(usize, usize)>]) -> Vec<Comparison> {
    let mut all = Vec::new();
    for ranking in rankings {
        for &(anchor, a) in *ranking {
            for &(closer, c) in *ranking {
                for &(farther, f) in *ranking {
                    if anchor != closer && a <= c && c < f {
                        all.push(Comparison {
                            anchor,
                            closer,
                            farther,
                        });
                    }
                }
            }
        }
    }
    all
}

/// The best-ranked clips that stand closest to the other best-ranked ones and farthest from the
/// worst-ranked: a wrong ranking's "best" stands alone and is passed over.
fn choose_preferred(
    clips: &[FeatureClip],
    rankings: &[&Vec<(usize, usize)>],
    head: &AlignmentHead,
    alignment: &AlignmentConfig,
    count: usize,
) -> Result<Vec<usize>, RewardError> {
    let (mut best, mut worst) = (Vec::new(), Vec::new());
    for ranking in rankings {
        let top = ranking.iter().map(|r| r.1).min();
        let bottom = ranking.iter().map(|r| r.1).max();
        if top == bottom {
            continue;
        }
        for &(clip, tier) in *ranking {
            if Some(tier) == top && !best.contains(&clip) {
                best.push(clip);
            } else if Some(tier) == bottom && !worst.contains(&clip) {
                worst.push(clip);
            }
        }
    }
    let embedded =
        |list: &[usize]| -> Vec<Vec<f32>> { list.iter().map(|&i| head.embed(&clips[i])).collect() };
    let (best_space, worst_space) = (embedded(&best), embedded(&worst));
    let mean_cost = |from: &Vec<f32>, to: &[Vec<f32>]| -> Result<f64, TransportError> {
        let mut total = 0.0;
        for other in to {
            let cost = CostMatrix::between(from, other, head.output, alignment.metric);
            total += sinkhorn(&cost, &alignment.transport)?.cost(&cost);
        }
        Ok(total / to.len().max(1) as f64)
    };
    let mut scored = Vec::with_capacity(best.len());
    for (&clip, space) in best.iter().zip(&best_space) {
        scored.push((
            mean_cost(space, &worst_space)? - mean_cost(space, &best_space)?,
            clip,
        ));
    }
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let chosen: Vec<usize> = scored.into_iter().take(count.max(1)).map(|s| s.1).collect();
    if chosen.is_empty() {
        Err(RewardError::NothingPreferred(rankings.len()))
    } else {
        Ok(chosen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ranking_gives_every_trio_it_states_and_no_other() {
        let ranking = vec![(10, 0), (11, 1), (12, 2)];
        assert_eq!(
            comparisons(&[&ranking]),
            [Comparison {
                anchor: 10,
                closer: 11,
                farther: 12
            }]
        );
        let tied = vec![(10, 0), (11, 0), (12, 1), (13, 1)];
        assert_eq!(comparisons(&[&tied]).len(), 4);
        assert!(comparisons(&[&vec![(1, 0), (2, 1), (3, 1)]]).is_empty());
    }
}
