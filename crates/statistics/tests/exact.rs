//! Bounds and evidence against figures of others, and against what must hold by definition.

#![allow(clippy::unwrap_used)]

use apprentice_statistics::clopper_pearson::{interval, lower_bound, upper_bound};
use apprentice_statistics::{ChangeDetector, PairedTest, SafetyTest};

/// `scipy.stats.beta.ppf(e, k, n-k+1)` and `beta.ppf(1-e, k+1, n-k)` of SciPy 1.17.1.
const SCIPY: [(u64, u64, f64, f64, f64); 6] = [
    (0, 10, 0.05, 0.0, 0.258_865_550_893),
    (1, 20, 0.05, 0.002_561_378_777, 0.216_106_164_207),
    (3, 60, 0.05, 0.013_765_157_568, 0.124_187_210_477),
    (81, 263, 0.025, 0.252_736_745_585, 0.367_621_922_601),
    (57, 60, 0.05, 0.875_812_789_523, 0.986_234_842_432),
    (500, 10_000, 0.01, 0.045_058_593_978, 0.055_300_803_342),
];

#[test]
fn clopper_pearson_is_scipys() {
    for (k, n, error, low, high) in SCIPY {
        let got = (lower_bound(k, n, error), upper_bound(k, n, error));
        assert!(
            (got.0 - low).abs() < 1e-10 && (got.1 - high).abs() < 1e-10,
            "{k} of {n}: {got:?}, SciPy says {low} to {high}"
        );
    }
    let (low, high) = interval(81, 263, 0.05);
    assert!((low - SCIPY[3].3).abs() < 1e-10 && (high - SCIPY[3].4).abs() < 1e-10);
    assert_eq!(interval(0, 0, 0.05), (0.0, 1.0));
    assert_eq!(upper_bound(5, 5, 0.05), 1.0);
}

/// All sequences of a few episodes: the mean of the evidence under the rate at the limit must be exactly 1, and at
/// most 1 above it.
#[test]
fn evidence_of_safety_has_mean_one_at_the_limit() {
    let mean = |rate: f64| -> f64 {
        (0..1_u32 << 10)
            .map(|bits| {
                let mut test = SafetyTest::new(0.2, 0.05).unwrap();
                (0..10).for_each(|i| test.observe(bits >> i & 1 == 1));
                let bad = i32::try_from(bits.count_ones()).unwrap();
                test.e_value() * rate.powi(bad) * (1.0 - rate).powi(10 - bad)
            })
            .sum()
    };
    assert!((mean(0.2) - 1.0).abs() < 1e-9, "{}", mean(0.2));
    assert!(mean(0.3) < 1.0 && mean(0.1) > 1.0);
}

#[test]
fn paired_evidence_has_mean_one_at_the_margin() {
    // Success of both 0.4, of neither 0.3, of one of them the rest, with a loss of exactly 0.1.
    let shares = [0.4, 0.3, 0.2, 0.1];
    let outcomes = [(true, true), (false, false), (true, false), (false, true)];
    let mut mean = 0.0;
    for code in 0..4_usize.pow(5) {
        let mut test = PairedTest::new(0.05, 0.1).unwrap();
        let mut probability = 1.0;
        for i in 0..5_u32 {
            let which = code / 4_usize.pow(i) % 4;
            test.observe(outcomes[which].0, outcomes[which].1);
            probability *= shares[which];
        }
        mean += probability * test.e_value();
    }
    assert!((mean - 1.0).abs() < 1e-9, "{mean}");
}

#[test]
fn bounds_are_where_the_evidence_is_enough() {
    let mut test = SafetyTest::new(0.1, 0.05).unwrap();
    for i in 0..120 {
        test.observe(i == 20);
    }
    let bound = test.upper_bound();
    assert!(bound < 0.1 && test.is_safe());
    // Never tighter than the bound for a number of episodes fixed beforehand.
    assert!(bound > upper_bound(1, 120, 0.05), "{bound}");
    let mut pairs = PairedTest::new(0.05, 0.03).unwrap();
    assert_eq!(pairs.interval(), (-1.0, 1.0));
    for i in 0..200 {
        pairs.observe(i % 10 != 0, i % 20 != 1);
    }
    let (low, high) = pairs.interval();
    assert!(low < pairs.lower_bound() && low < pairs.difference() && pairs.difference() < high);
    assert_eq!((pairs.pairs(), pairs.discordant()), (200, (10, 20)));
    assert!((pairs.difference() - 0.05).abs() < 1e-12);
}

#[test]
fn the_episodes_said_to_be_wanted_are_enough_and_one_fewer_is_not() {
    for bad in 0..4 {
        let mut test = SafetyTest::new(0.1, 0.05).unwrap();
        for i in 0..30 {
            test.observe(i < bad);
        }
        let wanted = test.clean_episodes_wanted();
        assert!(wanted > 1);
        (1..wanted).for_each(|_| test.observe(false));
        assert!(!test.is_safe());
        test.observe(false);
        assert!(test.is_safe(), "{bad} bad: {wanted}");
    }
}

#[test]
fn settings_that_mean_nothing_are_refused() {
    for bad in [0.0, 1.0, -0.1, f64::NAN] {
        assert!(SafetyTest::new(bad, 0.05).is_err());
        assert!(SafetyTest::new(0.1, bad).is_err());
        assert!(PairedTest::new(bad, 0.03).is_err());
        assert!(ChangeDetector::new(0.9, bad, 500).is_err());
    }
    assert!(PairedTest::new(0.05, f64::NAN).is_err());
    assert!(PairedTest::new(0.05, 0.0).is_ok());
    assert!(ChangeDetector::new(1.0, 0.05, 500).is_err());
    let refused = ChangeDetector::new(0.9, 0.05, 0).unwrap_err().to_string();
    assert!(refused.contains("is 0; it must be at least 1"), "{refused}");
}
