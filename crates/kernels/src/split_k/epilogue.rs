//! What follows a convolution: its parts' sum, GroupNorm, Mish, FiLM and the sum with a shortcut.

use super::convolution::contiguous_rows;
use super::geometry::OutputSize;
use crate::checks::{self, Addend, NormOperands};
use crate::launch::{self, contiguous, cube_sum, mish, to_u32, units_per_cube};
use crate::operand::Operand;
use crate::shape_error::require;
use burn::backend::cubecl::dtype_to_storage_type;
use burn_cubecl::cubecl;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

/// Units of a cube of numbers that have nothing to do with each other.
const UNITS: usize = 128;
/// More parts are added up in a loop that is not unrolled.
const UNROLLED: usize = 64;

/// A convolution's parts [S, R, O] and its bias `[O]`.
pub(super) struct Sums {
    pub sums: CubeTensor,
    pub bias: CubeTensor,
}

/// A GroupNorm's weights `[O]`.
pub(super) struct Norm {
    pub gamma: CubeTensor,
    pub beta: CubeTensor,
}

/// What follows Mish.
#[allow(clippy::large_enum_variant)] // One at a time, until its kernel is launched.
pub(super) enum PostOp {
    None,
    /// FiLM by the numbers from `from` on of each row of [B, M].
    Film {
        modulations: CubeTensor,
        from: usize,
    },
    /// The sum with [B, L, O].
    Add(CubeTensor),
    AddSums(Sums),
}

impl Sums {
    fn operands(&self) -> (Operand, Operand) {
        let sums = Operand::on_gpu("partial sums", &self.sums);
        (sums, Operand::on_gpu("bias", &self.bias))
    }

    /// In one piece each.
    fn contiguous(self) -> Self {
        Self {
            sums: contiguous(self.sums),
            bias: contiguous(self.bias),
        }
    }
}

/// The parts' sum and the bias.
pub(super) fn add_bias(x: Sums, size: OutputSize) -> CubeTensor {
    let (sums, bias) = x.operands();
    require(checks::epilogue(&sums, &bias, size));
    let x = x.contiguous();
    let out = allocate(&x, size);
    let numbers = size.batch * size.length * size.channels;
    let splits = x.sums.meta.shape()[0];
    let elem = dtype_to_storage_type(out.dtype);
    // SAFETY: shapes and types were checked above. Units beyond the last number do nothing.
    unsafe {
        add_bias_kernel::launch_unchecked(
            &out.client,
            CubeCount::Static(to_u32(numbers.div_ceil(UNITS)), 1, 1),
            CubeDim::new_1d(to_u32(UNITS)),
            x.sums.into_buffer_arg(),
            x.bias.into_buffer_arg(),
            out.clone().into_buffer_arg(),
            to_u32(numbers),
            to_u32(size.channels),
            splits,
            elem,
        );
    }
    out
}

/// The sums of the products of four taps that reach each place, and the bias.
pub(super) fn add_bias_transposed(x: Sums, size: OutputSize) -> CubeTensor {
    let (sums, bias) = x.operands();
    require(checks::epilogue_transposed(&sums, &bias, size));
    let x = x.contiguous();
    let out = allocate(&x, size);
    let numbers = size.batch * size.length * size.channels;
    let splits = x.sums.meta.shape()[0];
    let elem = dtype_to_storage_type(out.dtype);
    // SAFETY: shapes and types were checked above. Units beyond the last number do nothing.
    unsafe {
        add_bias_transposed_kernel::launch_unchecked(
            &out.client,
            CubeCount::Static(to_u32(numbers.div_ceil(UNITS)), 1, 1),
            CubeDim::new_1d(to_u32(UNITS)),
            x.sums.into_buffer_arg(),
            x.bias.into_buffer_arg(),
            out.clone().into_buffer_arg(),
            to_u32(numbers),
            to_u32(size.length),
            to_u32(size.channels),
            splits,
            elem,
        );
    }
    out
}

