//! Commands in the form that a controller takes.

use super::node::{RosNode, RosPublisher, wall_ns};
use super::servo::{self, TwistMaker};
use super::settings::{CommandSettings, GripperKind, GripperSettings, Settings};
use super::type_hashes::{FLOAT64_MULTI_ARRAY, JOINT_JOG, JOINT_TRAJECTORY, TWIST_STAMPED};
use crate::cdr::{
    Duration, Float64MultiArray, Header, JointJog, JointTrajectory, Layout, Names, Numbers, Points,
    Time, TrajectoryPoint, Twist, TwistStamped,
};
use apprentice_link::LinkError;
use apprentice_robot::RobotDescription;

/// Where joints should be, and where they are: numbers in the description's order.
pub(super) struct Step<'a> {
    /// Where they should have been a control period ago.
    pub before: &'a [f64],
    /// Where they should be now.
    pub target: &'a [f64],
    /// Where they are; none when that is not known well enough for a speed.
    pub measured: Option<&'a [f64]>,
    /// The opening that is wanted, metres.
    pub width: f64,
}

/// Publishes commands.
pub(super) struct Commander {
    publisher: RosPublisher,
    form: Form,
    /// ROS names, in the description's order.
    names: Names,
    hz: f64,
}

enum Form {
    Forward {
        /// For each number of the command the joint of the description.
        order: Vec<usize>,
        gripper: Option<GripperSettings>,
    },
    Trajectory,
    Twist {
        maker: TwistMaker,
        frame: String,
    },
    Jog {
        frame: String,
        gain: f64,
        speeds: Vec<f64>,
    },
}

impl Commander {
    pub fn new(
        node: &RosNode,
        description: &RobotDescription,
        settings: &Settings,
    ) -> Result<Self, LinkError> {
        let names: Vec<_> = description
            .joints
            .iter()
            .map(|j| settings.ros_name(&j.name))
            .collect();
        let topic = settings.command.topic();
        let (of, form) = match &settings.command {
            CommandSettings::ForwardCommand { joints, .. } => {
                let place = |name: &String| names.iter().position(|n| n == name);
                let order = if joints.is_empty() {
                    (0..names.len()).collect()
                } else {
                    joints.iter().filter_map(place).collect()
                };
                let gripper = settings.gripper.clone();
                let gripper = gripper.filter(|g| g.kind == GripperKind::ForwardCommand);
                (FLOAT64_MULTI_ARRAY, Form::Forward { order, gripper })
            }
            CommandSettings::JointTrajectory { .. } => (JOINT_TRAJECTORY, Form::Trajectory),
            CommandSettings::ServoTwist {
                frame,
                linear_m_s,
                angular_rad_s,
                gain,
                ..
            } => {
                let maker = TwistMaker::new(description, [*linear_m_s, *angular_rad_s], *gain)?;
                (
                    TWIST_STAMPED,
                    Form::Twist {
                        maker,
                        frame: frame.clone(),
                    },
                )
            }
            CommandSettings::ServoJointJog { frame, gain, .. } => {
                let speeds = description.joints.iter().map(|j| j.velocity).collect();
                (
                    JOINT_JOG,
                    Form::Jog {
                        frame: frame.clone(),
                        gain: *gain,
                        speeds,
                    },
                )
            }
        };
        Ok(Self {
            publisher: node.publish(topic, &of)?,
            form,
            names: names.into_iter().collect(),
            hz: description.control_hz,
        })
    }

    pub fn publisher(&self) -> &RosPublisher {
        &self.publisher
    }

    /// Whether commands are wanted a path at a time.
    pub fn takes_paths(&self) -> bool {
        matches!(self.form, Form::Trajectory)
    }

    /// Sends one step.
    pub fn send(&self, step: &Step) -> Result<(), LinkError> {
        match &self.form {
            Form::Forward { order, gripper } => {
                let joints = order.iter().filter_map(|&j| step.target.get(j).copied());
                let last = gripper
                    .as_ref()
                    .map(|g| g.gripper_scale().position(step.width));
                self.publisher.send(&Float64MultiArray {
                    layout: Layout::default(),
                    data: Numbers(joints.chain(last).collect()),
                })
            }
            Form::Trajectory => self.send_path(&[step.target.to_vec()]),
            Form::Twist { maker, frame } => {
                // Not knowing where the arm is, the only safe speed is none.
                let twist = step
                    .measured
                    .map(|m| maker.twist(step.before, step.target, m));
                self.twist(frame, twist.unwrap_or_default())
            }
            Form::Jog {
                frame,
                gain,
                speeds,
            } => {
                let velocities = match step.measured {
                    Some(m) => servo::jog(step.before, step.target, m, self.hz, *gain, speeds),
                    None => vec![0.0; speeds.len()],
                };
                self.jog(frame, velocities)
            }
        }
    }

    /// Sends a path: joint positions, one a control period from now on.
    pub fn send_path(&self, path: &[Vec<f64>]) -> Result<(), LinkError> {
        let mut points = Points::default();
        for (i, positions) in path.iter().enumerate() {
            let ns = ((i + 1) as f64 / self.hz * 1e9).round() as u64;
            let point = TrajectoryPoint {
                positions,
                time_from_start: Duration::from_ns(ns),
                ..TrajectoryPoint::default()
            };
            points.push(&point).map_err(|reason| LinkError::Key {
                key: self.publisher.key().into(),
                reason: reason.into(),
            })?;
        }
        // A time of 0 begins at once, and replaces what is under way.
        self.publisher.send(&JointTrajectory {
            header: Header::default(),
            joint_names: self.names.clone(),
            points,
        })
    }

    /// Tells the arm to stay at `measured`, where a controller would otherwise go on with what it has.
    pub fn hold(&self, measured: Option<&[f64]>) -> Result<(), LinkError> {
        match (&self.form, measured) {
            // It keeps to the last command by itself.
            (Form::Forward { .. }, _) => Ok(()),
            (Form::Trajectory, Some(measured)) => self.send_path(&[measured.to_vec()]),
            (Form::Trajectory, None) => Ok(()),
            (Form::Twist { frame, .. }, _) => self.twist(frame, Twist::default()),
            (Form::Jog { frame, speeds, .. }, _) => self.jog(frame, vec![0.0; speeds.len()]),
        }
    }

    fn twist(&self, frame: &str, twist: Twist) -> Result<(), LinkError> {
        let header = header(frame);
        self.publisher.send(&TwistStamped { header, twist })
    }

    fn jog(&self, frame: &str, velocities: Vec<f64>) -> Result<(), LinkError> {
        self.publisher.send(&JointJog {
            header: header(frame),
            joint_names: self.names.clone(),
            displacements: Numbers::default(),
            velocities: Numbers(velocities),
            duration: 0.0,
        })
    }
}

fn header(frame: &str) -> Header {
    Header {
        stamp: Time::from_ns(wall_ns()),
        frame_id: frame.into(),
    }
}
