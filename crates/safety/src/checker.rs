//! A second opinion: judges what left the guard, from the description alone.

mod nearness;

use apprentice_core::{JointCommand, RobotState};
use apprentice_robot::{DescriptionError, Joint, Kinematics, RobotDescription};
use nearness::Nearness;

/// Rounding that is forgiven, as a share of a limit.
const ROUNDING: f64 = 1e-6;

/// A limit a command crossed.
#[derive(Clone, Debug, PartialEq)]
pub struct Violation {
    /// Which command.
    pub sequence: u64,
    /// What it crossed, with value, limit and unit.
    pub what: String,
}

/// Judges a stream of commands by finite differences at the control period: speed is the change of position,
/// acceleration the change of speed, jerk the change of acceleration, each over one period. What rounding of
/// the positions makes of these is forgiven.
///
/// Where speed is limited near a position limit, the limit is taken where the joint was before the step, which
/// is the higher one: by at most what one period's motion makes of it. Capsules may not come nearer than
/// the clearance that is asked for (0 m: they may touch but not overlap); where they are nearer at the start,
/// not nearer still.
#[derive(Debug)]
pub struct Checker {
    description: RobotDescription,
    kinematics: Option<Kinematics>,
    nearness: Option<Nearness>,
    clearance: f64,
    /// The joints at the command before; empty where nothing came before.
    before: Vec<Before>,
    /// Room for the joints at the command that is judged.
    now: Vec<Before>,
    /// Room for where the joints were.
    earlier: Vec<f64>,
    /// What is wrong with the state to start from; the next command is judged by it.
    bad_start: Option<String>,
    commands: u64,
    violations: u64,
}

/// A joint at the command before.
#[derive(Clone, Copy, Debug)]
struct Before {
    position: f64,
    speed: f64,
    acceleration: f64,
    jerk: f64,
}

impl Checker {
    /// A checker for this robot.
    ///
    /// # Errors
    /// When there is a workspace, or there are capsules, but no kinematics to check with.
    pub fn new(description: &RobotDescription) -> Result<Self, DescriptionError> {
        let kinematics = match description.workspace {
            Some(_) => Some(Kinematics::new(description)?),
            None => None,
        };
        Ok(Self {
            description: description.clone(),
            kinematics,
            nearness: Nearness::new(description)?,
            clearance: 0.0,
            before: Vec::with_capacity(description.joints.len()),
            now: Vec::with_capacity(description.joints.len()),
            earlier: Vec::with_capacity(description.joints.len()),
            bad_start: None,
            commands: 0,
            violations: 0,
        })
    }

    /// Judges by another distance of the arm from itself, metres; `None` to let it touch itself.
    pub fn set_min_clearance(&mut self, metres: Option<f64>) {
        self.clearance = metres.unwrap_or(f64::NEG_INFINITY);
    }

    /// Commands judged.
    #[must_use]
    pub fn commands(&self) -> u64 {
        self.commands
    }

    /// Commands that crossed a limit.
    #[must_use]
    pub fn violations(&self) -> u64 {
        self.violations
    }

    /// The next command starts from here, at rest. From a state that is not this robot's none can: it
    /// will count as a violation.
    pub fn restart(&mut self, state: &RobotState) {
        let (got, expected) = (state.positions.len(), self.description.joints.len());
        let sound = got == expected && state.positions.iter().all(|v| v.is_finite());
        self.bad_start = (!sound).then(|| {
            format!(
                "a start from {got} measured joints, not all finite or not the robot's {expected}"
            )
        });
        let at_rest = |position: &f64| Before {
            position: *position,
            speed: 0.0,
            acceleration: 0.0,
            jerk: 0.0,
        };
        self.before.clear();
        if sound {
            self.before.extend(state.positions.iter().map(at_rest));
        }
    }

    /// Judges a command. Nothing is allocated while there is nothing to say.
    pub fn check(&mut self, command: &JointCommand, _now_ns: u64) -> Vec<Violation> {
        let found = self.judge(command);
        self.count(command, found)
    }

    /// Judges a command, and its lead: a joint that is commanded farther than `following_error_rad` (rad, or its unit; 0
    /// for no limit) from where it was measured must be on its way back, or stopping. `state` is the one the
    /// command was admitted with; one that is not the robot's says nothing.
    pub fn check_beside(
        &mut self,
        command: &JointCommand,
        now_ns: u64,
        state: &RobotState,
        following_error_rad: f64,
    ) -> Vec<Violation> {
        let _ = now_ns;
        let mut found = self.judge(command);
        let sound = state.positions.len() == self.description.joints.len()
            && state.positions.iter().all(|v| v.is_finite());
        if sound && following_error_rad > 0.0 && command.positions.len() == state.positions.len() {
            let motions = &self.before;
            for ((joint, now), measured) in self
                .description
                .joints
                .iter()
                .zip(motions)
                .zip(&state.positions)
            {
                let lead = now.position - measured;
                let rounding = 4.0 * f64::EPSILON * (now.position.abs() + measured.abs());
                if lead.abs() <= following_error_rad * (1.0 + ROUNDING) + rounding {
                    continue;
                }
                // Stopping takes time: less acceleration away first, then less speed.
                let away = lead.signum();
                let faster = away * now.speed > 0.0
                    && away * now.acceleration > rounding * self.description.control_hz.powi(2)
                    && away * now.jerk > rounding * self.description.control_hz.powi(3);
                if faster {
                    found.push(format!(
                        "{} is {lead} {} ahead of where it was measured, and getting faster, limit {following_error_rad}",
                        joint.name, joint.unit
                    ));
                }
            }
        }
        self.count(command, found)
    }

