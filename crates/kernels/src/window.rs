//! Where a kernel lies over a picture.

use crate::ShapeError;
use burn::backend::Shape;

/// Kernel, stride and zeros at each side, of rows and of columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Height and width of the kernel, pixels.
    pub kernel: [usize; 2],
    /// Pixels from one output to the next, down and across.
    pub stride: [usize; 2],
    /// Zeros added on each side, above and below, left and right.
    pub padding: [usize; 2],
}

impl Window {
    /// Places of the kernel.
    pub(crate) fn places(self) -> usize {
        self.kernel.iter().product()
    }

    /// Whether each output sees its own pixel alone.
    #[cfg(feature = "gpu")]
    pub(crate) fn is_a_point(self) -> bool {
        self.kernel == [1; 2] && self.stride == [1; 2] && self.padding == [0; 2]
    }

    /// [B, H', W', out] for [B, H, W, in].
    pub(crate) fn output_shape(&self, input: &Shape, channels: usize) -> Shape {
        let [h, w] = self.output([input[1], input[2]]);
        Shape::from(vec![input[0], h, w, channels])
    }

    /// Places [H', W'] of the kernel over [H, W], which it [fits](Self::check).
    pub(crate) fn output(&self, size: [usize; 2]) -> [usize; 2] {
        [0, 1].map(|d| (size[d] + 2 * self.padding[d] - self.kernel[d]) / self.stride[d] + 1)
    }

    /// Refuses a kernel or stride of zero, and pictures [H, W] that are smaller than the kernel with their
    /// zeros.
    pub(crate) fn check(
        &self,
        operation: &'static str,
        size: [usize; 2],
    ) -> Result<(), ShapeError> {
        for d in 0..2 {
            let (kernel, stride, padding) = (self.kernel[d], self.stride[d], self.padding[d]);
            ShapeError::unless(kernel > 0, operation, "kernel", kernel, "1 or more")?;
            ShapeError::unless(stride > 0, operation, "stride", stride, "1 or more")?;
            let least = kernel.saturating_sub(2 * padding).max(1);
            ShapeError::unless(
                size[d] >= least,
                operation,
                ["height", "width"][d],
                size[d],
                format_args!(
                    "{least} or more, for a kernel of {kernel} and {padding} zeros a side"
                ),
            )?;
        }
        Ok(())
    }
}
