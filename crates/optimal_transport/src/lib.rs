//! Entropic optimal transport between two sequences (Cuturi 2013, arXiv 1306.0895): how much work
//! it takes to turn one video into another, frame by frame.
//!
//! [`cost`] measures frames against each other, [`mod@sinkhorn`] finds the plan that moves one video
//! onto the other most cheaply, [`gradient`] differentiates the result exactly.

pub mod cost;
mod exponential;
pub mod gradient;
mod kernel;
mod logarithms;
mod scaling;
pub mod sinkhorn;

pub use cost::{CostMatrix, Metric};
pub use gradient::cost_gradient;
pub use sinkhorn::{Form, Plan, SinkhornConfig, TransportError, sinkhorn, sinkhorn_batch};
