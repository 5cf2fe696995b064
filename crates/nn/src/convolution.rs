//! Convolutions in channels-last layout, each as one matrix product over gathered neighbourhoods.

mod line;
mod picture;

pub use line::{Conv1d, ConvTranspose1d};
pub use picture::{Conv2d, Conv2dConfig};

use crate::ShapeError;

/// Places of a kernel, which is at least one, along a dimension of `size`.
fn steps(
    layer: &'static str,
    what: &'static str,
    size: usize,
    kernel: usize,
    stride: usize,
    padding: usize,
) -> Result<usize, ShapeError> {
    ShapeError::unless(stride > 0, layer, "stride", stride, "1 or more")?;
    let least = kernel.saturating_sub(2 * padding).max(1);
    let allowed = format_args!("{least} or more");
    ShapeError::unless(size >= least, layer, what, size, allowed)?;
    Ok((size + 2 * padding - kernel) / stride + 1)
}
