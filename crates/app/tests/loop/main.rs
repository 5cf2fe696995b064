//! The built program, used as a user would: the loop end to end on a tiny configuration, stopping and
//! resuming, what it says, and what it says to bad input.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that fails may say so by panicking.

mod bad_input;
mod by_person;
mod camera;
mod devices;
mod example_driver;
mod fetch;
mod full_disk;
mod import;
mod kept;
mod keyboard;
mod keys;
mod on_robot;
mod page;
mod peers;
mod program;
mod promotion;
mod ranking;
mod revoking;
mod robots;
mod second_day;
mod snapshots;
mod study;
mod terminal;
mod tournament;
mod whole_loop;
