//! These operations on CubeCL's devices.

use super::StepOps;
use crate::cubes::{count, end_of, sum_of_units, whole};
use crate::optimizer::Rule;
use burn::backend::cubecl::dtype_to_storage_type;
use burn_cubecl::CubeBackend;
use burn_cubecl::cubecl;
use burn_cubecl::tensor::CubeTensor;
use cubecl::calculate_cube_count_elemwise;
use cubecl::prelude::*;

/// Units of a cube.
const UNITS: usize = 256;

impl StepOps for CubeBackend {
    fn adamw(
        value: CubeTensor,
        gradient: CubeTensor,
        m: CubeTensor,
        v: CubeTensor,
        scale: CubeTensor,
        rule: Rule,
    ) -> (CubeTensor, CubeTensor, CubeTensor) {
        let [value, m, v] = [value, m, v].map(own);
        // Nothing is averaged; something has to stand in for the average.
        let nothing = gradient.clone();
        step(&value, gradient, [&m, &v], &nothing, scale, rule, false);
        (value, m, v)
    }

    fn adamw_averaging(
        value: CubeTensor,
        gradient: CubeTensor,
        m: CubeTensor,
        v: CubeTensor,
        average: CubeTensor,
        scale: CubeTensor,
        rule: Rule,
    ) -> (CubeTensor, CubeTensor, CubeTensor, CubeTensor) {
        let [value, m, v, average] = [value, m, v, average].map(own);
        step(&value, gradient, [&m, &v], &average, scale, rule, true);
        (value, m, v, average)
    }

    fn add_squares(sums: CubeTensor, gradient: CubeTensor) -> CubeTensor {
        let (sums, gradient) = (own(sums), whole(gradient));
        let [parts, numbers] = [&sums, &gradient].map(|t| t.meta.num_elements());
        #[allow(unsafe_code)]
        // Units read no number beyond the last.
        unsafe {
            squares_kernel::launch_unchecked(
                &gradient.client,
                CubeCount::Static(count(parts), 1, 1),
                CubeDim::new_1d(count(UNITS)),
                gradient.clone().into_buffer_arg(),
                sums.clone().into_buffer_arg(),
                count(numbers),
                count(numbers.div_ceil(parts)),
                dtype_to_storage_type(gradient.dtype),
            );
        }
        sums
    }
}

/// A tensor in one piece that nothing else reads.
fn own(tensor: CubeTensor) -> CubeTensor {
    let tensor = whole(tensor);
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
    rule: Rule,
    averaging: bool,
) {
    let gradient = whole(gradient);
    let numbers = value.meta.num_elements();
    let dim = CubeDim::new_1d(count(UNITS));
    if numbers == 0 {
        return;
    }
    #[allow(unsafe_code)]
    // Units beyond the last number do nothing; all tensors have as many.
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
            NumbersLaunch::new(
                rule.scale,
                rule.decay,
                rule.betas.0,
                rule.betas.1,
                rule.first,
                rule.second,
                rule.eps,
                rule.kept,
            ),
            count(numbers),
            averaging,
            dtype_to_storage_type(value.dtype),
        );
    }
}

/// A [`Rule`].
#[derive(CubeLaunch, CubeType)]
struct Numbers {
    scale: f32,
    decay: f32,
    first_beta: f32,
    second_beta: f32,
    first: f32,
    second: f32,
    eps: f32,
    kept: f32,
}

#[cube(launch_unchecked)]
fn step_kernel<T: Float>(
    value: &mut [T],
    gradient: &[T],
    m: &mut [T],
    v: &mut [T],
    average: &mut [T],
    scale: &[f32],
    by: Numbers,
    numbers: u32,
    #[comptime] averaging: bool,
    #[define(T)] _elem: ElemType,
) {
    let i = ABSOLUTE_POS;
    if i as u32 >= numbers {
        terminate!();
    }
    let g = f32::cast_from(gradient[i]) * (scale[0] * by.scale);
    let first = f32::cast_from(m[i]) * by.first_beta + g * (1.0f32 - by.first_beta);
    let second = f32::cast_from(v[i]) * by.second_beta + g * g * (1.0f32 - by.second_beta);
    m[i] = T::cast_from(first);
    v[i] = T::cast_from(second);
    let way = first / (second.sqrt() * by.second + by.eps);
    let moved = f32::cast_from(value[i]) * (1.0f32 - by.decay) - way * by.first;
    value[i] = T::cast_from(moved);
    if comptime!(averaging) {
        let before = f32::cast_from(average[i]);
        average[i] = T::cast_from(before + (1.0f32 - by.kept) * (moved - before));
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
    let end = end_of(CUBE_POS_X, each, numbers);
    let mut sum = 0.0f32;
    let mut i = CUBE_POS_X * each + UNIT_POS;
    while i < end {
        let g = f32::cast_from(gradient[i as usize]);
        sum += g * g;
        i += UNITS as u32;
    }
    let all = sum_of_units(sum, &mut shared);
    if UNIT_POS == 0 {
        sums[CUBE_POS_X as usize] += all;
    }
}
