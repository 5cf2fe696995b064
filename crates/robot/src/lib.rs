//! What a robot is.
//!
//! [`description`] holds a robot's limits, kinematics and cameras as its `robot.toml` states them;
//! [`kinematics`] and [`inverse`] turn joints into poses and back.

pub mod description;
pub mod error;
pub mod inverse;
pub mod kinematics;
pub mod proprioception;

pub use description::{
    Camera, Capsule, Gripper, Joint, Mount, RobotDescription, VelocityBarrier, Workspace,
};
pub use error::DescriptionError;
pub use inverse::DifferentialIk;
pub use kinematics::Kinematics;
pub use proprioception::proprioception;
