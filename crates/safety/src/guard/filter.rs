//! What the guard makes of a command.

use super::joint_motion::JointMotion;
use crate::geometry_limits::{Excess, GeometryLimits};
use crate::limits::{Limits, without_rounding};
use crate::shaping::{self, clamped};
use crate::{GuardConfig, GuardError, Intervention, Interventions, Proposal};
use apprentice_core::{JointCommand, RobotState};
use apprentice_robot::RobotDescription;

/// Braking this long, ticks, is looked at from its end first: that is where most of it goes too far.
pub(super) const LONG_BRAKING: usize = 64;
/// Poses that are looked at in one tick where braking is that long; a tick must end in time. What has not been
/// looked at by then is not let through: the arm brakes, and from slower there is less to look at.
const MAX_POSE_CHECKS: usize = 96;
/// Parts of the way between braking and what was asked for that are tried when it would go too far.
const PARTS: [f64; 3] = [1.0, 0.6, 0.25];

/// What the guard lets through.
#[derive(Clone, Debug, PartialEq)]
pub struct Admitted {
    /// A command within all limits; without positions while the guard has nothing to start from.
    pub command: JointCommand,
    /// Why it is not the one that was proposed; empty when it is, but for the last thousandth of a joint's range, which
    /// the guard keeps clear.
    pub interventions: Interventions,
}

/// Keeps a robot's commands within its limits. From where it is, braking as hard as allowed always
/// stays within limits and workspace and clear of the arm itself; a command is let through only if that
/// still holds after it.
///
/// A tick allocates nothing when it is given room for its answer ([`Guard::admit_into`],
/// [`Guard::hold_into`]), and no input makes it panic.
#[derive(Clone, Debug)]
pub struct Guard {
    pub(super) joints: Vec<JointMotion>,
    pub(super) geometry: GeometryLimits,
    pub(super) gripper_width: f64,
    pub(super) stale_ns: u64,
    pub(super) chunk_stale_ns: u64,
    pub(super) following_error_rad: f64,
    pub(super) period: f64,
    /// Ticks in which every joint stops, whatever it is doing.
    pub(super) braking_ticks: usize,
    /// Where the joints were told to be.
    pub(super) position: Vec<f64>,
    pub(super) width: f64,
    pub(super) started: bool,
    /// Buffer for looking ahead.
    pub(super) ahead: Vec<f64>,
    /// Poses that may still be looked at in this tick.
    pub(super) pose_checks: usize,
}

impl Guard {
    /// A guard for this robot.
    ///
    /// # Errors
    /// When a setting is out of range, a joint of the robot has limits that cannot be kept or brakes too slowly
    /// to look ahead, its capsules are too near each other at home, or there is no kinematics to check workspace or capsules with.
    pub fn new(description: &RobotDescription, config: GuardConfig) -> Result<Self, GuardError> {
        config.validate()?;
        let mut joints = Vec::with_capacity(description.joints.len());
        let mut braking_ticks = 1;
        for joint in &description.joints {
            let limits = Limits::new(joint, description)?;
            braking_ticks = braking_ticks.max(limits.braking_ticks(joint, description)?);
            joints.push(JointMotion::new(limits, 0.0));
        }
        Ok(Self {
            geometry: GeometryLimits::new(description, &config)?,
            gripper_width: description.gripper.map_or(0.0, |g| g.max_width_m),
            stale_ns: config.stale_ms.saturating_mul(1_000_000),
            chunk_stale_ns: config.chunk_stale_ms.saturating_mul(1_000_000),
            following_error_rad: config.following_error_rad,
            period: 1.0 / description.control_hz,
            braking_ticks,
            position: vec![0.0; joints.len()],
            width: 0.0,
            started: false,
            ahead: vec![0.0; joints.len()],
            pose_checks: 0,
            joints,
        })
    }

    /// Whether it has started: before, there is no command that could be sent.
    #[must_use]
    pub fn is_started(&self) -> bool {
        self.started
    }

