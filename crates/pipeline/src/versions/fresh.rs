//! What came of an episode that a policy has not learnt from.

use crate::trials::Trial;

/// What came of one episode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FreshEpisode {
    /// Whether the task was done; `None` where nobody knows.
    pub success: Option<bool>,
    /// Whether the version before did it from the same start, or may have; `None` where it was not tried.
    pub other_success: Option<bool>,
    /// Whether the guard had to change a command for a reason that counts.
    pub intervention: bool,
    /// Whether the arm was stopped.
    pub stop: bool,
    /// Whether a person took it over.
    pub takeover: bool,
    /// Whether it dropped something; `None` where nobody knows.
    pub drop: Option<bool>,
}

impl FreshEpisode {
    /// What came of a trial. Waiting for the first decision is no intervention, as where trials are counted.
    #[must_use]
    pub fn of_trial(trial: &Trial) -> Self {
        let guarding = &trial.guarding;
        Self {
            success: trial.success.known(),
            other_success: None,
            intervention: guarding.interventions > 0,
            stop: guarding.stops > 0,
            takeover: guarding.takeovers > 0,
            drop: guarding.drops.map(|drops| drops > 0),
        }
    }

    /// Whether anything bad happened.
    #[must_use]
    pub fn is_bad(&self) -> bool {
        self.intervention || self.stop || self.takeover || self.drop == Some(true)
    }
}
