//! The guard.

use crate::{GuardConfig, GuardError, Refusal, Refusals};
use apprentice_core::{JointCommand, RobotState};
use apprentice_robot::{Kinematics, RobotDescription, Workspace};

/// Share of every limit the guard keeps to, so that rounding on the way cannot cross it.
const MARGIN: f64 = 0.98;
/// Parts of the way between braking and what was asked for that are tried when it would go too far.
const PARTS: [f64; 3] = [1.0, 0.6, 0.25];
/// Longest braking that is looked ahead, ticks.
const LONGEST_BRAKING: usize = 1000;

/// What the guard lets through.
#[derive(Clone, Debug, PartialEq)]
pub struct Admitted {
    /// A command within all limits.
    pub command: JointCommand,
    /// Why it is not the one that was proposed; empty when it is.
    pub refusals: Refusals,
}

/// Keeps a robot's commands within its limits. From where it is, braking as hard as allowed always
/// stays within limits and workspace; a command is let through only if that still holds after it.
#[derive(Debug)]
pub struct Guard {
    joints: Vec<Limits>,
    workspace: Option<(Kinematics, Workspace)>,
    gripper_width: f64,
    stale_ns: u64,
    lead_limit: f64,
    period: f64,
    /// Ticks in which every joint stops from its highest speed.
    braking_ticks: usize,
    position: Vec<f64>,
    velocity: Vec<f64>,
    width: f64,
    started: bool,
    // Room for looking ahead, so that a tick does not allocate for it.
    ahead: Vec<f64>,
    speeds: Vec<f64>,
    wanted: Vec<f64>,
    braking: Vec<f64>,
}

#[derive(Clone, Copy, Debug)]
struct Limits {
    low: f64,
    high: f64,
    velocity: f64,
    /// Largest change of speed in one period.
    step: f64,
}

impl Guard {
    /// A guard for this robot.
    ///
    /// # Errors
    /// When a setting is out of range, or a joint of the robot brakes too slowly to look ahead.
    pub fn new(description: &RobotDescription, config: GuardConfig) -> Result<Self, GuardError> {
        config.validate()?;
        let period = 1.0 / description.control_hz;
        let mut joints = Vec::with_capacity(description.joints.len());
        let mut braking_ticks = 1;
        for joint in &description.joints {
            let inset = (joint.position[1] - joint.position[0]) * (1.0 - MARGIN) / 20.0;
            let limits = Limits {
                low: joint.position[0] + inset,
                high: joint.position[1] - inset,
                velocity: joint.velocity * MARGIN,
                step: joint.acceleration * MARGIN * period,
            };
            let ticks = (limits.velocity / limits.step).ceil() + 1.0;
            if ticks.is_nan() || ticks > LONGEST_BRAKING as f64 {
                return Err(GuardError::Braking {
                    robot: description.name.clone(),
                    joint: joint.name.clone(),
                    ticks,
                    allowed: LONGEST_BRAKING,
                });
            }
            braking_ticks = braking_ticks.max(ticks as usize);
            joints.push(limits);
        }
        let workspace = match &description.workspace {
            Some(workspace) => Some((Kinematics::new(description)?, *workspace)),
            None => None,
        };
        let count = joints.len();
        Ok(Self {
            joints,
            workspace,
            gripper_width: description.gripper.map_or(0.0, |g| g.max_width_m),
            stale_ns: config.stale_ms.saturating_mul(1_000_000),
            lead_limit: config.lead_limit,
            period,
            braking_ticks,
            position: description.home.clone(),
            velocity: vec![0.0; count],
            width: 0.0,
            started: false,
            ahead: vec![0.0; count],
            speeds: vec![0.0; count],
            wanted: vec![0.0; count],
            braking: vec![0.0; count],
        })
    }

