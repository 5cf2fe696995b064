//! The words every other crate speaks: images, joint states, actions, seeds, content hashes.
//!
//! Units are SI throughout: metres, radians, seconds; times on the wire and in files are
//! nanoseconds (`u64`). Poses are expressed in the robot's base frame unless a name says otherwise.

pub mod action;
pub mod causes;
pub mod hash;
pub mod image;
pub mod interval;
pub mod observation;
pub mod registry;
pub mod seed;

pub use action::{CARTESIAN_ACTION_DIM, CartesianAction};
pub use causes::in_one_line;
pub use hash::{sha256_bytes, sha256_file};
pub use image::{Image, ImageError};
pub use interval::Proportion;
pub use observation::{CameraFrame, JointCommand, Observation, RobotState};
pub use seed::Seed;
