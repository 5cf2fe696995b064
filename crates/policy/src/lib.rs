//! The hand: a diffusion policy (Chi et al. 2023, arXiv 2303.04137).
//!
//! From the last [`PolicyConfig::observation_history`] observations (pictures and proprioception)
//! a 1-D U-Net denoises a chunk of [`PolicyConfig::horizon`] actions, of which
//! [`PolicyConfig::execute`] are carried out before the next look. Noise schedule and sampler are
//! in [`schedule`], the networks in [`network`], training in [`mod@train`], what the robot runs in
//! [`inference`], its inner loop in [`denoiser`]; [`inpainting`] plans a chunk as the continuation of the
//! one that runs, [`delay`] says how much of that is certain; [`windows`] turns recorded episodes into
//! training samples and [`normalizer`] keeps the scaling with the weights.

#![recursion_limit = "256"]

pub mod checkpoint;
pub mod config;
pub mod delay;
pub mod denoiser;
pub mod error;
pub mod frame;
pub mod inference;
pub mod inpainting;
pub mod network;
pub mod normalizer;
mod onto;
mod recent;
mod recorded;
pub mod running;
pub mod schedule;
pub mod train;
pub mod windows;

pub use config::{PolicyConfig, TrainConfig};
pub use delay::Delays;
pub use denoiser::Denoiser;
pub use error::PolicyError;
pub use frame::ActionFrame;
pub use inference::{DiffusionPolicy, PolicyInput};
pub use network::PolicyNetwork;
pub use normalizer::MinMaxNormalizer;
pub use running::Running;
pub use schedule::{DdimSampler, NoiseSchedule};
pub use train::{TrainProgress, train};
pub use windows::{Batch, Windows};
