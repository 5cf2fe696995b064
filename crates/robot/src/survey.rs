//! Looking a robot's description over: what it says, whether its parts agree, and what to think about.

use crate::urdf::SerialChain;
use crate::{
    Camera, DescriptionError, Kinematics, PoseSolver, RobotDescription, RobotFolder, SelfDistance,
    Workspace,
};
use apprentice_core::Seed;
use nalgebra::{Isometry3, Translation3, Vector3};
use rand::Rng as _;
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

/// Random postures that are looked at.
const POSTURES: usize = 2000;
/// Random poses whose joints are looked for.
const POSES: usize = 1000;
/// Places in the workspace whose joints are looked for.
const PLACES: usize = 200;
/// A guard keeps this far from self-collision by default, metres.
const CLEARANCE: f64 = 0.01;

/// What was found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Survey {
    /// The robot.
    pub robot: String,
    /// Its joints, from the base on.
    pub joints: Vec<JointSummary>,
    /// Where its kinematics come from: `dh`, `frames` or `none`.
    pub kinematics: &'static str,
    /// How far kinematics and URDF differ at most over random postures; `None` without both.
    pub urdf: Option<UrdfDifference>,
    /// Greatest distance of the tool from the base frame over random postures, metres.
    pub reach_m: Option<f64>,
    /// The tool at home: x, y, z (m), then the quaternion x, y, z, w, base frame.
    pub home_pose: Option<[f64; 7]>,
    /// Whether the tool is in the workspace at home.
    pub home_in_workspace: Option<bool>,
    /// The capsules, in the order `may_touch` counts them.
    pub capsules: Vec<CapsuleSummary>,
    /// Pairs of them that are checked.
    pub pairs: usize,
    /// Distance of the arm from itself at home, metres; `None` where nothing is checked.
    pub home_clearance_m: Option<f64>,
    /// The nearest pair of capsules at home.
    pub home_nearest: Option<[usize; 2]>,
    /// Share of random postures in which capsules overlap.
    pub postures_in_collision: f64,
    /// Random reachable poses tried, and how many of them joints were found for.
    pub poses: Option<[usize; 2]>,
    /// Places in the workspace tried with the tool turned as at home, and how many can be reached.
    pub places: Option<[usize; 2]>,
    /// Names of the cameras.
    pub cameras: Vec<String>,
    /// The adapter's kind.
    pub adapter: Option<String>,
    /// What to think about, one line each.
    pub warnings: Vec<String>,
}

/// A joint.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct JointSummary {
    /// Its name.
    pub name: String,
    /// Unit of its positions: rad, or m where it slides.
    pub unit: String,
    /// In its unit, as all that follows.
    pub position: [f64; 2],
    /// Unit/s.
    pub velocity: f64,
    /// Unit/s^2.
    pub acceleration: f64,
    /// Unit/s^3.
    pub jerk: Option<f64>,
    /// N m, or N where it slides.
    pub torque: Option<f64>,
    /// Which of the two.
    pub effort_unit: &'static str,
    /// Whether its highest speed falls towards its limits.
    pub barrier: bool,
    /// In its unit.
    pub home: f64,
}

/// A capsule.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CapsuleSummary {
    /// What it is fixed to: 0 the base, i joint i, joints + 1 the tool.
    pub frame: usize,
    /// The URDF's link, where it comes from there.
    pub link: Option<String>,
    /// Metres.
    pub length_m: f64,
    /// Metres.
    pub radius_m: f64,
}

/// How far two descriptions of the same arm differ.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct UrdfDifference {
    /// Of the tool's places, metres.
    pub position_m: f64,
    /// Of the tool's turns, radians.
    pub orientation_rad: f64,
}

impl Survey {
    /// Looks a robot over. The same robot always gives the same findings.
    ///
    /// # Errors
    /// When its parts do not fit together.
    pub fn of(folder: &RobotFolder) -> Result<Self, DescriptionError> {
        let robot = &folder.description;
        let serial = match &folder.urdf {
            Some((source, urdf)) => Some(urdf.chain(&source.base, &source.tip)?),
            None => None,
        };
        let mut survey = Self::as_described(robot, serial.as_ref());
        survey.warnings.extend(folder.unused.iter().cloned());
        let mut rng = Seed(0).derive("survey", 0).rng();
        if robot.kinematics.is_some() {
            survey.sample_postures(robot, serial.as_ref(), &mut rng)?;
        } else {
            survey.warn("no kinematics: actions are joint targets, and neither workspace nor self-collision can be guarded");
        }
        survey.check_cameras(robot);
        if let Some(adapter) = &robot.adapter
            && survey.adapter.is_none()
        {
            let got = adapter
                .get("kind")
                .map_or("missing".into(), ToString::to_string);
            survey.warn(format!(
                "adapter.kind is {got}, allowed: the name of an adapter"
            ));
        }
        Ok(survey)
    }

