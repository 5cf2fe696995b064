//! Layers and what trains them, on burn: channels-last, convolutions as one matrix product.
//!
//! Layers run on the kernels of `apprentice-kernels` where there are some for a tensor, otherwise in plain tensor
//! operations that every backend has. [`AdamW`] and [`Ema`] train them; [`Precision`] says in how many bits
//! they answer, and [`open_device`] where. Networks made of these layers are in `apprentice-networks`.
//!
//! ```
//! use apprentice_nn::{Conv1d, GroupNormMish, gaussian};
//! use burn::tensor::{Device, Tensor};
//! use rand::SeedableRng;
//!
//! # fn main() -> Result<(), apprentice_nn::ShapeError> {
//! let device = Device::flex();
//! let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
//! let convolution = Conv1d::new(3, 8, 5, 1, 2, &mut rng, &device);
//! let norm = GroupNormMish::new(2, 8, &device)?;
//! let chunk: Tensor<3> = gaussian([1, 16, 3], &mut rng, &device);
//! assert_eq!(norm.forward(convolution.forward(chunk)).dims(), [1, 16, 8]);
//! // What does not fit is told before anything is computed.
//! let error = convolution.output([16, 4]).unwrap_err().to_string();
//! assert_eq!(error, "Conv1d: channels of the line is 4, allowed: 3");
//! # Ok(())
//! # }
//! ```

#![recursion_limit = "256"]
#![deny(missing_docs)]

#[cfg(test)]
mod agreement;
pub mod attention;
pub mod batch_norm;
pub mod convolution;
pub mod device;
pub mod ema;
pub mod film;
pub mod gelu;
mod grad_mode;
pub mod group_norm;
mod initialization;
pub mod layer_norm;
pub mod linear;
pub mod max_pool;
pub mod noise;
pub mod optimizer;
mod padding;
pub mod precision;
pub mod spatial_softmax;
pub mod thread_pool;

pub use apprentice_kernels::ShapeError;
pub use attention::Attention;
pub use batch_norm::FrozenBatchNorm;
pub use convolution::{Conv1d, Conv2d, Conv2dConfig, ConvTranspose1d};
pub use device::{DeviceChoice, DeviceError, may_record, open_device};
pub use ema::Ema;
pub use film::film;
pub use gelu::gelu;
pub use group_norm::{GroupNorm, GroupNormMish, mish};
pub use layer_norm::LayerNorm;
pub use linear::Linear;
pub use max_pool::max_pool;
pub use noise::gaussian;
pub use optimizer::{AdamW, AdamWConfig, cosine_with_warmup, gradient_norm};
pub use precision::Precision;
pub use spatial_softmax::SpatialSoftmax;
pub use thread_pool::in_thread_pool;
