//! How the report speaks of the task.

use apprentice_pipeline::preference::Preference;
use apprentice_sim::{TaskKind, Words};

/// A task's own words, and its ways.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskWords {
    /// The task's own words.
    pub words: Words,
    /// In which ways its experts show it.
    pub ways: Vec<&'static str>,
    /// How many of a hundred demonstrations show each, where that was set; empty: of each the same.
    pub percent: Vec<u32>,
    /// The preferred one, as it completes "push the block".
    pub preferred: &'static str,
}

impl TaskWords {
    /// For a task and what the operator prefers.
    #[must_use]
    pub fn of(task: &TaskKind, preference: &Preference) -> Self {
        let style = preference.style(task).and_then(|s| task.styles().get(s));
        Self {
            words: task.words(),
            ways: task.styles().iter().map(|s| s.way).collect(),
            percent: Vec::new(),
            preferred: style.map_or("the preferred way", |s| s.way),
        }
    }

    /// With these shares of the ways among the demonstrations, relative to one another; empty: of each the same.
    #[must_use]
    pub fn shown_in(mut self, shares: &[f64]) -> Self {
        let whole: f64 = shares.iter().sum();
        let percent = |share: &f64| (100.0 * share / whole).round() as u32;
        self.percent = shares.iter().map(percent).collect();
        self
    }

    /// In which parts the demonstrations show which way, after a comma; empty where there is one way only.
    #[must_use]
    pub fn parts(&self) -> String {
        if self.percent.len() == self.ways.len() {
            let parts = self.ways.iter().zip(&self.percent);
            let parts: Vec<_> = parts.map(|(way, n)| format!("{n} % {way}")).collect();
            return format!(", {}", parts.join(", "));
        }
        match &self.ways[..] {
            [] | [_] => String::new(),
            [a, b] => format!(", half {a} and half {b}"),
            [first @ .., last] => format!(", in equal parts {} and {last}", first.join(", ")),
        }
    }

    /// A participle at the beginning of a sentence: `Picked up`.
    #[must_use]
    pub fn capital(word: &str) -> String {
        let mut letters = word.chars();
        letters.next().map_or(String::new(), |first| {
            first.to_uppercase().chain(letters).collect()
        })
    }
}

impl Default for TaskWords {
    /// Those of the first task, its first way preferred.
    fn default() -> Self {
        let task = TaskKind::default();
        let ways: Vec<_> = task.styles().iter().map(|s| s.way).collect();
        Self {
            words: task.words(),
            preferred: ways.first().copied().unwrap_or("the preferred way"),
            ways,
            percent: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_said_where_there_are_some() {
        let mut words = TaskWords {
            ways: vec!["slowly"],
            ..TaskWords::default()
        };
        assert_eq!(words.parts(), "");
        words.ways = vec!["slowly", "fast"];
        assert_eq!(words.parts(), ", half slowly and half fast");
        words.ways = vec!["slowly", "fast", "from above"];
        assert_eq!(
            words.parts(),
            ", in equal parts slowly, fast and from above"
        );
        let rare = words.shown_in(&[0.1, 1.9, 0.0]);
        assert_eq!(rare.parts(), ", 5 % slowly, 95 % fast, 0 % from above");
        assert_eq!(TaskWords::capital("pushed"), "Pushed");
    }
}
