//! Group normalisation and what follows it.

use super::super::activation::Activation;
use super::curve::{activated, slope};
use crate::cubes::{count, room, sum_of_units, units_for, whole};
use burn::backend::Shape;
use burn::backend::cubecl::dtype_to_storage_type;
use burn::tensor::DType;
use burn_cubecl::cubecl;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

/// Normalises and activates [B, .., C]; also answers mean and inverse standard deviation of every group,
/// [B, groups, 2].
pub(super) fn forward(
    x: CubeTensor,
    gamma: CubeTensor,
    beta: CubeTensor,
    groups: usize,
    activation: Activation,
) -> (CubeTensor, CubeTensor) {
    let [x, gamma, beta] = [x, gamma, beta].map(whole);
    let sizes = Sizes::of(&x, groups);
    let out = room(&x, x.meta.shape().clone(), x.dtype);
    let moments = room(&x, Shape::new([sizes.samples, groups, 2]), DType::F32);
    if x.meta.num_elements() > 0 {
        let units = units_for(&x, sizes.of_a_group());
        #[allow(unsafe_code)]
        // Units beyond a group's last number read nothing and write nothing.
        unsafe {
            forward_kernel::launch_unchecked(
                &out.client,
                CubeCount::Static(count(groups), count(sizes.samples), 1),
                CubeDim::new_1d(count(units)),
                x.clone().into_buffer_arg(),
                gamma.into_buffer_arg(),
                beta.into_buffer_arg(),
                out.clone().into_buffer_arg(),
                moments.clone().into_buffer_arg(),
                count(sizes.positions),
                count(sizes.channels),
                count(sizes.channels / groups),
                units,
                activation,
                dtype_to_storage_type(x.dtype),
            );
        }
    }
    (out, moments)
}

/// What was normalised and what was found, and the gradient of the output; all in one piece.
pub(super) struct Normed {
    pub(super) x: CubeTensor,
    pub(super) gamma: CubeTensor,
    pub(super) beta: CubeTensor,
    /// Of every group, [B, groups, 2].
    pub(super) moments: CubeTensor,
    pub(super) gradient: CubeTensor,
    pub(super) activation: Activation,
}

/// The gradient of x.
pub(super) fn gradient_of_input(normed: &Normed) -> CubeTensor {
    let groups = normed.moments.meta.shape()[1];
    let x = &normed.x;
    let sizes = Sizes::of(x, groups);
    let out = room(x, x.meta.shape().clone(), x.dtype);
    if x.meta.num_elements() > 0 {
        let units = units_for(x, sizes.of_a_group());
        #[allow(unsafe_code)]
        // Units beyond a group's last number read nothing and write nothing.
        unsafe {
            gradient_kernel::launch_unchecked(
                &out.client,
                CubeCount::Static(count(groups), count(sizes.samples), 1),
                CubeDim::new_1d(count(units)),
                x.clone().into_buffer_arg(),
                normed.gamma.clone().into_buffer_arg(),
                normed.beta.clone().into_buffer_arg(),
                normed.moments.clone().into_buffer_arg(),
                normed.gradient.clone().into_buffer_arg(),
                out.clone().into_buffer_arg(),
                count(sizes.positions),
                count(sizes.channels),
                count(sizes.channels / groups),
                units,
                normed.activation,
                dtype_to_storage_type(x.dtype),
            );
        }
    }
    out
}

struct Sizes {
    samples: usize,
    /// Of a sample.
    positions: usize,
    channels: usize,
    groups: usize,
}

impl Sizes {
    fn of(x: &CubeTensor, groups: usize) -> Self {
        let shape = x.meta.shape();
        let channels = shape[shape.num_dims() - 1];
        Self {
            samples: shape[0],
            positions: shape.num_elements() / (shape[0] * channels).max(1),
            channels,
            groups,
        }
    }

    fn of_a_group(&self) -> usize {
        self.positions * self.channels / self.groups
    }
}

