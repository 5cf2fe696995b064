//! From rankings to a reward, with the rankings it did not see as its examiners.

use crate::rankings::{RankedClips, Ranking, comparisons};
use crate::{Evidence, RewardConfig, RewardModel, permutation_test, preferred};
use apprentice_core::Seed;
use apprentice_encoder::{AlignmentConfig, EncoderError, FeatureClip, Relation, align};
use apprentice_preference::PreferenceError;
use apprentice_transport::TransportError;
use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use thiserror::Error;

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
    /// A setting that cannot work.
    #[error("reward setting {key} is {got}, allowed: {allowed}; change it in the configuration")]
    Config {
        /// Which setting.
        key: &'static str,
        /// Its value.
        got: String,
        /// What would do.
        allowed: String,
    },
    /// A judgement that cannot be learnt from.
    #[error(transparent)]
    Preference(#[from] PreferenceError),
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
/// `watch` hears which share is done, 0 to 1, and stops the learning by `false`.
///
/// # Errors
/// When a setting cannot work, a judgement names an unknown episode, no ranking distinguishes its
/// episodes, or training fails or is stopped. A fold whose rankings distinguish nothing is passed over.
pub fn learn(
    ranked: &RankedClips<'_>,
    alignment: &AlignmentConfig,
    config: &RewardConfig,
    seed: Seed,
    device: &Device,
    mut watch: impl FnMut(f64) -> bool,
) -> Result<Learned, RewardError> {
    config.validate()?;
    let rankings = ranked.rankings()?;
    let folds = config.folds.min(rankings.len().max(2));
    let parts = (folds + 1) as f64;
    let mut held_out = Vec::new();
    let mut committee = Vec::new();
    for fold in 0..folds {
        let seen: Vec<&Ranking<'_>> = every(&rankings, |i| i % folds != fold);
        let mut progress =
            |done: usize, all: usize| watch((fold as f64 + done as f64 / all as f64) / parts);
        let part = match one(
            ranked.clips,
            &seen,
            alignment,
            config,
            seed.derive("fold", fold as u64),
            device,
            &mut progress,
        ) {
            Ok(part) => part,
            Err(RewardError::NothingPreferred(_)) => continue,
            Err(error) => return Err(error),
        };
        for ranking in every(&rankings, |i| i % folds == fold) {
            let scores: Result<Vec<f64>, _> = ranking
                .places
                .iter()
                .map(|&(clip, _)| part.model.score(&ranked.clips[clip]).map(|s| s.total))
                .collect();
            held_out.push((scores?, ranking.places.iter().map(|r| r.1).collect()));
        }
        committee.push(part.model);
    }
    let evidence = permutation_test(
        &held_out,
        config.permutations,
        seed.derive("permutations", 0),
    );
    let all: Vec<&Ranking<'_>> = rankings.iter().collect();
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

fn every<'r, 'j>(
    rankings: &'r [Ranking<'j>],
    keep: impl Fn(usize) -> bool,
) -> Vec<&'r Ranking<'j>> {
    let kept = rankings.iter().enumerate().filter(|(i, _)| keep(*i));
    kept.map(|(_, r)| r).collect()
}

/// A model from `rankings` alone, its evidence still empty.
fn one(
    clips: &[FeatureClip],
    rankings: &[&Ranking<'_>],
    alignment: &AlignmentConfig,
    config: &RewardConfig,
    seed: Seed,
    device: &Device,
    watch: &mut dyn FnMut(usize, usize) -> bool,
) -> Result<Learned, RewardError> {
    let (metric, transport, transform) = config.scoring(alignment)?;
    let comparisons = comparisons(rankings, alignment.ties);
    if !comparisons.iter().any(|c| c.relation == Relation::Closer) {
        return Err(RewardError::NothingPreferred(rankings.len()));
    }
    let (head, report) = align(clips, &comparisons, alignment, seed, device, watch)?;
    let preferred = preferred::choose(
        clips,
        rankings,
        &head,
        (metric, &transport),
        (config.preferred_rule, config.preferred),
    )?;
    let model = RewardModel {
        preferred: preferred.iter().map(|&i| head.embed(&clips[i])).collect(),
        head,
        metric,
        transport,
        transform,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PreferredRule;
    use apprentice_encoder::Ties;
    use apprentice_episode::EpisodeId;
    use apprentice_preference::Judgement;
    use std::collections::BTreeMap;

    /// Twelve clips whose first feature is what the operator looks at: high for the even ones.
    fn clips() -> Vec<FeatureClip> {
        let clip = |i: usize| FeatureClip {
            dim: 4,
            values: (0..3 * 4)
                .map(|k| match (k % 4, i % 2) {
                    (0, 0) => 1.0,
                    (0, _) => -1.0,
                    _ => ((i * 5 + k * 3) % 7) as f32 / 4.0 - 0.75,
                })
                .collect(),
        };
        (0..12).map(clip).collect()
    }

    fn index() -> BTreeMap<EpisodeId, usize> {
        (0..12)
            .map(|i| (EpisodeId::new(i.to_string()), i))
            .collect()
    }

    /// Six rankings of two even clips above two odd ones.
    fn judgements() -> Vec<Judgement> {
        let ranking = |r: usize| {
            let place = |first: usize| -> Vec<EpisodeId> {
                let clips = [(first + 2 * r) % 12, (first + 2 * r + 4) % 12];
                clips.iter().map(|c| c.to_string().into()).collect()
            };
            Judgement::ranking(r as u64, "ann", 1.0, vec![place(0), place(1)], None)
        };
        (0..6).map(ranking).collect()
    }

    fn learnt(
        judgements: &[Judgement],
        alignment: &AlignmentConfig,
        config: &RewardConfig,
        watch: impl FnMut(f64) -> bool,
    ) -> Result<Learned, RewardError> {
        let (clips, index) = (clips(), index());
        let ranked = RankedClips {
            clips: &clips,
            index: &index,
            judgements,
        };
        learn(&ranked, alignment, config, Seed(1), &Device::flex(), watch)
    }

    fn short() -> (AlignmentConfig, RewardConfig) {
        let alignment = AlignmentConfig {
            embedding: 4,
            epochs: 20,
            learning_rate: 3e-2,
            ..AlignmentConfig::default()
        };
        let config = RewardConfig {
            preferred: 3,
            folds: 3,
            permutations: 199,
            ..RewardConfig::default()
        };
        (alignment, config)
    }

    #[test]
    fn the_reward_orders_clips_as_the_operator_did() {
        let (alignment, config) = short();
        let learned = learnt(&judgements(), &alignment, &config, |_| true).unwrap();
        assert!(learned.preferred.len() == 3 && learned.preferred.iter().all(|i| i % 2 == 0));
        assert_eq!(
            (learned.comparisons, learned.model.committee.len()),
            (6 * 4, 3)
        );
        assert!(learned.evidence.accuracy > 0.9, "{:?}", learned.evidence);
        let scores = learned.model.score_all(&clips()).unwrap();
        let of = |parity: usize| scores.iter().skip(parity).step_by(2).map(|s| s.total);
        let worst_liked = of(0).fold(f64::INFINITY, f64::min);
        let best_disliked = of(1).fold(f64::NEG_INFINITY, f64::max);
        assert!(worst_liked > best_disliked, "{worst_liked} {best_disliked}");
    }

    #[test]
    fn what_stops_one_fold_stops_everything() {
        let (alignment, config) = short();
        // `false` only in the first of four parts.
        let stopped = learnt(&judgements(), &alignment, &config, |share| share > 0.25);
        assert!(matches!(
            stopped,
            Err(RewardError::Encoder(EncoderError::Stopped))
        ));
        let broken = AlignmentConfig {
            learning_rate: 1e38,
            ..alignment
        };
        assert!(learnt(&judgements(), &broken, &config, |_| true).is_err());
    }

    #[test]
    fn a_fold_that_says_nothing_is_passed_over() {
        let (alignment, config) = short();
        let all_tied = |ids: [usize; 3]| {
            let place = ids.iter().map(|i| i.to_string().into()).collect();
            Judgement::ranking(9, "ann", 1.0, vec![place], None)
        };
        // Without the first ranking, the others say nothing.
        let mut few = judgements()[..1].to_vec();
        few.extend([all_tied([0, 1, 2]), all_tied([3, 4, 5])]);
        let learned = learnt(&few, &alignment, &config, |_| true).unwrap();
        assert_eq!(learned.model.committee.len(), 2);
        let nothing = learnt(&few[1..], &alignment, &config, |_| true);
        assert!(matches!(nothing, Err(RewardError::NothingPreferred(2))));
    }

    #[test]
    fn settings_reach_the_reward() {
        let (mut alignment, mut config) = short();
        alignment.ties = Ties::Equal;
        config.preferred_rule = PreferredRule::First;
        config.transport.epsilon = 0.7;
        let learned = learnt(&judgements(), &alignment, &config, |_| true).unwrap();
        assert_eq!(learned.preferred, [0, 4, 2]);
        // Besides the four of each ranking, its two disliked seen from either liked one.
        assert_eq!(learned.comparisons, 6 * (4 + 2));
        assert_eq!(learned.model.transport.epsilon, 0.7);
        config.folds = 0;
        let refused = learnt(&judgements(), &alignment, &config, |_| true).unwrap_err();
        assert!(refused.to_string().contains("reward.folds is 0"));
    }
}
