//! Who gets through to a robot and who does not, tried out with sessions of ours and with intruders that
//! configure zenoh themselves.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that fails may say so by panicking.

mod expiry;
mod floods;
mod forged;
mod hung;
mod intruders;
mod latency;
mod listeners;
mod names;
mod open;
mod python;
mod restart;
mod rig;
mod roles;
mod takeover;
