//! What does each part of the method contribute? A study runs the loop over a declared grid: tasks, encoders, rewards,
//! objectives, operators, numbers of labels and seeds.
//!
//! ```
//! use apprentice_study::Grid;
//!
//! let grid = Grid::read(
//!     r#"
//!     [tasks.mug]
//!     [encoders.trained]
//!     [encoders.random]
//!     set = ["encoder.cycle.initialisation=random"]
//!     [rewards.rapl]
//!     [objectives.both]
//!     [operators.exact]
//!     [[blocks]]
//!     labels = [5, 20]
//!     seeds = [0, 1, 2]
//!     "#,
//! )
//! .unwrap();
//! // Two encoders, two numbers of labels, three seeds; demonstrations, training and rollouts of a seed are shared.
//! assert_eq!(grid.cells().len(), 12);
//! assert_eq!(grid.bases().len(), 3);
//! ```
//!
//! Files to read first: `grid.rs` (what is declared), `runner.rs` (how it is worked off), `row.rs` (what a cell comes
//! to), `contrast.rs` (what may be said of it).

#![deny(missing_docs)]

mod base_run;
mod cell;
pub mod contrast;
mod grid;
mod html;
mod markdown;
mod published;
mod row;
mod runner;
mod study;
mod table;
mod tables;

pub use base_run::Base;
pub use cell::{Cell, Factor};
pub use grid::{Block, Grid, Variant};
pub use row::{Failed, Row};
pub use runner::{Launch, Runner};
pub use study::{FILES, Study};
