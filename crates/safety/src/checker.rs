//! A second opinion: judges what left the guard, from the description alone.

use apprentice_core::{JointCommand, RobotState};
use apprentice_robot::{DescriptionError, Kinematics, RobotDescription};

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

/// Judges a stream of commands by finite differences at the control period.
#[derive(Debug)]
pub struct Checker {
    description: RobotDescription,
    kinematics: Option<Kinematics>,
    before: Option<(Vec<f64>, Vec<f64>)>,
    /// What is wrong with the state to start from; the next command is judged by it.
    bad_start: Option<String>,
    commands: u64,
    violations: u64,
}

impl Checker {
    /// A checker for this robot.
    ///
    /// # Errors
    /// When there is a workspace but no kinematics to check it with.
    pub fn new(description: &RobotDescription) -> Result<Self, DescriptionError> {
        let kinematics = match description.workspace {
            Some(_) => Some(Kinematics::new(description)?),
            None => None,
        };
        Ok(Self {
            description: description.clone(),
            kinematics,
            before: None,
            bad_start: None,
            commands: 0,
            violations: 0,
        })
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
        self.before = sound.then(|| (state.positions.clone(), vec![0.0; expected]));
    }

    /// Judges a command.
    pub fn check(&mut self, command: &JointCommand, _now_ns: u64) -> Vec<Violation> {
        self.commands += 1;
        let mut found: Vec<String> = self.bad_start.take().into_iter().collect();
        let joints = &self.description.joints;
        let numbers = || {
            command
                .positions
                .iter()
                .chain(std::iter::once(&command.gripper_width))
        };
        if command.positions.len() != joints.len() {
            found.push(format!(
                "{} joints, the robot has {}",
                command.positions.len(),
                joints.len()
            ));
        } else if numbers().any(|v| !v.is_finite()) {
            found.push("a number that is not finite".to_owned());
        } else {
            let rate = self.description.control_hz;
            let mut speeds = vec![0.0; joints.len()];
            for (i, joint) in joints.iter().enumerate() {
                let q = command.positions[i];
                let [low, high] = joint.position;
                let slack = ROUNDING * (high - low);
                if q < low - slack || q > high + slack {
                    found.push(format!(
                        "{} at {q} {}, limits {low} to {high}",
                        joint.name, joint.unit
                    ));
                }
                if let Some((before, speeds_before)) = &self.before {
                    speeds[i] = (q - before[i]) * rate;
                    let acceleration = (speeds[i] - speeds_before[i]) * rate;
                    if speeds[i].abs() > joint.velocity * (1.0 + ROUNDING) {
                        found.push(format!(
                            "{} at {} {}/s, limit {}",
                            joint.name, speeds[i], joint.unit, joint.velocity
                        ));
                    }
                    if acceleration.abs() > joint.acceleration * (1.0 + ROUNDING) {
                        found.push(format!(
                            "{} at {acceleration} {}/s^2, limit {}",
                            joint.name, joint.unit, joint.acceleration
                        ));
                    }
                }
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
            let widest = self
                .description
                .gripper
                .map_or(f64::INFINITY, |g| g.max_width_m);
            if !(0.0..=widest).contains(&command.gripper_width) {
                found.push(format!(
                    "opening {} m, limits 0 to {widest}",
                    command.gripper_width
                ));
            }
            self.before = Some((command.positions.clone(), speeds));
        }
        self.violations += u64::from(!found.is_empty());
        found
            .into_iter()
            .map(|what| Violation {
                sequence: command.sequence,
                what,
            })
            .collect()
    }
}