    fn warn(&mut self, line: impl Into<String>) {
        self.warnings.push(line.into());
    }

    fn as_described(robot: &RobotDescription, serial: Option<&SerialChain>) -> Self {
        let joints = robot.joints.iter().zip(&robot.home);
        let chain = robot.kinematics.as_ref();
        let capsules = robot
            .capsules
            .iter()
            .enumerate()
            .map(|(i, c)| CapsuleSummary {
                frame: c.frame,
                link: serial
                    .and_then(|s| s.shapes.get(i))
                    .filter(|s| s.capsule == *c)
                    .map(|s| s.link.clone()),
                length_m: (Vector3::from(c.to) - Vector3::from(c.from)).norm(),
                radius_m: c.radius,
            });
        let mut survey = Self {
            robot: robot.name.clone(),
            joints: joints
                .map(|(j, home)| JointSummary {
                    name: j.name.clone(),
                    unit: j.unit.clone(),
                    effort_unit: j.effort_unit(),
                    position: j.position,
                    velocity: j.velocity,
                    acceleration: j.acceleration,
                    jerk: j.jerk,
                    torque: j.torque,
                    barrier: j.barrier.is_some(),
                    home: *home,
                })
                .collect(),
            kinematics: chain.map_or("none", |c| if c.dh.is_empty() { "frames" } else { "dh" }),
            urdf: None,
            reach_m: None,
            home_pose: None,
            home_in_workspace: None,
            capsules: capsules.collect(),
            pairs: 0,
            home_clearance_m: None,
            home_nearest: None,
            postures_in_collision: 0.0,
            poses: None,
            places: None,
            cameras: robot.cameras.iter().map(|c| c.name.clone()).collect(),
            adapter: robot
                .adapter
                .as_ref()
                .and_then(|a| a.get("kind"))
                .and_then(|k| k.as_str())
                .map(str::to_owned),
            warnings: serial.map(|s| s.warnings.clone()).unwrap_or_default(),
        };
        survey.compare_limits(robot, serial);
        survey
    }

    /// Limits beside those of the URDF, and beside each other.
    fn compare_limits(&mut self, robot: &RobotDescription, serial: Option<&SerialChain>) {
        for (i, joint) in robot.joints.iter().enumerate() {
            let (name, unit) = (&joint.name, &joint.unit);
            if joint.jerk.is_none() {
                self.warn(format!("joint {name} has no jerk limit"));
            }
            let stopping = joint.velocity / joint.acceleration;
            if stopping > 1.0 {
                self.warn(format!("joint {name} takes {stopping:.1} s to stop from its highest speed: a guard has to look that far ahead"));
            }
            let Some(limit) = serial.and_then(|s| s.limits.get(i)) else {
                continue;
            };
            if let Some([low, high]) = limit.position
                && (joint.position[0] < low || joint.position[1] > high)
            {
                self.warn(format!(
                    "joint {name} may go from {} to {} {unit}, the URDF allows {low} to {high}",
                    joint.position[0], joint.position[1]
                ));
            }
            if let Some(most) = limit.velocity
                && joint.velocity > most
            {
                let moves = if unit == "m" { "slide" } else { "turn" };
                self.warn(format!(
                    "joint {name} may {moves} at {} {unit}/s, the URDF allows {most}",
                    joint.velocity
                ));
            }
            if let (Some(most), Some(torque)) = (limit.effort, joint.torque)
                && torque > most
            {
                self.warn(format!(
                    "joint {name} may push with {torque} {}, the URDF allows {most}",
                    joint.effort_unit()
                ));
            }
        }
    }

