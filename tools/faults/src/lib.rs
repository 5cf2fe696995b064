//! Faults on purpose: each row kills, floods, starves or lies to a part of Apprentice, measures what comes of
//! it, and says whether that is as it must be.
//!
//! [`TABLE`] lists the rows; one is run by [`run`]. Processes that have to die are this program again, as a
//! [`child`]. Everything happens on this machine's loopback.

pub mod allocation;
pub mod child;
pub mod episodes;
pub mod guest;
pub mod hostile;
pub mod intruder;
pub mod link_figures;
pub mod link_robot;
pub mod lockstep_robot;
pub mod measured;
pub mod memory_robot;
pub mod program;
pub mod row;
pub mod rows;
pub mod scale;
pub mod stub_agent;

pub use row::{Row, Rows};
pub use rows::{Named, TABLE, run};
pub use scale::Scale;
