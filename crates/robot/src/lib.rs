//! What a robot is.
//!
//! [`description`] holds a robot's limits, kinematics, capsules and cameras as its `robot.toml` states them,
//! [`urdf`] what a `robot.urdf` beside it adds; [`kinematics`] turns joints into poses, [`inverse`] steps
//! towards a pose, [`pose_ik`] finds joints for one; [`capsules`] tells how near the arm is to itself, [`survey`] looks a whole
//! folder over.
//!
//! ```
//! use apprentice_robot::{Kinematics, RobotDescription};
//!
//! let robot = RobotDescription::embedded("franka_fr3")?;
//! let tool = Kinematics::new(&robot)?.tool_pose(&robot.home);
//! assert!(tool.translation.z > 0.0, "metres above the base");
//! # Ok::<(), apprentice_robot::DescriptionError>(())
//! ```

#![deny(missing_docs)]

pub mod capsules;
pub mod description;
pub mod error;
pub mod folder;
pub mod inverse;
pub mod kinematics;
pub mod pose_ik;
pub mod proprioception;
pub mod shipped;
pub mod survey;
pub mod urdf;

pub use capsules::SelfDistance;
pub use description::{
    Camera, Capsule, Chain, Control, Gripper, Joint, JointFrame, Mount, Placement,
    RobotDescription, UrdfSource, VelocityBarrier, Workspace,
};
pub use error::DescriptionError;
pub use folder::RobotFolder;
pub use inverse::DifferentialIk;
pub use kinematics::Kinematics;
pub use pose_ik::{PoseError, PoseSolution, PoseSolver};
pub use proprioception::proprioception;
pub use shipped::EMBEDDED;
pub use survey::Survey;
pub use urdf::Urdf;
