//! What is measured of an episode: named numbers and names.

use serde::{Deserialize, Serialize};
use std::{borrow::Cow, collections::BTreeMap};

/// One thing that is known of an episode.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Fact {
    /// A number, in the unit its [`FactInfo`] says.
    Number(f64),
    /// One of the names its [`FactInfo`] lists.
    Name(Cow<'static, str>),
}

impl Fact {
    /// A name that the program knows.
    #[must_use]
    pub const fn name(name: &'static str) -> Self {
        Self::Name(Cow::Borrowed(name))
    }
}

/// What a fact means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FactInfo {
    /// Its name, as expressions use it.
    pub name: &'static str,
    /// Its unit; empty for a pure number or a name.
    pub unit: &'static str,
    /// What it says.
    pub about: &'static str,
    /// The names it can have; empty for a number.
    pub names: &'static [&'static str],
}

impl FactInfo {
    /// A number's.
    #[must_use]
    pub const fn number(name: &'static str, unit: &'static str, about: &'static str) -> Self {
        Self {
            name,
            unit,
            about,
            names: &[],
        }
    }
}

/// Facts that are measured of every task.
pub const EVERY_TASK: [FactInfo; 5] = [
    FactInfo::number(
        "duration_s",
        "s",
        "Time from the start until the task was done for the first time, or until the end where it never was.",
    ),
    FactInfo::number(
        "peak_tool_speed_m_s",
        "m/s",
        "Highest speed of the tool's origin, over single physics steps.",
    ),
    FactInfo::number(
        "peak_contact_force_n",
        "N",
        "Highest sum of normal forces of palm and fingers on the task's bodies in a physics step; a held body is \
         attached, so holding it adds none.",
    ),
    FactInfo::number(
        "table_clearance_m",
        "m",
        "Smallest height of palm and fingers over the plane of the table top; negative below it. Other links are not \
         looked at.",
    ),
    FactInfo::number(
        "self_clearance_m",
        "m",
        "Smallest distance of the arm's capsules from one another, at control ticks; missing where the robot's \
         description has none.",
    ),
];

/// The facts of an episode, by name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Facts(BTreeMap<Cow<'static, str>, Fact>);

impl Facts {
    /// Sets a number. One that is not finite is not a fact, and is left out.
    pub fn set(&mut self, name: &'static str, number: f64) {
        if number.is_finite() {
            self.put(name, Fact::Number(number));
        }
    }

    /// Keeps the largest number given so far.
    pub fn peak(&mut self, name: &'static str, number: f64) {
        if self.number(name).is_none_or(|best| number > best) {
            self.set(name, number);
        }
    }

    /// Keeps the smallest number given so far.
    pub fn lowest(&mut self, name: &'static str, number: f64) {
        if self.number(name).is_none_or(|best| number < best) {
            self.set(name, number);
        }
    }

    /// Sets a name.
    pub fn set_name(&mut self, name: &'static str, value: &'static str) {
        self.put(name, Fact::name(value));
    }

    /// Sets a fact.
    pub fn put(&mut self, name: impl Into<Cow<'static, str>>, fact: Fact) {
        self.0.insert(name.into(), fact);
    }

    /// A fact.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Fact> {
        self.0.get(name)
    }

    /// A fact that is a number.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<f64> {
        match self.get(name) {
            Some(Fact::Number(number)) => Some(*number),
            _ => None,
        }
    }

    /// A fact that is a name.
    #[must_use]
    pub fn name(&self, name: &str) -> Option<&str> {
        match self.get(name) {
            Some(Fact::Name(value)) => Some(value),
            _ => None,
        }
    }

    /// All facts, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Fact)> {
        self.0.iter().map(|(name, fact)| (name.as_ref(), fact))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peaks_stay_and_what_is_no_number_is_no_fact() {
        let mut facts = Facts::default();
        for speed in [0.1, 0.4, 0.2, f64::NAN] {
            facts.peak("speed", speed);
            facts.lowest("slowest", speed);
        }
        facts.set("distance", f64::INFINITY);
        assert_eq!(facts.number("speed"), Some(0.4));
        assert_eq!(facts.number("slowest"), Some(0.1));
        assert_eq!(facts.get("distance"), None);
    }
}
