//! These operations on CubeCL's devices.

use super::coefficients::StepCoefficients;
use super::ops::AdamWOps;
use crate::checks;
use crate::launch::{contiguous, cube_sum, part_end, to_u32};
use crate::operand::Operand;
use crate::shape_error::require;
use burn::backend::cubecl::dtype_to_storage_type;
use burn_cubecl::CubeBackend;
use burn_cubecl::cubecl;
use burn_cubecl::tensor::CubeTensor;
use cubecl::calculate_cube_count_elemwise;
use cubecl::prelude::*;

/// Units of a cube.
const UNITS: usize = 256;

impl AdamWOps for CubeBackend {
    fn adamw(
        value: CubeTensor,
        gradient: CubeTensor,
        m: CubeTensor,
        v: CubeTensor,
        scale: CubeTensor,
        coefficients: StepCoefficients,
    ) -> (CubeTensor, CubeTensor, CubeTensor) {
        let [value, m, v] = [value, m, v].map(own);
        // Nothing is averaged; something has to stand in for the average.
        let nothing = gradient.clone();
        step(
            &value,
            gradient,
            [&m, &v],
            &nothing,
            scale,
            coefficients,
            false,
        );
        (value, m, v)
    }

    fn adamw_averaging(
        value: CubeTensor,
        gradient: CubeTensor,
        m: CubeTensor,
        v: CubeTensor,
        average: CubeTensor,
        scale: CubeTensor,
        coefficients: StepCoefficients,
    ) -> (CubeTensor, CubeTensor, CubeTensor, CubeTensor) {
        let [value, m, v, average] = [value, m, v, average].map(own);
        step(
            &value,
            gradient,
            [&m, &v],
            &average,
            scale,
            coefficients,
            true,
        );
        (value, m, v, average)
    }

    fn add_squares(sums: CubeTensor, gradient: CubeTensor) -> CubeTensor {
        require(checks::add_squares(&Operand::on_gpu("sums", &sums)));
        let (sums, gradient) = (own(sums), contiguous(gradient));
        let [parts, numbers] = [&sums, &gradient].map(|t| t.meta.num_elements());
        // SAFETY: shapes and types were checked above. Units read no number beyond the last.
        unsafe {
            squares_kernel::launch_unchecked(
                &gradient.client,
                CubeCount::Static(to_u32(parts), 1, 1),
                CubeDim::new_1d(to_u32(UNITS)),
                gradient.clone().into_buffer_arg(),
                sums.clone().into_buffer_arg(),
                to_u32(numbers),
                to_u32(numbers.div_ceil(parts)),
                dtype_to_storage_type(gradient.dtype),
            );
        }
        sums
    }
}

/// A tensor in one piece that nothing else reads.
fn own(tensor: CubeTensor) -> CubeTensor {
    let tensor = contiguous(tensor);
    if tensor.can_mut() {
        tensor
    } else {
        tensor.copy()
    }
}

fn step(
    value: &CubeTensor,
    gradient: CubeTensor,
    [m, v]: [&CubeTensor; 2],
    average: &CubeTensor,
    scale: CubeTensor,
    coefficients: StepCoefficients,
    averaging: bool,
) {
    let scale = contiguous(scale);
    let stored = averaging.then(|| Operand::on_gpu("average", average));
    require(checks::adamw(
        &Operand::on_gpu("value", value),
        &Operand::on_gpu("gradient", &gradient),
        [&Operand::on_gpu("m", m), &Operand::on_gpu("v", v)],
        stored.as_ref(),
        &Operand::on_gpu("scale", &scale),
    ));
    let gradient = contiguous(gradient);
    let numbers = value.meta.num_elements();
    let dim = CubeDim::new_1d(to_u32(UNITS));
    if numbers == 0 {
        return;
    }
    // SAFETY: shapes and types were checked above. Units beyond the last number do nothing; all tensors have as many.
    unsafe {
        step_kernel::launch_unchecked(
            &value.client,
            calculate_cube_count_elemwise(&value.client, numbers, dim),
            dim,
            value.clone().into_buffer_arg(),
            gradient.into_buffer_arg(),
            m.clone().into_buffer_arg(),
            v.clone().into_buffer_arg(),
            average.clone().into_buffer_arg(),
            scale.into_buffer_arg(),
            CoefficientsLaunch::new(
                coefficients.gradient_scale,
                coefficients.weight_decay,
                coefficients.betas.0,
                coefficients.betas.1,
                coefficients.step_size,
                coefficients.bias_correction,
                coefficients.eps,
                coefficients.ema_decay,
            ),
            to_u32(numbers),
            averaging,
            dtype_to_storage_type(value.dtype),
        );
    }
}

/// [`StepCoefficients`].
#[derive(CubeLaunch, CubeType)]
struct Coefficients {
    gradient_scale: f32,
    weight_decay: f32,
    first_beta: f32,
    second_beta: f32,
    step_size: f32,
    bias_correction: f32,
    eps: f32,
    ema_decay: f32,
}

#[cube(launch_unchecked)]
fn step_kernel<T: Float>(
    value: &mut [T],
    gradient: &[T],
    m: &mut [T],
    v: &mut [T],
    average: &mut [T],
    scale: &[f32],
    by: Coefficients,
    numbers: u32,
    #[comptime] averaging: bool,
    #[define(T)] _elem: ElemType,
) {
    let i = ABSOLUTE_POS;
    if i as u32 >= numbers {
        terminate!();
    }
    let g = f32::cast_from(gradient[i]) * (scale[0] * by.gradient_scale);
    let first = f32::cast_from(m[i]) * by.first_beta + g * (1.0f32 - by.first_beta);
    let second = f32::cast_from(v[i]) * by.second_beta + g * g * (1.0f32 - by.second_beta);
    m[i] = T::cast_from(first);
    v[i] = T::cast_from(second);
    let way = first / (second.sqrt() * by.bias_correction + by.eps);
    let moved = f32::cast_from(value[i]) * (1.0f32 - by.weight_decay) - way * by.step_size;
    value[i] = T::cast_from(moved);
    if comptime!(averaging) {
        let before = f32::cast_from(average[i]);
        average[i] = T::cast_from(before + (1.0f32 - by.ema_decay) * (moved - before));
    }
}

/// A cube adds the squares of `each` numbers up.
#[cube(launch_unchecked)]
fn squares_kernel<T: Float>(
    gradient: &[T],
    sums: &mut [f32],
    numbers: u32,
    each: u32,
    #[define(T)] _elem: ElemType,
) {
    let mut shared = Shared::<[f32]>::new_slice(UNITS);
    let end = part_end(CUBE_POS_X, each, numbers);
    let mut sum = 0.0f32;
    let mut i = CUBE_POS_X * each + UNIT_POS;
    while i < end {
        let g = f32::cast_from(gradient[i as usize]);
        sum += g * g;
        i += UNITS as u32;
    }
    let all = cube_sum(sum, &mut shared);
    if UNIT_POS == 0 {
        sums[CUBE_POS_X as usize] += all;
    }
}
