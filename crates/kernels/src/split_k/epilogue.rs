//! What follows a convolution: its parts' sum, GroupNorm, Mish, FiLM and the sum with a shortcut.

use super::Made;
use super::convolve::with_whole_rows;
use crate::cubes::{self, count, mish, sum_of_units, units_for};
use burn::backend::cubecl::dtype_to_storage_type;
use burn_cubecl::cubecl;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

/// Units of a cube of numbers that have nothing to do with each other.
const UNITS: usize = 128;
/// More parts are added up in a loop that is not unrolled.
const UNROLLED: usize = 64;

/// A convolution's parts [S, R, O] and its bias `[O]`.
pub(super) struct Parts {
    pub parts: CubeTensor,
    pub bias: CubeTensor,
}

/// A GroupNorm's weights `[O]`.
pub(super) struct Norm {
    pub gamma: CubeTensor,
    pub beta: CubeTensor,
}

/// What follows Mish.
#[allow(clippy::large_enum_variant)] // One at a time, until its kernel is launched.
pub(super) enum After {
    Nothing,
    /// FiLM by the numbers from `from` on of each row of [B, M].
    Modulated {
        by: CubeTensor,
        from: usize,
    },
    /// The sum with [B, L, O].
    Onto(CubeTensor),
    OntoParts(Parts),
}

/// The parts' sum and the bias.
pub(super) fn plain(x: Parts, made: Made) -> CubeTensor {
    let out = room(&x, made);
    let numbers = made.batch * made.length * made.channels;
    let splits = x.parts.meta.shape()[0];
    let elem = dtype_to_storage_type(out.dtype);
    #[allow(unsafe_code)]
    // Units beyond the last number do nothing.
    unsafe {
        plain_kernel::launch_unchecked(
            &out.client,
            CubeCount::Static(count(numbers.div_ceil(UNITS)), 1, 1),
            CubeDim::new_1d(count(UNITS)),
            x.parts.into_buffer_arg(),
            x.bias.into_buffer_arg(),
            out.clone().into_buffer_arg(),
            count(numbers),
            count(made.channels),
            splits,
            elem,
        );
    }
    out
}

/// The sums of the products of four taps that reach each place, and the bias.
pub(super) fn spread(x: Parts, made: Made) -> CubeTensor {
    let out = room(&x, made);
    let numbers = made.batch * made.length * made.channels;
    let splits = x.parts.meta.shape()[0];
    let elem = dtype_to_storage_type(out.dtype);
    #[allow(unsafe_code)]
    // Units beyond the last number do nothing.
    unsafe {
        spread_kernel::launch_unchecked(
            &out.client,
            CubeCount::Static(count(numbers.div_ceil(UNITS)), 1, 1),
            CubeDim::new_1d(count(UNITS)),
            x.parts.into_buffer_arg(),
            x.bias.into_buffer_arg(),
            out.clone().into_buffer_arg(),
            count(numbers),
            count(made.length),
            count(made.channels),
            splits,
            elem,
        );
    }
    out
}

/// The parts' sum and the bias, normalised, through Mish and what is `after` it.
pub(super) fn normed(x: Parts, norm: Norm, after: After, made: Made) -> CubeTensor {
    let out = room(&x, made);
    let group = made.channels / made.groups;
    let elem = dtype_to_storage_type(out.dtype);
    // Tensors that are not there are never read; something has to stand in for them.
    let nothing = || x.bias.clone();
    let mut other_elem = elem;
    let (how, other, other_bias, [sample_stride, place_stride, other_splits, from]) = match after {
        After::Nothing => (How::Nothing, nothing(), nothing(), [0; 4]),
        After::Modulated { by, from } => {
            let by = with_whole_rows(by);
            let stride = by.meta.strides()[0];
            (How::Modulated, by, nothing(), [stride, 0, 0, from])
        }
        After::Onto(other) => {
            let other = with_whole_rows(other);
            let [sample, place] = [0, 1].map(|d| other.meta.strides()[d]);
            (How::Onto, other, nothing(), [sample, place, 0, 0])
        }
        After::OntoParts(other) => {
            other_elem = dtype_to_storage_type(other.parts.dtype);
            let splits = other.parts.meta.shape()[0];
            (How::OntoParts, other.parts, other.bias, [0, 0, splits, 0])
        }
    };
    let sizes = SizesLaunch::new(
        count(made.batch * made.length),
        count(made.length),
        count(made.channels),
        count(sample_stride),
        count(place_stride),
        count(from),
    );
    let splits = [x.parts.meta.shape()[0], other_splits];
    let total = made.length * group;
    let units = units_for(&out, total);
    #[allow(unsafe_code)]
    // Units beyond a group's last number read nothing and write nothing.
    unsafe {
        normed_kernel::launch_unchecked(
            &out.client,
            CubeCount::Static(count(made.groups), count(made.batch), 1),
            CubeDim::new_1d(count(units)),
            x.parts.into_buffer_arg(),
            x.bias.into_buffer_arg(),
            norm.gamma.into_buffer_arg(),
            norm.beta.into_buffer_arg(),
            other.into_buffer_arg(),
            other_bias.into_buffer_arg(),
            out.clone().into_buffer_arg(),
            sizes,
            group,
            units,
            total.div_ceil(units),
            splits[0],
            splits[1],
            how,
            elem,
            other_elem,
        );
    }
    out
}

fn room(x: &Parts, made: Made) -> CubeTensor {
    cubes::room(&x.parts, made.shape(), x.bias.dtype)
}

#[cube(launch_unchecked)]
fn plain_kernel<T: Float>(
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
fn spread_kernel<T: Float>(
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
enum How {
    Nothing,
    Modulated,
    Onto,
    OntoParts,
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
fn normed_kernel<T: Float, Q: Float>(
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
    #[comptime] how: How,
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
    let mean = sum_of_units(sum, &mut shared) / f32::cast_from(total);
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
    let variance = sum_of_units(squares, &mut shared) / f32::cast_from(total);
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
            if comptime!(how == How::Modulated) {
                let of_sample = CUBE_POS_Y * sizes.other_sample_stride + sizes.from + c;
                let by = f32::cast_from(other[of_sample as usize]);
                let shift = f32::cast_from(other[(of_sample + sizes.channels) as usize]);
                value = value * (1.0f32 + by) + shift;
            }
            if comptime!(how == How::Onto) {
                let from = CUBE_POS_Y * sizes.other_sample_stride + step * sizes.other_place_stride;
                value += f32::cast_from(other[(from + c) as usize]);
            }
            if comptime!(how == How::OntoParts) {
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
