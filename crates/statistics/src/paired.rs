//! A/B trials on matched starts, looked at after every pair, with the error rate kept.
//!
//! Of pair i only `d = aligned - base` in {-1, 0, 1} counts. Against "the mean of d is at most m" one bets a part f of
//! what one has on every pair: the capital `prod(1 + f/(1+m) (d - m))` is a nonnegative supermartingale where the
//! statement holds, so it ever reaches `1/alpha` with a probability of at most alpha (Ville 1939; Waudby-Smith and
//! Ramdas 2024, "Estimating means of bounded random variables by betting"). Instead of choosing f, capitals over a
//! grid of f are averaged, which is a capital again. Where m = 0 only discordant pairs move it.

use crate::error::{StatisticsError, share};
use crate::mixture::ln_mean_exp;
use crate::search::first_true;
use serde::{Deserialize, Serialize};

/// Parts that are bet: quantiles of the arcsine law, dense at both ends, since few discordant pairs want large bets.
const BETS: usize = 32;

/// What the pairs say by now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PairedDecision {
    /// Go on.
    Undecided,
    /// Success falls by less than the margin.
    NotWorse,
    /// Success is higher.
    Better,
    /// Success falls by more than the margin.
    Worse,
}

/// A sequential test of two policies on the same starts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairedTest {
    alpha: f64,
    margin: f64,
    both: u64,
    neither: u64,
    base_only: u64,
    aligned_only: u64,
    largest_not_worse: f64,
    largest_better: f64,
    largest_worse: f64,
}

impl PairedTest {
    /// A test of which each one-sided statement is wrong with a probability of at most `alpha` (such as 0.05), however
    /// often one looks; `margin` is the loss of success that is still fine (0.03 is 3 points; 0 for none).
    ///
    /// # Errors
    ///
    /// If `alpha` is not between 0 and 1, or `margin` not at least 0 and below 1.
    pub fn new(alpha: f64, margin: f64) -> Result<Self, StatisticsError> {
        let alpha = share("alpha, the error rate of a paired test,", alpha)?;
        if !(0.0..1.0).contains(&margin) {
            return Err(StatisticsError::OutOfRange {
                what: "margin, the loss of success a paired test lets pass,",
                got: margin,
                allowed: "at least 0 and below 1",
            });
        }
        Ok(Self {
            alpha,
            margin,
            both: 0,
            neither: 0,
            base_only: 0,
            aligned_only: 0,
            largest_not_worse: 0.0,
            largest_better: 0.0,
            largest_worse: 0.0,
        })
    }

    /// One pair: whether the base policy and the aligned one succeeded from the same start.
    pub fn observe(&mut self, base: bool, aligned: bool) {
        match (base, aligned) {
            (true, true) => self.both += 1,
            (false, false) => self.neither += 1,
            (true, false) => self.base_only += 1,
            (false, true) => self.aligned_only += 1,
        }
        self.largest_not_worse = self.largest_not_worse.max(self.ln_gain(-self.margin));
        self.largest_better = self.largest_better.max(self.ln_gain(0.0));
        self.largest_worse = self.largest_worse.max(self.ln_loss(self.margin));
    }

    /// What holds by now. Once said it stays said: the error rate counts whether it is ever said.
    #[must_use]
    pub fn decision(&self) -> PairedDecision {
        let wanted = -self.alpha.ln();
        if self.largest_worse >= wanted {
            PairedDecision::Worse
        } else if self.largest_better >= wanted {
            PairedDecision::Better
        } else if self.largest_not_worse >= wanted {
            PairedDecision::NotWorse
        } else {
            PairedDecision::Undecided
        }
    }

    /// Evidence against "the aligned policy loses the margin or more", 1 before the first pair; `1/alpha` is enough.
    #[must_use]
    pub fn e_value(&self) -> f64 {
        self.ln_gain(-self.margin).exp()
    }

    /// The difference of success, aligned minus base, of the pairs so far; 0 without any.
    #[must_use]
    pub fn difference(&self) -> f64 {
        let pairs = self.pairs();
        if pairs == 0 {
            return 0.0;
        }
        (self.aligned_only as f64 - self.base_only as f64) / pairs as f64
    }

    /// Where the difference (aligned minus base, -1 to 1) lies: with a probability of `1 - alpha` it is in these
    /// intervals after all pairs at once (a confidence sequence).
    #[must_use]
    pub fn interval(&self) -> (f64, f64) {
        (
            self.lower(self.alpha / 2.0),
            -self.swapped().lower(self.alpha / 2.0),
        )
    }

    /// The one-sided lower bound of the difference at `1 - alpha`, after all pairs at once.
    #[must_use]
    pub fn lower_bound(&self) -> f64 {
        self.lower(self.alpha)
    }

    /// Pairs so far.
    #[must_use]
    pub fn pairs(&self) -> u64 {
        self.both + self.neither + self.base_only + self.aligned_only
    }

    /// Pairs in which only the base policy, and only the aligned policy succeeded.
    #[must_use]
    pub fn discordant(&self) -> (u64, u64) {
        (self.base_only, self.aligned_only)
    }

    fn lower(&self, alpha: f64) -> f64 {
        let wanted = -alpha.ln();
        // The capital falls as the mean that is to be refuted grows: below the bound all are refuted.
        first_true(-1.0, 1.0, |m| self.ln_gain(m) < wanted)
    }

    fn swapped(&self) -> Self {
        Self {
            base_only: self.aligned_only,
            aligned_only: self.base_only,
            ..*self
        }
    }

    /// Logarithm of the capital against "the difference is at least `-mean`".
    fn ln_loss(&self, mean: f64) -> f64 {
        self.swapped().ln_gain(mean)
    }

    /// Logarithm of the capital against "the difference is at most `mean`".
    fn ln_gain(&self, mean: f64) -> f64 {
        let unit = 1.0 / (1.0 + mean).max(1e-12);
        let ties = (self.both + self.neither) as f64;
        let (wins, losses) = (self.aligned_only as f64, self.base_only as f64);
        ln_mean_exp(std::array::from_fn::<f64, BETS, _>(|i| {
            let angle = std::f64::consts::FRAC_PI_2 * (i as f64 + 0.5) / BETS as f64;
            let part = angle.sin().powi(2);
            wins * (part * (1.0 - mean) * unit).ln_1p()
                + ties * (-part * mean * unit).ln_1p()
                + losses * (-part).ln_1p()
        }))
    }
}
