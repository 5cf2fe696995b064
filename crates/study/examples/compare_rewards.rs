//! How well each way to learn a reward orders episodes that nobody ranked, from 5, 10 and 20 rankings of a finished
//! run's rollouts, over many draws of which rollouts are ranked:
//! `cargo run --release -p apprentice-study --example compare_rewards -- RUN...`.
//!
//! The truth is the simulator's; examined are pairs of the base policy's held-out episodes.

// A program for developers may stop where something is wrong.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use apprentice_core::Seed;
use apprentice_encoder::{ChannelWeights, Clip, FeatureClip, Initialisation};
use apprentice_episode::EpisodeId;
use apprentice_pipeline::context::Context;
use apprentice_pipeline::layout::{BASE_EVALUATION, ROLLOUTS};
use apprentice_pipeline::outcomes::{Outcomes, open_all};
use apprentice_pipeline::preference::Preference;
use apprentice_pipeline::run::{Options, open_to_read};
use apprentice_pipeline::scores::{clips_of, encoder, extract};
use apprentice_preference::{
    Judge as _, JudgeInputs, Judgement, Question, QuestionKind, SimulatedOperator,
};
use apprentice_reward::{JudgedClips, Learner, pair_accuracy};
use rand::seq::SliceRandom as _;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::path::PathBuf;

