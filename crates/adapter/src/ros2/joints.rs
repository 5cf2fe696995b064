//! A robot's state out of ROS joint states, which name their joints in any order, may come in parts and are of
//! other robots too.

use super::settings::Settings;
use crate::cdr::{JointState, Numbers};
use crate::settings::GripperScale;
use apprentice_core::RobotState;
use apprentice_link::Acceptance;
use apprentice_robot::RobotDescription;
use std::time::{Duration, Instant};

/// How old a joint may be that comes in messages of its own; older than the others by this, it is missing.
const PART_AGE: Duration = Duration::from_secs(1);
/// After so long without a word of the sender that is believed another may take its place.
const SENDER_SILENT: Duration = Duration::from_millis(500);
/// Two states less apart say nothing of speed, ns.
const SHORTEST_STEP_NS: u64 = 100_000;

/// Who sent a message, where that is known.
pub(super) type Gid = Option<[u8; 16]>;

/// Puts states together.
pub(super) struct JointReader {
    /// ROS names, in the description's order.
    names: Vec<String>,
    joints: Vec<Option<JointReading>>,
    gripper: Option<GripperJoint>,
    sequence: u64,
}

struct GripperJoint {
    name: String,
    opening: GripperScale,
    newest: Option<JointReading>,
}

/// What is known of a joint.
#[derive(Clone, Copy, Debug, PartialEq)]
struct JointReading {
    /// Rad; of a gripper the opening, metres.
    position: f64,
    velocity: f64,
    /// N m or N, where the message says; finite.
    effort: Option<f64>,
    /// As the message says.
    header_ns: u64,
    /// As we say: where headers have no time, since we began.
    stamp_ns: u64,
    came: Instant,
    sender: Gid,
    /// Whether a state with it was believed.
    believed: bool,
}

/// When and from whom a message came.
#[derive(Clone, Copy)]
pub(super) struct MessageOrigin {
    pub sender: Gid,
    pub now: Instant,
    /// Since we began, ns.
    pub elapsed_ns: u64,
    /// The arm is commanded by what the believed sender says: no other takes its place while it sends.
    pub commanding: bool,
}

/// A state, if it is believed.
#[derive(Debug)]
pub(super) struct StateCandidate {
    pub state: RobotState,
    /// When the joint that was heard of longest ago came.
    pub came: Instant,
    joints: Vec<Option<JointReading>>,
    gripper: Option<JointReading>,
    now: Instant,
}

/// Why a message that names joints of ours is left out.
#[derive(Debug, PartialEq)]
pub(super) enum Unusable {
    Wrong(String),
    OtherSender(String),
}

impl From<String> for Unusable {
    fn from(reason: String) -> Self {
        Self::Wrong(reason)
    }
}

impl JointReader {
    pub fn new(description: &RobotDescription, settings: &Settings) -> Self {
        let names = description.joints.iter();
        Self {
            names: names
                .map(|j| settings.ros_name(&j.name).to_owned())
                .collect(),
            joints: vec![None; description.joints.len()],
            gripper: settings.gripper.as_ref().map(|g| GripperJoint {
                name: g.joint.clone(),
                opening: g.gripper_scale(),
                newest: None,
            }),
            sequence: 0,
        }
    }

    /// The state after this message; `None` when it says nothing of our arm. It counts for nothing until it is
    /// [kept](Self::keep).
    pub fn read(
        &mut self,
        message: &JointState,
        origin: MessageOrigin,
    ) -> Result<Option<StateCandidate>, Unusable> {
        let place = |name: &str| message.name.position(name);
        let places: Vec<_> = self.names.iter().map(|n| place(n)).collect();
        let arm = places.iter().any(Option::is_some);
        let gripper_at = self.gripper.as_ref().and_then(|g| place(&g.name));
        if !arm && gripper_at.is_none() {
            return Ok(None);
        }
        check_lengths(message)?;
        let mut joints = self.joints.clone();
        for ((joint, name), at) in joints.iter_mut().zip(&self.names).zip(&places) {
            if let Some(at) = at {
                let position = message.position.get(*at).filter(|v| v.is_finite());
                let position = position.ok_or(format!("position of {name} is not finite"))?;
                let speed = message.velocity.get(*at).filter(|v| v.is_finite());
                let effort = message.effort.get(*at).filter(|v| v.is_finite());
                let measured = (position, speed, effort);
                *joint = Some(next_part(joint.as_ref(), name, measured, message, origin)?);
            }
        }
        let gripper = match (&self.gripper, gripper_at) {
            (Some(gripper), Some(at)) => {
                Some(gripper.part(&message.position, at, message, origin)?)
            }
            _ => None,
        };
        if !arm {
            if let (Some(gripper), Some(part)) = (&mut self.gripper, gripper) {
                gripper.newest = Some(part);
            }
            return Ok(None);
        }
        match self.state_of(&joints, gripper, message, origin.now) {
            Ok((state, came)) => Ok(Some(StateCandidate {
                state,
                came,
                joints,
                gripper,
                now: origin.now,
            })),
            Err(reason) => {
                // The others may be on their way.
                self.joints = joints;
                if let (Some(of), Some(part)) = (&mut self.gripper, gripper) {
                    of.newest = Some(part);
                }
                Err(reason.into())
            }
        }
    }

