//! What kernels of our own for GPUs share.

use burn::tensor::{DType, Shape};
use burn_cubecl::cubecl;
use burn_cubecl::ops::numeric::empty_device_contiguous_dtype;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

/// As kernels count.
///
/// # Panics
/// Beyond 4,294,967,295, which takes tensors of 16 GiB.
pub(crate) fn count(n: usize) -> u32 {
    let most = u32::MAX;
    assert!(
        n <= most as usize,
        "a kernel for {n} numbers, allowed: up to {most}; use smaller batches"
    );
    n as u32
}

/// Room for a tensor where another one is, with anything in it.
pub(crate) fn room(like: &CubeTensor, shape: Shape, dtype: DType) -> CubeTensor {
    empty_device_contiguous_dtype(like.client.clone(), like.device.clone(), shape, dtype)
}

/// The sum of all units' values, in a fixed order; there are a power of two of them, and room for as many
/// numbers is shared.
#[cube]
pub(crate) fn sum_of_units(value: f32, shared: &mut Shared<[f32]>) -> f32 {
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
