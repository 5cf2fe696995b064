//! What the course came to.

use super::trials::Trial;
use apprentice_statistics::clopper_pearson::interval;
use apprentice_statistics::{PairedDecision, PairedTest};
use std::collections::BTreeMap;
use std::fmt;

/// Largest probability of each statement to be wrong.
const ERROR: f64 = 0.05;

/// Loss of success that is still fine.
const MARGIN: f64 = 0.03;

/// The commands that were typed, and the trials of the comparison.
pub struct Figures {
    /// One after the other.
    pub typed: Vec<String>,
    /// In order.
    pub trials: Vec<Trial>,
}

impl Figures {
    /// How many of how many.
    pub fn count(&self, aligned: bool, what: fn(&Trial) -> bool) -> (u64, u64) {
        let of = || self.trials.iter().filter(|t| t.aligned == aligned);
        (of().filter(|t| what(t)).count() as u64, of().count() as u64)
    }

    /// Both policies from the same starts: whether the base and the aligned one succeeded.
    pub fn pairs(&self) -> Vec<(bool, bool)> {
        let mut starts: BTreeMap<u64, [Option<bool>; 2]> = BTreeMap::new();
        for trial in &self.trials {
            starts.entry(trial.start).or_default()[usize::from(trial.aligned)] =
                Some(trial.success);
        }
        starts
            .values()
            .filter_map(|pair| Some((pair[0]?, pair[1]?)))
            .collect()
    }

    /// What the sequential test says of success.
    pub fn decision(&self) -> PairedDecision {
        self.paired().decision()
    }

    fn paired(&self) -> PairedTest {
        let mut test = PairedTest::new(ERROR, MARGIN).unwrap();
        for (base, aligned) in self.pairs() {
            test.observe(base, aligned);
        }
        test
    }

    /// What has to hold at any size: the wish is followed, the task is done as before, and few commands did it.
    pub fn check(&self) {
        assert!(self.typed.len() <= 8, "{} commands", self.typed.len());
        let rate = |(of, all): (u64, u64)| of as f64 / all.max(1) as f64;
        let (before, after) = (
            rate(self.count(false, |t| t.preferred)),
            rate(self.count(true, |t| t.preferred)),
        );
        assert!(
            after > before,
            "preferred in {after} of the trials, before in {before}"
        );
        assert!(self.decision() != PairedDecision::Worse, "{self}");
    }
}

/// How many of how many, in words.
pub fn share((of, all): (u64, u64)) -> String {
    let (low, high) = interval(of, all, ERROR);
    let [rate, low, high] = [of as f64 / all.max(1) as f64, low, high].map(|p| 100.0 * p);
    format!("{of:>4} of {all:<4} {rate:5.1} % (95 % interval {low:.1} to {high:.1})")
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} commands typed, each printed by the one before",
            self.typed.len()
        )?;
        let mut row = |name: &str, count| writeln!(f, "{name:<20}{}", share(count));
        row("preferred, base", self.count(false, |t| t.preferred))?;
        row("preferred, aligned", self.count(true, |t| t.preferred))?;
        row("success, base", self.count(false, |t| t.success))?;
        row("success, aligned", self.count(true, |t| t.success))?;
        let test = self.paired();
        let bound = -100.0 * test.lower_bound();
        let pairs = test.pairs();
        writeln!(
            f,
            "success is lost by at most {bound:.1} points in {pairs} pairs (one-sided 95 %, at every look); the \
             sequential test: {:?}",
            test.decision()
        )
    }
}
