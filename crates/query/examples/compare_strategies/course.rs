//! One operator, one strategy, until the seconds are over.

use crate::world::{POOL, World};
use apprentice_episode::EpisodeId;
use apprentice_optimal_transport::{Metric, SinkhornConfig};
use apprentice_preference::Judgement;
use apprentice_query::{
    Advice, AnswerTime, Committee, Distances, Pool, QueryInputs, Stability, Strategy,
    accuracy_gain, information,
};
use apprentice_reward::{JudgedClips, RewardLearner, pair_accuracy};
use burn::tensor::Device;
use std::collections::BTreeMap;

/// Episodes of a question.
const SIZE: usize = 4;

/// How it went.
pub struct Course {
    pub strategy: &'static str,
    /// (seconds so far, accuracy on held-out pairs) after each answer.
    pub curve: Vec<(f64, f64)>,
    /// Seconds and accuracy when it was first said that one can stop.
    pub stopped: Option<(f64, f64)>,
    /// (gain of accuracy that was expected of an answer, of seconds), (what they came to).
    pub expected: Vec<[f64; 2]>,
    pub seconds: Vec<[f64; 2]>,
}

impl Course {
    /// Accuracy after so many seconds.
    pub fn at(&self, seconds: f64) -> f64 {
        let until = self.curve.iter().take_while(|c| c.0 <= seconds);
        until.last().map_or(0.5, |c| c.1)
    }
}

pub fn run(
    world: &World,
    strategy: &Strategy,
    (learner, members): (&dyn RewardLearner, usize),
    seconds: f64,
) -> Course {
    let id = |i: usize| EpisodeId::new(i.to_string());
    let index: BTreeMap<EpisodeId, usize> = (0..POOL).map(|i| (id(i), i)).collect();
    let distances =
        Distances::transport(&world.clips, Metric::Cosine, &SinkhornConfig::default()).unwrap();
    let device = Device::flex();
    let mut pool = Pool::of(POOL, SIZE);
    let mut said: Vec<Judgement> = Vec::new();
    let mut times: Vec<(Option<f64>, f64)> = Vec::new();
    let mut committee: Option<Committee> = None;
    let mut stability = Stability::default();
    let mut course = Course {
        strategy: strategy.name(),
        curve: Vec::new(),
        stopped: None,
        expected: Vec::new(),
        seconds: Vec::new(),
    };
    let (mut spent, mut accuracy) = (0.0, 0.5);
    while spent < seconds {
        let number = said.len() as u64;
        let time = AnswerTime::fit(&times);
        let inputs = QueryInputs {
            pool: &pool,
            distances: Some(&distances),
            committee: committee.as_ref(),
            time,
            seed: world.seed.derive("question", number),
        };
        let group = strategy.choose(&inputs).unwrap().group;
        let worth = committee
            .as_ref()
            .map(|c| (information(c, &group), accuracy_gain(c, &group)));
        let (tiers, took) = world.answer(&group, world.seed.derive("answer", number));
        let tiers = tiers
            .iter()
            .map(|t| t.iter().map(|&e| id(e)).collect())
            .collect();
        // Learning beside the person: what it learns from is what was said before this answer.
        let judged = JudgedClips::new(&world.clips, &index, &said);
        let seed = world.seed.derive("committee", number);
        let fit = Committee::learn(&judged, learner, members, seed, &device, &mut || true);
        committee = fit.ok();
        said.push(Judgement::ranking(number, "ann", 1.0, tiers, None));
        pool.shown.insert(group.iter().copied().collect());
        spent += took;
        times.push((worth.map(|w| w.0.answer_bits), took));
        let judged = JudgedClips::new(&world.clips, &index, &said);
        let before = accuracy;
        if let Ok(trained) = learner.learn(&judged, world.seed, &device, &mut |_| true) {
            let scores = trained.model.score_all(&world.held_out).unwrap();
            let scores: Vec<f64> = scores.iter().map(|s| s.total).collect();
            accuracy = pair_accuracy(&scores, &world.held_out_truth).0;
        }
        course.curve.push((spent, accuracy));
        if let Some((worth, gain)) = worth {
            course.expected.push([gain, accuracy - before]);
            course.seconds.push([time.seconds(worth.answer_bits), took]);
            if let Some(committee) = &committee {
                stability.observe(committee, gain);
            }
            if course.stopped.is_none() && matches!(stability.advice(), Advice::Stop { .. }) {
                course.stopped = Some((spent, accuracy));
            }
        }
    }
    course
}
