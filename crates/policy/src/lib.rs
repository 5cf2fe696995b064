//! Policies: a chunk of actions from observations.
//!
//! [`mod@policy`] says what a policy is, [`policies`] lists the kinds there are, [`policy_agent`] lets one decide in
//! the control loop. The first kind is a diffusion policy (Chi et al. 2023, arXiv 2303.04137): from the last
//! [`DiffusionConfig::observation_history`] observations (pictures and proprioception) a 1-D U-Net denoises a chunk of
//! [`DiffusionConfig::horizon`] actions, of which [`DiffusionConfig::n_action_steps`] are executed before the next
//! observation. Noise schedule and sampler are in [`schedule`], the networks in [`network`], training in
//! [`mod@train`], what the robot runs in [`inference`], its inner loop in [`denoiser`]; [`inpainting`] plans a chunk
//! as the continuation of the one that is executed, [`delay`] says how much of that is certain; [`windows`] turns
//! recorded episodes into training samples and [`normalizer`] keeps the scaling with the weights.
//!
//! ```
//! use apprentice_policy::{DdimSampler, NoiseSchedule, PolicyConfig, schedule::Spacing};
//!
//! # fn main() -> Result<(), apprentice_policy::PolicyError> {
//! let config = PolicyConfig::default();
//! config.validate()?;
//! assert_eq!(config.name(), "diffusion");
//! // Eight of a hundred diffusion steps, the noisiest first.
//! let sampler = DdimSampler::new(&NoiseSchedule::squared_cosine(100), 8, Spacing::Trailing)?;
//! assert_eq!(sampler.steps().next(), Some(99));
//! # Ok(())
//! # }
//! ```

#![recursion_limit = "256"]
#![deny(missing_docs)]

pub mod checkpoint;
pub mod config;
pub mod continuation;
pub mod delay;
pub mod denoiser;
pub mod error;
mod finite;
pub mod frame;
mod graph_replay;
mod guidance;
pub mod inference;
pub mod inpainting;
mod kind_entry;
mod lru_cache;
pub mod network;
pub mod normalizer;
pub mod policies;
pub mod policy;
pub mod policy_agent;
pub mod schedule;
pub mod train;
pub mod train_config;
pub mod windows;

pub use config::DiffusionConfig;
pub use continuation::Continuation;
pub use delay::InferenceDelays;
pub use denoiser::Denoiser;
pub use error::PolicyError;
pub use frame::ActionFrame;
pub use inference::DiffusionPolicy;
pub use network::PolicyNetwork;
pub use normalizer::MinMaxNormalizer;
pub use policies::{PolicyConfig, load_policy};
pub use policy::{Policy, PolicyKind};
pub use policy_agent::PolicyAgent;
pub use schedule::{DdimSampler, NoiseSchedule};
pub use train::{TrainProgress, train};
pub use train_config::TrainConfig;
pub use windows::{Batch, WindowConfig, Windows};
