//! Robots that Intel's physicalai (0.3.0) owns and shares over zenoh.
//!
//! The owner publishes `physicalai/robot/<name>/state`, takes absolute joint targets on `.../action` and
//! answers who it is on `.../metadata`, as msgpack ([`layout`], protocol version 1). It has no authentication
//! and no watchdog: without actions the servos hold their last target. Pictures do not go over zenoh there;
//! cameras come on keys of their own.

mod arm;
pub mod layout;
mod settings;

use crate::error_context::ErrorContext;
pub use arm::PhysicalAiArm;
pub use settings::{Settings, owner_endpoint};

/// How what goes wrong is said.
const ERRORS: ErrorContext = ErrorContext {
    adapter: "physicalai",
    no_session: "see whether the robot's owner runs there, and whether `mode` in [adapter] is right",
    silent: "see whether the owner runs, and whether `robot` in [adapter] is what it calls the robot",
    message: "see whether the owner is of physicalai 0.3.0",
};
