//! Feature-wise scaling and shifting.

use crate::checks;
use crate::launch::{allocate, contiguous, to_u32};
use crate::operand::Operand;
use crate::shape_error::require;
use burn::backend::cubecl::dtype_to_storage_type;
use burn_cubecl::cubecl;
use burn_cubecl::tensor::CubeTensor;
use cubecl::calculate_cube_count_elemwise;
use cubecl::prelude::*;

/// Units of a cube.
const UNITS: usize = 128;

/// `x (1 + scale) + shift` of [B, .., C], with [B, 2 C] holding each sample's scales, then its shifts.
pub(super) fn forward(x: CubeTensor, film: CubeTensor) -> CubeTensor {
    require(checks::film(
        &Operand::on_gpu("x", &x),
        &Operand::on_gpu("scale_and_shift", &film),
    ));
    let (x, film) = (contiguous(x), contiguous(film));
    let (out, [numbers, channels, sample]) = like(&x);
    let dim = CubeDim::new_1d(to_u32(UNITS));
    if numbers > 0 {
        // SAFETY: shapes and types were checked above. Units beyond the last number do nothing.
        unsafe {
            forward_kernel::launch_unchecked(
                &out.client,
                calculate_cube_count_elemwise(&out.client, numbers, dim),
                dim,
                x.clone().into_buffer_arg(),
                film.into_buffer_arg(),
                out.clone().into_buffer_arg(),
                to_u32(numbers),
                to_u32(channels),
                to_u32(sample),
                dtype_to_storage_type(x.dtype),
            );
        }
    }
    out
}

/// Gradients of x and of the scales and shifts.
pub(super) fn gradients(
    x: CubeTensor,
    film: CubeTensor,
    gradient: CubeTensor,
) -> (CubeTensor, CubeTensor) {
    require(checks::film_gradients(
        &Operand::on_gpu("x", &x),
        &Operand::on_gpu("scale_and_shift", &film),
        &Operand::on_gpu("gradient", &gradient),
    ));
    let [x, film, gradient] = [x, film, gradient].map(contiguous);
    let (out, [numbers, channels, sample]) = like(&x);
    let (of_film, _) = like(&film);
    let dim = CubeDim::new_1d(to_u32(UNITS));
    let columns = numbers / sample.max(1) * channels;
    if columns > 0 {
        // SAFETY: shapes and types were checked above. Units beyond the last sample's last channel do nothing.
        unsafe {
            gradients_kernel::launch_unchecked(
                &out.client,
                calculate_cube_count_elemwise(&out.client, columns, dim),
                dim,
                x.clone().into_buffer_arg(),
                film.into_buffer_arg(),
                gradient.into_buffer_arg(),
                out.clone().into_buffer_arg(),
                of_film.clone().into_buffer_arg(),
                to_u32(columns),
                to_u32(channels),
                to_u32(sample / channels.max(1)),
                dtype_to_storage_type(x.dtype),
            );
        }
    }
    (out, of_film)
}

/// Room for a tensor of the same shape; its numbers, its channels and the numbers of a sample.
fn like(x: &CubeTensor) -> (CubeTensor, [usize; 3]) {
    let shape = x.meta.shape().clone();
    let numbers = shape.num_elements();
    let sizes = [
        numbers,
        shape[shape.num_dims() - 1],
        numbers / shape[0].max(1),
    ];
    (allocate(x, shape, x.dtype), sizes)
}

#[cube(launch_unchecked)]
fn forward_kernel<T: Float>(
    x: &[T],
    film: &[T],
    out: &mut [T],
    numbers: u32,
    channels: u32,
    sample: u32,
    #[define(T)] _elem: ElemType,
) {
    let at = ABSOLUTE_POS as u32;
    if at >= numbers {
        terminate!();
    }
    let by = at / sample * 2 * channels + at % channels;
    let scale = f32::cast_from(film[by as usize]);
    let shift = f32::cast_from(film[(by + channels) as usize]);
    let value = f32::cast_from(x[at as usize]) * (1.0f32 + scale) + shift;
    out[at as usize] = T::cast_from(value);
}

/// A unit takes one sample's channel.
#[cube(launch_unchecked)]
fn gradients_kernel<T: Float>(
    x: &[T],
    film: &[T],
    gradient: &[T],
    out: &mut [T],
    of_film: &mut [T],
    columns: u32,
    channels: u32,
    positions: u32,
    #[define(T)] _elem: ElemType,
) {
    let column = ABSOLUTE_POS as u32;
    if column >= columns {
        terminate!();
    }
    let sample = column / channels;
    let channel = column % channels;
    let by = (sample * 2 * channels + channel) as usize;
    let scale = 1.0f32 + f32::cast_from(film[by]);
    let mut along = 0.0f32;
    let mut total = 0.0f32;
    for position in 0..positions {
        let at = ((sample * positions + position) * channels + channel) as usize;
        let given = f32::cast_from(gradient[at]);
        along += given * f32::cast_from(x[at]);
        total += given;
        out[at] = T::cast_from(given * scale);
    }
    of_film[by] = T::cast_from(along);
    of_film[by + channels as usize] = T::cast_from(total);
}
