//! What stands between a policy and an arm.
//!
//! [`guard`] lets a command through, changes it, or brakes; whatever it is given, what leaves it is
//! finite, within position, velocity and acceleration limits, and keeps the tool in the workspace.
//! Most of what it changes is harmless: a policy's targets come in steps, ten a second on most arms,
//! and no joint can follow a step, so commands after one are slowed to what velocity and
//! acceleration allow ([`Refusals::only_shape`]). Every other [`refusal`] is worth a look.
//! [`checker`] is a second, independent judge of what left the guard. Neither is safety-rated: the
//! arm's own controller, its brakes and the emergency stop must still do their part.

pub mod arbiter;
pub mod checker;
pub mod config;
pub mod gate;
pub mod guard;
pub mod homing;
pub mod refusal;

pub use arbiter::{Arbiter, Authority, Grip, Unheard};
pub use checker::{Checker, Violation};
pub use config::{GuardConfig, GuardError};
pub use gate::{Denial, DenialCounts, Gate, GateConfig, Phase, Service};
pub use guard::{Admitted, Guard};
pub use homing::Homing;
pub use refusal::{Refusal, RefusalCounts, Refusals};
