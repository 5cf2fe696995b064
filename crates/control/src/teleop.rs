//! A person at the controls, as an agent.

use crate::{Agent, ControlError};
use apprentice_core::{ActionChunk, PolicyInput};
use apprentice_link::{Arm as _, RobotLink};

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
                Ok(ActionChunk::new(space, input.stamp(), [link.teleop()?])?)
            })
            .collect()
    }

    fn observation_history(&self) -> usize {
        1
    }
}
