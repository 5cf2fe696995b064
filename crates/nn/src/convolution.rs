//! Convolutions in channels-last layout, each as one matrix product over gathered neighbourhoods.

mod conv1d;
mod conv2d;
mod output_size;

pub use conv1d::{Conv1d, ConvTranspose1d};
pub use conv2d::{Conv2d, Conv2dConfig};
