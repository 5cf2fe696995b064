//! How much of a row is run.

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
