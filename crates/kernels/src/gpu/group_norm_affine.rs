//! Gradients of the affine map after a normalisation.

use super::activation::derivative;
use super::column_sums::{CHANNELS, ROWS, parts, sum_of_rows, sum_parts};
use super::group_norm::Normalized;
use crate::activation::Activation;
use crate::launch::{allocate, part_end, to_u32};
use burn::backend::Shape;
use burn::backend::cubecl::dtype_to_storage_type;
use burn::tensor::DType;
use burn_cubecl::cubecl;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

/// Gradients of gamma and beta.
pub(super) fn gradients(normed: &Normalized) -> (CubeTensor, CubeTensor) {
    let gradient = &normed.gradient;
    let channels = normed.gamma.meta.shape()[0];
    let rows = gradient.meta.num_elements() / channels.max(1);
    let positions = rows / gradient.meta.shape()[0].max(1);
    let parts = parts(rows);
    let sums = allocate(gradient, Shape::new([parts, 2 * channels]), DType::F32);
    let groups = normed.statistics.meta.shape()[1];
    // SAFETY: shapes and types were checked above. Units beyond the last row or channel read nothing and write nothing.
    unsafe {
        affine_kernel::launch_unchecked(
            &gradient.client,
            CubeCount::Static(to_u32(channels.div_ceil(CHANNELS)), to_u32(parts), 1),
            CubeDim::new_2d(to_u32(CHANNELS), to_u32(ROWS)),
            normed.x.clone().into_buffer_arg(),
            normed.gamma.clone().into_buffer_arg(),
            normed.beta.clone().into_buffer_arg(),
            normed.statistics.clone().into_buffer_arg(),
            gradient.clone().into_buffer_arg(),
            sums.clone().into_buffer_arg(),
            to_u32(rows),
            to_u32(channels),
            to_u32(rows.div_ceil(parts)),
            to_u32(positions),
            to_u32(channels / groups),
            normed.activation,
            dtype_to_storage_type(gradient.dtype),
        );
    }
    let from = |first| sum_parts(&normed.gamma, &sums, first, channels);
    (from(0), from(channels))
}

#[cube(launch_unchecked)]
fn affine_kernel<T: Float>(
    x: &[T],
    gamma: &[T],
    beta: &[T],
    statistics: &[f32],
    gradient: &[T],
    sums: &mut [f32],
    rows: u32,
    channels: u32,
    each: u32,
    positions: u32,
    group: u32,
    #[comptime] activation: Activation,
    #[define(T)] _elem: ElemType,
) {
    let channel = CUBE_POS_X * CHANNELS as u32 + UNIT_POS_X;
    let end = part_end(CUBE_POS_Y, each, rows);
    let mut along = 0.0f32;
    let mut plain = 0.0f32;
    if channel < channels {
        let scale = f32::cast_from(gamma[channel as usize]);
        let shift = f32::cast_from(beta[channel as usize]);
        let mut row = CUBE_POS_Y * each + UNIT_POS_Y;
        while row < end {
            let at = (row * channels + channel) as usize;
            let of_group = (2 * (row / positions * (channels / group) + channel / group)) as usize;
            let normal = (f32::cast_from(x[at]) - statistics[of_group]) * statistics[of_group + 1];
            let given =
                f32::cast_from(gradient[at]) * derivative(normal * scale + shift, activation);
            plain += given;
            along += given * normal;
            row += ROWS as u32;
        }
    }
    let along = sum_of_rows(along);
    let plain = sum_of_rows(plain);
    if UNIT_POS_Y == 0 && channel < channels {
        let at = (CUBE_POS_Y * 2 * channels + channel) as usize;
        sums[at] = along;
        sums[at + channels as usize] = plain;
    }
}
