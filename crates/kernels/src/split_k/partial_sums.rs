//! A convolution that is begun, and what may follow it.

use super::geometry::{Conv1dGeometry, OutputSize};
use super::ops::SplitKOps;
use crate::checks::{self, Addend, NormOperands};
use crate::operand::Operand;
use crate::shape_error::require;
use burn::backend::Dispatch;
#[cfg(feature = "gpu")]
use burn::backend::DispatchDevice;
use burn::tensor::{Device, Tensor};

/// More rows are matrix products like others.
const MAX_ROWS: usize = 64;

/// Whether `x`, [B, L, C], is few rows (at most 64) on a GPU without gradients, for which these kernels are.
#[must_use]
pub fn applies_to(x: &Tensor<3>) -> bool {
    let [batch, length, _] = x.dims();
    batch * length <= MAX_ROWS && has_kernels_on(&x.device())
}

#[cfg(feature = "gpu")]
fn has_kernels_on(device: &Device) -> bool {
    matches!(device.as_dispatch(), DispatchDevice::Cube(_))
}

#[cfg(not(feature = "gpu"))]
fn has_kernels_on(_: &Device) -> bool {
    false
}

/// Channels [B, L, C], and others [B, L, C'] after them that are not copied beside them.
#[derive(Clone, Debug)]
pub struct ConvInput {
    /// [B, L, C].
    pub x: Tensor<3>,
    /// A skip connection's [B, L, C'].
    pub skip: Option<Tensor<3>>,
}

impl ConvInput {
    /// Side by side, [B, L, C + C'].
    #[must_use]
    pub fn concatenated(self) -> Tensor<3> {
        match self.skip {
            Some(skip) => Tensor::cat(vec![self.x, skip], 2),
            None => self.x,
        }
    }
}

impl From<Tensor<3>> for ConvInput {
    fn from(x: Tensor<3>) -> Self {
        Self { x, skip: None }
    }
}

/// A GroupNorm's weights and groups.
#[derive(Clone, Debug)]
pub struct GroupNormWeights {
    /// Scales, `[O]`.
    pub gamma: Tensor<1>,
    /// Shifts, `[O]`.
    pub beta: Tensor<1>,
    /// In how many groups channels are normalised.
    pub groups: usize,
}

/// A convolution whose split reduction is not added up yet.
#[derive(Debug)]
pub struct PartialSums {
    /// [S, B x L', O].
    sums: Tensor<3>,
    bias: Tensor<1>,
    size: OutputSize,
}

impl PartialSums {
    /// Begins a convolution of all channels with weights [kernel x channels, O] and bias `[O]`.
    ///
    /// # Panics
    /// When shapes or element types do not fit together.
    #[must_use]
    pub fn new(
        input: ConvInput,
        weight: Tensor<2>,
        bias: Tensor<1>,
        geometry: Conv1dGeometry,
    ) -> Self {
        let skip = input.skip.as_ref().map(|skip| Operand::of("skip", skip));
        require(checks::partial_sums(
            &Operand::of("x", &input.x),
            skip.as_ref(),
            &Operand::of("weight", &weight),
            geometry,
        ));
        let ([batch, length, _], [_, channels]) = (input.x.dims(), weight.dims());
        let (x, weight) = (input.x.into_dispatch(), weight.into_dispatch());
        let sums = match input.skip {
            Some(skip) => {
                let skip = skip.into_dispatch();
                <Dispatch as SplitKOps>::partial_sums_with_skip(x, skip, weight, geometry)
            }
            None => <Dispatch as SplitKOps>::partial_sums(x, weight, geometry),
        };
        Self {
            sums: Tensor::from_dispatch(sums),
            bias,
            size: OutputSize {
                batch,
                length: geometry.output_length(length),
                channels,
                groups: 1,
            },
        }
    }

    /// Their sum and the bias, [B, L', O].
    ///
    /// # Panics
    /// When the bias is not `[O]`.
    #[must_use]
    pub fn add_bias(self) -> Tensor<3> {
        let (sums, bias) = self.operands();
        require(checks::epilogue(&sums, &bias, self.size));
        Tensor::from_dispatch(<Dispatch as SplitKOps>::epilogue(
            self.sums.into_dispatch(),
            self.bias.into_dispatch(),
            self.size,
        ))
    }