    /// A state was handed on: what became of it decides whether the next builds on it.
    pub fn keep(&mut self, proposal: StateCandidate, taken: Acceptance) {
        if taken == Acceptance::Rejected {
            return;
        }
        self.sequence = proposal.state.sequence;
        self.joints = proposal.joints;
        for part in self.joints.iter_mut().flatten() {
            part.believed |= taken == Acceptance::Accepted && part.came == proposal.now;
        }
        if let (Some(of), Some(part)) = (&mut self.gripper, proposal.gripper) {
            of.newest = Some(part);
        }
    }

    /// The state these joints make, and when the oldest came.
    fn state_of(
        &self,
        joints: &[Option<JointReading>],
        gripper: Option<JointReading>,
        message: &JointState,
        now: Instant,
    ) -> Result<(RobotState, Instant), String> {
        let mut parts = Vec::with_capacity(joints.len());
        for (name, part) in self.names.iter().zip(joints) {
            let Some(part) = part else {
                let others: Vec<_> = message.name.iter().take(16).collect();
                return Err(format!(
                    "joint {name} is not in it and has not come by itself, but {}; see [adapter.joint_names]",
                    others.join(", ")
                ));
            };
            if now.saturating_duration_since(part.came) > PART_AGE {
                return Err(format!(
                    "joint {name} has not come for more than 1 s, others have"
                ));
            }
            parts.push(part);
        }
        let gripper_width = match &self.gripper {
            Some(of) => of.width(gripper.or(of.newest), now)?,
            None => 0.0,
        };
        // Where a driver has efforts of some joints only, whoever takes the state says so.
        let efforts: Vec<f64> = parts.iter().filter_map(|p| p.effort).collect();
        let news = joints != self.joints;
        let state = RobotState {
            sequence: self.sequence + u64::from(news),
            // Each joint's rises, and so does the lowest.
            stamp_ns: parts.iter().map(|p| p.stamp_ns).min().unwrap_or(0),
            positions: parts.iter().map(|p| p.position).collect(),
            velocities: parts.iter().map(|p| p.velocity).collect(),
            gripper_width,
            efforts: (!efforts.is_empty()).then_some(efforts),
            external_wrench: None,
        };
        Ok((state, parts.iter().map(|p| p.came).min().unwrap_or(now)))
    }
}

/// Refuses lists that do not fit the names.
fn check_lengths(message: &JointState) -> Result<(), String> {
    let named = message.name.len();
    for (what, list) in [
        ("positions", &message.position),
        ("velocities", &message.velocity),
    ] {
        let fits = list.len() == named || (what == "velocities" && list.is_empty());
        if !fits {
            return Err(format!("it has {named} names and {} {what}", list.len()));
        }
    }
    Ok(())
}

/// What is known of a joint after a message with this position, speed and effort of it.
fn next_part(
    before: Option<&JointReading>,
    name: &str,
    (position, speed, effort): (f64, Option<f64>, Option<f64>),
    message: &JointState,
    origin: MessageOrigin,
) -> Result<JointReading, Unusable> {
    let header_ns = message.header.stamp.as_ns();
    if let Some(before) = before {
        let heard = origin.now.saturating_duration_since(before.came);
        if origin.commanding
            && before.believed
            && before.sender != origin.sender
            && heard < SENDER_SILENT
        {
            return Err(Unusable::OtherSender(format!(
                "joint {name} comes from sender {} too; sender {} was believed first and still sends",
                who(origin.sender),
                who(before.sender)
            )));
        }
        // A driver that hangs may repeat itself under new numbers; without times every message is news.
        if header_ns != 0 && before.header_ns == header_ns && before.sender == origin.sender {
            return Ok(*before);
        }
    }
    let stamp_ns = if header_ns == 0 {
        origin.elapsed_ns
    } else {
        header_ns
    };
    let derived = || {
        let before = before?;
        let ns = stamp_ns.checked_sub(before.stamp_ns)?;
        (ns >= SHORTEST_STEP_NS).then(|| (position - before.position) / (ns as f64 * 1e-9))
    };
    Ok(JointReading {
        position,
        // As measured where the message says, otherwise from where it was before; 0 in the beginning.
        velocity: speed.or_else(derived).unwrap_or(0.0),
        effort,
        header_ns,
        stamp_ns,
        came: origin.now,
        sender: origin.sender,
        believed: before.is_some_and(|b| b.believed && b.sender == origin.sender),
    })
}

/// A sender's number as ROS tools print it.
fn who(sender: Gid) -> String {
    sender.map_or_else(
        || "unknown".into(),
        |gid| gid.iter().map(|byte| format!("{byte:02x}")).collect(),
    )
}

impl GripperJoint {
    fn part(
        &self,
        positions: &Numbers,
        at: usize,
        message: &JointState,
        origin: MessageOrigin,
    ) -> Result<JointReading, Unusable> {
        let width = self.opening.width(positions.get(at).unwrap_or(f64::NAN));
        if !width.is_finite() {
            return Err(format!("position of {} is not finite", self.name).into());
        }
        let part = next_part(
            self.newest.as_ref(),
            &self.name,
            (width, None, None),
            message,
            origin,
        )?;
        // Nobody judges an opening: the first sender is believed.
        Ok(JointReading {
            believed: true,
            came: origin.now,
            ..part
        })
    }

    fn width(&self, newest: Option<JointReading>, now: Instant) -> Result<f64, String> {
        let name = &self.name;
        match newest {
            Some(part) if now.saturating_duration_since(part.came) <= PART_AGE => Ok(part.position),
            Some(_) => Err(format!(
                "the gripper's joint {name} has not come for more than 1 s"
            )),
            None => Err(format!(
                "the gripper's joint {name} has not come yet; see [adapter.gripper]"
            )),
        }
    }
}

#[cfg(test)]
mod tests;
