//! Convolutions of few rows on a GPU, as kernels of our own.
//!
//! A robot waits for one chunk: its convolutions have 4 to 16 rows, and their time is that of reading the
//! weights once and of launching. A convolution is one kernel that shares the weights' rows out among
//! parts of the GPU ([`convolve`]), and what follows it, down to the sum with the shortcut, is one more
//! that adds the parts up first ([`settle`]). Sums are taken in a fixed order.
//!
//! The same kernels run on CUDA and wgpu; sums are taken in 32 bits whatever the weights are in.

// The attribute on `FewRowsOps` writes the dispatch between backends, and of sizes only where there are kernels.
#![allow(missing_docs)]
#![cfg_attr(not(feature = "gpu"), allow(dead_code, unused_variables))]

#[cfg(feature = "gpu")]
mod convolve;
#[cfg(feature = "gpu")]
mod kernels;
#[cfg(feature = "gpu")]
mod settle;

#[cfg(feature = "gpu")]
use burn::backend::DispatchDevice;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, backend_extension};
#[cfg(feature = "gpu")]
use burn::tensor::{DType, Shape};
use burn::tensor::{Device, Tensor};

/// More rows are matrix products like others.
const MOST_ROWS: usize = 64;

/// A convolution along a line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    pub kernel: usize,
    pub stride: usize,
    pub padding: usize,
}

impl Line {
    /// Each place by itself.
    pub const POINT: Self = Self {
        kernel: 1,
        stride: 1,
        padding: 0,
    };

    /// Places of the kernel along a line.
    pub fn places(self, length: usize) -> usize {
        (length + 2 * self.padding - self.kernel) / self.stride + 1
    }
}

/// Sizes of what a convolution makes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Made {
    pub batch: usize,
    pub length: usize,
    pub channels: usize,
    /// In which they are normalised, if they are.
    pub groups: usize,
}

impl Made {
    fn in_groups(self, groups: usize) -> Self {
        Self { groups, ..self }
    }
}

#[cfg(feature = "gpu")]
impl Made {
    fn shape(self) -> Shape {
        Shape::new([self.batch, self.length, self.channels])
    }
}

/// Parts of a convolution, and what follows one. Layouts are channels-last and row-major.
#[backend_extension(Cube: cfg(feature = "gpu"), Fusion: cfg(feature = "gpu"))]
pub(crate) trait FewRowsOps: Backend {
    /// [B, L, C] with weights [kernel x C, O]: what each part of the weights' rows adds, [S, B x L', O].
    #[fusion(dtype = DType::F32, shape = convolve::parts_shape(x, weight, *line))]
    fn convolve_parts(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        line: Line,
    ) -> FloatTensor<Self>;

    /// [`Self::convolve_parts`] of `x` and `skip`, [B, L, C] and [B, L, C'], side by side.
    #[fusion(dtype = DType::F32, shape = convolve::parts_shape(x, weight, *line))]
    fn convolve_parts_of_two(
        x: FloatTensor<Self>,
        skip: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        line: Line,
    ) -> FloatTensor<Self>;

    /// The parts' sum and a bias, [B, L, O].
    #[fusion(dtype = bias, shape = made.shape())]
    fn settle(parts: FloatTensor<Self>, bias: FloatTensor<Self>, made: Made) -> FloatTensor<Self>;

    /// What the parts of [`crate::ConvTranspose1d`]'s products, [S, B x L, 4 O], make: the sums of those that
    /// reach a place, and a bias, [B, 2 L, O].
    #[fusion(dtype = bias, shape = made.shape())]
    fn settle_spread(
        parts: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        made: Made,
    ) -> FloatTensor<Self>;

    /// The parts' sum and a bias, its groups normalised, through Mish.
    #[fusion(dtype = bias, shape = made.shape())]
    fn settle_normed(
        parts: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        made: Made,
    ) -> FloatTensor<Self>;

    /// [`Self::settle_normed`], then scaled and shifted by 2 O numbers from `from` on in each row of
    /// `modulations`, [B, M].
    #[fusion(dtype = bias, shape = made.shape())]
    fn settle_modulated(
        parts: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        modulations: FloatTensor<Self>,
        from: usize,
        made: Made,
    ) -> FloatTensor<Self>;

    /// [`Self::settle_normed`] and another tensor of its shape.
    #[fusion(dtype = bias, shape = made.shape())]
    fn settle_onto(
        parts: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        other: FloatTensor<Self>,
        made: Made,
    ) -> FloatTensor<Self>;

    /// [`Self::settle_normed`] and another convolution's parts with its bias.
    #[fusion(dtype = bias, shape = made.shape())]
    fn settle_onto_parts(
        parts: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        other: FloatTensor<Self>,
        other_bias: FloatTensor<Self>,
        made: Made,
    ) -> FloatTensor<Self>;
}

/// Whether `x`, [B, L, C], is few rows on a GPU without gradients.
pub(crate) fn are(x: &Tensor<3>) -> bool {
    let [batch, length, _] = x.dims();
    batch * length <= MOST_ROWS && are_kernels_for(&x.device())
}

