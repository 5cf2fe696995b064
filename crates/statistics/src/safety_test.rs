//! Is the rate of bad episodes below a limit? Valid however often one looks.
//!
//! Against "the rate is at least L" the likelihood ratio of a smaller rate q, `(q/L)^bad ((1-q)/(1-L))^clean`, is a
//! nonnegative supermartingale for every rate from L on; a mean over several q is one too, and reaches `1/delta` with
//! a probability of at most delta (Wald 1945; Ville 1939). A fixed-number test that is looked at again and again
//! does not keep delta.

use crate::error::{StatisticsError, share};
use crate::mixture::ln_mean_exp;
use crate::search::first_true;
use serde::{Deserialize, Serialize};

/// The rates that are bet on, as parts of the limit.
const PARTS: [f64; 4] = [0.0, 0.125, 0.25, 0.5];

/// A sequential test that an event is rarer than a limit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SafetyTest {
    limit: f64,
    delta: f64,
    clean: u64,
    bad: u64,
}

impl SafetyTest {
    /// A test that calls a rate of `limit` or more safe with a probability of at most `delta`.
    ///
    /// # Errors
    ///
    /// If either is not between 0 and 1.
    pub fn new(limit: f64, delta: f64) -> Result<Self, StatisticsError> {
        Ok(Self {
            limit: share("the limit of bad episodes", limit)?,
            delta: share("delta, the error rate of a safety test,", delta)?,
            clean: 0,
            bad: 0,
        })
    }

    /// One fresh episode, and whether the event happened in it.
    pub fn observe(&mut self, bad: bool) {
        if bad {
            self.bad += 1;
        } else {
            self.clean += 1;
        }
    }

    /// Episodes so far.
    #[must_use]
    pub fn episodes(&self) -> u64 {
        self.clean + self.bad
    }

    /// Those of them in which the event happened.
    #[must_use]
    pub fn bad_episodes(&self) -> u64 {
        self.bad
    }

    /// Evidence against "the rate is at the limit or above", 1 before the first episode; `1/delta` is enough.
    #[must_use]
    pub fn e_value(&self) -> f64 {
        ln_capital(self.limit, self.clean, self.bad).exp()
    }

    /// Whether the rate is below the limit, with confidence `1 - delta`, by what was seen until now.
    #[must_use]
    pub fn is_safe(&self) -> bool {
        self.would_be_safe(0)
    }

    /// The rate's upper bound at `1 - delta`, after all episodes at once (a confidence sequence).
    #[must_use]
    pub fn upper_bound(&self) -> f64 {
        let wanted = -self.delta.ln();
        // For a limit closer to 1 the same episodes are more evidence.
        first_true(0.0, 1.0, |limit| {
            ln_capital(limit, self.clean, self.bad) >= wanted
        })
    }

    /// How many more episodes would do if all of them were clean; 0 if it is safe already.
    #[must_use]
    pub fn clean_episodes_wanted(&self) -> u64 {
        let mut enough = 1_u64;
        if self.is_safe() {
            return 0;
        }
        // Evidence grows with every clean episode without end; 2^40 is more than anyone would do.
        while enough < 1 << 40 && !self.would_be_safe(enough) {
            enough *= 2;
        }
        let mut short = enough / 2;
        while enough - short > 1 {
            let middle = u64::midpoint(short, enough);
            if self.would_be_safe(middle) {
                enough = middle;
            } else {
                short = middle;
            }
        }
        enough
    }

    fn would_be_safe(&self, more_clean: u64) -> bool {
        ln_capital(self.limit, self.clean + more_clean, self.bad) >= -self.delta.ln()
    }
}

fn ln_capital(limit: f64, clean: u64, bad: u64) -> f64 {
    ln_mean_exp(PARTS.map(|part| {
        let bad_term = if bad == 0 {
            0.0
        } else {
            bad as f64 * part.ln()
        };
        let clean_term = if clean == 0 {
            0.0
        } else {
            clean as f64 * ((-part * limit).ln_1p() - (-limit).ln_1p())
        };
        bad_term + clean_term
    }))
}
