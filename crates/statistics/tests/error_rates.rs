//! What the tests promise, tried thousands of times: `cargo test --release -p apprentice-statistics -- --nocapture`
//! prints the figures.

#![allow(clippy::unwrap_used)]

use apprentice_core::Seed;
use apprentice_statistics::clopper_pearson::{lower_bound, upper_bound};
use apprentice_statistics::{ChangeDetector, PairedDecision, PairedTest, SafetyTest};
use rand::Rng;

const RUNS: u32 = 2_000;
/// Fewer, since a look at pairs takes longer.
const PAIRED_RUNS: u32 = 600;
/// More, since one takes no time: the standard error is then a seventh of a point.
const CHANGE_RUNS: u32 = 20_000;
const DELTA: f64 = 0.05;
/// Episodes in which one in ten may be bad.
const LIMIT: f64 = 0.1;

/// The most wrong ones of `runs` that an error rate lets us see: two standard errors above it.
fn allowed(rate: f64, runs: u32) -> f64 {
    rate + 2.0 * (rate * (1.0 - rate) / f64::from(runs)).sqrt()
}

/// For each promotion tried: after how many episodes it was granted, looking after every one of `most`.
fn promotions(seed: u64, rate: f64, most: u64) -> Vec<Option<u64>> {
    let mut rng = Seed(seed).rng();
    (0..RUNS)
        .map(|_| {
            let mut test = SafetyTest::new(LIMIT, DELTA).unwrap();
            let mut granted = None;
            for episode in 1..=most {
                test.observe(rng.random_bool(rate));
                if granted.is_none() && test.is_safe() {
                    granted = Some(episode);
                }
            }
            granted
        })
        .collect()
}

#[test]
fn a_policy_at_the_limit_is_seldom_promoted_and_one_at_a_quarter_soon() {
    let false_promotions = promotions(1, LIMIT, 500).iter().flatten().count();
    let share = false_promotions as f64 / f64::from(RUNS);
    let mut soon: Vec<u64> = promotions(2, LIMIT / 4.0, 500)
        .into_iter()
        .map(|granted| granted.unwrap_or(u64::MAX))
        .collect();
    soon.sort_unstable();
    let (half, most) = (soon[soon.len() / 2], soon[soon.len() * 4 / 5]);
    println!(
        "at the limit: {false_promotions} of {RUNS} promoted while looking after each of 500 episodes ({share:.4}, \
         allowed {:.4}); at a quarter of it: half within {half} episodes, 80 % within {most}",
        allowed(DELTA, RUNS)
    );
    assert!(share <= allowed(DELTA, RUNS));
    assert!(share > 0.0, "a test that grants nothing is no test");
    assert!(most <= 120, "80 % within {most} episodes");
}

#[test]
fn a_fixed_number_test_breaks_its_error_rate_when_one_looks_and_ours_does_not() {
    let mut rng = Seed(3).rng();
    let (mut fixed, mut fixed_once, mut ours) = (0, 0, 0);
    for _ in 0..RUNS {
        let mut test = SafetyTest::new(LIMIT, DELTA).unwrap();
        let (mut fixed_ever, mut ours_ever) = (false, false);
        for episode in 1..=200_u64 {
            test.observe(rng.random_bool(LIMIT));
            let passes = episode >= 10 && upper_bound(test.bad_episodes(), episode, DELTA) < LIMIT;
            fixed_ever |= passes;
            ours_ever |= test.is_safe();
            fixed_once += u32::from(episode == 200 && passes);
        }
        fixed += u32::from(fixed_ever);
        ours += u32::from(ours_ever);
    }
    let share = |count: u32| f64::from(count) / f64::from(RUNS);
    println!(
        "safety, at the limit: Clopper-Pearson once at 200 episodes {:.4}, looked at after each {:.4}, ours {:.4}",
        share(fixed_once),
        share(fixed),
        share(ours)
    );
    assert!(share(fixed_once) <= allowed(DELTA, RUNS));
    assert!(share(fixed) > 2.0 * DELTA);
    assert!(share(ours) <= allowed(DELTA, RUNS));
}

/// Pairs of a base policy that succeeds in 0.8 of the starts, and one that differs in `lost` and `won` of them.
fn pairs(rng: &mut impl Rng, test: &mut PairedTest, lost: f64, won: f64) {
    let u: f64 = rng.random();
    match u {
        u if u < lost => test.observe(true, false),
        u if u < lost + won => test.observe(false, true),
        u if u < lost + won + 0.7 => test.observe(true, true),
        _ => test.observe(false, false),
    }
}

