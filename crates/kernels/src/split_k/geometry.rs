//! Sizes of convolutions along a line.

use crate::ShapeError;
#[cfg(feature = "gpu")]
use burn::tensor::Shape;

/// Kernel, stride and zeros at each end of a convolution along a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv1dGeometry {
    /// Places of the kernel.
    pub kernel: usize,
    /// Places from one output to the next.
    pub stride: usize,
    /// Zeros added at each end.
    pub padding: usize,
}

impl Conv1dGeometry {
    /// Each place by itself.
    pub const POINTWISE: Self = Self {
        kernel: 1,
        stride: 1,
        padding: 0,
    };

    /// Outputs along a line that the kernel [fits](Self::check).
    pub(crate) fn output_length(self, length: usize) -> usize {
        (length + 2 * self.padding - self.kernel) / self.stride + 1
    }

    /// Refuses a kernel or stride of zero, and lines that are shorter than the kernel with their zeros.
    pub(crate) fn check(self, operation: &'static str, length: usize) -> Result<(), ShapeError> {
        let (kernel, stride, padding) = (self.kernel, self.stride, self.padding);
        ShapeError::unless(kernel > 0, operation, "kernel", kernel, "1 or more")?;
        ShapeError::unless(stride > 0, operation, "stride", stride, "1 or more")?;
        let least = kernel.saturating_sub(2 * padding).max(1);
        ShapeError::unless(
            length >= least,
            operation,
            "length",
            length,
            format_args!(
                "{least} or more, for a kernel of {kernel} and {padding} zeros at each end"
            ),
        )
    }
}

/// Sizes of what a convolution makes, [B, L, O].
#[derive(Clone, Copy, Debug)]
pub(crate) struct OutputSize {
    pub batch: usize,
    pub length: usize,
    pub channels: usize,
    /// In which they are normalised, if they are.
    pub groups: usize,
}

impl OutputSize {
    pub(crate) fn in_groups(self, groups: usize) -> Self {
        Self { groups, ..self }
    }
}

#[cfg(feature = "gpu")]
impl OutputSize {
    pub(crate) fn shape(self) -> Shape {
        Shape::new([self.batch, self.length, self.channels])
    }
}