#[cfg(feature = "gpu")]
fn are_kernels_for(device: &Device) -> bool {
    matches!(device.as_dispatch(), DispatchDevice::Cube(_))
}

#[cfg(not(feature = "gpu"))]
fn are_kernels_for(_: &Device) -> bool {
    false
}

/// Channels [B, L, C], and others [B, L, C'] after them that are not copied beside them.
#[derive(Clone)]
pub(crate) struct Input {
    pub x: Tensor<3>,
    pub skip: Option<Tensor<3>>,
}

impl Input {
    /// Side by side, [B, L, C + C'].
    pub fn joined(self) -> Tensor<3> {
        match self.skip {
            Some(skip) => Tensor::cat(vec![self.x, skip], 2),
            None => self.x,
        }
    }
}

impl From<Tensor<3>> for Input {
    fn from(x: Tensor<3>) -> Self {
        Self { x, skip: None }
    }
}

/// A convolution whose parts are not added up yet.
pub(crate) struct Parts {
    parts: Tensor<3>,
    bias: Tensor<1>,
    made: Made,
}

impl Parts {
    /// Starts a convolution of all channels with weights [kernel x channels, O] and bias `[O]`.
    pub fn of(input: Input, weight: Tensor<2>, bias: Tensor<1>, line: Line) -> Self {
        let ([batch, length, _], [_, channels]) = (input.x.dims(), weight.dims());
        let (x, weight) = (input.x.into_dispatch(), weight.into_dispatch());
        let parts = match input.skip {
            Some(skip) => {
                let skip = skip.into_dispatch();
                <Dispatch as FewRowsOps>::convolve_parts_of_two(x, skip, weight, line)
            }
            None => <Dispatch as FewRowsOps>::convolve_parts(x, weight, line),
        };
        let length = line.places(length);
        Self {
            parts: Tensor::from_dispatch(parts),
            bias,
            made: Made {
                batch,
                length,
                channels,
                groups: 1,
            },
        }
    }

    /// [B, L', O].
    pub fn settle(self) -> Tensor<3> {
        Tensor::from_dispatch(<Dispatch as FewRowsOps>::settle(
            self.parts.into_dispatch(),
            self.bias.into_dispatch(),
            self.made,
        ))
    }

    /// What [`crate::ConvTranspose1d`]'s products with each of its taps make, [B, 2 L', O / 4].
    pub fn settle_spread(self) -> Tensor<3> {
        let made = Made {
            batch: self.made.batch,
            length: 2 * self.made.length,
            channels: self.made.channels / 4,
            groups: 1,
        };
        Tensor::from_dispatch(<Dispatch as FewRowsOps>::settle_spread(
            self.parts.into_dispatch(),
            self.bias.into_dispatch(),
            made,
        ))
    }

    /// Through a GroupNorm and Mish, [B, L', O].
    pub fn normed(self, norm: Norm) -> Tensor<3> {
        Tensor::from_dispatch(<Dispatch as FewRowsOps>::settle_normed(
            self.parts.into_dispatch(),
            self.bias.into_dispatch(),
            norm.gamma.into_dispatch(),
            norm.beta.into_dispatch(),
            self.made.in_groups(norm.groups),
        ))
    }

    /// [`Self::normed`], then [`crate::film`] by 2 O numbers from `from` on of each row of [B, M].
    pub fn modulated(self, norm: Norm, modulations: Tensor<2>, from: usize) -> Tensor<3> {
        Tensor::from_dispatch(<Dispatch as FewRowsOps>::settle_modulated(
            self.parts.into_dispatch(),
            self.bias.into_dispatch(),
            norm.gamma.into_dispatch(),
            norm.beta.into_dispatch(),
            modulations.into_dispatch(),
            from,
            self.made.in_groups(norm.groups),
        ))
    }

    /// [`Self::normed`] and `other`.
    pub fn onto(self, norm: Norm, other: Tensor<3>) -> Tensor<3> {
        Tensor::from_dispatch(<Dispatch as FewRowsOps>::settle_onto(
            self.parts.into_dispatch(),
            self.bias.into_dispatch(),
            norm.gamma.into_dispatch(),
            norm.beta.into_dispatch(),
            other.into_dispatch(),
            self.made.in_groups(norm.groups),
        ))
    }

    /// [`Self::normed`] and what the other convolution makes.
    pub fn onto_parts(self, norm: Norm, other: Self) -> Tensor<3> {
        Tensor::from_dispatch(<Dispatch as FewRowsOps>::settle_onto_parts(
            self.parts.into_dispatch(),
            self.bias.into_dispatch(),
            norm.gamma.into_dispatch(),
            norm.beta.into_dispatch(),
            other.parts.into_dispatch(),
            other.bias.into_dispatch(),
            self.made.in_groups(norm.groups),
        ))
    }
}

/// A GroupNorm's weights `[O]` and groups.
pub(crate) struct Norm {
    pub gamma: Tensor<1>,
    pub beta: Tensor<1>,
    pub groups: usize,
}
