//! The layers' costly operations as one backend operation each, with hand-written gradients.
//!
//! [`blocks`] are what convolutional networks are made of: on the processor vector instructions, on GPUs
//! kernels of our own ([`flex`], `gpu`). [`layers`] are others that a processor would run in many passes over
//! memory; on a GPU burn fuses their plain tensor operations, which are also what tests compare against.

// The attributes on traits of operations write the dispatch between backends.
#![allow(missing_docs)]

mod activation;
mod again;
#[cfg(test)]
pub(crate) mod agreement;
mod blocks;
mod flex;
#[cfg(feature = "gpu")]
mod gpu;
mod layers;
mod tracked;
mod window;

pub(crate) use activation::Activation;
pub(crate) use blocks::{convolve, convolve_transposed, film, group_norm, has_blocks};
pub(crate) use flex::{place, recycle};
pub(crate) use layers::{
    add_relu, attention, available, computes_on, gelu, layer_norm, max_pool, mish, spatial_softmax,
};
pub(crate) use window::Window;
