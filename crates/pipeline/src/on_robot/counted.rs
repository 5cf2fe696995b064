//! What the guard did in one trial, and how often a person took over.

use crate::outcomes::GuardCounts;
use apprentice_episode::{DecidedBy, Tick};
use apprentice_safety::Intervention;

/// Counts of one trial.
#[derive(Default)]
pub(super) struct Counted {
    /// What the guard did in all ticks.
    pub ticks: GuardCounts,
    /// Ticks in which it intervened for a reason that matters.
    pub mattered: u64,
    /// Times a person took over.
    pub takeovers: u64,
    human: bool,
    /// Whether the policy has decided anything yet.
    begun: bool,
}

impl Counted {
    /// One more tick; `matters` are the guard's reasons that count, `first_second` a second's policy ticks.
    pub(super) fn add(&mut self, tick: &Tick, matters: &[String], first_second: u64) {
        self.ticks.add_tick(&tick.guard_interventions);
        let stale = |reason: &String| reason.as_str() == Intervention::Stale.name();
        self.begun |= !tick.guard_interventions.iter().any(stale);
        // A robot in real time stays where it is until the policy's first decision is there: that is no fault of it.
        let waits = !self.begun && tick.index < first_second;
        let mattered = (tick.guard_interventions.iter())
            .any(|reason| matters.contains(reason) && !(waits && stale(reason)));
        self.mattered += u64::from(mattered);
        let human = tick.decided_by == DecidedBy::Human;
        self.takeovers += u64::from(human && !self.human);
        self.human = human;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use apprentice_core::{Observation, RobotState};

    fn tick(index: u64, reasons: &[&str]) -> Tick {
        Tick {
            index,
            stamp_ns: 0,
            observation: Observation {
                state: RobotState {
                    sequence: 0,
                    stamp_ns: 0,
                    positions: Vec::new(),
                    velocities: Vec::new(),
                    gripper_width: 0.0,
                    efforts: None,
                    external_wrench: None,
                },
                frames: Vec::new(),
            },
            proprioception: Vec::new(),
            action: Vec::new(),
            guard_interventions: reasons.iter().map(|&r| r.to_owned()).collect(),
            decided_by: DecidedBy::Agent,
            unexecuted: Vec::new(),
        }
    }

    fn mattered(ticks: &[(u64, &[&str])]) -> u64 {
        let matters = ["stale".to_owned(), "workspace".to_owned()];
        let mut counted = Counted::default();
        for (index, reasons) in ticks {
            counted.add(&tick(*index, reasons), &matters, 10);
        }
        counted.mattered
    }

    #[test]
    fn waiting_for_the_first_decision_is_no_fault_of_the_policy() {
        assert_eq!(
            mattered(&[(0, &["stale"]), (1, &[]), (2, &["velocity"])]),
            0
        );
        // Once it has decided, silence counts; so does all that lasts, and any other reason from the first tick on.
        assert_eq!(mattered(&[(0, &["stale"]), (1, &[]), (2, &["stale"])]), 1);
        assert_eq!(
            mattered(&[(9, &["stale"]), (10, &["stale"]), (11, &["stale"])]),
            2
        );
        assert_eq!(mattered(&[(0, &["stale", "workspace"])]), 1);
    }
}
