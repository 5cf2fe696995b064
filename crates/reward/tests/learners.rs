//! What every reward learner of the registry must do. A new one is tested without another line.

// A test may stop where something is wrong.
#![allow(clippy::unwrap_used)]

use apprentice_core::Seed;
use apprentice_encoder::FeatureClip;
use apprentice_episode::EpisodeId;
use apprentice_preference::{Answer, Item, Judgement, Scale};
use apprentice_reward::{
    JudgedClips, LearnedReward, Learner, RewardConfig, RewardError, RewardModel, learn_reward,
    spearman,
};
use burn::tensor::Device;
use rand::Rng as _;
use rand::seq::SliceRandom as _;
use std::collections::BTreeMap;

const CLIPS: usize = 24;
const WIDTH: usize = 5;
const FRAMES: usize = 4;

/// Clips among whose features the first is what a person goes by, and how good each is.
fn planted() -> (Vec<FeatureClip>, Vec<f64>) {
    let mut rng = Seed(5).rng();
    let good: Vec<f64> = (0..CLIPS)
        .map(|i| i as f64 / (CLIPS - 1) as f64 * 2.0 - 1.0)
        .collect();
    let clip = |&good: &f64| {
        let values = (0..FRAMES * WIDTH).map(|k| match k % WIDTH {
            0 => good as f32 + 0.1 * rng.random_range(-1.0f32..1.0),
            _ => rng.random_range(-1.0f32..1.0),
        });
        FeatureClip::vision(WIDTH, values.collect())
    };
    (good.iter().map(clip).collect(), good)
}

fn id(clip: usize) -> EpisodeId {
    EpisodeId::new(format!("episode {clip}"))
}

fn index(order: &[usize]) -> BTreeMap<EpisodeId, usize> {
    order
        .iter()
        .enumerate()
        .map(|(at, &clip)| (id(clip), at))
        .collect()
}

/// Judgements of a kind; each asks `good` anew how good the clips are.
fn judgements(kind: &str, good: &mut dyn FnMut() -> Vec<f64>) -> Vec<Judgement> {
    let mut rng = Seed(6).rng();
    let mut some = |count: usize| {
        let mut all: Vec<usize> = (0..CLIPS).collect();
        all.shuffle(&mut rng);
        all.truncate(count);
        all
    };
    let whole = |clip: usize| Item::whole(id(clip));
    let mut answer = |number: usize| {
        let good = good();
        match kind {
            "ranking" => {
                let mut chosen = some(4);
                chosen.sort_by(|a, b| good[*b].total_cmp(&good[*a]));
                Answer::ranking(chosen.into_iter().map(|clip| vec![id(clip)]))
            }
            "rating" => Answer::Rating {
                item: whole(number % CLIPS),
                value: 3.0 + 2.0 * good[number % CLIPS],
                scale: Scale {
                    low: 1.0,
                    high: 5.0,
                },
            },
            "flag" => Answer::Flag {
                item: whole(number % CLIPS),
                yes: good[number % CLIPS] > 0.0,
            },
            "similarity" => {
                let chosen = some(3);
                let far = |clip: usize| (good[clip] - good[chosen[0]]).abs();
                let (mut nearer, mut farther) = (chosen[1], chosen[2]);
                if far(nearer) > far(farther) {
                    (nearer, farther) = (farther, nearer);
                }
                let (anchor, nearer, farther) = (whole(chosen[0]), whole(nearer), whole(farther));
                Answer::Similarity {
                    anchor,
                    nearer,
                    farther,
                }
            }
            _ => panic!("this suite makes no judgements of the kind {kind} yet; add how it does"),
        }
    };
    let judgement = |number| Judgement::new(number as u64, "ann", answer(number));
    (0..CLIPS).map(judgement).collect()
}

/// Judgements of every kind that the learner uses.
fn all_kinds(learner: &Learner, mut good: impl FnMut() -> Vec<f64>) -> Vec<Judgement> {
    let kinds = learner.uses();
    assert!(!kinds.is_empty(), "{} learns from nothing", learner.name());
    let all = kinds.iter().flat_map(|kind| judgements(kind, &mut good));
    all.collect()
}

fn learnt(
    learner: &Learner,
    clips: &[FeatureClip],
    index: &BTreeMap<EpisodeId, usize>,
    judgements: &[Judgement],
) -> LearnedReward {
    let config = RewardConfig {
        learner: learner.clone(),
        permutations: 199,
        ..RewardConfig::default()
    };
    let judged = JudgedClips::new(clips, index, judgements);
    learn_reward(&judged, &config, Seed(7), &Device::flex(), |_| true).unwrap()
}

fn totals(model: &dyn RewardModel, clips: &[FeatureClip]) -> Vec<f64> {
    let scores = model.score_all(clips).unwrap();
    scores.iter().map(|s| s.total).collect()
}

#[test]
fn a_planted_signal_is_found_and_every_score_is_sound() {
    let (clips, good) = planted();
    let order: Vec<usize> = (0..CLIPS).collect();
    for learner in Learner::all() {
        let name = learner.name();
        let reward = learnt(
            &learner,
            &clips,
            &index(&order),
            &all_kinds(&learner, || good.clone()),
        );
        println!("tried the reward learner {name}");
        let agreement = spearman(&totals(&*reward.model, &clips), &good);
        assert!(agreement > 0.7, "{name}: {agreement}");
        let evidence = reward.evidence;
        // Similarities alone state no order that evidence could be found in.
        assert!(
            learner.uses() == ["similarity"]
                || evidence.accuracy > 0.75 && evidence.p_value <= 0.01,
            "{name}: {evidence:?}"
        );
        for score in reward.score_all(&clips).unwrap() {
            assert_eq!(score.per_frame.len(), FRAMES, "{name}");
            let sum: f64 = score.per_frame.iter().sum();
            assert!(
                (sum - score.total).abs() < 1e-9 * sum.abs().max(1.0),
                "{name}"
            );
            assert!(
                score.uncertainty.is_finite() && score.uncertainty >= 0.0,
                "{name}"
            );
        }
    }
}

