//! Entropic optimal transport between two sequences (Cuturi 2013, arXiv 1306.0895): how much work
//! it takes to turn one video into another, frame by frame.
//!
//! [`cost`] measures frames against each other, [`mod@sinkhorn`] finds the plan that moves one video
//! onto the other most cheaply, [`gradient`] differentiates the result exactly.
//!
//! ```
//! use apprentice_optimal_transport::{CostMatrix, Metric, SinkhornConfig, sinkhorn};
//!
//! # fn main() -> Result<(), apprentice_optimal_transport::OptimalTransportError> {
//! // Two videos of two frames, each frame an embedding of two numbers.
//! let (a, b) = ([1.0, 0.0, 0.0, 1.0], [0.0, 1.0, 1.0, 0.0]);
//! let cost = CostMatrix::between(&a, &b, 2, Metric::Cosine);
//! let plan = sinkhorn(&cost, &SinkhornConfig::default())?;
//! // Each frame goes to its equal: the order of frames does not count.
//! assert!(plan.cost(&cost) < 1e-3);
//! # Ok(())
//! # }
//! ```

#![deny(missing_docs)]

mod config;
pub mod cost;
mod error;
mod exponential;
pub mod gradient;
mod kernel;
mod log_domain;
mod plan;
mod scaling;
pub mod sinkhorn;

pub use config::{Form, SinkhornConfig};
pub use cost::{CostMatrix, Metric};
pub use error::OptimalTransportError;
pub use gradient::cost_gradient;
pub use plan::Plan;
pub use sinkhorn::{sinkhorn, sinkhorn_batch};
