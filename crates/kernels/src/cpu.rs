//! Layers on the processor.
//!
//! burn's flex backend runs a layer as a dozen passes over memory, each with its own allocation and
//! its own node in the graph. Here each such layer is one pass forward and one or two backward, in
//! plain loops over channels-last rows that the compiler turns into the widest vector instructions
//! of the processor. Work is split by the shapes alone, never by the number of threads, and sums are
//! taken in a fixed order: the same input gives the same bits on any number of cores.

mod activation;
mod add_relu;
mod attention;
mod block_ops;
mod blocked_convolution;
pub(crate) mod buffer;
mod buffer_pool;
mod convolution;
mod convolution_layout;
mod film;
mod gelu;
mod group_norm;
mod layer_autodiff;
mod layer_gradients;
mod layer_norm;
mod layer_ops;
mod max_pool;
mod micro_kernel;
mod mish;
mod packed_weights;
mod skinny_matmul;
mod spatial_softmax;
mod zero_padding;

pub use buffer_pool::put as reuse_buffer;
pub use spatial_softmax::normalized_coordinate;
