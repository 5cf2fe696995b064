//! Policies at work on a robot, whoever's it is, one episode after the other: until told to stop (`work`), or blind
//! and in turns from the same starts to compare base and aligned policy (`comparison`). Every trial goes into the
//! log of [`crate::trials`] before the next begins.

pub mod chosen;
pub mod comparison;
mod counted;
pub mod figures;
pub mod judging;
pub mod session;
pub mod work;
