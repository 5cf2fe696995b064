//! A person at a device of this computer, as the agent of a run.

use super::device_reader::{DeviceError, DeviceReader, DeviceState};
use super::jog::Jog;
use super::jog_config::{JogConfig, JogError};
use super::operator_input::OperatorInput;
use crate::{Agent, ControlError};
use apprentice_core::{ActionChunk, PolicyInput};
use apprentice_robot::RobotDescription;
use std::time::{Duration, Instant};

/// Longest time one step of the target may bridge, s.
const STEP: f64 = 0.05;

/// A device that tells what a person's hands do now.
pub trait InputSource {
    /// What the person asks for. Does not wait. `hand_back` ends the episode.
    ///
    /// # Errors
    /// When the device is gone.
    fn input(&mut self) -> Result<OperatorInput, DeviceError>;
}

impl InputSource for Box<dyn InputSource> {
    fn input(&mut self) -> Result<OperatorInput, DeviceError> {
        self.as_mut().input()
    }
}

impl<S: DeviceState> InputSource for DeviceReader<S> {
    fn input(&mut self) -> Result<OperatorInput, DeviceError> {
        DeviceReader::input(self)
    }
}

/// Makes actions of the robot's own action space of what a person's hands do, one a policy tick. Where the hands do
/// nothing, or the deadman is up, the target stays where it is: the control loop goes on commanding it at its own rate,
/// so that no robot hears silence, however seldom keys come.
pub struct PersonAgent<S> {
    robot: RobotDescription,
    jog: Jog,
    source: S,
    /// When the next action is due, where the robot's time does not pass by itself.
    paced: Option<Instant>,
    lockstep: bool,
    done: bool,
}

impl<S: InputSource> PersonAgent<S> {
    /// For this robot. Where its time passes `only when asked for`, it is let pass no faster than the wall's.
    ///
    /// # Errors
    /// When a setting is out of range, or the robot's poses cannot be computed.
    pub fn new(
        robot: &RobotDescription,
        config: JogConfig,
        source: S,
        paced: bool,
    ) -> Result<Self, JogError> {
        Ok(Self {
            robot: robot.clone(),
            jog: Jog::new(robot, config)?,
            source,
            paced: None,
            lockstep: paced,
            done: false,
        })
    }

    /// What hands move now, in words: the tool, or which joint.
    #[must_use]
    pub fn moves(&self) -> String {
        let joint = self.jog.chosen().and_then(|i| self.robot.joints.get(i));
        joint.map_or_else(
            || "tool".to_owned(),
            |joint| format!("joint {}", joint.name),
        )
    }

    fn wait(&mut self, period: Duration) {
        let now = Instant::now();
        let due = self.paced.map_or(now, |due| due.max(now));
        std::thread::sleep(due.saturating_duration_since(now));
        self.paced = Some(due + period);
    }
}

impl<S: InputSource> Agent for PersonAgent<S> {
    fn plan(&mut self, inputs: &[PolicyInput<'_>]) -> Result<Vec<ActionChunk>, ControlError> {
        let [input] = inputs else {
            return Err(ControlError::Agent {
                got: format!("{} robots", inputs.len()),
                expected: "one: a person drives a single robot".into(),
            });
        };
        let period = 1.0 / self.robot.policy_hz;
        if self.lockstep {
            self.wait(Duration::from_secs_f64(period.clamp(0.0, 1.0)));
        }
        if input.tick == 0 {
            self.jog.anchor();
            self.done = false;
        }
        let asked = self.source.input().map_err(|error| ControlError::Agent {
            got: error.to_string(),
            expected: "the person's device".into(),
        })?;
        self.done |= asked.hand_back;
        let mut hands = OperatorInput {
            deadman: true,
            choose: asked.choose,
            switch_space: asked.switch_space,
            ..OperatorInput::default()
        };
        if asked.deadman && !asked.hand_back {
            (hands.shift, hands.turn, hands.open) = (asked.shift, asked.turn, asked.open);
        }
        let state = input.newest().map(|o| &o.observation.state);
        let steps = (period / STEP).ceil().clamp(1.0, 100.0);
        let mut action = Vec::new();
        if input.tick == 0 {
            // The target is first of all where the arm is.
            self.jog.tick(
                &OperatorInput {
                    deadman: true,
                    ..OperatorInput::default()
                },
                state,
                0.0,
            );
        }
        for _ in 0..steps as usize {
            action = self.jog.tick(&hands, state, period / steps).action;
            (hands.choose, hands.switch_space) = (0, false);
        }
        let space = self.robot.action_space();
        Ok(vec![ActionChunk::new(space, input.stamp(), [action])?])
    }

    fn observation_history(&self) -> usize {
        1
    }

    fn is_done(&self) -> bool {
        self.done
    }
}
