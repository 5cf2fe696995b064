//! What every strategy of the registry must do. A new one is tested without another line.

// A test may stop where something is wrong.
#![allow(clippy::unwrap_used, clippy::panic)]

use apprentice_core::Seed;
use apprentice_query::{AnswerTime, Committee, Distances, Part, Pool, QueryInputs, Strategy};
use rand::Rng as _;
use std::collections::BTreeSet;
use std::time::Instant;

fn committee(episodes: usize) -> Committee {
    let mut rng = Seed(2).rng();
    let scores = (0..8).map(|_| (0..episodes).map(|_| rng.random_range(-1.0..1.0)).collect());
    Committee::of_scores(scores.collect(), 5)
}

fn distances(episodes: usize) -> Distances {
    Distances::of(episodes, |i, j| {
        ((i * 7 % 11) as f64 - (j * 7 % 11) as f64).abs()
    })
}

fn inputs<'a>(
    pool: &'a Pool,
    known: (Option<&'a Distances>, Option<&'a Committee>),
    seed: u64,
) -> QueryInputs<'a> {
    QueryInputs {
        pool,
        distances: known.0,
        committee: known.1,
        time: AnswerTime::default(),
        seed: Seed(seed),
    }
}

/// Two of `0..10` and one of `10..15`.
fn in_parts() -> Pool {
    let part = |episodes: std::ops::Range<usize>, count| Part {
        episodes: episodes.collect(),
        count,
    };
    Pool {
        parts: vec![part(0..10, 2), part(10..15, 1)],
        shown: BTreeSet::new(),
    }
}

#[test]
fn every_strategy_asks_new_groups_of_the_right_parts_whatever_is_known() {
    let (distances, committee) = (distances(15), committee(15));
    for strategy in Strategy::all() {
        let name = strategy.name();
        for known in [
            (None, None),
            (Some(&distances), None),
            (None, Some(&committee)),
            (Some(&distances), Some(&committee)),
        ] {
            let mut pool = in_parts();
            for question in 0..60 {
                let inputs = inputs(&pool, known, question);
                let choice = strategy.choose(&inputs).unwrap();
                assert_eq!(
                    Some(&choice),
                    strategy.choose(&inputs).as_ref(),
                    "{name}: the same again"
                );
                assert!(!choice.why.trim().is_empty(), "{name} says why");
                let group: BTreeSet<usize> = choice.group.iter().copied().collect();
                let new = choice.group.iter().filter(|e| **e >= 10).count();
                assert_eq!(
                    (group.len(), choice.group.len(), new),
                    (3, 3, 1),
                    "{name}: {choice:?}"
                );
                assert!(group.iter().all(|e| *e < 15), "{name}: {choice:?}");
                assert!(pool.shown.insert(group), "{name} asks {choice:?} twice");
            }
        }
        println!("strategy {name} asks as it should");
        let text = serde_json::to_string(&strategy).unwrap();
        assert_eq!(serde_json::from_str::<Strategy>(&text).unwrap(), strategy);
        assert_eq!(Strategy::named(name), Some(strategy));
    }
}

#[test]
fn every_strategy_ends_where_there_is_nothing_left_to_ask() {
    let (distances, committee) = (distances(4), committee(4));
    for strategy in Strategy::all() {
        let name = strategy.name();
        let mut pool = Pool::of(4, 3);
        for question in 0..4 {
            let choice = strategy.choose(&inputs(
                &pool,
                (Some(&distances), Some(&committee)),
                question,
            ));
            let group = choice
                .unwrap_or_else(|| panic!("{name} has no question {question}"))
                .group;
            assert!(pool.shown.insert(group.into_iter().collect()), "{name}");
        }
        for pool in [pool, Pool::of(2, 3), Pool::of(9, 1), Pool::default()] {
            let choice = strategy.choose(&inputs(&pool, (Some(&distances), Some(&committee)), 9));
            assert_eq!(choice, None, "{name}");
        }
    }
}

#[test]
fn nobody_waits_for_any_strategy() {
    let (distances, committee) = (distances(300), committee(300));
    let mut pool = Pool::of(300, 4);
    let mut rng = Seed(1).rng();
    pool.shown = pool
        .draw_new(40, &mut rng)
        .iter()
        .map(|g| g.iter().copied().collect())
        .collect();
    for strategy in Strategy::all() {
        let begun = Instant::now();
        let inputs = inputs(&pool, (Some(&distances), Some(&committee)), 1);
        assert!(strategy.choose(&inputs).is_some());
        // Some hundredths of a second; the rest is for a busy machine.
        let took = begun.elapsed().as_secs_f64();
        println!("{} took {took:.3} s", strategy.name());
        assert!(took < 5.0, "{} took {took:.1} s", strategy.name());
    }
}

#[test]
fn what_the_committee_is_open_about_is_asked() {
    // Ten episodes on which members differ, among forty on which they agree.
    let mut rng = Seed(4).rng();
    let sure: Vec<f64> = (0..50).map(|i| f64::from(i) / 10.0).collect();
    let scores = (0..8).map(|_| {
        let open = |(i, s): (usize, &f64)| {
            if i < 10 {
                rng.random_range(0.0..5.0)
            } else {
                *s
            }
        };
        sure.iter().enumerate().map(open).collect()
    });
    let committee = Committee::of_scores(scores.collect(), 5);
    let distances = distances(50);
    let open = |strategy: &Strategy| -> usize {
        let pool = Pool::of(50, 4);
        let asked = (0..10).filter_map(|seed| {
            strategy.choose(&inputs(&pool, (Some(&distances), Some(&committee)), seed))
        });
        asked
            .map(|c| c.group.iter().filter(|e| **e < 10).count())
            .sum()
    };
    // Of 40 places, 8 by chance.
    for name in ["disagreement", "information", "mix"] {
        let found = open(&Strategy::named(name).unwrap());
        assert!(found >= 20, "{name}: {found} of 40");
    }
    assert!(open(&Strategy::default()) < 18);
}
