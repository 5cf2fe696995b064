//! Kernels: layers that are one operation each on the processor and on GPUs, with hand-written gradients.
//!
//! [`block_ops`] are what convolutional networks are made of: on the processor vector instructions, on GPUs
//! CubeCL kernels (`gpu`). [`layer_ops`] are others that a processor would run in many passes over memory; on
//! a GPU burn fuses their plain tensor operations. [`split_k`] are convolutions of few rows on a GPU, as at
//! batch 1, and [`adamw`] is an optimiser's step.
//!
//! Tensors are channels-last and row-major. Every function checks shapes and element types before it
//! launches anything, in release builds too, and panics with a [`ShapeError`]'s message where they do not
//! fit, as burn's tensor operations do.
//!
//! This crate and the replay of recorded graphs in `apprentice-policy` are the only places with `unsafe`.
//!
//! ```
//! use apprentice_kernels::film;
//! use burn::tensor::{Device, Tensor};
//!
//! let device = Device::flex();
//! // One sample of two positions and two channels; scales 1 and 0, shifts 0 and 10.
//! let x = Tensor::<3>::from_floats([[[1.0, 2.0], [3.0, 4.0]]], &device);
//! let scale_and_shift = Tensor::<2>::from_floats([[1.0, 0.0, 0.0, 10.0]], &device);
//! let y: Vec<f32> = film(x, scale_and_shift).into_data().try_into_vec().unwrap();
//! assert_eq!(y, [2.0, 12.0, 6.0, 14.0]);
//! ```

#![recursion_limit = "256"]
#![deny(missing_docs)]
#![allow(unsafe_code)] // What this crate is for; each block says why it is sound.

mod activation;
pub mod adamw;
mod block_autodiff;
pub mod block_ops;
mod checks;
mod cpu;
#[cfg(feature = "gpu")]
mod gpu;
#[cfg(feature = "gpu")]
mod launch;
pub mod layer_ops;
mod operand;
mod placement;
mod recompute;
mod shape_error;
pub mod split_k;
mod window;

pub use activation::Activation;
pub use block_ops::{conv_transpose2d, conv2d, film, group_norm, has_kernels_for};
pub use cpu::{normalized_coordinate, reuse_buffer};
pub use layer_ops::{
    add_relu, attention, gelu, has_cpu_kernels, layer_norm, max_pool, mish, spatial_softmax,
};
pub use placement::is_cpu;
pub use shape_error::{ShapeError, require};
pub use window::Window;
