//! Which two to compare next, and when there is nothing more to ask.
//!
//! The pair is the one with the largest product of the probability that it stands the wrong way round by more than a part
//! of the margin and of what one more comparison would tell of it, as the square root of weight times variance. It was
//! measured against random pairs, the largest information gain and looking one comparison ahead (`tests/rating.rs` prints
//! the first).
//!
//! An order is told once no two in it can stand the wrong way round *by more than a margin* but by a chance of at most the
//! error rate. What is level up to the margin need not be told apart, so this ends for equals, too. The chance is one
//! that may be looked at after every comparison, whatever pairs were chosen ([`Strengths::chance_of_being_wrong`]); a
//! posterior probability may not: orders told by it were wrong three times as often as it said where strengths were a
//! little further apart than the margin.

use crate::comparisons::Comparisons;
use crate::error::{StatisticsError, share};
use crate::strengths::{Strengths, logistic};
use serde::{Deserialize, Serialize};

/// Part of the margin by which pairs that are asked about stand the wrong way round: less asks on where all is told, more
/// asks too little of neighbours.
const CLOSE: f64 = 0.6;

/// Which two to compare next, and when comparing ends.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct StopRule {
    error_rate: f64,
    margin: f64,
}

impl StopRule {
    /// Each statement "this one is not behind that one" may be wrong with a probability of `error_rate` (such as 0.05), and
    /// counts as wrong where the one behind is preferred in more than `tolerated` (0.5 to below 1, such as two of three) of
    /// the comparisons.
    ///
    /// # Errors
    /// If one of them is out of range.
    pub fn new(error_rate: f64, tolerated: f64) -> Result<Self, StatisticsError> {
        let error_rate = share("the error rate of an order", error_rate)?;
        if !(0.5..1.0).contains(&tolerated) {
            return Err(StatisticsError::OutOfRange {
                what: "the share of comparisons that one behind may be preferred in",
                got: tolerated,
                allowed: "at least 0.5 and below 1",
            });
        }
        Ok(Self {
            error_rate,
            margin: (tolerated / (1.0 - tolerated)).ln(),
        })
    }

    /// The chance, at most, that two of the order stand the wrong way round by more than the margin: that of the two of
    /// which it is largest.
    #[must_use]
    pub fn risk(&self, strengths: &Strengths) -> f64 {
        let order = strengths.order();
        let mut risk = 0.0_f64;
        for (place, &ahead) in order.iter().enumerate() {
            for &behind in order.iter().skip(place + 1) {
                risk = strengths
                    .chance_of_being_wrong(ahead, behind, self.margin)
                    .max(risk);
            }
        }
        risk.min(1.0)
    }

    /// Whether the order is told.
    #[must_use]
    pub fn is_met(&self, strengths: &Strengths) -> bool {
        self.risk(strengths) <= self.error_rate
    }

    /// About how many comparisons more would tell the order, if the strengths are as they seem; `None` where `most` would
    /// not.
    #[must_use]
    pub fn comparisons_wanted(&self, comparisons: &Comparisons, most: u32) -> Option<u32> {
        let mut expected = comparisons.clone();
        let seeming = Strengths::of(comparisons);
        let mut strengths = seeming.clone();
        for more in 0..=most {
            if self.is_met(&strengths) {
                return Some(more);
            }
            let (a, b) = self.next_pair(&strengths, u64::from(more), |_, _| true)?;
            let (difference, _) = seeming.difference(a, b);
            expected.add_share(a, b, logistic(difference));
            strengths = strengths.after(&expected);
        }
        None
    }

    /// The two to compare next among those for which `possible` holds; `None` where it holds for none. Of pairs that tell as
    /// much, `draw`, any number, chooses one.
    pub fn next_pair(
        &self,
        strengths: &Strengths,
        draw: u64,
        possible: impl Fn(usize, usize) -> bool,
    ) -> Option<(usize, usize)> {
        let margin = CLOSE * self.margin;
        let mut pairs = Vec::new();
        for second in 0..strengths.items() {
            for first in (0..second).filter(|&first| possible(first, second)) {
                let (difference, deviation) = strengths.difference(first, second);
                let expected = logistic(difference);
                let wrong = strengths
                    .probability_behind(first, second, margin)
                    .min(strengths.probability_behind(second, first, margin));
                let tells = deviation * (expected * (1.0 - expected)).sqrt();
                pairs.push((wrong * tells, (first, second)));
            }
        }
        let most = pairs.iter().map(|(value, _)| *value).fold(0.0, f64::max);
        let level = |(value, _): &&(f64, (usize, usize))| *value >= most * (1.0 - 1e-9);
        let count = pairs.iter().filter(level).count();
        let chosen = pairs
            .iter()
            .filter(level)
            .nth((draw % count.max(1) as u64) as usize);
        chosen.map(|(_, pair)| *pair)
    }
}
