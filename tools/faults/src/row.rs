//! What was measured, beside what is allowed.

use serde::{Deserialize, Serialize};
use std::time::Instant;

/// One figure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Which row of the fault table it belongs to.
    pub row: String,
    /// What was done and measured.
    pub what: String,
    /// The figure, in the unit of `limit`; `null` when nothing could be measured.
    pub figure: Option<f64>,
    /// What it must be, with its unit; `-` where there is no limit.
    pub limit: String,
    /// Whether it is.
    pub pass: bool,
    /// How long it took, seconds.
    pub seconds: f64,
}

/// Collects the figures of one row of the table, and prints each as it comes.
#[derive(Debug)]
pub struct Rows {
    row: String,
    since: Instant,
    all: Vec<Row>,
}

impl Rows {
    /// None yet.
    #[must_use]
    pub fn new(row: &str) -> Self {
        Self {
            row: row.into(),
            since: Instant::now(),
            all: Vec::new(),
        }
    }

    fn add(&mut self, what: String, figure: f64, limit: String, pass: bool) {
        let row = Row {
            row: self.row.clone(),
            what,
            figure: figure.is_finite().then_some(figure),
            limit,
            pass: pass && figure.is_finite(),
            seconds: self.since.elapsed().as_secs_f64(),
        };
        self.since = Instant::now();
        let ok = if row.pass { "ok" } else { "FAIL" };
        println!(
            "{:6} {ok:4} {figure:>12.3}  {:14} {}",
            row.row, row.limit, row.what
        );
        self.all.push(row);
    }

    /// A figure that must not be above `most`.
    pub fn at_most(&mut self, what: impl Into<String>, figure: f64, most: f64, unit: &str) {
        let limit = format!("<= {most} {unit}");
        self.add(what.into(), figure, limit, figure <= most);
    }

    /// A figure that must not be below `least`.
    pub fn at_least(&mut self, what: impl Into<String>, figure: f64, least: f64, unit: &str) {
        let limit = format!(">= {least} {unit}");
        self.add(what.into(), figure, limit, figure >= least);
    }

    /// A count that must be just that.
    pub fn exactly(&mut self, what: impl Into<String>, count: u64, wanted: u64) {
        self.add(
            what.into(),
            count as f64,
            format!("= {wanted}"),
            count == wanted,
        );
    }

    /// A figure without a limit.
    pub fn report(&mut self, what: impl Into<String>, figure: f64, unit: &str) {
        self.add(what.into(), figure, format!("- {unit}"), true);
    }

    /// Something that could not be done at all.
    pub fn failed(&mut self, error: &dyn std::fmt::Display) {
        let what = format!("it could not be run: {error}");
        self.add(what, f64::NAN, "run".into(), false);
    }

    /// All of them; one without figures has failed.
    #[must_use]
    pub fn finish(mut self) -> Vec<Row> {
        if self.all.is_empty() {
            self.failed(&"it measured nothing");
        }
        self.all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_pass_only_within_their_limit() {
        let mut rows = Rows::new("R0");
        rows.at_most("a", 2.0, 1.0, "ms");
        rows.at_most("b", 1.0, 1.0, "ms");
        rows.at_most("c", f64::NAN, 1.0, "ms");
        rows.at_least("d", 1.0, 2.0, "ticks");
        rows.exactly("e", 3, 3);
        rows.failed(&"no disk");
        let all = rows.finish();
        let passed: Vec<bool> = all.iter().map(|r| r.pass).collect();
        assert_eq!(passed, [false, true, false, false, true, false]);
        assert_eq!((all[0].limit.as_str(), all[2].figure), ("<= 1 ms", None));
        assert!(!Rows::new("R0").finish()[0].pass);
    }
}
