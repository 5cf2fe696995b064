//! How much is demonstrated, and in which styles.

use crate::work::Episodes;
use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};

/// How many demonstrations of which length, and the share of each style among them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DemonstrationsConfig {
    /// Episodes.
    pub episodes: usize,
    /// Policy ticks of each.
    pub ticks: u64,
    /// How much of each style of the task is shown, in the task's order, relative to one another; empty: of each the
    /// same.
    #[serde(default)]
    pub style_shares: Vec<f64>,
}

impl DemonstrationsConfig {
    /// As an amount of work.
    #[must_use]
    pub fn amount(&self) -> Episodes {
        Episodes {
            count: self.episodes as u64,
            ticks: self.ticks,
        }
    }

    /// The style of each episode, in order, for a task with so many: the one that lags its share most.
    #[must_use]
    pub fn styles(&self, styles: usize) -> Vec<u64> {
        let mut shares = self.style_shares.clone();
        if shares.is_empty() {
            shares = vec![1.0; styles.max(1)];
        }
        let whole: f64 = shares.iter().sum();
        let mut shown = vec![0u32; shares.len()];
        (1..=self.episodes)
            .map(|episodes| {
                let lag = |style: usize| {
                    shares[style] / whole * episodes as f64 - f64::from(shown[style])
                };
                // Of those that lag alike, up to rounding, the first.
                let next = (0..shares.len()).fold(0, |best, style| {
                    if lag(style) > lag(best) + 1e-9 {
                        style
                    } else {
                        best
                    }
                });
                shown[next] += 1;
                next as u64
            })
            .collect()
    }

    /// Checks the shares for a task with these styles.
    ///
    /// # Errors
    /// When there is not one a style, or one is below 0, or all are 0.
    pub(super) fn validate(&self, styles: &[&str]) -> Result<()> {
        let shares = &self.style_shares;
        let right = shares.len() == styles.len()
            && shares.iter().all(|share| (0.0..=1e6).contains(share))
            && shares.iter().any(|share| *share > 0.0);
        if shares.is_empty() || right {
            return Ok(());
        }
        bail!(
            "demonstrations.style_shares is {shares:?}, allowed: [] for equal parts, or one number of 0 to 1000000 for \
             each of the task's styles ({}), not all 0",
            styles.join(", ")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(style_shares: &[f64], episodes: usize) -> Vec<u64> {
        let config = DemonstrationsConfig {
            episodes,
            ticks: 1,
            style_shares: style_shares.to_vec(),
        };
        config.styles(2)
    }

    #[test]
    fn styles_are_shown_by_their_shares() {
        let turns: Vec<u64> = (0..200).map(|i| i % 2).collect();
        assert_eq!(shown(&[], 200), turns);
        assert_eq!(shown(&[0.5, 0.5], 200), turns);
        assert_eq!(shown(&[0.0, 1.0], 3), [1, 1, 1]);
        let rare = shown(&[0.08, 0.92], 200);
        assert_eq!(rare.iter().filter(|style| **style == 0).count(), 16);
        // Spread over the recording, not heaped at one end of it.
        assert_eq!(rare[..100].iter().filter(|style| **style == 0).count(), 8);
    }

    #[test]
    fn shares_that_cannot_be_are_refused() {
        for wrong in [&[1.0][..], &[0.0, 0.0], &[-1.0, 2.0], &[f64::NAN, 1.0]] {
            let config = DemonstrationsConfig {
                episodes: 4,
                ticks: 1,
                style_shares: wrong.to_vec(),
            };
            let error = config.validate(&["near", "far"]).unwrap_err().to_string();
            assert!(error.contains("style_shares") && error.contains("near, far"));
        }
    }
}
