//! Faults on purpose: each row kills, floods, starves or lies to a part of Apprentice, measures what comes of
//! it, and says whether that is as it must be.
//!
//! [`TABLE`] lists the rows; one is run by [`run`]. Processes that have to die are this program again, as a
//! [`child`]. Everything happens on this machine's loopback.

pub mod allocation;
pub mod child;
pub mod episodes;
pub mod hostile;
pub mod link_robot;
pub mod measured;
pub mod memory_robot;
pub mod program;
pub mod row;
pub mod rows;
pub mod strangers;
pub mod stub_agent;
pub mod told_robot;

pub use row::{Row, Rows};
pub use rows::{Named, TABLE, run};

/// How much of a row is run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// The counts of the fault table instead of those of continuous integration.
    pub full: bool,
    /// How long the soak lasts, hours; 0 for its short form.
    pub hours: f64,
}

impl Scale {
    /// What continuous integration runs.
    pub const QUICK: Self = Self {
        full: false,
        hours: 0.0,
    };

    /// One of two counts.
    #[must_use]
    pub fn pick<T>(self, quick: T, full: T) -> T {
        if self.full { full } else { quick }
    }
}
