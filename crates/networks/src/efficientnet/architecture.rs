//! The plan of EfficientNet-Lite0: which blocks, in which order, with which sizes.
//!
//! Tan and Le 2019, arXiv 1905.11946, table 1 (EfficientNet-B0), in the "Lite" form of the
//! TensorFlow repository (`tpu/models/official/efficientnet/lite`): no squeeze-and-excitation,
//! ReLU6 for swish, stem and head not scaled.

/// What errors call this network.
pub const NAME: &str = "EfficientNet-Lite0";
/// Channels after the stem.
pub const STEM: usize = 32;
/// Channels after the last block.
pub const LAST: usize = 320;
/// Channels after the head convolution, which are the features.
pub const HEAD: usize = 1280;
/// ImageNet classes.
pub const CLASSES: usize = 1000;
/// Added to the variance in batch normalisation (TensorFlow's value, not PyTorch's 1e-5).
pub const BATCH_NORM_EPSILON: f64 = 1e-3;

/// (repeats, kernel, stride of the first, expansion, output channels).
const STAGES: [(usize, usize, usize, usize, usize); 7] = [
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
];

/// One inverted residual block: expand (1x1), depthwise (kernel x kernel), project (1x1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockPlan {
    /// Channels in.
    pub input: usize,
    /// Channels between; equal to `input` when there is no expansion.
    pub middle: usize,
    /// Channels out.
    pub output: usize,
    /// Side of the depthwise kernel, pixels.
    pub kernel: usize,
    /// Step of the depthwise kernel, pixels.
    pub stride: usize,
}

impl BlockPlan {
    /// Whether the input is added to the output.
    #[must_use]
    pub fn is_residual(&self) -> bool {
        self.stride == 1 && self.input == self.output
    }

    /// Whether there is an expanding convolution.
    #[must_use]
    pub fn expands(&self) -> bool {
        self.middle != self.input
    }
}

/// The sixteen blocks in order.
#[must_use]
pub fn blocks() -> Vec<BlockPlan> {
    let mut plans = Vec::new();
    let mut input = STEM;
    for (repeats, kernel, first_stride, expansion, output) in STAGES {
        for repeat in 0..repeats {
            plans.push(BlockPlan {
                input,
                middle: input * expansion,
                output,
                kernel,
                stride: if repeat == 0 { first_stride } else { 1 },
            });
            input = output;
        }
    }
    plans
}

/// TensorFlow's 'SAME' padding along one axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SamePadding {
    /// Zeros before the first pixel.
    pub before: usize,
    /// Zeros after the last; the odd one goes here.
    pub after: usize,
    /// Pixels out, `ceil(size / stride)`.
    pub output: usize,
}

impl SamePadding {
    /// For `size` pixels under a kernel of `kernel` pixels that steps by `stride`.
    #[must_use]
    pub fn new(size: usize, kernel: usize, stride: usize) -> Self {
        let output = size.div_ceil(stride);
        let total = ((output.max(1) - 1) * stride + kernel).saturating_sub(size);
        Self {
            before: total / 2,
            after: total - total / 2,
            output,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixteen_blocks_nine_of_them_residual() {
        let plans = blocks();
        assert_eq!(plans.len(), 16);
        // 9 repeats after the first of their stage keep the size; so does no first one.
        assert_eq!(plans.iter().filter(|p| p.is_residual()).count(), 9);
        assert_eq!(plans.iter().map(|p| p.stride).product::<usize>(), 16);
        assert_eq!(plans[15].output, LAST);
    }

    #[test]
    fn same_padding_puts_the_odd_pixel_last() {
        let pad = |size, kernel, stride| {
            let p = SamePadding::new(size, kernel, stride);
            (p.before, p.after, p.output)
        };
        assert_eq!(pad(224, 3, 2), (0, 1, 112));
        assert_eq!(pad(7, 3, 2), (1, 1, 4));
        assert_eq!(pad(14, 5, 2), (1, 2, 7));
        assert_eq!(pad(14, 5, 1), (2, 2, 14));
    }
}
