//! What stands between a policy and an arm.
//!
//! [`guard`] lets a command through, changes it, or brakes; whatever it is given, what leaves it is
//! finite, within position, velocity and acceleration limits, and keeps the tool in the workspace.
//! [`checker`] is a second, independent judge of what left the guard. Neither is safety-rated: the
//! arm's own controller, its brakes and the emergency stop must still do their part.

pub mod checker;
pub mod guard;
pub mod refusal;

pub use checker::{Checker, Violation};
pub use guard::{Admitted, Guard, GuardConfig, GuardError};
pub use refusal::{Refusal, Refusals};
