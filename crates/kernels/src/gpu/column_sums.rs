//! Sums of many rows, channel by channel.

use crate::checks;
use crate::launch::{allocate, contiguous, part_end, to_u32};
use crate::operand::Operand;
use crate::shape_error::require;
use burn::backend::Shape;
use burn::backend::cubecl::dtype_to_storage_type;
use burn::tensor::DType;
use burn_cubecl::cubecl;
use burn_cubecl::tensor::CubeTensor;
use cubecl::calculate_cube_count_elemwise;
use cubecl::prelude::*;

/// Channels that a cube sums.
pub(super) const CHANNELS: usize = 32;
/// Rows that it reads at once.
pub(super) const ROWS: usize = 8;
/// Rows of a part that each of its units sums, at least.
const EACH: usize = 8;
/// Parts in which the rows are summed, at most.
const PARTS: usize = 64;

/// The sum of [R, C], `[C]`.
pub(super) fn column_sums(x: CubeTensor) -> CubeTensor {
    require(checks::column_sums(&Operand::on_gpu("x", &x)));
    let x = contiguous(x);
    let [rows, channels] = [0, 1].map(|d| x.meta.shape()[d]);
    let parts = parts(rows);
    let sums = allocate(&x, Shape::new([parts, channels]), DType::F32);
    // SAFETY: shapes and types were checked above. Units beyond the last row or channel read nothing and write nothing.
    unsafe {
        rows_kernel::launch_unchecked(
            &x.client,
            CubeCount::Static(to_u32(channels.div_ceil(CHANNELS)), to_u32(parts), 1),
            CubeDim::new_2d(to_u32(CHANNELS), to_u32(ROWS)),
            x.clone().into_buffer_arg(),
            sums.clone().into_buffer_arg(),
            to_u32(rows),
            to_u32(channels),
            to_u32(rows.div_ceil(parts)),
            dtype_to_storage_type(x.dtype),
        );
    }
    sum_parts(&x, &sums, 0, channels)
}

/// Into how many parts rows go.
pub(super) fn parts(rows: usize) -> usize {
    rows.div_ceil(ROWS * EACH).clamp(1, PARTS)
}

/// The sum of some columns of [parts, stride], `channels` of them from `first` on.
pub(super) fn sum_parts(
    like: &CubeTensor,
    sums: &CubeTensor,
    first: usize,
    channels: usize,
) -> CubeTensor {
    let partial = Operand::on_gpu("partial sums", sums);
    require(checks::sum_parts(&partial, first, channels));
    let [parts, stride] = [0, 1].map(|d| sums.meta.shape()[d]);
    let out = allocate(like, Shape::new([channels]), like.dtype);
    let dim = CubeDim::new_1d(to_u32(CHANNELS));
    // SAFETY: shapes and types were checked above. Units beyond the last channel do nothing.
    unsafe {
        parts_kernel::launch_unchecked(
            &out.client,
            calculate_cube_count_elemwise(&out.client, channels, dim),
            dim,
            sums.clone().into_buffer_arg(),
            out.clone().into_buffer_arg(),
            to_u32(parts),
            to_u32(first),
            to_u32(channels),
            to_u32(stride),
            dtype_to_storage_type(out.dtype),
        );
    }
    out
}

#[cube(launch_unchecked)]
fn rows_kernel<T: Float>(
    x: &[T],
    sums: &mut [f32],
    rows: u32,
    channels: u32,
    each: u32,
    #[define(T)] _elem: ElemType,
) {
    let channel = CUBE_POS_X * CHANNELS as u32 + UNIT_POS_X;
    let end = part_end(CUBE_POS_Y, each, rows);
    let mut sum = 0.0f32;
    if channel < channels {
        let mut row = CUBE_POS_Y * each + UNIT_POS_Y;
        while row < end {
            sum += f32::cast_from(x[(row * channels + channel) as usize]);
            row += ROWS as u32;
        }
    }
    let total = sum_of_rows(sum);
    if UNIT_POS_Y == 0 && channel < channels {
        sums[(CUBE_POS_Y * channels + channel) as usize] = total;
    }
}

#[cube(launch_unchecked)]
fn parts_kernel<T: Float>(
    sums: &[f32],
    out: &mut [T],
    parts: u32,
    first: u32,
    channels: u32,
    stride: u32,
    #[define(T)] _elem: ElemType,
) {
    let channel = ABSOLUTE_POS as u32;
    if channel >= channels {
        terminate!();
    }
    let mut sum = 0.0f32;
    for part in 0..parts {
        sum += sums[(part * stride + first + channel) as usize];
    }
    out[channel as usize] = T::cast_from(sum);
}

/// The sum of what units of one channel hold, for the first of them.
#[cube]
pub(super) fn sum_of_rows(value: f32) -> f32 {
    let mut shared = Shared::<[f32]>::new_slice(comptime!(CHANNELS * ROWS));
    shared[(UNIT_POS_Y * CHANNELS as u32 + UNIT_POS_X) as usize] = value;
    sync_cube();
    let mut sum = 0.0f32;
    if UNIT_POS_Y == 0 {
        #[unroll]
        for row in 0..ROWS {
            sum += shared[row * CHANNELS + UNIT_POS_X as usize];
        }
    }
    sync_cube();
    sum
}
