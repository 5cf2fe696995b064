//! An episode once more without its robot: the recorded actions go through a new control loop, which is shown
//! what was measured then. What it commands must be what it commanded then, to the last bit.

use crate::{ControlError, ControlLoop};
use apprentice_core::{JointCommand, Observation, sha256_bytes};
use apprentice_episode::Episode;
use apprentice_link::{Arm, Freshness, LinkError, OperatorAccess, TakeoverInbox, wire};
use apprentice_robot::RobotDescription;
use apprentice_safety::GuardConfig;
use std::sync::{Arc, Mutex, PoisonError};

/// Commands as they go over the link, stamps included.
#[derive(Clone, Debug, Default)]
pub struct CommandLog(Arc<Mutex<(Vec<u8>, u64)>>);

impl CommandLog {
    fn add(&self, command: &JointCommand) {
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Who sends them differs from run to run.
        log.0.extend(wire::encode_command(0, command));
        log.1 += 1;
    }

    /// How many there are.
    #[must_use]
    pub fn commands(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1
    }

    /// SHA-256 of all of them, in order.
    #[must_use]
    pub fn sha256(&self) -> String {
        sha256_bytes(&self.0.lock().unwrap_or_else(PoisonError::into_inner).0)
    }
}

/// An arm whose commands are kept.
pub struct LoggedArm {
    arm: Box<dyn Arm>,
    log: CommandLog,
}

impl LoggedArm {
    /// Keeps what `arm` is told on the log that is answered.
    #[must_use]
    pub fn new(arm: Box<dyn Arm>) -> (Self, CommandLog) {
        let log = CommandLog::default();
        let kept = log.clone();
        (Self { arm, log }, kept)
    }
}

impl Arm for LoggedArm {
    fn description(&self) -> &RobotDescription {
        self.arm.description()
    }

    fn is_lockstep(&self) -> bool {
        self.arm.is_lockstep()
    }

    fn engage(&mut self) -> Result<(), LinkError> {
        self.arm.engage()
    }

    fn disengage(&mut self) -> Result<(), LinkError> {
        self.arm.disengage()
    }

    fn send(&mut self, command: &JointCommand) -> Result<(), LinkError> {
        self.log.add(command);
        self.arm.send(command)
    }

    fn takes_paths(&self) -> bool {
        self.arm.takes_paths()
    }

    fn send_path(&mut self, path: &[JointCommand]) -> Result<(), LinkError> {
        path.iter().for_each(|command| self.log.add(command));
        self.arm.send_path(path)
    }

    fn latest(&self, want_frames: bool, within: Freshness) -> Result<Observation, LinkError> {
        self.arm.latest(want_frames, within)
    }

    fn advance(&mut self, duration_ns: u64, want_frames: bool) -> Result<Observation, LinkError> {
        self.arm.advance(duration_ns, want_frames)
    }

    fn sets_up_scenes(&self) -> bool {
        self.arm.sets_up_scenes()
    }

    fn reset(&mut self, seed: u64) -> Result<Observation, LinkError> {
        self.arm.reset(seed)
    }

    fn takeover(&self, access: OperatorAccess<'_>) -> Result<TakeoverInbox, LinkError> {
        self.arm.takeover(access)
    }
}

/// An arm in lockstep that measures what another one did, whatever it is told: what was recorded at each
/// policy tick, held until the next one.
pub struct PlaybackArm {
    description: RobotDescription,
    recorded: Arc<[Observation]>,
    /// Control ticks that one recorded observation lasts.
    ticks_each: usize,
    passed: usize,
}

impl PlaybackArm {
    /// Plays back the observations of an episode, oldest first.
    #[must_use]
    pub fn new(description: RobotDescription, recorded: Arc<[Observation]>) -> Self {
        let ticks = (description.control_hz / description.policy_hz).round();
        Self {
            ticks_each: ticks.max(1.0) as usize,
            description,
            recorded,
            passed: 0,
        }
    }

    fn now(&self, want_frames: bool) -> Result<Observation, LinkError> {
        // After the last action nothing was recorded any more.
        let last = self.recorded.len().saturating_sub(1);
        let place = (self.passed / self.ticks_each).min(last);
        let Some(seen) = self.recorded.get(place) else {
            return Err(self.cannot("play back an episode without ticks"));
        };
        Ok(Observation {
            state: seen.state.clone(),
            frames: if want_frames {
                seen.frames.clone()
            } else {
                Vec::new()
            },
        })
    }
}

impl Arm for PlaybackArm {
    fn description(&self) -> &RobotDescription {
        &self.description
    }

    fn is_lockstep(&self) -> bool {
        true
    }

    fn engage(&mut self) -> Result<(), LinkError> {
        Ok(())
    }

    fn disengage(&mut self) -> Result<(), LinkError> {
        Ok(())
    }

    fn send(&mut self, _command: &JointCommand) -> Result<(), LinkError> {
        Ok(())
    }

    fn latest(&self, want_frames: bool, _within: Freshness) -> Result<Observation, LinkError> {
        self.now(want_frames)
    }

    fn advance(&mut self, _duration_ns: u64, want_frames: bool) -> Result<Observation, LinkError> {
        self.passed += 1;
        self.now(want_frames)
    }

    fn sets_up_scenes(&self) -> bool {
        true
    }

    fn reset(&mut self, _seed: u64) -> Result<Observation, LinkError> {
        self.passed = 0;
        self.now(true)
    }
}

/// Carries out the recorded actions of `episode` once more, on the robot and with the guard it was recorded
/// with, and answers the commands. They are those of the recording, bit for bit, where that was the first
/// episode of its control loop in lockstep, what was recorded is what was executed, and the guard never
/// held a target back because of where the arm was between two policy ticks (`lead`).
///
/// # Errors
/// When the episode is not of this robot, or has no ticks.
pub fn replay(
    description: &RobotDescription,
    guard: &GuardConfig,
    episode: &Episode,
) -> Result<CommandLog, ControlError> {
    let recorded = episode.ticks.iter().map(|t| t.observation.clone());
    let arm = PlaybackArm::new(description.clone(), recorded.collect());
    let (arm, log) = LoggedArm::new(Box::new(arm));
    let mut control = ControlLoop::new(Box::new(arm), guard.clone())?;
    control.reset(episode.meta.seed)?;
    for tick in &episode.ticks {
        control.act(&tick.action, control.now_ns())?;
    }
    Ok(log)
}
