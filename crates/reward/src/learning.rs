//! From judgements to a reward, with the judgements it did not see as its examiners.

use crate::folds::Folds;
use crate::{
    JudgedClips, LearnedReward, LearningReport, RewardConfig, RewardError, RewardLearner,
    permutation_test,
};
use apprentice_core::Seed;
use burn::tensor::Device;

/// Learns a reward: one model on all judgements of the kinds that the learner uses, and one a fold for the evidence and
/// the committee.
///
/// `watch` hears which share is done, 0 to 1, and stops the learning by `false`.
///
/// # Errors
/// When a setting cannot work, a judgement names an unknown episode, no judgement distinguishes its
/// episodes, or training fails or is stopped. A fold whose judgements distinguish nothing is passed over.
pub fn learn_reward(
    judged: &JudgedClips<'_>,
    config: &RewardConfig,
    seed: Seed,
    device: &Device,
    mut watch: impl FnMut(f64) -> bool,
) -> Result<LearnedReward, RewardError> {
    config.validate()?;
    let learner: &dyn RewardLearner = &*config.learner;
    let judged = judged.of_kinds(learner.uses());
    // All are checked before the first is learnt from.
    judged.orders()?;
    let folds = Folds::of(&judged, config.folds)?;
    let parts = (folds.count() + 1) as f64;
    let mut held_out = Vec::new();
    let mut committee = Vec::new();
    for fold in 0..folds.count() {
        let seen = judged.keeping(|i, _| folds.of_judgement(i) != fold);
        let seed = seed.derive("fold", fold as u64);
        let mut progress = |share: f64| watch((fold as f64 + share) / parts);
        let model = match learner.learn(&seen, seed, device, &mut progress) {
            Ok(trained) => trained.model,
            Err(RewardError::NothingPreferred(_)) => continue,
            Err(error) => return Err(error),
        };
        let kept_back = judged.keeping(|i, j| folds.of_judgement(i) == fold && judged.examines(j));
        for order in kept_back.orders()? {
            let places = order.places;
            let scores: Result<Vec<f64>, _> = places
                .iter()
                .map(|&(clip, _)| model.score(&judged.clips[clip]).map(|s| s.total))
                .collect();
            held_out.push((scores?, places.iter().map(|r| r.1).collect()));
        }
        committee.push(model);
    }
    let evidence = permutation_test(
        &held_out,
        config.permutations,
        seed.derive("permutations", 0),
    );
    let mut progress = |share: f64| watch((folds.count() as f64 + share) / parts);
    let trained = learner.learn(&judged, seed.derive("all", 0), device, &mut progress)?;
    Ok(LearnedReward {
        learner: config.learner.name().to_owned(),
        model: trained.model,
        committee,
        evidence,
        report: LearningReport {
            folds_share_clips: !folds.are_disjoint(),
            ..trained.report
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Learner;
    use crate::learners::optimal_transport::{
        AlignmentConfig, OptimalTransport, PreferredRule, Ties,
    };
    use apprentice_encoder::FeatureClip;
    use apprentice_episode::EpisodeId;
    use apprentice_preference::Judgement;
    use std::collections::BTreeMap;

    /// Twelve clips whose first feature is what the operator looks at: high for the even ones.
    fn clips() -> Vec<FeatureClip> {
        let clip = |i: usize| {
            let values = (0..3 * 4).map(|k| match (k % 4, i % 2) {
                (0, 0) => 1.0,
                (0, _) => -1.0,
                _ => ((i * 5 + k * 3) % 7) as f32 / 4.0 - 0.75,
            });
            FeatureClip::vision(4, values.collect())
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
        config: &RewardConfig,
        watch: impl FnMut(f64) -> bool,
    ) -> Result<LearnedReward, RewardError> {
        let (clips, index) = (clips(), index());
        let judged = JudgedClips::new(&clips, &index, judgements);
        learn_reward(&judged, config, Seed(1), &Device::flex(), watch)
    }

    fn short(change: impl FnOnce(&mut OptimalTransport)) -> RewardConfig {
        let alignment = AlignmentConfig {
            embedding: 4,
            epochs: 20,
            learning_rate: 3e-2,
            ..AlignmentConfig::default()
        };
        let mut learner = OptimalTransport {
            preferred: 3,
            alignment,
            ..OptimalTransport::default()
        };
        change(&mut learner);
        RewardConfig {
            folds: 3,
            permutations: 199,
            learner: Learner::OptimalTransport(learner),
            ..RewardConfig::default()
        }
    }

    #[test]
    fn the_reward_orders_clips_as_the_operator_did() {
        let config = short(|_| ());
        let learned = learnt(&judgements(), &config, |_| true).unwrap();
        assert!(
            learned.report.preferred.len() == 3
                && learned.report.preferred.iter().all(|i| i % 2 == 0)
        );
        assert_eq!(
            (learned.report.comparisons, learned.committee.len()),
            // Rankings share clips in two rounds, which stay together.
            (6 * 4, 2)
        );
        assert!(learned.evidence.accuracy > 0.9, "{:?}", learned.evidence);
        let scores = learned.score_all(&clips()).unwrap();
        let of = |parity: usize| scores.iter().skip(parity).step_by(2).map(|s| s.total);
        let worst_liked = of(0).fold(f64::INFINITY, f64::min);
        let best_disliked = of(1).fold(f64::NEG_INFINITY, f64::max);
        assert!(worst_liked > best_disliked, "{worst_liked} {best_disliked}");
    }

    #[test]
    fn a_wish_that_changed_is_learnt_and_examined_by_what_is_said_now() {
        let config = short(|_| ());
        // The old ones prefer even clips, the new ones odd ones.
        let old = judgements().into_iter().map(|j| Judgement {
            confidence: 0.5,
            ..j
        });
        let new: Vec<Judgement> = judgements()
            .iter()
            .map(|j| {
                let mut tiers: Vec<Vec<EpisodeId>> = (j.episode_tiers().unwrap().iter())
                    .map(|tier| tier.iter().map(|&id| id.clone()).collect())
                    .collect();
                tiers.reverse();
                Judgement::ranking(9, "ann", 1.0, tiers, None)
            })
            .collect();
        let examiners = new.iter().map(|j| j.id.clone()).collect();
        let said: Vec<Judgement> = old.chain(new).collect();
        let (clips, index) = (clips(), index());
        let all = JudgedClips::new(&clips, &index, &said);
        let learn = |judged: &JudgedClips<'_>| {
            learn_reward(judged, &config, Seed(1), &Device::flex(), |_| true).unwrap()
        };
        let learned = learn(&JudgedClips {
            examiners: Some(&examiners),
            ..all.clone()
        });
        assert!(learned.report.preferred.iter().all(|i| i % 2 == 1));
        assert!(learned.evidence.accuracy > 0.9, "{:?}", learned.evidence);
        // Examined by all, half of which say the opposite, it would pass for a guess.
        let by_all = learn(&all).evidence;
        assert!(by_all.accuracy < 0.6, "{by_all:?}");
        assert!(by_all.pairs > learned.evidence.pairs);
    }

    #[test]
    fn what_stops_one_fold_stops_everything() {
        let config = short(|_| ());
        // `false` only in the first of four parts.
        let stopped = learnt(&judgements(), &config, |share| share > 0.25);
        assert!(matches!(stopped, Err(RewardError::Stopped)));
        let broken = short(|l| l.alignment.learning_rate = 1e38);
        assert!(learnt(&judgements(), &broken, |_| true).is_err());
    }

    #[test]
    fn a_fold_that_says_nothing_is_passed_over() {
        let config = short(|_| ());
        let all_tied = |ids: [usize; 3]| {
            let place = ids.iter().map(|i| i.to_string().into()).collect();
            Judgement::ranking(9, "ann", 1.0, vec![place], None)
        };
        // Without the first ranking, the others say nothing.
        let mut few = judgements()[..1].to_vec();
        few.extend([all_tied([0, 1, 2]), all_tied([3, 4, 5])]);
        let learned = learnt(&few, &config, |_| true).unwrap();
        assert_eq!(learned.committee.len(), 2);
        let nothing = learnt(&few[1..], &config, |_| true);
        assert!(matches!(nothing, Err(RewardError::NothingPreferred(2))));
    }

    #[test]
    fn settings_reach_the_reward() {
        let mut config = short(|l| {
            l.alignment.ties = Ties::Equal;
            l.preferred_rule = PreferredRule::First;
            l.scoring.epsilon = 0.7;
        });
        let learned = learnt(&judgements(), &config, |_| true).unwrap();
        assert_eq!(learned.report.preferred, [0, 4, 2]);
        // Besides the four of each ranking, its two disliked seen from either liked one.
        assert_eq!(learned.report.comparisons, 6 * (4 + 2));
        let stored = learned.model.save().unwrap();
        assert_eq!(stored["transport"]["epsilon"], 0.7);
        config.folds = 0;
        let refused = learnt(&judgements(), &config, |_| true).unwrap_err();
        assert!(refused.to_string().contains("reward.folds is 0"));
    }
}
