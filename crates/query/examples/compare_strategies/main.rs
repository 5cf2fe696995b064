//! Every strategy at equal seconds of an operator, in simulation: how well the reward that is learnt from the answers orders
//! pairs of episodes that nobody was asked about. `cargo xtask questions` runs it.
//!
//! Simulated are the episodes (features with a planted preference) and the operator (noisy, and slower the closer the
//! clips are); strategies, committee, answer times and stop rule are those of the product. As beside a person, the
//! committee lags one answer behind.

// A program for developers may stop where something is wrong.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod course;
mod linear;
mod table;
mod world;

use apprentice_query::Strategy;
use apprentice_reward::RewardLearner;
use apprentice_reward::learners::optimal_transport::{AlignmentConfig, OptimalTransport};
use course::{Course, run};
use linear::Linear;
use rayon::prelude::*;
use std::time::Instant;
use world::{Kind, World};

const USAGE: &str =
    "usage: compare_strategies [--seeds N] [--first SEED] [--seconds S] [--members N] [--world smooth|rare|levels]
                          [--learner linear|transport] [--with STRATEGY]... [--json FILE]
       STRATEGY as JSON, such as {\"kind\": \"mix\", \"best\": 60}: compared as well";

fn main() {
    let (mut seeds, mut first, mut seconds, mut members) = (24u64, 1000u64, 480.0, 8);
    let (mut learner, mut world, mut json) = ("linear".to_owned(), None, None);
    let mut strategies = Strategy::all();
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().expect(USAGE);
        match name.as_str() {
            "--seeds" => seeds = value.parse().expect(USAGE),
            "--first" => first = value.parse().expect(USAGE),
            "--seconds" => seconds = value.parse().expect(USAGE),
            "--members" => members = value.parse().expect(USAGE),
            "--world" => world = Some(value),
            "--learner" => learner = value,
            "--with" => strategies.push(serde_json::from_str(&value).expect(USAGE)),
            "--json" => json = Some(value),
            _ => panic!("{USAGE}"),
        }
    }
    let learner: Box<dyn RewardLearner> = match learner.as_str() {
        "linear" => Box::new(Linear::default()),
        "transport" => Box::new(OptimalTransport {
            preferred: 4,
            alignment: AlignmentConfig {
                embedding: 8,
                epochs: 15,
                learning_rate: 1e-2,
                ..AlignmentConfig::default()
            },
            ..OptimalTransport::default()
        }),
        _ => panic!("{USAGE}"),
    };
    let begun = Instant::now();
    let mut report = Vec::new();
    let wanted = |kind: &Kind| world.as_ref().is_none_or(|name| name == kind.name());
    for kind in World::KINDS.into_iter().filter(wanted) {
        let courses: Vec<Vec<Course>> = (first..first + seeds)
            .into_par_iter()
            .map(|seed| {
                let world = World::of(kind, seed);
                let course = |s| run(&world, s, (&*learner, members), seconds);
                strategies.iter().map(course).collect()
            })
            .collect();
        println!(
            "\n{}, {seeds} seeds, accuracy on held-out pairs",
            kind.words()
        );
        report.push(table::print(kind.name(), &courses, seconds));
    }
    assert!(!report.is_empty(), "{USAGE}");
    table::print_over_all(&report);
    println!("\ntook {:.0} s", begun.elapsed().as_secs_f64());
    if let Some(file) = json {
        let text = serde_json::to_string_pretty(&report).unwrap();
        std::fs::write(file, text).unwrap();
    }
}
