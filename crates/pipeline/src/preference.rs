//! What the simulated operator prefers, and so what the figures count as preferred.

use crate::config::Config;
use crate::episode_verdict::PREFERRED;
use crate::outcomes::EpisodeOutcome;
use anyhow::{Context as _, Result};
use apprentice_preference::{Expression, KnownFact, Value};
use apprentice_sim::facts::EVERY_TASK;
use apprentice_sim::{Fact, TaskKind};

/// Whether the task is done, as expressions name it: 1 or 0.
const SUCCESS: &str = "success";

/// The operator's preference, for the task of the configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct Preference {
    utility: Expression,
    preferred_from: f64,
}

impl Preference {
    /// The configured one.
    ///
    /// # Errors
    /// When `operator.prefers` cannot be read or names facts that nothing measures.
    pub fn of(config: &Config) -> Result<Self> {
        let text = &config.operator.prefers;
        let utility = Expression::new(text, &known(&config.task))
            .with_context(|| format!("operator.prefers is {text:?}"))?;
        Ok(Self {
            utility,
            preferred_from: config.operator.preferred_from,
        })
    }

    /// What the operator thinks of an episode: the more, the better; equal numbers tie.
    ///
    /// # Errors
    /// When nobody knows how the episode ended, or a fact was not measured.
    pub fn utility(&self, episode: &EpisodeOutcome) -> Result<f64> {
        let outcome = episode.outcome.as_ref();
        let success = outcome.and_then(|o| o.success).map(truth);
        let look_up = |name: &str| {
            if name == SUCCESS {
                return success.map(Value::Number);
            }
            outcome.and_then(|o| o.facts.get(name)).map(value)
        };
        self.utility
            .evaluate(&look_up)
            .with_context(|| format!("operator.prefers cannot judge {}", episode.file))
    }

    /// Whether an episode counts as preferred: it succeeded, and its utility is at least `operator.preferred_from`.
    /// `None` where nobody knows whether it succeeded, or how.
    #[must_use]
    pub fn is_preferred(&self, episode: &EpisodeOutcome) -> Option<bool> {
        if !episode.success()? {
            return Some(false);
        }
        // A robot that tells knows better than an expression over what it measured.
        let told = episode
            .outcome
            .as_ref()
            .and_then(|o| o.facts.get(PREFERRED));
        if let Some(told) = told {
            return Some(*told == Fact::name("yes"));
        }
        let utility = self.utility(episode).ok()?;
        Some(utility >= self.preferred_from)
    }

    /// The one style of the task whose successes count as preferred; `None` where none or several do, or where facts
    /// decide that styles do not tell.
    #[must_use]
    pub fn style(&self, task: &TaskKind) -> Option<usize> {
        let preferred = task.styles().iter().enumerate().filter(|(_, style)| {
            let look_up = |name: &str| {
                if name == SUCCESS {
                    return Some(Value::Number(1.0));
                }
                let fact = style.facts.iter().find(|(fact, _)| *fact == name);
                fact.map(|(_, fact)| value(fact))
            };
            let utility = self.utility.evaluate(&look_up);
            utility.is_ok_and(|utility| utility >= self.preferred_from)
        });
        let indices: Vec<usize> = preferred.map(|(index, _)| index).collect();
        match indices[..] {
            [one] => Some(one),
            _ => None,
        }
    }
}

fn known(task: &TaskKind) -> Vec<KnownFact<'static>> {
    let success = KnownFact {
        name: SUCCESS,
        names: &[],
    };
    let measured = task.facts().iter().chain(&EVERY_TASK);
    std::iter::once(success)
        .chain(measured.map(|info| KnownFact {
            name: info.name,
            names: info.names,
        }))
        .collect()
}

fn value(fact: &Fact) -> Value<'_> {
    match fact {
        Fact::Number(number) => Value::Number(*number),
        Fact::Name(name) => Value::Name(name),
    }
}

fn truth(yes: bool) -> f64 {
    if yes { 1.0 } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use apprentice_sim::Outcome;

    fn preference(settings: &[&str]) -> Result<Preference> {
        let settings: Vec<String> = settings.iter().map(|s| (*s).to_owned()).collect();
        Preference::of(&Config::load(None, &settings)?)
    }

    /// An episode of the first task that ended so; in this style, if in any.
    fn ended(success: Option<bool>, style: Option<usize>) -> EpisodeOutcome {
        let mut outcome = Outcome {
            success,
            ..Outcome::default()
        };
        let task = TaskKind::default();
        let facts = style.and_then(|s| task.styles().get(s)).map(|s| s.facts);
        for (name, fact) in facts.unwrap_or_default() {
            outcome.facts.put(*name, fact.clone());
        }
        EpisodeOutcome {
            id: "abc".into(),
            file: "episode-0000.mcap".into(),
            seed: 1,
            outcome: Some(outcome),
            guard: None,
            added: false,
        }
    }

    #[test]
    fn the_preferred_way_is_two_another_one_and_a_failure_nought() {
        let task = TaskKind::default();
        for (wanted, other) in [(0, 1), (1, 0)] {
            // The name of a style is what the key held before there were expressions.
            let name = task.styles()[wanted].name;
            let preference = preference(&[&format!("operator.prefers={name}")]).unwrap();
            let utility = |success, style| {
                preference
                    .utility(&ended(Some(success), Some(style)))
                    .unwrap()
            };
            assert_eq!(utility(true, wanted), 2.0);
            assert_eq!(utility(true, other), 1.0);
            assert_eq!(utility(false, wanted), 0.0);
            assert_eq!(preference.style(&task), Some(wanted));
            let preferred = |s, style| preference.is_preferred(&ended(s, style));
            assert_eq!(preferred(Some(true), Some(wanted)), Some(true));
            assert_eq!(preferred(Some(true), Some(other)), Some(false));
            assert_eq!(preferred(Some(false), None), Some(false));
        }
    }

    #[test]
    fn what_nobody_knows_is_not_judged() {
        let preference = preference(&[]).unwrap();
        assert_eq!(preference.is_preferred(&ended(None, Some(0))), None);
        assert_eq!(preference.is_preferred(&ended(Some(true), None)), None);
        let error = preference.utility(&ended(None, Some(0))).unwrap_err();
        let error = format!("{error:#}");
        assert!(error.contains("episode-0000.mcap") && error.contains("\"success\""));
    }

    #[test]
    fn facts_that_nothing_measures_are_refused_with_those_there_are() {
        let error = preference(&["operator.prefers=success * sped"]).unwrap_err();
        let error = format!("{error:#}");
        for part in [
            "operator.prefers",
            "\"sped\"",
            "peak_tool_speed_m_s",
            "success",
        ] {
            assert!(error.contains(part), "{part}: {error}");
        }
    }

    #[test]
    fn a_preference_for_no_style_names_none() {
        let task = TaskKind::default();
        let slow = ["operator.prefers=success * (2 - peak_tool_speed_m_s)"];
        assert_eq!(preference(&slow).unwrap().style(&task), None);
        let any = ["operator.prefers=2 * success"];
        assert_eq!(preference(&any).unwrap().style(&task), None);
    }
}
