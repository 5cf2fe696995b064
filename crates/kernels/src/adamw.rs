//! A step of AdamW, and the exponential moving average after it, in one pass over the numbers: on the processor
//! shared out among the threads ([`cpu`]), elsewhere where the tensors are ([`on_device`]).

mod coefficients;
pub mod cpu;
#[cfg(feature = "gpu")]
mod gpu;
pub mod on_device;
mod ops;

pub use coefficients::StepCoefficients;