    fn count(&mut self, command: &JointCommand, found: Vec<String>) -> Vec<Violation> {
        self.commands += 1;
        self.violations += u64::from(!found.is_empty());
        let sequence = command.sequence;
        let violation = |what| Violation { sequence, what };
        found.into_iter().map(violation).collect()
    }

    fn judge(&mut self, command: &JointCommand) -> Vec<String> {
        let mut found: Vec<String> = self.bad_start.take().into_iter().collect();
        let joints = &self.description.joints;
        if command.positions.len() != joints.len() {
            found.push(format!(
                "{} joints, the robot has {}",
                command.positions.len(),
                joints.len()
            ));
            return found;
        }
        let width = command.gripper_width;
        if !command.positions.iter().all(|v| v.is_finite()) || !width.is_finite() {
            found.push("a number that is not finite".to_owned());
            return found;
        }
        self.now.clear();
        for (i, (joint, &position)) in joints.iter().zip(&command.positions).enumerate() {
            let before = self.before.get(i).copied();
            let motion = judge_joint(joint, position, before, self.description.control_hz);
            found.extend(motion.1);
            self.now.push(motion.0);
        }
        if let (Some(kinematics), Some(w)) = (&self.kinematics, &self.description.workspace) {
            let at = kinematics.tool_pose(&command.positions).translation.vector;
            if (0..3).any(|i| at[i] < w.min[i] - ROUNDING || at[i] > w.max[i] + ROUNDING) {
                found.push(format!(
                    "tool at {:.4}, {:.4}, {:.4} m, workspace {:?} to {:?}",
                    at.x, at.y, at.z, w.min, w.max
                ));
            }
        }
        found.extend(self.judge_nearness(&command.positions));
        let widest = self
            .description
            .gripper
            .map_or(f64::INFINITY, |g| g.max_width_m);
        if !(0.0..=widest).contains(&width) {
            found.push(format!("opening {width} m, limits 0 to {widest}"));
        }
        std::mem::swap(&mut self.before, &mut self.now);
        found
    }

    fn judge_nearness(&mut self, joints: &[f64]) -> Option<String> {
        let nearness = self.nearness.as_mut()?;
        let wanted = self.clearance - ROUNDING;
        let (distance, [a, b]) = nearness.closer_than(wanted, joints)?;
        self.earlier.clear();
        self.earlier.extend(self.before.iter().map(|b| b.position));
        if self.earlier.len() == joints.len()
            && let Some((earlier, _)) = nearness.closer_than(wanted, &self.earlier)
            && distance >= earlier - ROUNDING
        {
            return None;
        }
        Some(format!(
            "capsules {a} and {b} {distance:.5} m apart, limit {} m",
            self.clearance
        ))
    }
}

/// How a joint moves, and which of its limits that crosses.
fn judge_joint(
    joint: &Joint,
    position: f64,
    before: Option<Before>,
    rate: f64,
) -> (Before, Vec<String>) {
    let (name, unit) = (&joint.name, &joint.unit);
    let [low, high] = joint.position;
    let mut found = Vec::new();
    let slack = ROUNDING * (high - low);
    if position < low - slack || position > high + slack {
        found.push(format!(
            "{name} at {position} {unit}, limits {low} to {high}"
        ));
    }
    let Some(before) = before else {
        let at_rest = Before {
            position,
            speed: 0.0,
            acceleration: 0.0,
            jerk: 0.0,
        };
        return (at_rest, found);
    };
    // Each position is off by up to half a grain; differences of differences add up four and eight halves.
    let grain = f64::EPSILON * position.abs().max(before.position.abs()).max(low.abs());
    let speed = (position - before.position) * rate;
    let acceleration = (speed - before.speed) * rate;
    let jerk = (acceleration - before.acceleration) * rate;
    if speed.abs() > joint.velocity * (1.0 + ROUNDING) + grain * rate {
        found.push(format!(
            "{name} at {speed} {unit}/s, limit {}",
            joint.velocity
        ));
    }
    if acceleration.abs() > joint.acceleration * (1.0 + ROUNDING) + 4.0 * grain * rate.powi(2) {
        found.push(format!(
            "{name} at {acceleration} {unit}/s^2, limit {}",
            joint.acceleration
        ));
    }
    if let Some(limit) = joint.jerk
        && jerk.abs() > limit * (1.0 + ROUNDING) + 8.0 * grain * rate.powi(3)
    {
        found.push(format!("{name} at {jerk} {unit}/s^3, limit {limit}"));
    }
    if let Some(barrier) = joint.barrier {
        let distance = if speed > 0.0 {
            high - before.position
        } else {
            before.position - low
        };
        let near = (2.0 * barrier.deceleration * distance.max(0.0)).sqrt() - barrier.offset;
        let limit = near.max(0.0).min(joint.velocity);
        if speed.abs() > limit * (1.0 + ROUNDING) + grain * rate {
            found.push(format!(
                "{name} at {speed} {unit}/s, limit {limit} so near its position limit"
            ));
        }
    }
    let now = Before {
        position,
        speed,
        acceleration,
        jerk,
    };
    (now, found)
}