    /// Whether the arm is told to stay where it is.
    #[must_use]
    pub fn is_at_rest(&self) -> bool {
        let rests = |j: &JointMotion| shaping::is_at_rest(j.velocity, j.change, &j.limits);
        self.joints.iter().all(rests)
    }

    /// Commands within which the arm is at rest if each one brakes.
    #[must_use]
    pub fn braking_ticks(&self) -> usize {
        self.braking_ticks
    }

    /// Whether a state is one of this robot.
    pub(super) fn is_sound(&self, state: &RobotState) -> bool {
        state.positions.len() == self.joints.len()
            && state.positions.iter().all(|v| v.is_finite())
            && state.gripper_width.is_finite()
    }

    /// Lets a command through, or what comes nearest to it. A command whose stamp is `stale_ms` away from
    /// `now_ns`, both on the sender's clock, brakes.
    pub fn admit(&mut self, proposed: &JointCommand, state: &RobotState, now_ns: u64) -> Admitted {
        let mut command = self.empty_command();
        let interventions = self.admit_into(proposed.into(), state, now_ns, &mut command);
        Admitted {
            command,
            interventions,
        }
    }

    /// As [`Guard::admit`], into `out`, which keeps its room: nothing is allocated once it has some. `out` is
    /// left without positions while the guard has not started and `state` is nothing to start from.
    pub fn admit_into(
        &mut self,
        proposed: Proposal<'_>,
        state: &RobotState,
        now_ns: u64,
        out: &mut JointCommand,
    ) -> Interventions {
        let mut interventions = self.examine(&proposed, state, now_ns);
        if !interventions.is_empty() {
            return self.brake_into(proposed.sequence, now_ns, interventions, out);
        }
        let joints = self.joints.iter_mut().zip(&self.position);
        for ((joint, position), wanted) in joints.zip(proposed.positions) {
            joint.wanted = joint.limits.kept(*wanted, *position);
        }
        if self.following_error_rad > 0.0 {
            for (joint, measured) in self.joints.iter_mut().zip(&state.positions) {
                let (least, most) = (
                    measured - self.following_error_rad,
                    measured + self.following_error_rad,
                );
                let wanted = clamped(joint.wanted, least, most);
                if wanted != joint.wanted {
                    interventions.insert(Intervention::FollowingError);
                    joint.wanted = wanted;
                    // Where the joint is seen to go is not where it is wanted to go on.
                    joint.stream.forget(wanted);
                }
            }
        }
        let wanted = without_rounding(proposed.gripper_width, [0.0, self.gripper_width]);
        let width = clamped(wanted, 0.0, self.gripper_width);
        if width != wanted && self.gripper_width > 0.0 {
            interventions.insert(Intervention::Gripper);
        }
        self.width = width;
        for ((joint, position), measured) in self
            .joints
            .iter_mut()
            .zip(&self.position)
            .zip(&state.positions)
        {
            let mut shaped = joint.shape(*position, self.period);
            let lead = (position + joint.shaped * self.period - measured).abs();
            if self.following_error_rad > 0.0
                && lead > self.following_error_rad
                && joint.limits.is_jerk_limited()
            {
                // Nor may it run ahead because proposals did so far.
                joint.stream.forget(joint.wanted);
                shaped = joint.shape(*position, self.period);
            }
            interventions.merge(shaped);
        }
        let now = self.geometry.excess(&self.position);
        // Outside already, only ways back in are open.
        let inside = self.joint_excess(&self.position);
        let allowed = Excess {
            workspace: inside.max(now.workspace).max(0.0),
            nearness: now.nearness.max(0.0),
        };
        self.pose_checks = if self.braking_ticks > LONG_BRAKING {
            MAX_POSE_CHECKS
        } else {
            usize::MAX
        };
        for part in PARTS {
            for joint in &mut self.joints {
                joint.blend(part);
            }
            match self.look_ahead(now, allowed) {
                None => {
                    self.take();
                    return self.write(proposed.sequence, now_ns, interventions, out);
                }
                Some(intervention) => interventions.insert(intervention),
            }
        }
        self.brake_into(proposed.sequence, now_ns, interventions, out)
    }