#[test]
fn paired_tests_keep_their_error_rate_where_the_fixed_one_does_not() {
    let mut rng = Seed(4).rng();
    let (mut mcnemar, mut better, mut not_worse, mut missed) = (0, 0, 0, 0);
    for _ in 0..PAIRED_RUNS {
        // No difference: whoever says "better" is wrong.
        let mut test = PairedTest::new(DELTA, 0.0).unwrap();
        let mut ever = false;
        for _ in 0..200 {
            pairs(&mut rng, &mut test, 0.1, 0.1);
            let (base, aligned) = test.discordant();
            ever |= lower_bound(aligned, base + aligned, DELTA) > 0.5;
        }
        mcnemar += u32::from(ever);
        better += u32::from(test.decision() == PairedDecision::Better);
        // A loss of exactly the margin: whoever says "not worse" is wrong.
        let mut test = PairedTest::new(DELTA, 0.03).unwrap();
        let mut outside = false;
        for pair in 1..=200 {
            pairs(&mut rng, &mut test, 0.08, 0.05);
            if pair % 20 == 0 {
                let (low, high) = test.interval();
                outside |= low > -0.03 || high < -0.03;
            }
        }
        missed += u32::from(outside);
        not_worse += u32::from(matches!(
            test.decision(),
            PairedDecision::NotWorse | PairedDecision::Better
        ));
    }
    let share = |count: u32| f64::from(count) / f64::from(PAIRED_RUNS);
    println!(
        "paired, no difference: exact McNemar looked at after each of 200 pairs {:.4}, ours {:.4}; a loss of exactly \
         the margin called not worse {:.4}, the interval missed it at some of ten looks {:.4}",
        share(mcnemar),
        share(better),
        share(not_worse),
        share(missed)
    );
    assert!(share(mcnemar) > 2.0 * DELTA);
    for wrong in [better, not_worse, missed] {
        assert!(share(wrong) <= allowed(DELTA, PAIRED_RUNS));
    }
}

#[test]
fn a_better_policy_is_seen_within_60_pairs_and_a_worse_one_as_well() {
    let mut rng = Seed(5).rng();
    let mut seen = |lost: f64, won: f64, wanted: PairedDecision| {
        (0..500)
            .filter(|_| {
                let mut test = PairedTest::new(DELTA, 0.03).unwrap();
                (0..60).for_each(|_| pairs(&mut rng, &mut test, lost, won));
                test.decision() == wanted
            })
            .count()
    };
    let better = seen(0.01, 0.25, PairedDecision::Better);
    let worse = seen(0.29, 0.01, PairedDecision::Worse);
    println!("60 pairs: 24 points better seen in {better} of 500, 28 points worse in {worse}");
    assert!(better > 450 && worse > 400);
}

#[test]
fn a_fall_of_success_is_noticed_soon_and_none_is_seldom_imagined() {
    let fresh = ChangeDetector::new(0.9, DELTA, 500).unwrap();
    let exact = fresh.alarm_probability(0.9, 500);
    let mut rng = Seed(6).rng();
    let mut false_alarms = 0;
    let mut delays = Vec::new();
    for _ in 0..CHANGE_RUNS {
        let mut quiet = fresh;
        (0..500).for_each(|_| {
            quiet.observe(rng.random_bool(0.9));
        });
        false_alarms += u32::from(quiet.alarm());
        // Success falls after fifty good episodes.
        let mut falling = fresh;
        (0..50).for_each(|_| {
            falling.observe(rng.random_bool(0.9));
        });
        if !falling.alarm() {
            delays.push(
                (1..10_000)
                    .find(|_| falling.observe(rng.random_bool(0.6)))
                    .unwrap(),
            );
        }
    }
    delays.sort_unstable();
    let median = delays[delays.len() / 2];
    let share = f64::from(false_alarms) / f64::from(CHANGE_RUNS);
    println!(
        "promised 0.9: false alarms within 500 episodes {share:.4} ({exact:.4} exactly); from 0.9 to 0.6 noticed after a median of {median} \
         episodes, 95 % within {}",
        delays[delays.len() * 95 / 100]
    );
    assert!(exact <= 0.9 * DELTA && exact > 0.8 * DELTA);
    assert!((share - exact).abs() < 4.0 * (exact / f64::from(CHANGE_RUNS)).sqrt());
    assert!(share <= DELTA);
    assert!(median <= 20);
}
