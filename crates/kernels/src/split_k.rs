//! Convolutions of few rows on a GPU: the reduction is split (split-K), and one epilogue adds the parts up.
//!
//! A robot waits for one chunk: its convolutions have 4 to 16 rows, and their time is that of reading the
//! weights once and of launching. A convolution is one kernel that shares the weights' rows out among parts
//! of the GPU ([`PartialSums`]), and what follows it, down to the sum with the shortcut, is one more that
//! adds the parts up first (the epilogue). Sums are taken in a fixed order.
//!
//! The same kernels run on CUDA and wgpu; sums are taken in 32 bits whatever the weights are in.

#[cfg(feature = "gpu")]
mod convolution;
#[cfg(feature = "gpu")]
mod epilogue;
mod geometry;
#[cfg(feature = "gpu")]
mod gpu;
mod ops;
mod partial_sums;

pub use geometry::Conv1dGeometry;
pub(crate) use geometry::OutputSize;
pub use partial_sums::{ConvInput, GroupNormWeights, PartialSums, applies_to};
