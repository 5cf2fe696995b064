//! The robot moves because of this module: once a control period whoever has the arm (`authority`) wants
//! something, which becomes joint targets that the guard admits and the link sends (`commanding`), or the arm
//! is brought to rest (`resting`); then the period passes and what the robot saw comes back (`observing`).
//! `acting` puts these together to one policy tick; `robot_loop` holds what they work on.
//!
//! From the robot's state to the command that is handed to the link, nothing is allocated and nobody is waited
//! for: `cargo xtask realtime` has a sanitizer watch it.

mod acting;
mod authority;
mod authority_record;
mod buffers;
mod commanding;
mod observing;
mod resting;
mod robot_loop;

pub use robot_loop::{ActionOutcome, ControlLoop};
