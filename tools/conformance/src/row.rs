//! What was measured, beside what is allowed.

use serde::Serialize;
use std::time::Instant;

/// One figure.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// Which row of the fault table it belongs to.
    pub row: &'static str,
    /// What was done and measured.
    pub what: String,
    /// The figure; `null` when nothing was measured.
    pub figure: Option<f64>,
    /// What it must be.
    pub limit: String,
    /// Whether it is.
    pub pass: bool,
    /// How long it took.
    pub seconds: f64,
}

/// Collects rows of one table, and prints each as it comes.
#[derive(Debug)]
pub struct Rows {
    row: &'static str,
    since: Instant,
    /// All so far.
    pub all: Vec<Row>,
}

impl Rows {
    /// None yet.
    #[must_use]
    pub fn new(row: &'static str) -> Self {
        Self {
            row,
            since: Instant::now(),
            all: Vec::new(),
        }
    }

    /// A figure and whether it is as it must be. Time counts from the row before.
    pub fn add(&mut self, what: impl Into<String>, figure: f64, limit: &str, pass: bool) {
        let row = Row {
            row: self.row,
            what: what.into(),
            figure: figure.is_finite().then_some(figure),
            limit: limit.into(),
            pass: pass && figure.is_finite(),
            seconds: self.since.elapsed().as_secs_f64(),
        };
        self.since = Instant::now();
        println!(
            "{} {:4} {:>12.6}  {} (must be {})",
            row.row,
            if row.pass { "ok" } else { "FAIL" },
            figure,
            row.what,
            row.limit
        );
        self.all.push(row);
    }

    /// The next row's time counts from now.
    pub fn since_now(&mut self) {
        self.since = Instant::now();
    }

    /// Something that could not be done at all.
    pub fn failed(&mut self, what: impl Into<String>, error: &dyn std::fmt::Display) {
        let what = format!("{}: {error}", what.into());
        self.add(what, f64::NAN, "done", false);
    }

    /// A figure that must not be above `most`.
    pub fn at_most(&mut self, what: impl Into<String>, figure: f64, most: f64) {
        self.add(what, figure, &format!("<= {most}"), figure <= most);
    }

    /// A figure that must not be below `least`.
    pub fn at_least(&mut self, what: impl Into<String>, figure: f64, least: f64) {
        self.add(what, figure, &format!(">= {least}"), figure >= least);
    }

    /// A count that must be just that.
    pub fn exactly(&mut self, what: impl Into<String>, count: u64, wanted: u64) {
        self.add(what, count as f64, &format!("= {wanted}"), count == wanted);
    }
}
