//! A share of trials, with the interval it could have come from.

use serde::{Deserialize, Serialize};

/// `k` of `n`, with the Wilson score interval at 95 % (Wilson 1927).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Proportion {
    /// Trials that counted.
    pub k: u64,
    /// Trials.
    pub n: u64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
}

impl Proportion {
    /// The proportion `k / n`. With no trials the interval is all of 0 to 1.
    #[must_use]
    pub fn new(k: u64, n: u64) -> Self {
        if n == 0 {
            return Self {
                k,
                n,
                low: 0.0,
                high: 1.0,
            };
        }
        let z = 1.959_963_984_540_054;
        let trials = n as f64;
        let p = k as f64 / trials;
        let centre = p + z * z / (2.0 * trials);
        let half = z * (p * (1.0 - p) / trials + z * z / (4.0 * trials * trials)).sqrt();
        let scale = 1.0 + z * z / trials;
        Self {
            k,
            n,
            low: ((centre - half) / scale).max(0.0),
            high: ((centre + half) / scale).min(1.0),
        }
    }

    /// `k / n`, or 0 with no trials.
    #[must_use]
    pub fn rate(&self) -> f64 {
        if self.n == 0 {
            0.0
        } else {
            self.k as f64 / self.n as f64
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_published_values() {
        // Newcombe 1998, Statistics in Medicine 17, table I, method 3: 81/263 and 15/148.
        let a = Proportion::new(81, 263);
        assert!((a.low - 0.2553).abs() < 5e-5 && (a.high - 0.3662).abs() < 5e-5);
        let b = Proportion::new(15, 148);
        assert!((b.low - 0.0624).abs() < 5e-5 && (b.high - 0.1605).abs() < 5e-5);
    }
}
