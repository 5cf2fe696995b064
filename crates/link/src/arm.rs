//! A robot as the control loop sees it, whatever it speaks.

use crate::{EpisodeVerdict, Freshness, LinkError, OperatorAccess, TakeoverInbox};
use apprentice_core::{JointCommand, Observation, RobotState};
use apprentice_robot::RobotDescription;

/// A robot that can be commanded and looked at. Targets are absolute joint positions, rad (or the
/// joint's unit), in the order of the description; widths metres.
pub trait Arm: Send {
    /// The robot, as described by itself or by its folder.
    fn description(&self) -> &RobotDescription;

    /// Whether time passes only when asked for, by [`Arm::advance`].
    fn is_lockstep(&self) -> bool {
        false
    }

    /// Becomes the one who commands it, and enables it. Refuses when the robot does not answer, sends
    /// nothing, belongs to someone else, or commands would reach nobody.
    ///
    /// # Errors
    /// What stands in the way, and what to do.
    fn engage(&mut self) -> Result<(), LinkError>;

    /// Gives it back: it holds where it is and may be engaged by others. Does nothing to an arm that is
    /// not engaged.
    ///
    /// # Errors
    /// When it cannot be told; its own watchdog stops it then.
    fn disengage(&mut self) -> Result<(), LinkError>;

    /// Sends a command; never waits for an answer.
    ///
    /// # Errors
    /// When the session is gone, or the robot has taken control away.
    fn send(&mut self, command: &JointCommand) -> Result<(), LinkError>;

    /// Whether commands are wanted a whole action at a time, as [`Arm::send_path`] takes them.
    fn takes_paths(&self) -> bool {
        false
    }

    /// Sends several commands, one a control period from now on; they replace what was sent before.
    ///
    /// # Errors
    /// As [`Arm::send`].
    fn send_path(&mut self, path: &[JointCommand]) -> Result<(), LinkError> {
        path.iter().try_for_each(|command| self.send(command))
    }

    /// The newest state and, when wanted, frames of a robot in real time. The first of each is waited
    /// for, no longer than it may be old.
    ///
    /// # Errors
    /// When something has not come, is older than `within`, or cannot be used.
    fn latest(&self, want_frames: bool, within: Freshness) -> Result<Observation, LinkError>;

    /// The newest state, as [`Arm::latest`] without frames, into `state`, which keeps its room. A link that
    /// can does this without allocating and without waiting for whoever brings states: `false`, with `state`
    /// as it was, where one is being brought just now.
    ///
    /// # Errors
    /// As [`Arm::latest`].
    fn latest_state(&self, within: Freshness, state: &mut RobotState) -> Result<bool, LinkError> {
        *state = self.latest(false, within)?.state;
        Ok(true)
    }

    /// Lets a robot in lockstep go on for so many nanoseconds, and answers what it published then;
    /// frames only when wanted.
    ///
    /// # Errors
    /// When the robot's time passes by itself, it does not answer or its messages do not arrive.
    fn advance(&mut self, duration_ns: u64, want_frames: bool) -> Result<Observation, LinkError> {
        let _ = (duration_ns, want_frames);
        Err(self.cannot("let time pass when asked: its time is the wall's"))
    }

    /// Whether [`Arm::reset`] sets up scenes; where it does not, people do.
    fn sets_up_scenes(&self) -> bool {
        false
    }

    /// Asks for a new scene, and answers what the robot sees of it.
    ///
    /// # Errors
    /// When the robot cannot set up scenes, or does not answer.
    fn reset(&mut self, seed: u64) -> Result<Observation, LinkError> {
        let _ = seed;
        Err(self.cannot("set up scenes: a person has to"))
    }

    /// What the robot itself says of the episode that has just ended.
    ///
    /// # Errors
    /// When the robot cannot tell, does not answer, or not with a verdict.
    fn verdict(&self) -> Result<EpisodeVerdict, LinkError> {
        Err(self.cannot("say whether an episode succeeded: a person has to"))
    }

    /// Listens to operators' devices, which connect where `access` says and find the robot there by its name.
    ///
    /// # Errors
    /// When people cannot take this robot over, or not there, or devices do not find it there.
    fn takeover(&self, access: OperatorAccess<'_>) -> Result<TakeoverInbox, LinkError> {
        let _ = access;
        Err(self.cannot("be taken over by people"))
    }

    /// What a robot of this kind does not do.
    fn cannot(&self, what: &str) -> LinkError {
        LinkError::Refused {
            robot: self.description().name.clone(),
            key: "its driver".into(),
            reason: format!("it cannot {what}"),
        }
    }
}
