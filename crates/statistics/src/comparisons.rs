//! Who was preferred to whom, counted.

use crate::error::StatisticsError;
use serde::{Deserialize, Serialize};

/// How one comparison ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preferred {
    /// The first of the two.
    First,
    /// The second.
    Second,
    /// Neither: both are as good.
    Neither,
}

/// Comparisons of two at a time among `items` things, numbered from 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparisons {
    items: usize,
    /// Row i, column j: how often i was preferred to j; one that was level counts half for each.
    wins: Vec<f64>,
}

impl Comparisons {
    /// None yet, among 2 to 200 things.
    ///
    /// # Errors
    /// If there are fewer or more.
    pub fn new(items: usize) -> Result<Self, StatisticsError> {
        if !(2..=200).contains(&items) {
            return Err(StatisticsError::OutOfRange {
                what: "the number of things that are compared",
                got: items as f64,
                allowed: "at least 2 and at most 200",
            });
        }
        Ok(Self {
            items,
            wins: vec![0.0; items * items],
        })
    }

    /// One more comparison.
    ///
    /// # Errors
    /// If one of the two is not among the things, or it is compared with itself.
    pub fn add(
        &mut self,
        first: usize,
        second: usize,
        preferred: Preferred,
    ) -> Result<(), StatisticsError> {
        for got in [first, second] {
            if got >= self.items {
                return Err(StatisticsError::OutOfRange {
                    what: "the number of a thing that was compared",
                    got: got as f64,
                    allowed: "below the number of things",
                });
            }
        }
        if first == second {
            return Err(StatisticsError::OutOfRange {
                what: "the number of the second thing that was compared",
                got: second as f64,
                allowed: "another than the first's",
            });
        }
        let share = match preferred {
            Preferred::First => 1.0,
            Preferred::Second => 0.0,
            Preferred::Neither => 0.5,
        };
        self.add_share(first, second, share);
        Ok(())
    }

    /// One more comparison, of which a part goes to each side.
    pub(crate) fn add_share(&mut self, first: usize, second: usize, share: f64) {
        self.wins[first * self.items + second] += share;
        self.wins[second * self.items + first] += 1.0 - share;
    }

    /// How many things there are.
    #[must_use]
    pub fn items(&self) -> usize {
        self.items
    }

    /// How often the first was preferred to the second, a level comparison counting half; 0 where one is not among
    /// them.
    #[must_use]
    pub fn wins(&self, first: usize, second: usize) -> f64 {
        if first.max(second) >= self.items {
            return 0.0;
        }
        self.wins[first * self.items + second]
    }

    /// Comparisons so far.
    #[must_use]
    pub fn count(&self) -> f64 {
        self.wins.iter().sum()
    }
}