#[test]
fn shuffled_labels_come_to_chance() {
    let (clips, good) = planted();
    let order: Vec<usize> = (0..CLIPS).collect();
    for learner in Learner::all() {
        let mut accuracy = 0.0;
        for seed in 0..3 {
            // Each judgement by another order, so that nothing holds from one to the next.
            let mut rng = Seed(20 + seed).rng();
            let said = all_kinds(&learner, || {
                let mut shuffled = good.clone();
                shuffled.shuffle(&mut rng);
                shuffled
            });
            let reward = learnt(&learner, &clips, &index(&order), &said);
            accuracy += reward.evidence.accuracy / 3.0;
        }
        let name = learner.name();
        assert!((accuracy - 0.5).abs() < 0.15, "{name}: {accuracy}");
    }
}

#[test]
fn the_order_of_clips_and_of_judgements_does_not_matter() {
    let (clips, good) = planted();
    let order: Vec<usize> = (0..CLIPS).collect();
    let mut other = order.clone();
    other.shuffle(&mut Seed(8).rng());
    let moved: Vec<FeatureClip> = other.iter().map(|&clip| clips[clip].clone()).collect();
    for learner in Learner::all() {
        let said = all_kinds(&learner, || good.clone());
        let mut said_otherwise = said.clone();
        said_otherwise.shuffle(&mut Seed(9).rng());
        let one = learnt(&learner, &clips, &index(&order), &said);
        let two = learnt(&learner, &moved, &index(&other), &said_otherwise);
        // Steps of a stochastic optimiser may differ; what clips are worth may not.
        let agreement = spearman(&totals(&*one.model, &clips), &totals(&*two.model, &clips));
        assert!(agreement > 0.9, "{}: {agreement}", learner.name());
        let same = learnt(&learner, &clips, &index(&order), &said);
        assert_eq!(
            totals(&*one.model, &clips),
            totals(&*same.model, &clips),
            "{}: the same seed, another model",
            learner.name()
        );
    }
}

#[test]
fn a_model_is_read_as_it_was_saved() {
    let (clips, good) = planted();
    let order: Vec<usize> = (0..CLIPS).collect();
    for learner in Learner::all() {
        let name = learner.name();
        let reward = learnt(
            &learner,
            &clips,
            &index(&order),
            &all_kinds(&learner, || good.clone()),
        );
        let text = serde_json::to_string(&reward.store().unwrap()).unwrap();
        let stored: apprentice_reward::StoredReward = serde_json::from_str(&text).unwrap();
        let again = stored.load().unwrap();
        assert_eq!(again.learner, name);
        let before = reward.score_all(&clips).unwrap();
        // As exact as numbers are in JSON.
        for (before, after) in before.iter().zip(again.score_all(&clips).unwrap()) {
            let close = |a: f64, b: f64| (a - b).abs() <= 1e-12 * a.abs().max(1.0);
            assert!(
                close(before.total, after.total),
                "{name}: {before:?} {after:?}"
            );
            assert!(close(before.uncertainty, after.uncertainty), "{name}");
            assert_eq!(before.closest, after.closest, "{name}");
        }
        assert!(
            learner.load(serde_json::json!({"no": "model"})).is_err(),
            "{name}"
        );
    }
}

#[test]
fn what_cannot_be_scored_or_learnt_from_is_refused() {
    let (clips, good) = planted();
    let order: Vec<usize> = (0..CLIPS).collect();
    for learner in Learner::all() {
        let name = learner.name();
        let reward = learnt(
            &learner,
            &clips,
            &index(&order),
            &all_kinds(&learner, || good.clone()),
        );
        let other = FeatureClip::vision(WIDTH + 1, vec![0.0; (WIDTH + 1) * FRAMES]);
        let refused = reward.model.score(&other).unwrap_err();
        assert!(
            matches!(refused, RewardError::Width { got: 6, wanted: 5 }),
            "{name}: {refused}"
        );
        let empty = FeatureClip::vision(WIDTH, Vec::new());
        assert!(reward.model.score(&empty).is_err(), "{name}");
        let (index, nothing) = (index(&order), Vec::new());
        let judged = JudgedClips::new(&clips, &index, &nothing);
        let none = learner.learn(&judged, Seed(1), &Device::flex(), &mut |_| true);
        assert!(
            matches!(none, Err(RewardError::NothingPreferred(0))),
            "{name}"
        );
        let said = all_kinds(&learner, || good.clone());
        let judged = JudgedClips::new(&clips, &index, &said);
        let stopped = learner.learn(&judged, Seed(1), &Device::flex(), &mut |_| false);
        assert!(matches!(stopped, Err(RewardError::Stopped)), "{name}");
    }
}

#[test]
fn settings_are_read_as_they_are_written_and_unknown_ones_refused() {
    for learner in Learner::all() {
        learner.validate().unwrap();
        let mut value = serde_json::to_value(&learner).unwrap();
        let again: Learner = serde_json::from_value(value.clone()).unwrap();
        assert_eq!(again, learner);
        value["no_such_setting"] = 1.into();
        let refused = serde_json::from_value::<Learner>(value).unwrap_err();
        assert!(refused.to_string().contains("no_such_setting"), "{refused}");
    }
}