    fn sample_postures(
        &mut self,
        robot: &RobotDescription,
        serial: Option<&SerialChain>,
        rng: &mut ChaCha8Rng,
    ) -> Result<(), DescriptionError> {
        let kinematics = Kinematics::new(robot)?;
        let other = serial.map(|s| Kinematics::of_chain(&s.chain));
        let mut distance = SelfDistance::new(robot)?;
        let home = kinematics.tool_pose(&robot.home);
        let turn = home.rotation.coords;
        let at = home.translation.vector;
        self.home_pose = Some([at.x, at.y, at.z, turn.x, turn.y, turn.z, turn.w]);
        self.pairs = distance.pairs();
        if let Some(near) = distance.nearest(&robot.home) {
            (self.home_clearance_m, self.home_nearest) = (Some(near.distance), Some(near.pair));
            if near.distance < CLEARANCE {
                self.warn(format!("at home capsules {} and {} are {:.1} mm apart: a guard that keeps {:.0} mm lets the arm go nowhere; move home, tighten the capsules, or let them touch with may_touch where their shapes cannot", near.pair[0], near.pair[1], near.distance * 1e3, CLEARANCE * 1e3));
            }
        } else {
            self.warn("no capsules to check: self-collision is not guarded");
        }
        let (mut agreement, mut reach, mut collisions) = (
            UrdfDifference {
                position_m: 0.0,
                orientation_rad: 0.0,
            },
            0.0f64,
            0usize,
        );
        let mut reachable = Vec::with_capacity(POSES);
        for _ in 0..POSTURES {
            let joints: Vec<f64> = robot
                .joints
                .iter()
                .map(|j| rng.random_range(j.position[0]..=j.position[1]))
                .collect();
            let tool = kinematics.tool_pose(&joints);
            reach = reach.max(tool.translation.vector.norm());
            collisions += usize::from(distance.clearance(&joints) < 0.0);
            if let Some(other) = &other {
                let theirs = other.tool_pose(&joints);
                let apart = (theirs.translation.vector - tool.translation.vector).norm();
                agreement.position_m = agreement.position_m.max(apart);
                agreement.orientation_rad = agreement
                    .orientation_rad
                    .max(tool.rotation.angle_to(&theirs.rotation));
            }
            if reachable.len() < POSES {
                reachable.push(tool);
            }
        }
        self.reach_m = Some(reach);
        self.postures_in_collision = collisions as f64 / POSTURES as f64;
        if other.is_some() {
            self.urdf = Some(agreement);
            if agreement.position_m > 1e-6 || agreement.orientation_rad > 1e-6 {
                self.warn(format!(
                    "kinematics and URDF differ by up to {:.1e} m and {:.1e} rad",
                    agreement.position_m, agreement.orientation_rad
                ));
            }
        }
        self.sample_poses(robot, &reachable, &home, rng)
    }

    fn sample_poses(
        &mut self,
        robot: &RobotDescription,
        reachable: &[Isometry3<f64>],
        home: &Isometry3<f64>,
        rng: &mut ChaCha8Rng,
    ) -> Result<(), DescriptionError> {
        let solver = PoseSolver::new(robot)?;
        let found = |pose: &Isometry3<f64>| solver.solve_pose(pose, &robot.home, Seed(0)).is_ok();
        let poses = reachable.iter().filter(|pose| found(pose)).count();
        self.poses = Some([reachable.len(), poses]);
        if (poses as f64) < 0.99 * reachable.len() as f64 {
            self.warn(format!(
                "joints were found for only {poses} of {} random reachable poses",
                reachable.len()
            ));
        }
        if !solver.reaches_any_orientation() {
            let count = robot.joints.len();
            let advice = if robot.is_cartesian() {
                ": control = \"joint\" fits it better"
            } else {
                ""
            };
            self.warn(format!("with {count} joints not every orientation can be reached: inverse kinematics reaches positions, turned as near as may be{advice}"));
        }
        let Some(space) = &robot.workspace else {
            if robot.is_cartesian() {
                self.warn("no workspace: the tool may be anywhere the joints allow");
            }
            return Ok(());
        };
        let inside = contains(space, &home.translation.vector);
        self.home_in_workspace = Some(inside);
        if !inside {
            self.warn("at home the tool is outside the workspace: the guard lets it only back in");
        }
        let places = (0..PLACES)
            .filter(|_| {
                let at = Vector3::from_fn(|i, _| rng.random_range(space.min[i]..space.max[i]));
                found(&Isometry3::from_parts(
                    Translation3::from(at),
                    home.rotation,
                ))
            })
            .count();
        self.places = Some([PLACES, places]);
        if places < PLACES / 2 {
            self.warn(format!("only {places} of {PLACES} places in the workspace can be reached with the tool turned as at home"));
        }
        Ok(())
    }

    fn check_cameras(&mut self, robot: &RobotDescription) {
        if robot.cameras.is_empty() {
            self.warn("no cameras: a policy sees nothing");
        }
        for camera in robot.cameras.iter().filter(|c| !has_direction(c)) {
            let name = &camera.name;
            self.warn(format!("camera {name} looks nowhere: position and target must differ, and up must not lie along the view"));
        }
    }
}

fn contains(space: &Workspace, at: &Vector3<f64>) -> bool {
    let sides = space.min.iter().zip(&space.max);
    at.iter()
        .zip(sides)
        .all(|(p, (min, max))| (*min..=*max).contains(p))
}

fn has_direction(camera: &Camera) -> bool {
    let [eye, target, up] = [camera.position, camera.target, camera.up].map(Vector3::from);
    let ahead = (target - eye).try_normalize(1e-9);
    ahead.is_some_and(|z| z.cross(&up).norm() > 1e-9)
}

#[cfg(test)]
mod tests;