/// The parts' sum and the bias, normalised, through Mish and what is `after` it.
pub(super) fn group_norm_mish(x: Sums, norm: Norm, after: PostOp, size: OutputSize) -> CubeTensor {
    check(&x, &norm, &after, size);
    let x = x.contiguous();
    let [gamma, beta] = [norm.gamma, norm.beta].map(contiguous);
    let out = allocate(&x, size);
    let group = size.channels / size.groups;
    let elem = dtype_to_storage_type(out.dtype);
    // Tensors that are not there are never read; something has to stand in for them.
    let nothing = || x.bias.clone();
    let mut other_elem = elem;
    let (kind, other, other_bias, [sample_stride, place_stride, other_splits, from]) = match after {
        PostOp::None => (PostOpKind::None, nothing(), nothing(), [0; 4]),
        PostOp::Film { modulations, from } => {
            let modulations = contiguous_rows(modulations);
            let stride = modulations.meta.strides()[0];
            (
                PostOpKind::Film,
                modulations,
                nothing(),
                [stride, 0, 0, from],
            )
        }
        PostOp::Add(other) => {
            let other = contiguous_rows(other);
            let [sample, place] = [0, 1].map(|d| other.meta.strides()[d]);
            (PostOpKind::Add, other, nothing(), [sample, place, 0, 0])
        }
        PostOp::AddSums(other) => {
            let other = other.contiguous();
            other_elem = dtype_to_storage_type(other.sums.dtype);
            let splits = other.sums.meta.shape()[0];
            (
                PostOpKind::AddSums,
                other.sums,
                other.bias,
                [0, 0, splits, 0],
            )
        }
    };
    let sizes = SizesLaunch::new(
        to_u32(size.batch * size.length),
        to_u32(size.length),
        to_u32(size.channels),
        to_u32(sample_stride),
        to_u32(place_stride),
        to_u32(from),
    );
    let splits = [x.sums.meta.shape()[0], other_splits];
    let total = size.length * group;
    let units = units_per_cube(&out, total);
    // SAFETY: shapes and types were checked above. Units beyond a group's last number read nothing and write nothing.
    unsafe {
        group_norm_mish_kernel::launch_unchecked(
            &out.client,
            CubeCount::Static(to_u32(size.groups), to_u32(size.batch), 1),
            CubeDim::new_1d(to_u32(units)),
            x.sums.into_buffer_arg(),
            x.bias.into_buffer_arg(),
            gamma.into_buffer_arg(),
            beta.into_buffer_arg(),
            other.into_buffer_arg(),
            other_bias.into_buffer_arg(),
            out.clone().into_buffer_arg(),
            sizes,
            group,
            units,
            total.div_ceil(units),
            splits[0],
            splits[1],
            kind,
            elem,
            other_elem,
        );
    }
    out
}

fn check(x: &Sums, norm: &Norm, after: &PostOp, size: OutputSize) {
    let (sums, bias) = x.operands();
    let norm = NormOperands {
        gamma: &Operand::on_gpu("gamma", &norm.gamma),
        beta: &Operand::on_gpu("beta", &norm.beta),
    };
    let checked = |after| require(checks::epilogue_norm(&sums, &bias, &norm, &after, size));
    match after {
        PostOp::None => checked(Addend::None),
        PostOp::Film { modulations, from } => checked(Addend::Film {
            modulations: &Operand::on_gpu("modulations", modulations),
            from: *from,
        }),
        PostOp::Add(other) => checked(Addend::Residual(&Operand::on_gpu("residual", other))),
        PostOp::AddSums(other) => {
            let (sums, bias) = other.operands();
            checked(Addend::ResidualSums {
                sums: &sums,
                bias: &bias,
            });
        }
    }
}

fn allocate(x: &Sums, size: OutputSize) -> CubeTensor {
    launch::allocate(&x.sums, size.shape(), x.bias.dtype)
}

#[cube(launch_unchecked)]
fn add_bias_kernel<T: Float>(
    parts: &[f32],
    bias: &[T],
    out: &mut [T],
    numbers: u32,
    channels: u32,
    #[comptime] splits: usize,
    #[define(T)] _elem: ElemType,
) {
    let at = ABSOLUTE_POS as u32;
    if at >= numbers {
        terminate!();
    }
    let mut sum = f32::cast_from(bias[(at % channels) as usize]);
    #[unroll(splits <= UNROLLED)]
    for split in 0..splits {
        sum += parts[split * numbers as usize + at as usize];
    }
    out[at as usize] = T::cast_from(sum);
}

/// Input i reaches outputs 2 i - 1 + k: an even output 2 i takes tap 1 of i and tap 3 of i - 1, an odd one
/// 2 i + 1 takes tap 2 of i and tap 0 of i + 1.
#[cube(launch_unchecked)]
fn add_bias_transposed_kernel<T: Float>(
    parts: &[f32],
    bias: &[T],
    out: &mut [T],
    numbers: u32,
    length: u32,
    channels: u32,
    #[comptime] splits: usize,
    #[define(T)] _elem: ElemType,
) {
    let at = ABSOLUTE_POS as u32;
    if at >= numbers {
        terminate!();
    }
    let row = at / channels;
    let channel = at % channels;
    let place = row % length;
    let odd = place % 2;
    // A row of products is one of the inputs', half as many as the outputs.
    let input = row / 2;
    let own = (input * 4 + 1 + odd) * channels + channel;
    let there = select(odd == 1, place + 1 < length, place > 0);
    // Where there is no neighbour, the own product stands in for it and is left out.
    let after = ((input + 1) * 4) * channels + channel;
    let before = ((input * 4) * channels + channel) - select(there, channels, 0);
    let neighbour = select(there, select(odd == 1, after, before), own);
    let share = select(there, 1.0f32, 0.0f32);
    // All inputs' products, four for two outputs.
    let all = numbers * 2;
    let mut sum = f32::cast_from(bias[channel as usize]);
    #[unroll(splits <= UNROLLED)]
    for split in 0..splits {
        let from = split * all as usize;
        sum += parts[from + own as usize];
        sum += parts[from + neighbour as usize] * share;
    }
    out[at as usize] = T::cast_from(sum);
}

