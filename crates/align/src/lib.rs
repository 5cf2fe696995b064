//! Aligning the hand: a diffusion policy is moved towards the rollouts its reward prefers.
//!
//! [`pairs`] sets winners against losers, [`dpo`] is the loss (diffusion-DPO, Wallace et al. 2023,
//! arXiv 2311.12908, over trajectories), [`training`] the loop, and [`drift`] the meter that bounds
//! how far the policy may move from the one it started as.

#![recursion_limit = "256"]

mod chunks;
pub mod config;
pub mod dpo;
pub mod drift;
pub mod pairs;
pub mod training;

pub use config::{AlignConfig, Pairing};
pub use drift::DriftMeter;
pub use pairs::{Pair, form_pairs};
pub use training::{AlignError, AlignProgress, AlignReport, align_policy};
