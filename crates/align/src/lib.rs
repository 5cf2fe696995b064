//! Alignment: a diffusion policy is moved towards the rollouts its reward prefers.
//!
//! A policy is aligned by a weighted sum of [`AlignmentObjective`]s (the registry [`Objective`] lists those there are:
//! diffusion-DPO, Wallace et al. 2023, arXiv 2311.12908, over trajectories, PRO over whole rankings, and kinds of
//! imitation). [`training`]
//! is the loop that they share: it draws what they need ([`Needs`]), computes the errors of policy and reference, and
//! descends; [`pairs`] sets winners against losers; [`drift`] bounds how far the policy may move from the one it
//! started as.
//!
//! ```
//! use apprentice_align::{AlignError, Batch, Errors, Objective};
//! use burn::tensor::{Device, Tensor};
//!
//! # fn main() -> Result<(), AlignError> {
//! // One pair, one chunk each: the policy predicts the winner's noise better than the reference does.
//! let errors = |policy: f32, reference: f32| {
//!     let tensor = |value| Tensor::from_floats([[value]], &Device::flex());
//!     let errors = Errors::new(tensor(policy), tensor(1.0), vec![0.0]);
//!     errors.with_reference(tensor(reference), tensor(0.0))
//! };
//! let batch = Batch::new(8).with_pairs(errors(0.1, 0.2), errors(0.3, 0.2));
//! let dpo = Objective::named("diffusion_dpo").expect("it is registered");
//! let loss: f32 = dpo.loss(&batch)?.loss.into_scalar();
//! assert!(loss < std::f32::consts::LN_2);
//! # Ok(())
//! # }
//! ```

#![recursion_limit = "256"]
#![deny(missing_docs)]

mod batch;
pub mod config;
pub mod drift;
pub mod error;
mod gradient_shares;
pub mod objective;
mod objective_sum;
pub mod objectives;
pub mod pairs;
mod sampled_change;
mod sampling;
mod step_batch;
pub mod training;

pub use batch::{Batch, Errors, StepWeights};
pub use config::{AlignConfig, Pairing};
pub use drift::{Drift, DriftMeter};
pub use error::AlignError;
pub use gradient_shares::ObjectiveTerm;
pub use objective::{AlignmentObjective, Needs, ObjectiveLoss};
pub use objective_sum::ObjectiveSum;
pub use objectives::Objective;
pub use pairs::{Pair, form_pairs};
pub use sampled_change::SampledChange;
pub use training::{AlignProgress, AlignReport, align_policy};
