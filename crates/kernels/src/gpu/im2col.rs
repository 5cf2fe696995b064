//! What each output of a convolution sees, side by side, and the way back.

use crate::checks;
use crate::launch::{allocate, contiguous, to_u32};
use crate::operand::Operand;
use crate::shape_error::require;
use crate::window::Window;
use burn::backend::Shape;
use burn::backend::cubecl::dtype_to_storage_type;
use burn_cubecl::cubecl;
use burn_cubecl::ops::reshape;
use burn_cubecl::tensor::CubeTensor;
use cubecl::calculate_cube_count_elemwise;
use cubecl::prelude::*;

/// Units of a cube.
const UNITS: usize = 256;

/// [B, H, W, C] as [B x H' x W', kernel x C].
pub(super) fn im2col(x: CubeTensor, window: Window) -> CubeTensor {
    require(checks::im2col(&Operand::on_gpu("x", &x), window));
    let x = contiguous(x);
    let shape = x.meta.shape();
    let input = [0, 1, 2, 3].map(|d| shape[d]);
    let output = window.output_shape(shape, 1);
    let rows = output.num_elements();
    let wide = Shape::new([rows, window.places() * input[3]]);
    if window.is_a_point() {
        return reshape(x, wide);
    }
    let client = x.client.clone();
    let out = allocate(&x, wide, x.dtype);
    let vector = vector(&x, input[3]);
    let vectors = out.meta.num_elements() / vector;
    let dim = CubeDim::new_1d(to_u32(UNITS));
    if vectors > 0 {
        // SAFETY: shapes and types were checked above. Units beyond the last vector do nothing; pixels beyond the picture are not read.
        unsafe {
            im2col_kernel::launch_unchecked(
                &client,
                calculate_cube_count_elemwise(&client, vectors, dim),
                dim,
                vector,
                x.clone().into_buffer_arg(),
                out.clone().into_buffer_arg(),
                sizes(window, input, [output[1], output[2]], vector),
                to_u32(vectors),
                dtype_to_storage_type(x.dtype),
            );
        }
    }
    out
}

/// The way back: for each number of the [B, H, W, C] of sizes `input` the sum of those of [B x H' x W', kernel x C]
/// that are seen there.
pub(super) fn col2im(columns: CubeTensor, window: Window, input: [usize; 4]) -> CubeTensor {
    let given = Operand::on_gpu("columns", &columns);
    require(checks::col2im(&given, window, input));
    let shape = Shape::new(input);
    if window.is_a_point() {
        return reshape(columns, shape);
    }
    let columns = contiguous(columns);
    let output = window.output_shape(&shape, 1);
    let client = columns.client.clone();
    let out = allocate(&columns, shape, columns.dtype);
    let vector = vector(&columns, input[3]);
    let vectors = out.meta.num_elements() / vector;
    let dim = CubeDim::new_1d(to_u32(UNITS));
    if vectors > 0 {
        // SAFETY: shapes and types were checked above. Units beyond the last vector do nothing; outputs beyond the last are not read.
        unsafe {
            col2im_kernel::launch_unchecked(
                &client,
                calculate_cube_count_elemwise(&client, vectors, dim),
                dim,
                vector,
                columns.clone().into_buffer_arg(),
                out.clone().into_buffer_arg(),
                sizes(window, input, [output[1], output[2]], vector),
                to_u32(vectors),
                window.kernel[0],
                window.kernel[1],
                dtype_to_storage_type(columns.dtype),
            );
        }
    }
    out
}

/// Numbers that lie side by side and are read at once.
fn vector(x: &CubeTensor, channels: usize) -> usize {
    x.client
        .io_optimized_vector_sizes(x.dtype.size())
        .filter(|&n| channels.is_multiple_of(n))
        .max()
        .unwrap_or(1)
}

fn sizes(
    window: Window,
    [_, height, width, channels]: [usize; 4],
    output: [usize; 2],
    vector: usize,
) -> SizesLaunch {
    SizesLaunch::new(
        to_u32(height),
        to_u32(width),
        to_u32(channels / vector),
        to_u32(output[0]),
        to_u32(output[1]),
        to_u32(window.kernel[0]),
        to_u32(window.kernel[1]),
        to_u32(window.stride[0]),
        to_u32(window.stride[1]),
        to_u32(window.padding[0]),
        to_u32(window.padding[1]),
    )
}

/// What a kernel is told about its tensors.
#[derive(CubeLaunch, CubeType)]
struct Sizes {
    height: u32,
    width: u32,
    /// In vectors.
    channels: u32,
    rows: u32,
    columns: u32,
    kernel_rows: u32,
    kernel_columns: u32,
    down: u32,
    across: u32,
    above: u32,
    left: u32,
}

#[cube(launch_unchecked)]
fn im2col_kernel<T: Float, N: Size>(
    x: &[Vector<T, N>],
    out: &mut [Vector<T, N>],
    sizes: Sizes,
    vectors: u32,
    #[define(T)] _elem: ElemType,
) {
    let at = ABSOLUTE_POS as u32;
    if at >= vectors {
        terminate!();
    }
    let channel = at % sizes.channels;
    let place = at / sizes.channels;
    let taps = sizes.kernel_rows * sizes.kernel_columns;
    let tap = place % taps;
    let output = place / taps;
    let row = output / sizes.columns;
    let sample = row / sizes.rows;
    // Moved by the padding, so that nothing is below zero.
    let y = row % sizes.rows * sizes.down + tap / sizes.kernel_columns;
    let x_ = output % sizes.columns * sizes.across + tap % sizes.kernel_columns;
    let mut value = Vector::<T, N>::new(T::new(0.0));
    let inside = y >= sizes.above
        && y < sizes.above + sizes.height
        && x_ >= sizes.left
        && x_ < sizes.left + sizes.width;
    if inside {
        let line = sample * sizes.height + y - sizes.above;
        let from = (line * sizes.width + x_ - sizes.left) * sizes.channels + channel;
        value = x[from as usize];
    }
    out[at as usize] = value;
}

#[cube(launch_unchecked)]
fn col2im_kernel<T: Float, N: Size>(
    columns: &[Vector<T, N>],
    out: &mut [Vector<T, N>],
    sizes: Sizes,
    vectors: u32,
    #[comptime] kernel_rows: usize,
    #[comptime] kernel_columns: usize,
    #[define(T)] _elem: ElemType,
) {
    let at = ABSOLUTE_POS as u32;
    if at >= vectors {
        terminate!();
    }
    let channel = at % sizes.channels;
    let pixel = at / sizes.channels;
    let line = pixel / sizes.width;
    let sample = line / sizes.height;
    let y = line % sizes.height + sizes.above;
    let x = pixel % sizes.width + sizes.left;
    let mut sum = Vector::<f32, N>::new(0.0);
    for i in 0..kernel_rows {
        for j in 0..kernel_columns {
            let (i, j) = (i as u32, j as u32);
            if y >= i && x >= j {
                let (below, beside) = (y - i, x - j);
                let (row, column) = (below / sizes.down, beside / sizes.across);
                let there = row * sizes.down == below
                    && column * sizes.across == beside
                    && row < sizes.rows
                    && column < sizes.columns;
                if there {
                    let output = (sample * sizes.rows + row) * sizes.columns + column;
                    let tap = i * sizes.kernel_columns + j;
                    let place = output * (sizes.kernel_rows * sizes.kernel_columns) + tap;
                    let value = columns[(place * sizes.channels + channel) as usize];
                    sum += Vector::<f32, N>::cast_from(value);
                }
            }
        }
    }
    out[at as usize] = Vector::<T, N>::cast_from(sum);
}