    /// Why a command cannot be obeyed at all.
    fn examine(
        &mut self,
        proposed: &Proposal<'_>,
        state: &RobotState,
        now_ns: u64,
    ) -> Interventions {
        let mut interventions = Interventions::default();
        if !self.can_go_on(state) {
            interventions.insert(Intervention::State);
        }
        if proposed.positions.len() != self.joints.len() {
            interventions.insert(Intervention::Dimension);
        }
        if proposed.positions.iter().any(|v| !v.is_finite()) || !proposed.gripper_width.is_finite()
        {
            interventions.insert(Intervention::NotFinite);
        }
        // A stamp from as far in the future says that clocks are wrong, not that the command is new.
        if now_ns.abs_diff(proposed.stamp_ns) > self.stale_ns {
            interventions.insert(Intervention::Stale);
        }
        if let Some(observed_ns) = proposed.observed_ns
            && now_ns.abs_diff(observed_ns) > self.chunk_stale_ns
        {
            interventions.insert(Intervention::ChunkStale);
        }
        interventions
    }

    /// Starts if need be. Answers whether a state is one of this robot and the guard has started.
    fn can_go_on(&mut self, state: &RobotState) -> bool {
        (self.started || self.restart(state).is_ok()) && self.is_sound(state)
    }

    /// Brakes: no command came.
    pub fn tick_without_command(&mut self, state: &RobotState, now_ns: u64) -> Admitted {
        self.hold(Intervention::Stale, state, now_ns)
    }

    /// Brakes for this reason, and stays where it comes to rest.
    pub fn hold(&mut self, reason: Intervention, state: &RobotState, now_ns: u64) -> Admitted {
        let mut command = self.empty_command();
        let interventions = self.hold_into(reason, state, now_ns, &mut command);
        Admitted {
            command,
            interventions,
        }
    }

    /// As [`Guard::hold`], into `out`; see [`Guard::admit_into`].
    pub fn hold_into(
        &mut self,
        reason: Intervention,
        state: &RobotState,
        now_ns: u64,
        out: &mut JointCommand,
    ) -> Interventions {
        let mut interventions = Interventions::default();
        interventions.insert(reason);
        if !self.can_go_on(state) {
            interventions.insert(Intervention::State);
        }
        self.brake_into(0, now_ns, interventions, out)
    }

    fn brake_into(
        &mut self,
        sequence: u64,
        now_ns: u64,
        interventions: Interventions,
        out: &mut JointCommand,
    ) -> Interventions {
        for (joint, position) in self.joints.iter_mut().zip(&self.position) {
            joint.stream.forget(*position);
            joint.exact = None;
            joint.speed = shaping::brake(joint.velocity, joint.change, &joint.limits);
        }
        self.take();
        self.write(sequence, now_ns, interventions, out)
    }

    /// Makes `speed` the velocity of the coming period.
    fn take(&mut self) {
        for (joint, position) in self.joints.iter_mut().zip(&mut self.position) {
            joint.change = joint.speed - joint.velocity;
            joint.velocity = joint.speed;
            *position = joint.exact.unwrap_or(*position + joint.speed * self.period);
            joint.follows = joint.exact.is_some() || (joint.speed == 0.0 && joint.change == 0.0);
        }
    }

    fn empty_command(&self) -> JointCommand {
        JointCommand {
            sequence: 0,
            stamp_ns: 0,
            positions: Vec::with_capacity(self.joints.len()),
            gripper_width: 0.0,
        }
    }

    fn write(
        &self,
        sequence: u64,
        stamp_ns: u64,
        interventions: Interventions,
        out: &mut JointCommand,
    ) -> Interventions {
        out.sequence = sequence;
        out.stamp_ns = stamp_ns;
        out.positions.clear();
        if self.started {
            out.positions.extend_from_slice(&self.position);
        }
        out.gripper_width = self.width;
        interventions
    }

    pub(super) fn joint_excess(&self, joints: &[f64]) -> f64 {
        joints
            .iter()
            .zip(&self.joints)
            .map(|(q, joint)| joint.limits.excess(*q))
            .fold(f64::NEG_INFINITY, f64::max)
    }
}
