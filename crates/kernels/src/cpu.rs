//! Layers on the processor.
//!
//! burn's flex backend runs a layer as a dozen passes over memory, each with its own allocation and
//! its own node in the graph. Here each such layer is one pass forward and one or two backward, in
//! plain loops over channels-last rows that the compiler turns into the widest vector instructions
//! of the processor. Work is split by the shapes alone, never by the number of threads, and sums are
//! taken in a fixed order: the same input gives the same bits on any number of cores.

mod add_relu;
mod attention;
mod autodiff;
mod blocks;
mod buffer;
mod convolve;
mod correlate;
mod curve;
mod direct;
mod film;
mod gelu;
mod kept;
mod layer_norm;
mod layers;
mod mish;
mod norm;
mod padded;
mod picture;
mod pool;
pub(crate) mod recycle;
mod spatial;
mod steps;
mod thin;

pub(crate) use spatial::place;
