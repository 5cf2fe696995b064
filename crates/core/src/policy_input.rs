//! What a policy is shown of a robot.

use crate::{Observation, ObservationStamp, Seed};
use std::sync::Arc;

/// An observation with the robot's proprioception: the numbers that policies see beside the pictures.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicyObservation {
    /// Joints and camera frames.
    pub observation: Observation,
    /// P numbers, in an action's own units and frame: the tool pose in the base frame and the opening, or the
    /// joints and the opening.
    pub proprioception: Vec<f32>,
}

/// What a policy or agent is asked about: the newest observations of one robot, nothing else of it.
#[derive(Clone, Debug)]
pub struct PolicyInput<'a> {
    /// Which robot of the session.
    pub robot: usize,
    /// Seed of the episode.
    pub seed: Seed,
    /// Policy ticks since the episode began.
    pub tick: u64,
    /// Observations so far, oldest first, the newest last.
    pub observations: &'a [Arc<PolicyObservation>],
}

impl PolicyInput<'_> {
    /// The newest observation.
    #[must_use]
    pub fn newest(&self) -> Option<&PolicyObservation> {
        self.observations.last().map(Arc::as_ref)
    }

    /// Which observation a decision from this input is made from: the newest.
    #[must_use]
    pub fn stamp(&self) -> ObservationStamp {
        ObservationStamp {
            tick: self.tick,
            stamp_ns: self
                .newest()
                .map_or(0, |newest| newest.observation.state.stamp_ns),
        }
    }

    /// The newest `history` observations, oldest first. Before the first observation there was none: the first
    /// one is repeated. Empty only where there is no observation at all.
    pub fn history(&self, history: usize) -> impl Iterator<Item = &PolicyObservation> + Clone {
        let newest = self.observations.len().saturating_sub(1);
        (0..history)
            .map(move |i| (newest + i + 1).saturating_sub(history).min(newest))
            .filter_map(|i| self.observations.get(i).map(Arc::as_ref))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RobotState;

    fn observed(sequence: u64) -> Arc<PolicyObservation> {
        Arc::new(PolicyObservation {
            observation: Observation {
                state: RobotState {
                    sequence,
                    stamp_ns: 10 * sequence,
                    positions: Vec::new(),
                    velocities: Vec::new(),
                    gripper_width: 0.0,
                    efforts: None,
                    external_wrench: None,
                },
                frames: Vec::new(),
            },
            proprioception: Vec::new(),
        })
    }

    #[test]
    fn the_newest_are_shown_and_the_first_stands_for_what_was_before() {
        let observations = [observed(3), observed(4), observed(5)];
        let input = |count: usize| PolicyInput {
            robot: 0,
            seed: Seed(0),
            tick: 9,
            observations: &observations[..count],
        };
        let shown = |count: usize, history: usize| -> Vec<u64> {
            let input = input(count);
            input
                .history(history)
                .map(|o| o.observation.state.sequence)
                .collect()
        };
        assert_eq!(shown(3, 2), [4, 5]);
        assert_eq!(shown(1, 3), [3, 3, 3]);
        assert_eq!(shown(2, 3), [3, 3, 4]);
        assert!(shown(0, 2).is_empty());
        let stamp = input(3).stamp();
        assert_eq!((stamp.tick, stamp.stamp_ns), (9, 50));
    }
}
