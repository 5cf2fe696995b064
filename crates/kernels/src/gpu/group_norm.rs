//! Group normalisation and what follows it.

use super::activation::{activated, derivative};
use crate::activation::Activation;
use crate::checks;
use crate::launch::{allocate, contiguous, cube_sum, to_u32, units_per_cube};
use crate::operand::Operand;
use crate::shape_error::require;
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
    require(checks::group_norm(
        &Operand::on_gpu("x", &x),
        &Operand::on_gpu("gamma", &gamma),
        &Operand::on_gpu("beta", &beta),
        groups,
    ));
    let [x, gamma, beta] = [x, gamma, beta].map(contiguous);
    let sizes = Sizes::of(&x, groups);
    let out = allocate(&x, x.meta.shape().clone(), x.dtype);
    let statistics = allocate(&x, Shape::new([sizes.samples, groups, 2]), DType::F32);
    if x.meta.num_elements() > 0 {
        let units = units_per_cube(&x, sizes.of_a_group());
        // SAFETY: shapes and types were checked above. Units beyond a group's last number read nothing and write nothing.
        unsafe {
            forward_kernel::launch_unchecked(
                &out.client,
                CubeCount::Static(to_u32(groups), to_u32(sizes.samples), 1),
                CubeDim::new_1d(to_u32(units)),
                x.clone().into_buffer_arg(),
                gamma.into_buffer_arg(),
                beta.into_buffer_arg(),
                out.clone().into_buffer_arg(),
                statistics.clone().into_buffer_arg(),
                to_u32(sizes.positions),
                to_u32(sizes.channels),
                to_u32(sizes.channels / groups),
                units,
                activation,
                dtype_to_storage_type(x.dtype),
            );
        }
    }
    (out, statistics)
}

/// What was normalised and what was found, and the gradient of the output; all contiguous and of shapes that
/// fit together.
pub(super) struct Normalized {
    pub(super) x: CubeTensor,
    pub(super) gamma: CubeTensor,
    pub(super) beta: CubeTensor,
    /// Of every group, [B, groups, 2].
    pub(super) statistics: CubeTensor,
    pub(super) gradient: CubeTensor,
    pub(super) activation: Activation,
}

impl Normalized {
    pub(super) fn new(
        [x, gamma, beta]: [CubeTensor; 3],
        statistics: CubeTensor,
        gradient: CubeTensor,
        activation: Activation,
    ) -> Self {
        require(checks::group_norm_gradients(
            &Operand::on_gpu("x", &x),
            &Operand::on_gpu("gamma", &gamma),
            &Operand::on_gpu("beta", &beta),
            &Operand::on_gpu("statistics", &statistics),
            &Operand::on_gpu("gradient", &gradient),
        ));
        let [x, gamma, beta] = [x, gamma, beta].map(contiguous);
        Self {
            x,
            gamma,
            beta,
            statistics: contiguous(statistics),
            gradient: contiguous(gradient),
            activation,
        }
    }
}

/// The gradient of x.
pub(super) fn gradient_of_input(normed: &Normalized) -> CubeTensor {
    let groups = normed.statistics.meta.shape()[1];
    let x = &normed.x;
    let sizes = Sizes::of(x, groups);
    let out = allocate(x, x.meta.shape().clone(), x.dtype);
    if x.meta.num_elements() > 0 {
        let units = units_per_cube(x, sizes.of_a_group());
        // SAFETY: shapes and types were checked above. Units beyond a group's last number read nothing and write nothing.
        unsafe {
            gradient_kernel::launch_unchecked(
                &out.client,
                CubeCount::Static(to_u32(groups), to_u32(sizes.samples), 1),
                CubeDim::new_1d(to_u32(units)),
                x.clone().into_buffer_arg(),
                normed.gamma.clone().into_buffer_arg(),
                normed.beta.clone().into_buffer_arg(),
                normed.statistics.clone().into_buffer_arg(),
                normed.gradient.clone().into_buffer_arg(),
                out.clone().into_buffer_arg(),
                to_u32(sizes.positions),
                to_u32(sizes.channels),
                to_u32(sizes.channels / groups),
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
    statistics: &mut [f32],
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
    let mean = cube_sum(sum, &mut shared) / f32::cast_from(total);
    let mut squares = 0.0f32;
    let mut i = UNIT_POS;
    while i < total {
        let value = f32::cast_from(x[(first + i / group * channels + i % group) as usize]);
        squares += (value - mean) * (value - mean);
        i += units as u32;
    }
    let variance = cube_sum(squares, &mut shared) / f32::cast_from(total);
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
        statistics[of_group] = mean;
        statistics[of_group + 1] = inverse;
    }
}

/// With n the numbers of a group and m1, m2 the means over it of `dy gamma` and `dy gamma normal`,
/// `dx = inverse (dy gamma - m1 - normal m2)`.
#[cube(launch_unchecked)]
fn gradient_kernel<T: Float>(
    x: &[T],
    gamma: &[T],
    beta: &[T],
    statistics: &[f32],
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
    let mean = statistics[of_group];
    let inverse = statistics[of_group + 1];
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
        let given = f32::cast_from(gradient[at]) * derivative(y, activation) * scale;
        plain += given;
        along += given * normal;
        i += units as u32;
    }
    let m1 = cube_sum(plain, &mut shared) / f32::cast_from(total);
    let m2 = cube_sum(along, &mut shared) / f32::cast_from(total);
    let mut i = UNIT_POS;
    while i < total {
        let at = (first + i / group * channels + i % group) as usize;
        let channel = (CUBE_POS_X * group + i % group) as usize;
        let scale = f32::cast_from(gamma[channel]);
        let normal = (f32::cast_from(x[at]) - mean) * inverse;
        let y = normal * scale + f32::cast_from(beta[channel]);
        let given = f32::cast_from(gradient[at]) * derivative(y, activation) * scale;
        out[at] = T::cast_from(inverse * (given - m1 - normal * m2));
        i += units as u32;
    }
}