    /// Starts from where the robot is, at rest. A state that is not this robot's, or not finite, is
    /// not started from: the answer is `false` and the guard goes on as it was.
    pub fn restart(&mut self, state: &RobotState) -> bool {
        if !self.is_sound(state) {
            return false;
        }
        self.position.clone_from(&state.positions);
        self.velocity.fill(0.0);
        self.width = state.gripper_width.clamp(0.0, self.gripper_width);
        self.started = true;
        true
    }

    /// Whether the arm is told to stay where it is.
    #[must_use]
    pub fn is_at_rest(&self) -> bool {
        self.velocity.iter().all(|v| *v == 0.0)
    }

    /// Commands within which the arm is at rest if each one brakes.
    #[must_use]
    pub fn braking_ticks(&self) -> usize {
        self.braking_ticks
    }

    /// Whether a state is one of this robot.
    fn is_sound(&self, state: &RobotState) -> bool {
        state.positions.len() == self.joints.len()
            && state.positions.iter().all(|v| v.is_finite())
            && state.gripper_width.is_finite()
    }

    /// Lets a command through, or what comes nearest to it. A command older than `stale_ms` at
    /// `now_ns`, both on the sender's clock, brakes.
    pub fn admit(&mut self, proposed: &JointCommand, state: &RobotState, now_ns: u64) -> Admitted {
        if !self.started {
            self.restart(state);
        }
        let mut refusals = Refusals::default();
        if !self.is_sound(state) {
            refusals.insert(Refusal::State);
        }
        if proposed.positions.len() != self.joints.len() {
            refusals.insert(Refusal::Dimension);
        }
        if proposed.positions.iter().any(|v| !v.is_finite()) || !proposed.gripper_width.is_finite()
        {
            refusals.insert(Refusal::NotFinite);
        }
        if now_ns.saturating_sub(proposed.stamp_ns) > self.stale_ns {
            refusals.insert(Refusal::Stale);
        }
        if !refusals.is_empty() {
            return self.brake(proposed.sequence, now_ns, refusals);
        }
        for (wanted, position) in self.wanted.iter_mut().zip(&proposed.positions) {
            *wanted = *position;
        }
        if self.lead_limit > 0.0 {
            for (wanted, measured) in self.wanted.iter_mut().zip(&state.positions) {
                // The state is finite here, so the bounds are in order.
                let held = wanted.clamp(measured - self.lead_limit, measured + self.lead_limit);
                if held != *wanted {
                    refusals.insert(Refusal::Lead);
                    *wanted = held;
                }
            }
        }
        let width = proposed.gripper_width.clamp(0.0, self.gripper_width);
        if width != proposed.gripper_width && self.gripper_width > 0.0 {
            refusals.insert(Refusal::Gripper);
        }
        self.width = width;
        // What is wanted of each joint, as a speed within its limits.
        for (((wanted, position), velocity), limits) in self
            .wanted
            .iter_mut()
            .zip(&self.position)
            .zip(&self.velocity)
            .zip(&self.joints)
        {
            let speed = (*wanted - position) / self.period;
            let slow = speed.clamp(-limits.velocity, limits.velocity);
            if slow != speed {
                refusals.insert(Refusal::Velocity);
            }
            let smooth = slow.clamp(velocity - limits.step, velocity + limits.step);
            if smooth != slow {
                refusals.insert(Refusal::Acceleration);
            }
            *wanted = smooth;
        }
        let allowed = self.excess_now();
        for part in PARTS {
            for (((speed, wanted), velocity), limits) in self
                .speeds
                .iter_mut()
                .zip(&self.wanted)
                .zip(&self.velocity)
                .zip(&self.joints)
            {
                let braked = toward_zero(*velocity, limits.step);
                *speed = braked + part * (wanted - braked);
            }
            match self.look_ahead(allowed) {
                None => {
                    self.take();
                    return self.admitted(proposed.sequence, now_ns, refusals);
                }
                Some(refusal) => refusals.insert(refusal),
            }
        }
        self.brake(proposed.sequence, now_ns, refusals)
    }

