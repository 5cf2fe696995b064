//! Robots that Intel's physicalai (0.3.0) owns and shares over zenoh.
//!
//! The owner publishes `physicalai/robot/<name>/state`, takes absolute joint targets on `.../action` and
//! answers who it is on `.../metadata`, as msgpack ([`layout`], protocol version 1). It has no authentication
//! and no watchdog: without actions the servos hold their last target. Pictures do not go over zenoh there;
//! cameras come on keys of their own.

mod arm;
mod errors;
pub mod layout;
mod settings;

pub use arm::PhysicalAiArm;
pub use settings::{Settings, owner_endpoint};
