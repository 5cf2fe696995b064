//! What kernels for GPUs share.

use burn::tensor::{DType, Shape};
use burn_cubecl::cubecl;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::ops::numeric::empty_device_contiguous_dtype;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

/// As kernels count.
///
/// # Panics
/// Beyond 4,294,967,295, which takes tensors of 16 GiB in 32 bits; what moves a robot is far smaller.
pub(crate) fn to_u32(n: usize) -> u32 {
    let most = u32::MAX;
    assert!(
        n <= most as usize,
        "a kernel for {n} numbers, allowed: up to {most}; use smaller batches"
    );
    n as u32
}

/// A contiguous tensor, of no more numbers than kernels [to_u32].
pub(crate) fn contiguous(tensor: CubeTensor) -> CubeTensor {
    to_u32(tensor.meta.num_elements());
    into_contiguous(tensor)
}

/// Uninitialised memory for a tensor where another one is, of no more numbers than kernels [to_u32].
pub(crate) fn allocate(like: &CubeTensor, shape: Shape, dtype: DType) -> CubeTensor {
    to_u32(shape.num_elements());
    empty_device_contiguous_dtype(like.client.clone(), like.device.clone(), shape, dtype)
}

/// Units of a cube that makes a group of so many numbers: a power of two, so that sums halve down to one.
pub(crate) fn units_per_cube(like: &CubeTensor, numbers: usize) -> usize {
    let most = like.client.properties().hardware.max_units_per_cube as usize;
    let most = (most + 1).next_power_of_two() / 2;
    numbers.next_power_of_two().clamp(64, 512).min(most)
}

/// The sum of all units' values, in a fixed order; there are a power of two of them, and room for as many
/// numbers is shared.
#[cube]
pub(crate) fn cube_sum(value: f32, shared: &mut Shared<[f32]>) -> f32 {
    shared[UNIT_POS as usize] = value;
    sync_cube();
    let mut half = CUBE_DIM / 2;
    while half > 0 {
        if UNIT_POS < half {
            let other = shared[(UNIT_POS + half) as usize];
            shared[UNIT_POS as usize] += other;
        }
        sync_cube();
        half /= 2;
    }
    let sum = shared[0];
    sync_cube();
    sum
}

/// Mish by one exponential: with `n = e^x (e^x + 2)`, `x tanh(softplus(x)) = x n / (n + 2)`.
#[cube]
pub(crate) fn mish(x: f32) -> f32 {
    let e = select(x < 20.0f32, x, 20.0f32).exp();
    let n = e * (e + 2.0f32);
    x * (n / (n + 2.0f32))
}

/// Where the `part`th of parts of `each` ends that share `all`.
#[cube]
pub(crate) fn part_end(part: u32, each: u32, all: u32) -> u32 {
    let end = (part + 1) * each;
    select(end < all, end, all)
}
