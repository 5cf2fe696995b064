//! How many outputs a convolution has.

use apprentice_kernels::ShapeError;

/// Places of a kernel, which is at least one, along a dimension of `size`.
pub(super) fn output_size(
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
