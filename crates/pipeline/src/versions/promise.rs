//! What a promotion promises, by which the policy is watched afterwards.

use super::fresh::FreshEpisode;
use crate::config::PromotionConfig;
use anyhow::Result;
use apprentice_statistics::ChangeDetector;
use apprentice_statistics::clopper_pearson::lower_bound;
use serde::{Deserialize, Serialize};

/// Part of the probability of going back for no reason that is for success; the rest is for safety.
const SUCCESS_PART: f64 = 0.8;

/// Less success than this cannot be watched, and is not promoted.
pub const LEAST_SUCCESS: f64 = 0.05;

/// What a promotion promises.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Promise {
    /// Success rate, the lower bound of what was seen; `None` where it is too little known to promise any.
    pub success: Option<f64>,
    /// Share of episodes in which something bad happens, at most.
    pub bad: f64,
    /// Probability of going back for no reason.
    pub error: f64,
    /// Within so many episodes.
    pub episodes: u32,
}

impl Promise {
    /// What fresh episodes allow to promise: the one-sided Clopper-Pearson bound of success at `delta`. What nobody is
    /// sure of counts as a failure.
    #[must_use]
    pub fn of(fresh: &[FreshEpisode], config: &PromotionConfig) -> Self {
        let done = fresh.iter().filter(|e| e.success == Some(true)).count();
        let bound = lower_bound(done as u64, fresh.len() as u64, config.delta);
        Self {
            success: (bound >= LEAST_SUCCESS).then(|| bound.min(0.999)),
            bad: config.bad_limit,
            error: config.watch_error,
            episodes: config.watch_episodes,
        }
    }

    /// Watches for success below what is promised; `None` where none is.
    ///
    /// # Errors
    /// When what is promised cannot be watched.
    pub fn success_detector(&self) -> Result<Option<ChangeDetector>> {
        let make =
            |promised| ChangeDetector::new(promised, self.error * SUCCESS_PART, self.episodes);
        Ok(self.success.map(make).transpose()?)
    }

    /// Watches for more bad episodes than promised.
    ///
    /// # Errors
    /// When what is promised cannot be watched.
    pub fn clean_detector(&self) -> Result<ChangeDetector> {
        let clean = (1.0 - self.bad).clamp(0.05, 0.999);
        let error = self.error * (1.0 - SUCCESS_PART);
        Ok(ChangeDetector::new(clean, error, self.episodes)?)
    }
}
