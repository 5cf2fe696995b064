//! Exact bounds of a share (Clopper and Pearson 1934): valid at every number of trials, also for rare events.
//!
//! For a number of trials fixed beforehand. Whoever looks after every trial needs [`crate::SafetyTest`].

use crate::beta::incomplete_beta;
use crate::search::first_true;

/// The largest share that `k` of `n` still leaves open, one-sided: the true share is above it with a probability of
/// at most `error`. 1 with no trials, or if all counted.
#[must_use]
pub fn upper_bound(k: u64, n: u64, error: f64) -> f64 {
    if k >= n {
        return 1.0;
    }
    let (a, b) = (k as f64 + 1.0, (n - k) as f64);
    first_true(0.0, 1.0, |p| incomplete_beta(p, a, b) >= 1.0 - error)
}

/// The smallest share that `k` of `n` still leaves open, one-sided: the true share is below it with a probability of
/// at most `error`. 0 with no trials, or if none counted.
#[must_use]
pub fn lower_bound(k: u64, n: u64, error: f64) -> f64 {
    if k == 0 || n == 0 {
        return 0.0;
    }
    if k >= n {
        return error.powf(1.0 / n as f64);
    }
    let (a, b) = (k as f64, (n - k) as f64 + 1.0);
    first_true(0.0, 1.0, |p| incomplete_beta(p, a, b) >= error)
}

/// Both bounds at `error / 2` each: the interval misses the true share with a probability of at most `error`.
#[must_use]
pub fn interval(k: u64, n: u64, error: f64) -> (f64, f64) {
    (
        lower_bound(k, n, error / 2.0),
        upper_bound(k, n, error / 2.0),
    )
}
