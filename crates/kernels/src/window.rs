//! Where a kernel lies over a picture.

use burn::backend::Shape;

/// Kernel, stride and zeros at each side, of rows and of columns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    pub(crate) kernel: [usize; 2],
    pub(crate) stride: [usize; 2],
    pub(crate) padding: [usize; 2],
}

impl Window {
    /// Places of the kernel.
    pub(super) fn places(self) -> usize {
        self.kernel.iter().product()
    }

    /// Whether each output sees its own pixel alone.
    #[cfg(feature = "gpu")]
    pub(super) fn is_a_point(self) -> bool {
        self.kernel == [1; 2] && self.stride == [1; 2] && self.padding == [0; 2]
    }

    /// [B, H', W', out] for [B, H, W, in].
    pub(super) fn output_shape(&self, input: &Shape, channels: usize) -> Shape {
        let [h, w] = self.output([input[1], input[2]]);
        Shape::from(vec![input[0], h, w, channels])
    }

    /// Places [H', W'] of the kernel over [H, W].
    pub(super) fn output(&self, size: [usize; 2]) -> [usize; 2] {
        [0, 1].map(|d| (size[d] + 2 * self.padding[d] - self.kernel[d]) / self.stride[d] + 1)
    }
}
