//! Gradients of the affine map after a normalisation.

use super::super::activation::Activation;
use super::curve::slope;
use super::norm::Normed;
use super::sums::{CHANNELS, ROWS, of_parts, parts, sum_of_rows};
use crate::cubes::{count, end_of, room};
use burn::backend::Shape;
use burn::backend::cubecl::dtype_to_storage_type;
use burn::tensor::DType;
use burn_cubecl::cubecl;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

/// Gradients of gamma and beta.
pub(super) fn gradients(normed: &Normed) -> (CubeTensor, CubeTensor) {
    let gradient = &normed.gradient;
    let channels = normed.gamma.meta.shape()[0];
    let rows = gradient.meta.num_elements() / channels.max(1);
    let positions = rows / gradient.meta.shape()[0].max(1);
    let parts = parts(rows);
    let sums = room(gradient, Shape::new([parts, 2 * channels]), DType::F32);
    let groups = normed.moments.meta.shape()[1];
    #[allow(unsafe_code)]
    // Units beyond the last row or channel read nothing and write nothing.
    unsafe {
        affine_kernel::launch_unchecked(
            &gradient.client,
            CubeCount::Static(count(channels.div_ceil(CHANNELS)), count(parts), 1),
            CubeDim::new_2d(count(CHANNELS), count(ROWS)),
            normed.x.clone().into_buffer_arg(),
            normed.gamma.clone().into_buffer_arg(),
            normed.beta.clone().into_buffer_arg(),
            normed.moments.clone().into_buffer_arg(),
            gradient.clone().into_buffer_arg(),
            sums.clone().into_buffer_arg(),
            count(rows),
            count(channels),
            count(rows.div_ceil(parts)),
            count(positions),
            count(channels / groups),
            normed.activation,
            dtype_to_storage_type(gradient.dtype),
        );
    }
    let from = |first| of_parts(&normed.gamma, &sums, parts, first, channels, 2 * channels);
    (from(0), from(channels))
}

#[cube(launch_unchecked)]
fn affine_kernel<T: Float>(
    x: &[T],
    gamma: &[T],
    beta: &[T],
    moments: &[f32],
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
    let end = end_of(CUBE_POS_Y, each, rows);
    let mut along = 0.0f32;
    let mut plain = 0.0f32;
    if channel < channels {
        let scale = f32::cast_from(gamma[channel as usize]);
        let shift = f32::cast_from(beta[channel as usize]);
        let mut row = CUBE_POS_Y * each + UNIT_POS_Y;
        while row < end {
            let at = (row * channels + channel) as usize;
            let of_group = (2 * (row / positions * (channels / group) + channel / group)) as usize;
            let normal = (f32::cast_from(x[at]) - moments[of_group]) * moments[of_group + 1];
            let given = f32::cast_from(gradient[at]) * slope(normal * scale + shift, activation);
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
