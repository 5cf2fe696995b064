//! What a robot itself says of the episode that has just ended, where it can tell.

use crate::context::Context;
use anyhow::{Result, bail};
use apprentice_control::{ControlError, ControlLoop};
use apprentice_link::verdict::VerdictFact;
use apprentice_link::{EpisodeVerdict, LinkError};
use apprentice_sim::{Fact, Outcome};

/// Fact: whether it was done the preferred way, in the robot's own words `yes` and `no`.
pub const PREFERRED: &str = "robot_says_preferred";
/// Fact: things dropped, as the robot counted them.
pub const DROPS: &str = "robot_says_drops";

/// Asks it. The verdict has to be about the scene of this seed.
///
/// # Errors
/// When it does not answer, or not about this scene.
pub fn ask_robot(control: &ControlLoop, seed: u64) -> Result<EpisodeVerdict> {
    let verdict = control.verdict()?;
    if let Some(other) = verdict.seed.filter(|other| *other != seed) {
        bail!(
            "the robot's verdict is about the scene of seed {other}, the episode was in that of {seed}; its driver has to \
             answer about the newest scene"
        );
    }
    Ok(verdict)
}

/// The same as the outcome of an episode: success, and everything else as facts.
#[must_use]
pub fn outcome_of(verdict: &EpisodeVerdict) -> Outcome {
    let mut outcome = Outcome {
        success: verdict.success,
        ..Outcome::default()
    };
    for (name, fact) in &verdict.facts {
        let fact = match fact {
            VerdictFact::Number(number) => Fact::Number(*number),
            VerdictFact::Word(word) => Fact::Name(word.clone().into()),
        };
        outcome.facts.put(name.clone(), fact);
    }
    if let Some(preferred) = verdict.preferred {
        let word = if preferred { "yes" } else { "no" };
        outcome.facts.put(PREFERRED, Fact::name(word));
    }
    if let Some(drops) = verdict.drops {
        outcome.facts.put(DROPS, Fact::Number(drops as f64));
    }
    outcome
}

/// Asks robots after each episode of a recording, and says once where they cannot tell.
#[derive(Debug, Default)]
pub struct RobotWitness {
    /// Nobody answers: it is not asked again, since that takes seconds.
    cannot_tell: bool,
    warned: bool,
}

impl RobotWitness {
    /// How the episode in the scene of this seed ended; `None` where the robot does not tell.
    pub fn outcome(
        &mut self,
        context: &Context,
        control: &ControlLoop,
        seed: u64,
    ) -> Option<Outcome> {
        if self.cannot_tell {
            return None;
        }
        let error = match ask_robot(control, seed) {
            Ok(verdict) => return Some(outcome_of(&verdict)),
            Err(error) => error,
        };
        let cause = error.downcast_ref::<ControlError>();
        self.cannot_tell = matches!(
            cause,
            Some(ControlError::Link(
                LinkError::Silent { .. } | LinkError::Refused { .. }
            ))
        );
        let name = &control.description().name;
        if self.cannot_tell {
            context.say(&format!(
                "robot {name} does not say how episodes ended (`verdict` of robots/PROTOCOL.md, optional): you may, with \
                 `apprentice judge success`"
            ));
        } else if !std::mem::replace(&mut self.warned, true) {
            context.warn(&format!(
                "how an episode ended is not known: {error:#}; you may say it, with `apprentice judge success`"
            ));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_is_an_outcome_with_its_facts() {
        let verdict = EpisodeVerdict {
            success: Some(true),
            preferred: Some(false),
            drops: Some(2),
            seed: Some(4),
            facts: [
                ("mat".to_owned(), VerdictFact::Word("left".into())),
                ("height_m".to_owned(), VerdictFact::Number(0.25)),
            ]
            .into(),
        };
        let outcome = outcome_of(&verdict);
        assert_eq!(outcome.success, Some(true));
        for (name, fact) in [
            ("mat", Fact::name("left")),
            ("height_m", Fact::Number(0.25)),
            (PREFERRED, Fact::name("no")),
            (DROPS, Fact::Number(2.0)),
        ] {
            assert_eq!(outcome.facts.get(name), Some(&fact), "{name}");
        }
        assert_eq!(
            outcome_of(&EpisodeVerdict::default()),
            Outcome::default(),
            "what is not told is no fact"
        );
    }
}
