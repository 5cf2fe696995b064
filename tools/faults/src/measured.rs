//! Clocks, quantiles, and what a process uses.

use rustix::time::{ClockId, clock_gettime};
use std::time::{Duration, Instant};

/// Nanoseconds of the machine's monotonic clock, the same in every process.
#[must_use]
pub fn monotonic_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    (now.tv_sec as u64)
        .wrapping_mul(1_000_000_000)
        .wrapping_add(now.tv_nsec as u64)
}

/// Milliseconds.
#[must_use]
pub fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// The value that this share (0 to 1) of `values` does not exceed; NaN of none.
#[must_use]
pub fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1) as f64;
    sorted
        .get((last * share).round() as usize)
        .copied()
        .unwrap_or(f64::NAN)
}

/// The largest; NaN of none.
#[must_use]
pub fn largest(values: &[f64]) -> f64 {
    quantile(values, 1.0)
}

/// What a process holds in memory, MB (10^6 bytes).
///
/// # Errors
/// When the system does not say.
pub fn resident_mb() -> anyhow::Result<f64> {
    let text = std::fs::read_to_string("/proc/self/status")?;
    let line = text
        .lines()
        .find_map(|l| l.strip_prefix("VmRSS:"))
        .ok_or_else(|| anyhow::anyhow!("/proc/self/status has no VmRSS"))?;
    let kib: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kib * 1024e-6)
}

/// Files, sockets and the like that are open.
///
/// # Errors
/// When the system does not say.
pub fn open_files() -> anyhow::Result<usize> {
    Ok(std::fs::read_dir("/proc/self/fd")?.count())
}

/// Slope of the least-squares line through `(x, y)`.
#[must_use]
pub fn slope(points: &[(f64, f64)]) -> f64 {
    let count = points.len() as f64;
    let mean = |f: &dyn Fn(&(f64, f64)) -> f64| points.iter().map(f).sum::<f64>() / count;
    let (x, y) = (mean(&|p| p.0), mean(&|p| p.1));
    let across: f64 = points.iter().map(|p| (p.0 - x) * (p.1 - y)).sum();
    across / points.iter().map(|p| (p.0 - x).powi(2)).sum::<f64>()
}

/// How much longer than `period` it took from each moment to the next, milliseconds; 0 where it was sooner.
#[must_use]
pub fn gaps_beyond(times: &[Instant], period: Duration) -> Vec<f64> {
    times
        .windows(2)
        .filter_map(|pair| match pair {
            [a, b] => Some(ms((*b - *a).saturating_sub(period))),
            _ => None,
        })
        .collect()
}

/// The largest difference of a joint between two postures, rad (or the joint's unit).
#[must_use]
pub fn largest_difference(a: &[f64], b: &[f64]) -> f64 {
    let each = a.iter().zip(b).map(|(a, b)| (a - b).abs());
    each.fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_and_slopes() {
        let values = [3.0, 1.0, 2.0, 5.0, 4.0];
        assert_eq!((quantile(&values, 0.5), largest(&values)), (3.0, 5.0));
        assert!(quantile(&[], 0.5).is_nan());
        assert!((slope(&[(0.0, 1.0), (1.0, 3.0), (2.0, 5.0)]) - 2.0).abs() < 1e-12);
    }

    #[test]
    fn this_process_uses_something() {
        assert!(resident_mb().unwrap() > 0.5 && open_files().unwrap() >= 3);
        let before = monotonic_ns();
        std::thread::sleep(Duration::from_millis(2));
        assert!(monotonic_ns() - before >= 2_000_000);
    }
}