const USAGE: &str = "usage: compare_rewards [--draws N] [--labels 5,10,20] [--with LEARNER]... [--error-rate X] RUN...
       LEARNER as JSON, such as {\"kind\": \"kernel_bradley_terry\", \"prior\": 1}: compared as well";

/// Episodes of a run as one encoder sees them.
struct Seen {
    name: &'static str,
    rollouts: Vec<FeatureClip>,
    held_out: Vec<FeatureClip>,
}

struct Course {
    seen: Vec<Seen>,
    /// How good the rollouts are.
    utility: Vec<f64>,
    /// How good the held-out episodes are.
    truth: Vec<f64>,
}

impl Course {
    fn read(folder: PathBuf) -> Self {
        let options = Options {
            folder,
            quiet: true,
            ..Options::default()
        };
        let mut run = open_to_read(&options).expect("a finished run");
        let (rollouts, utility) = clips(&run, ROLLOUTS);
        let (held_out, truth) = clips(&run, BASE_EVALUATION);
        let see = |name, run: &Context| {
            let ready = encoder(run, None).expect("the run's encoder");
            Seen {
                name,
                rollouts: extract(run, &ready, &rollouts).unwrap(),
                held_out: extract(run, &ready, &held_out).unwrap(),
            }
        };
        let trained = see("encoder of the run", &run);
        // The same network, never trained, and what the arm feels.
        run.config.encoder.cycle.initialisation = Initialisation::Random;
        let random = run.config.encoder.with_encoder(|encoder| {
            let file = std::env::temp_dir().join(format!("compare-rewards-{}", std::process::id()));
            let seed = run.seed.derive("random encoder", 0);
            encoder
                .train(&rollouts, seed, &run.device, &file, &mut |_, _| true)
                .unwrap();
            let ready = Some((encoder.channel(), encoder.load(&file, &run.device).unwrap()));
            let _ = std::fs::remove_file(&file);
            Seen {
                name: "random encoder",
                rollouts: extract(&run, &ready, &rollouts).unwrap(),
                held_out: extract(&run, &ready, &held_out).unwrap(),
            }
        });
        run.config.encoder.channels = ChannelWeights {
            vision: 0.0,
            proprioception: 1.0,
            ..ChannelWeights::default()
        };
        let felt = Seen {
            name: "proprioception",
            rollouts: extract(&run, &None, &rollouts).unwrap(),
            held_out: extract(&run, &None, &held_out).unwrap(),
        };
        Self {
            seen: vec![trained, random, felt],
            utility,
            truth,
        }
    }

    /// Share of held-out pairs in order after `labels` rankings, draw `draw`.
    fn accuracy(
        &self,
        seen: &Seen,
        learner: &Learner,
        labels: usize,
        draw: u64,
        errors: f64,
    ) -> Option<f64> {
        let mut order: Vec<usize> = (0..self.utility.len()).collect();
        order.shuffle(&mut Seed(draw).derive("draw", 0).rng());
        let id = |i: usize| EpisodeId::new(i.to_string());
        let index: BTreeMap<EpisodeId, usize> = (0..order.len()).map(|i| (id(i), i)).collect();
        let groups = order.chunks_exact(4).take(labels);
        let questions: Vec<Question> = groups
            .map(|group| Question::new(QuestionKind::Ranking, group.iter().map(|&i| id(i))))
            .collect();
        if questions.len() < labels {
            return None;
        }
        let utility = |id: &EpisodeId| self.utility.get(*index.get(id)?).copied();
        let mut inputs = JudgeInputs {
            utility: &utility,
            ..JudgeInputs::nothing(Seed(draw))
        };
        let operator = SimulatedOperator {
            error_rate: errors,
            ..SimulatedOperator::default()
        };
        let said: Vec<Judgement> = operator
            .answer(&questions, &mut inputs)
            .unwrap()
            .into_iter()
            .flatten()
            .collect();
        let judged = JudgedClips::new(&seen.rollouts, &index, &said).of_kinds(learner.uses());
        let device = burn::tensor::Device::flex();
        let trained = learner
            .learn(&judged, Seed(draw), &device, &mut |_| true)
            .ok();
        // Where nothing can be learnt, every order is as good as any.
        let Some(trained) = trained else {
            return Some(0.5);
        };
        let scores = trained.model.score_all(&seen.held_out).unwrap();
        let totals: Vec<f64> = scores.iter().map(|s| s.total).collect();
        Some(pair_accuracy(&totals, &self.truth).0)
    }
}

fn clips(run: &Context, folder: &str) -> (Vec<Clip>, Vec<f64>) {
    let outcomes = Outcomes::of(&run.dir, folder).unwrap();
    let episodes = open_all(run, folder, &outcomes).unwrap();
    let preference = Preference::of(&run.config).unwrap();
    let utility = outcomes
        .episodes
        .iter()
        .map(|e| preference.utility(e).unwrap());
    (clips_of(run, &episodes).unwrap(), utility.collect())
}

fn main() {
    let (mut draws, mut labels, mut errors) = (50u64, vec![5, 10, 20], 0.0);
    let mut learners: Vec<(String, Learner)> = Learner::all()
        .into_iter()
        .map(|l| (l.name().to_owned(), l))
        .collect();
    let mut runs = Vec::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let mut value = || arguments.next().expect(USAGE);
        match name.as_str() {
            "--draws" => draws = value().parse().expect(USAGE),
            "--error-rate" => errors = value().parse().expect(USAGE),
            "--labels" => {
                labels = value()
                    .split(',')
                    .map(|n| n.parse().expect(USAGE))
                    .collect()
            }
            "--with" => {
                let text = value();
                learners.push((text.clone(), serde_json::from_str(&text).expect(USAGE)));
            }
            run if !run.starts_with('-') => runs.push(PathBuf::from(run)),
            _ => panic!("{USAGE}"),
        }
    }
    assert!(!runs.is_empty(), "{USAGE}");
    for run in runs {
        let course = Course::read(run.clone());
        println!(
            "{}: {} rollouts, {} held out, {draws} draws",
            run.display(),
            course.utility.len(),
            course.truth.len()
        );
        print!("{:64}", "");
        labels.iter().for_each(|n| print!("{n:>16}"));
        println!();
        let mut first: Vec<Vec<f64>> = Vec::new();
        for seen in &course.seen {
            for (name, learner) in &learners {
                let mut line = format!("{:64}", format!("{}, {name}", seen.name));
                for (place, &labels) in labels.iter().enumerate() {
                    let of_draw = |draw| course.accuracy(seen, learner, labels, draw, errors);
                    let all: Option<Vec<f64>> = (0..draws).into_par_iter().map(of_draw).collect();
                    let Some(all) = all else {
                        line.push_str(&format!("{:>16}", "too few"));
                        continue;
                    };
                    let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
                    if first.len() <= place {
                        first.push(all.clone());
                    }
                    let less: Vec<f64> =
                        all.iter().zip(&first[place]).map(|(a, b)| a - b).collect();
                    let spread = less.iter().map(|d| (d - mean(&less)).powi(2)).sum::<f64>();
                    let error = 1.96 * (spread / less.len() as f64).sqrt()
                        / (less.len() as f64 - 1.0).sqrt();
                    let words = format!(
                        "{:.3} {:+.1}\u{b1}{:.1}",
                        mean(&all),
                        100.0 * mean(&less),
                        100.0 * error
                    );
                    line.push_str(&format!("{words:>16}"));
                }
                println!("{line}");
            }
        }
    }
}
