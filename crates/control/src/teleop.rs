//! A person at the controls, as an agent.

use crate::{Agent, ControlError, Decision, View};
use apprentice_link::RobotLink;

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
    fn plan(&mut self, views: &[View<'_>]) -> Result<Vec<Vec<Decision>>, ControlError> {
        views
            .iter()
            .map(|view| {
                let link = self.links.get(view.robot);
                let link = link.ok_or(ControlError::Thread(view.robot))?;
                Ok(vec![Decision::from(link.teleop()?)])
            })
            .collect()
    }

    fn history(&self) -> usize {
        1
    }
}
