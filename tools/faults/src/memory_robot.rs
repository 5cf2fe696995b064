//! A robot within this process: it is where it was last told to be, and judges all it is told by the checker,
//! which knows nothing of the guard.

use apprentice_core::{CameraFrame, Image, JointCommand, Observation, RobotState};
use apprentice_link::{Arm, Freshness, LinkError};
use apprentice_robot::{DescriptionError, RobotDescription};
use apprentice_safety::{Checker, Violation};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// What it says it measures.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Lie {
    /// The truth.
    #[default]
    Truth,
    /// Every joint so far from where it is, rad (or units).
    Off(f64),
    /// Numbers that are none.
    Nothing,
}

/// What it does.
struct State {
    positions: Vec<f64>,
    width: f64,
    checker: Checker,
    /// The first few.
    violations: Vec<Violation>,
    sent: Vec<Instant>,
    keeps_times: bool,
    sequence: u64,
    frames: u64,
    lie: Lie,
    /// What is added to the time it stamps its messages with, nanoseconds.
    skew_ns: i64,
    travelled: f64,
}

/// The robot, from outside.
#[derive(Clone)]
pub struct MemoryRobot {
    description: RobotDescription,
    lockstep: bool,
    noisy: bool,
    since: Instant,
    state: Arc<Mutex<State>>,
}

impl MemoryRobot {
    /// A robot at its home posture. In lockstep its time passes only when asked for.
    ///
    /// # Errors
    /// When the description cannot be checked.
    pub fn new(description: RobotDescription, lockstep: bool) -> Result<Self, DescriptionError> {
        let state = State {
            positions: description.home.clone(),
            width: 0.04,
            checker: Checker::new(&description)?,
            violations: Vec::new(),
            sent: Vec::new(),
            keeps_times: false,
            sequence: 0,
            frames: 0,
            lie: Lie::Truth,
            skew_ns: 0,
            travelled: 0.0,
        };
        Ok(Self {
            description,
            lockstep,
            noisy: false,
            since: Instant::now(),
            state: Arc::new(Mutex::new(state)),
        })
    }

    /// Its pictures are noise, which does not compress.
    #[must_use]
    pub fn noisy(mut self) -> Self {
        self.noisy = true;
        self
    }

    /// Keeps when each command came.
    #[must_use]
    pub fn keeping_times(self) -> Self {
        self.lock().keeps_times = true;
        self
    }

    /// The robot as a control loop has it.
    #[must_use]
    pub fn arm(&self) -> Box<dyn Arm> {
        Box::new(self.clone())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has it lie from now on.
    pub fn lie(&self, lie: Lie) {
        self.lock().lie = lie;
    }

    /// Sets its clock wrong from now on, nanoseconds.
    pub fn skew(&self, nanoseconds: i64) {
        self.lock().skew_ns = nanoseconds;
    }

    /// Commands that came.
    #[must_use]
    pub fn commands(&self) -> u64 {
        self.lock().checker.commands()
    }

    /// Commands that crossed a limit, and what the first of them crossed.
    #[must_use]
    pub fn violations(&self) -> (u64, String) {
        let state = self.lock();
        let first = state.violations.first().map(|v| v.what.clone());
        (state.checker.violations(), first.unwrap_or_default())
    }

    /// When commands came, if that is kept.
    #[must_use]
    pub fn times(&self) -> Vec<Instant> {
        self.lock().sent.clone()
    }

    /// How far the first joint has been told to move in all, rad (or units).
    #[must_use]
    pub fn travelled(&self) -> f64 {
        self.lock().travelled
    }

    /// Where it is.
    #[must_use]
    pub fn positions(&self) -> Vec<f64> {
        self.lock().positions.clone()
    }

    fn look(&self, want_frames: bool) -> Observation {
        let mut state = self.lock();
        state.sequence += 1;
        let now_ns = if self.lockstep {
            (state.sequence as f64 * 1e9 / self.description.control_hz) as u64
        } else {
            self.since.elapsed().as_nanos() as u64
        };
        let stamp_ns = now_ns.saturating_add_signed(state.skew_ns);
        let positions: Vec<f64> = match state.lie {
            Lie::Truth => state.positions.clone(),
            Lie::Off(far) => state.positions.iter().map(|q| q + far).collect(),
            Lie::Nothing => vec![f64::NAN; state.positions.len()],
        };
        let mut frames = Vec::new();
        if want_frames {
            state.frames += 1;
            for (index, camera) in self.description.cameras.iter().enumerate() {
                let seed = if self.noisy { state.frames } else { 0 };
                frames.push(CameraFrame {
                    sequence: state.frames,
                    stamp_ns,
                    image: noise(camera.width, camera.height, seed * 7 + index as u64),
                });
            }
        }
        Observation {
            state: RobotState {
                sequence: state.sequence,
                stamp_ns,
                velocities: vec![0.0; positions.len()],
                positions,
                gripper_width: state.width,
                efforts: None,
                external_wrench: None,
            },
            frames,
        }
    }
}

/// A picture of noise from a seed.
#[must_use]
pub fn noise(width: u32, height: u32, seed: u64) -> Image {
    // Knuth's multiplier; any mixing would do, the same seed has to give the same picture.
    let mut word = seed.wrapping_mul(6_364_136_223_846_793_005) | 1;
    let bytes = (0..width * height * 3).map(|_| {
        word ^= word << 13;
        word ^= word >> 7;
        word ^= word << 17;
        word as u8
    });
    let bytes: Vec<u8> = bytes.collect();
    Image::new(width, height, bytes).unwrap_or_else(|e| unreachable!("{e}"))
}

impl Arm for MemoryRobot {
    fn description(&self) -> &RobotDescription {
        &self.description
    }

    fn is_lockstep(&self) -> bool {
        self.lockstep
    }

    fn engage(&mut self) -> Result<(), LinkError> {
        Ok(())
    }

    fn disengage(&mut self) -> Result<(), LinkError> {
        Ok(())
    }

    fn send(&mut self, command: &JointCommand) -> Result<(), LinkError> {
        let mut state = self.lock();
        let found = state.checker.check(command, 0);
        if state.violations.len() < 8 {
            state.violations.extend(found);
        }
        if let (Some(from), Some(to)) = (state.positions.first(), command.positions.first()) {
            state.travelled += (to - from).abs();
        }
        state.positions.clone_from(&command.positions);
        state.width = command.gripper_width;
        if state.keeps_times {
            state.sent.push(Instant::now());
        }
        Ok(())
    }

    fn latest(&self, want_frames: bool, _within: Freshness) -> Result<Observation, LinkError> {
        Ok(self.look(want_frames))
    }

    fn advance(&mut self, _duration_ns: u64, want_frames: bool) -> Result<Observation, LinkError> {
        Ok(self.look(want_frames))
    }

    fn sets_up_scenes(&self) -> bool {
        true
    }

    fn reset(&mut self, _seed: u64) -> Result<Observation, LinkError> {
        let start = {
            let mut state = self.lock();
            state.positions.clone_from(&self.description.home);
            state.lie = Lie::Truth;
            RobotState {
                sequence: 0,
                stamp_ns: 0,
                velocities: vec![0.0; state.positions.len()],
                positions: state.positions.clone(),
                gripper_width: state.width,
                efforts: None,
                external_wrench: None,
            }
        };
        self.lock().checker.restart(&start);
        Ok(self.look(true))
    }
}