/// A cube makes one group of one sample.
#[cube(launch_unchecked)]
fn forward_kernel<T: Float>(
    x: &[T],
    gamma: &[T],
    beta: &[T],
    out: &mut [T],
    moments: &mut [f32],
    positions: u32,
    channels: u32,
    group: u32,
    #[comptime] units: usize,
    #[comptime] activation: Activation,
    #[define(T)] _elem: ElemType,
) {
    let total = positions * group;
    let first = CUBE_POS_Y * positions * channels + CUBE_POS_X * group;
    let mut shared = Shared::<[f32]>::new_slice(units);
    let mut sum = 0.0f32;
    let mut i = UNIT_POS;
    while i < total {
        sum += f32::cast_from(x[(first + i / group * channels + i % group) as usize]);
        i += units as u32;
    }
    let mean = sum_of_units(sum, &mut shared) / f32::cast_from(total);
    let mut squares = 0.0f32;
    let mut i = UNIT_POS;
    while i < total {
        let value = f32::cast_from(x[(first + i / group * channels + i % group) as usize]);
        squares += (value - mean) * (value - mean);
        i += units as u32;
    }
    let variance = sum_of_units(squares, &mut shared) / f32::cast_from(total);
    let inverse = 1.0f32 / (variance + 1e-5f32).sqrt();
    let mut i = UNIT_POS;
    while i < total {
        let at = (first + i / group * channels + i % group) as usize;
        let channel = (CUBE_POS_X * group + i % group) as usize;
        let normal = (f32::cast_from(x[at]) - mean) * inverse;
        let y = normal * f32::cast_from(gamma[channel]) + f32::cast_from(beta[channel]);
        out[at] = T::cast_from(activated(y, activation));
        i += units as u32;
    }
    if UNIT_POS == 0 {
        let of_group = (2 * (CUBE_POS_Y * CUBE_COUNT_X + CUBE_POS_X)) as usize;
        moments[of_group] = mean;
        moments[of_group + 1] = inverse;
    }
}

/// With n the numbers of a group and m1, m2 the means over it of `dy gamma` and `dy gamma normal`,
/// `dx = inverse (dy gamma - m1 - normal m2)`.
#[cube(launch_unchecked)]
fn gradient_kernel<T: Float>(
    x: &[T],
    gamma: &[T],
    beta: &[T],
    moments: &[f32],
    gradient: &[T],
    out: &mut [T],
    positions: u32,
    channels: u32,
    group: u32,
    #[comptime] units: usize,
    #[comptime] activation: Activation,
    #[define(T)] _elem: ElemType,
) {
    let total = positions * group;
    let first = CUBE_POS_Y * positions * channels + CUBE_POS_X * group;
    let of_group = (2 * (CUBE_POS_Y * CUBE_COUNT_X + CUBE_POS_X)) as usize;
    let mean = moments[of_group];
    let inverse = moments[of_group + 1];
    let mut shared = Shared::<[f32]>::new_slice(units);
    let mut plain = 0.0f32;
    let mut along = 0.0f32;
    let mut i = UNIT_POS;
    while i < total {
        let at = (first + i / group * channels + i % group) as usize;
        let channel = (CUBE_POS_X * group + i % group) as usize;
        let scale = f32::cast_from(gamma[channel]);
        let normal = (f32::cast_from(x[at]) - mean) * inverse;
        let y = normal * scale + f32::cast_from(beta[channel]);
        let given = f32::cast_from(gradient[at]) * slope(y, activation) * scale;
        plain += given;
        along += given * normal;
        i += units as u32;
    }
    let m1 = sum_of_units(plain, &mut shared) / f32::cast_from(total);
    let m2 = sum_of_units(along, &mut shared) / f32::cast_from(total);
    let mut i = UNIT_POS;
    while i < total {
        let at = (first + i / group * channels + i % group) as usize;
        let channel = (CUBE_POS_X * group + i % group) as usize;
        let scale = f32::cast_from(gamma[channel]);
        let normal = (f32::cast_from(x[at]) - mean) * inverse;
        let y = normal * scale + f32::cast_from(beta[channel]);
        let given = f32::cast_from(gradient[at]) * slope(y, activation) * scale;
        out[at] = T::cast_from(inverse * (given - m1 - normal * m2));
        i += units as u32;
    }
}
