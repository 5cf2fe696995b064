//! The words every other crate speaks: images, joint states, actions, seeds, content hashes.
//!
//! Units are SI throughout: metres, radians, seconds; times on the wire and in files are
//! nanoseconds (`u64`). Poses are expressed in the robot's base frame unless a name says otherwise.
//!
//! A policy is shown a [`PolicyInput`] and answers with an [`ActionChunk`]:
//!
//! ```
//! use apprentice_core::{ActionChunk, ActionSpace, ObservationStamp};
//!
//! # fn main() -> Result<(), apprentice_core::ActionChunkError> {
//! let observed = ObservationStamp { tick: 12, stamp_ns: 1_200_000_000 };
//! let actions = [[0.1_f32, -0.4, 0.08], [0.2, -0.4, 0.08]];
//! let chunk = ActionChunk::new(ActionSpace::JointPositions, observed, actions)?.with_n_action_steps(1);
//! assert_eq!((chunk.len(), chunk.n_action_steps(), chunk.action_dim()), (2, 1, 3));
//! assert_eq!(chunk.executed(1), Some(&[0.2, -0.4, 0.08][..]));
//! # Ok(())
//! # }
//! ```

#![deny(missing_docs)]

pub mod action;
pub mod action_chunk;
pub mod causes;
pub mod hash;
pub mod image;
pub mod observation;
pub mod policy_input;
pub mod registry;
pub mod seed;

pub use action::{CARTESIAN_ACTION_DIM, CartesianAction};
pub use action_chunk::{
    ActionChunk, ActionChunkError, ActionSpace, ObservationStamp, PreviousChunk,
};
pub use causes::in_one_line;
pub use hash::{sha256_bytes, sha256_file};
pub use image::{Image, ImageError};
pub use observation::{CameraFrame, JointCommand, Observation, RobotState};
pub use policy_input::{PolicyInput, PolicyObservation};
pub use seed::Seed;