    /// Brakes: no command came.
    pub fn tick_without_command(&mut self, state: &RobotState, now_ns: u64) -> Admitted {
        self.hold(Refusal::Stale, state, now_ns)
    }

    /// Brakes for this reason, and stays where it comes to rest.
    pub fn hold(&mut self, reason: Refusal, state: &RobotState, now_ns: u64) -> Admitted {
        if !self.started {
            self.restart(state);
        }
        let mut refusals = Refusals::default();
        refusals.insert(reason);
        if !self.is_sound(state) {
            refusals.insert(Refusal::State);
        }
        self.brake(0, now_ns, refusals)
    }

    fn brake(&mut self, sequence: u64, now_ns: u64, refusals: Refusals) -> Admitted {
        for ((speed, velocity), limits) in
            self.speeds.iter_mut().zip(&self.velocity).zip(&self.joints)
        {
            *speed = toward_zero(*velocity, limits.step);
        }
        self.take();
        self.admitted(sequence, now_ns, refusals)
    }

    /// Makes `speeds` the speeds of the coming period.
    fn take(&mut self) {
        for ((position, velocity), speed) in self
            .position
            .iter_mut()
            .zip(&mut self.velocity)
            .zip(&self.speeds)
        {
            *velocity = *speed;
            *position += speed * self.period;
        }
    }

    fn admitted(&self, sequence: u64, stamp_ns: u64, refusals: Refusals) -> Admitted {
        let command = JointCommand {
            sequence,
            stamp_ns,
            positions: self.position.clone(),
            gripper_width: self.width,
        };
        Admitted { command, refusals }
    }

    /// What would be crossed on the way to a stop if `speeds` were taken, or `None`.
    fn look_ahead(&mut self, allowed: f64) -> Option<Refusal> {
        self.ahead.clone_from(&self.position);
        let mut moving = std::mem::take(&mut self.braking);
        moving.clone_from(&self.speeds);
        let mut crossed = None;
        for _ in 0..=self.braking_ticks {
            for (position, speed) in self.ahead.iter_mut().zip(&moving) {
                *position += speed * self.period;
            }
            let (joints, workspace) = (
                self.joint_excess(&self.ahead),
                self.workspace_excess(&self.ahead),
            );
            if joints > allowed {
                crossed = Some(Refusal::Position);
            } else if workspace > allowed {
                crossed = Some(Refusal::Workspace);
            }
            if crossed.is_some() || moving.iter().all(|v| *v == 0.0) {
                break;
            }
            for (speed, limits) in moving.iter_mut().zip(&self.joints) {
                *speed = toward_zero(*speed, limits.step);
            }
        }
        self.braking = moving;
        crossed
    }

    /// How far outside limits or workspace we are already: only ways back in are open then.
    fn excess_now(&self) -> f64 {
        self.joint_excess(&self.position)
            .max(self.workspace_excess(&self.position))
            .max(0.0)
    }

    fn joint_excess(&self, joints: &[f64]) -> f64 {
        let outside = |(q, l): (&f64, &Limits)| (l.low - q).max(q - l.high);
        joints
            .iter()
            .zip(&self.joints)
            .map(outside)
            .fold(f64::NEG_INFINITY, f64::max)
    }

    fn workspace_excess(&self, joints: &[f64]) -> f64 {
        let Some((kinematics, workspace)) = &self.workspace else {
            return f64::NEG_INFINITY;
        };
        let at = kinematics.tool_pose(joints).translation.vector;
        let sides = at.iter().zip(workspace.min.iter().zip(&workspace.max));
        sides
            .map(|(p, (min, max))| (min + 1e-4 - p).max(p - max + 1e-4))
            .fold(f64::NEG_INFINITY, f64::max)
    }
}

fn toward_zero(speed: f64, step: f64) -> f64 {
    if speed > step {
        speed - step
    } else if speed < -step {
        speed + step
    } else {
        0.0
    }
}
