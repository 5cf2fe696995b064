//! A person at the controls, as an agent.

use crate::{Agent, ControlError};
use apprentice_core::{ActionChunk, PolicyInput};
use apprentice_link::{Arm as _, LinkError, RobotLink};

/// Asks each robot's control device what its person would do.
pub struct TeleopAgent {
    links: Vec<RobotLink>,
}

impl TeleopAgent {
    /// Listens to the control devices reached over `links`, one a robot, in the session's order.
    #[must_use]
    pub fn new(links: Vec<RobotLink>) -> Self {
        Self { links }
    }
}

impl Agent for TeleopAgent {
    fn plan(&mut self, inputs: &[PolicyInput<'_>]) -> Result<Vec<ActionChunk>, ControlError> {
        inputs
            .iter()
            .map(|input| {
                let link = self.links.get(input.robot);
                let link = link.ok_or(ControlError::Thread(input.robot))?;
                let space = link.description().action_space();
                let action = link.teleop().map_err(said)?;
                Ok(ActionChunk::new(space, input.stamp(), [action])?)
            })
            .collect()
    }

    fn observation_history(&self) -> usize {
        1
    }
}

/// Where nobody answers, that a person may show the task in other ways.
fn said(error: LinkError) -> ControlError {
    match error {
        LinkError::Silent {
            key, timeout_ms, ..
        } => ControlError::Agent {
            got: format!(
                "nothing on {key} within {timeout_ms} ms: no control device answers there"
            ),
            expected: "a device that does (robots/PROTOCOL.md); or show the task from here: `apprentice record \
                       demonstrations --by keyboard`, or gamepad, spacemouse, leader, network"
                .into(),
        },
        other => other.into(),
    }
}