/// What is done after Mish.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum PostOpKind {
    None,
    Film,
    Add,
    AddSums,
}

/// What a kernel is told about its tensors.
#[derive(CubeLaunch, CubeType)]
struct Sizes {
    /// Of all samples.
    rows: u32,
    /// Rows of a sample.
    length: u32,
    channels: u32,
    other_sample_stride: u32,
    other_place_stride: u32,
    /// Where a block's modulations begin.
    from: u32,
}

/// A cube makes one group of one sample; its units hold `numbers` each.
#[cube(launch_unchecked)]
fn group_norm_mish_kernel<T: Float, Q: Float>(
    parts: &[f32],
    bias: &[T],
    gamma: &[T],
    beta: &[T],
    other: &[Q],
    other_bias: &[T],
    out: &mut [T],
    sizes: Sizes,
    #[comptime] group: usize,
    #[comptime] units: usize,
    #[comptime] numbers: usize,
    #[comptime] splits: usize,
    #[comptime] other_splits: usize,
    #[comptime] kind: PostOpKind,
    #[define(T)] _elem: ElemType,
    #[define(Q)] _other_elem: ElemType,
) {
    let total = sizes.length * group as u32;
    let row = CUBE_POS_Y * sizes.length;
    let channel = CUBE_POS_X * group as u32;
    let all = sizes.rows * sizes.channels;
    let mut held = Array::<f32>::new(numbers);
    let mut sum = 0.0f32;
    #[unroll]
    for i in 0..numbers {
        let place = i as u32 * units as u32 + UNIT_POS;
        let mut value = 0.0f32;
        if place < total {
            let c = channel + place % group as u32;
            let at = (row + place / group as u32) * sizes.channels + c;
            value = f32::cast_from(bias[c as usize]);
            #[unroll(splits <= UNROLLED)]
            for split in 0..splits {
                value += parts[split * all as usize + at as usize];
            }
        }
        held[i] = value;
        sum += value;
    }
    let mut shared = Shared::<[f32]>::new_slice(units);
    let mean = cube_sum(sum, &mut shared) / f32::cast_from(total);
    let mut squares = 0.0f32;
    #[unroll]
    for i in 0..numbers {
        let place = i as u32 * units as u32 + UNIT_POS;
        if place < total {
            let centred = held[i] - mean;
            held[i] = centred;
            squares += centred * centred;
        }
    }
    let variance = cube_sum(squares, &mut shared) / f32::cast_from(total);
    let scale = 1.0f32 / (variance + 1e-5f32).sqrt();
    #[unroll]
    for i in 0..numbers {
        let place = i as u32 * units as u32 + UNIT_POS;
        if place < total {
            let c = channel + place % group as u32;
            let step = place / group as u32;
            let at = (row + step) * sizes.channels + c;
            let normal = held[i] * scale * f32::cast_from(gamma[c as usize])
                + f32::cast_from(beta[c as usize]);
            let mut value = mish(normal);
            if comptime!(kind == PostOpKind::Film) {
                let of_sample = CUBE_POS_Y * sizes.other_sample_stride + sizes.from + c;
                let by = f32::cast_from(other[of_sample as usize]);
                let shift = f32::cast_from(other[(of_sample + sizes.channels) as usize]);
                value = value * (1.0f32 + by) + shift;
            }
            if comptime!(kind == PostOpKind::Add) {
                let from = CUBE_POS_Y * sizes.other_sample_stride + step * sizes.other_place_stride;
                value += f32::cast_from(other[(from + c) as usize]);
            }
            if comptime!(kind == PostOpKind::AddSums) {
                value += f32::cast_from(other_bias[c as usize]);
                #[unroll(other_splits <= UNROLLED)]
                for split in 0..other_splits {
                    value += f32::cast_from(other[split * all as usize + at as usize]);
                }
            }
            out[at as usize] = T::cast_from(value);
        }
    }
}
