//! The guard.

mod filter;
mod joint_motion;
mod look_ahead;
mod snapshot;
mod start;

pub use filter::{Admitted, Guard};
pub use snapshot::GuardSnapshot;
pub use start::StartError;

#[cfg(test)]
mod tests;