    /// Of products with each of the four taps of a transposed convolution with stride 2 and padding 1: the
    /// sums of those that reach a place and the bias `[O / 4]`, [B, 2 L', O / 4].
    ///
    /// # Panics
    /// When there are not four products a channel of the bias.
    #[must_use]
    pub fn add_bias_transposed(self) -> Tensor<3> {
        let size = OutputSize {
            batch: self.size.batch,
            length: 2 * self.size.length,
            channels: self.size.channels / 4,
            groups: 1,
        };
        let (sums, bias) = self.operands();
        require(checks::epilogue_transposed(&sums, &bias, size));
        Tensor::from_dispatch(<Dispatch as SplitKOps>::epilogue_transposed(
            self.sums.into_dispatch(),
            self.bias.into_dispatch(),
            size,
        ))
    }

    /// Their sum and the bias through a GroupNorm and Mish, [B, L', O].
    ///
    /// # Panics
    /// When the norm's weights are not those of O channels.
    #[must_use]
    pub fn group_norm_mish(self, norm: GroupNormWeights) -> Tensor<3> {
        let size = self.checked(&norm, &Addend::None);
        Tensor::from_dispatch(<Dispatch as SplitKOps>::epilogue_norm(
            self.sums.into_dispatch(),
            self.bias.into_dispatch(),
            norm.gamma.into_dispatch(),
            norm.beta.into_dispatch(),
            size,
        ))
    }

    /// [`Self::group_norm_mish`], then [`crate::film`] by the 2 O numbers from `from` on of each row of
    /// [B, M].
    ///
    /// # Panics
    /// When the norm's weights or the modulations do not fit.
    #[must_use]
    pub fn group_norm_mish_film(
        self,
        norm: GroupNormWeights,
        modulations: Tensor<2>,
        from: usize,
    ) -> Tensor<3> {
        let film = Addend::Film {
            modulations: &Operand::of("modulations", &modulations),
            from,
        };
        let size = self.checked(&norm, &film);
        Tensor::from_dispatch(<Dispatch as SplitKOps>::epilogue_norm_film(
            self.sums.into_dispatch(),
            self.bias.into_dispatch(),
            norm.gamma.into_dispatch(),
            norm.beta.into_dispatch(),
            modulations.into_dispatch(),
            from,
            size,
        ))
    }

    /// [`Self::group_norm_mish`] and `residual`, [B, L', O].
    ///
    /// # Panics
    /// When the norm's weights or the residual do not fit.
    #[must_use]
    pub fn group_norm_mish_add(self, norm: GroupNormWeights, residual: Tensor<3>) -> Tensor<3> {
        let other = Operand::of("residual", &residual);
        let size = self.checked(&norm, &Addend::Residual(&other));
        Tensor::from_dispatch(<Dispatch as SplitKOps>::epilogue_norm_add(
            self.sums.into_dispatch(),
            self.bias.into_dispatch(),
            norm.gamma.into_dispatch(),
            norm.beta.into_dispatch(),
            residual.into_dispatch(),
            size,
        ))
    }

    /// [`Self::group_norm_mish`] and what the other convolution makes.
    ///
    /// # Panics
    /// When the norm's weights or the other convolution do not fit.
    #[must_use]
    pub fn group_norm_mish_add_sums(self, norm: GroupNormWeights, residual: Self) -> Tensor<3> {
        let (sums, bias) = residual.operands();
        let other = Addend::ResidualSums {
            sums: &sums,
            bias: &bias,
        };
        let size = self.checked(&norm, &other);
        Tensor::from_dispatch(<Dispatch as SplitKOps>::epilogue_norm_add_sums(
            self.sums.into_dispatch(),
            self.bias.into_dispatch(),
            norm.gamma.into_dispatch(),
            norm.beta.into_dispatch(),
            residual.sums.into_dispatch(),
            residual.bias.into_dispatch(),
            size,
        ))
    }

    fn operands(&self) -> (Operand, Operand) {
        let sums = Operand::of("partial sums", &self.sums);
        (sums, Operand::of("bias", &self.bias))
    }

    /// The output's size with the norm's groups.
    fn checked(&self, norm: &GroupNormWeights, after: &Addend<'_>) -> OutputSize {
        let size = self.size.in_groups(norm.groups);
        let (sums, bias) = self.operands();
        let (gamma, beta) = (&norm.gamma, &norm.beta);
        let norm = NormOperands {
            gamma: &Operand::of("gamma", gamma),
            beta: &Operand::of("beta", beta),
        };
        require(checks::epilogue_norm(&sums, &bias, &norm, after, size));
        size
    }
}
