//! A convolution's products, split along the weights' rows (split-K).

use super::geometry::Conv1dGeometry;
use crate::checks;
use crate::launch::{allocate, to_u32};
use crate::operand::Operand;
use crate::shape_error::require;
use burn::tensor::{DType, Shape};
use burn_cubecl::cubecl;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

/// Vectors of columns that a cube computes.
const COLUMNS: usize = 16;
/// Rows of the weights that each unit reads at once.
const EACH: usize = 8;
/// Rows of the output that a unit reads the chunks of together.
const QUAD: usize = 4;

/// Units that share a part's rows of the weights; twice as many took a third longer on an H100.
const SLICES: usize = 16;
/// Cubes that a convolution is shared out among; an H100 runs as many at a time, and twice as many took
/// longer there.
const CUBES: usize = 264;
/// Rows of the output whose slices are added up together: what fits a cube's shared memory.
const TOGETHER: usize = 4;
/// Rows of the weights that a cube reads at once.
const CHUNK: usize = SLICES * EACH;

/// Into how many parts the `depth` rows of the weights of so many `channels` out go, and chunks of a part.
fn parts(depth: usize, channels: usize) -> (usize, usize) {
    let chunks = depth.div_ceil(CHUNK);
    let tiles = channels.div_ceil(8 * COLUMNS);
    let each = chunks.div_ceil((CUBES / tiles).clamp(1, chunks));
    (chunks.div_ceil(each), each)
}

/// [S, B x L', O] of [B, L, C] and [depth, O].
pub(super) fn sums_shape(x: &Shape, weight: &Shape, geometry: Conv1dGeometry) -> Shape {
    let (splits, _) = parts(weight[0], weight[1]);
    Shape::new([splits, x[0] * geometry.output_length(x[1]), weight[1]])
}

/// What each part of the weights' rows adds, to channels `x` and those of `skip` after them.
pub(super) fn launch(
    x: CubeTensor,
    skip: Option<CubeTensor>,
    weight: CubeTensor,
    geometry: Conv1dGeometry,
) -> CubeTensor {
    let more = skip.as_ref().map(|skip| Operand::on_gpu("skip", skip));
    require(checks::partial_sums(
        &Operand::on_gpu("x", &x),
        more.as_ref(),
        &Operand::on_gpu("weight", &weight),
        geometry,
    ));
    let (x, weight) = (contiguous_rows(x), contiguous_rows(weight));
    // Where there is nothing more, all channels are the first ones.
    let skip = skip.map_or_else(|| x.clone(), contiguous_rows);
    let shape = sums_shape(x.meta.shape(), weight.meta.shape(), geometry);
    let [_, rows, channels] = [shape[0], shape[1], shape[2]];
    let depth = weight.meta.shape()[0];
    let (splits, each) = parts(depth, channels);
    let client = x.client.clone();
    let out = allocate(&x, shape, DType::F32);
    let stride = weight.meta.strides()[0];
    let tile = if rows <= 4 { 4 } else { 8 };
    // Some GPUs have less memory a cube than the widest vectors take.
    let shared = client.properties().hardware.max_shared_memory_size;
    let fits = |n: usize| 4 * (TOGETHER * SLICES * COLUMNS * n + CHUNK * tile) <= shared;
    let vector = client
        .io_optimized_vector_sizes(weight.dtype.size())
        .filter(|&n| channels.is_multiple_of(n) && stride.is_multiple_of(n) && fits(n))
        .max()
        .unwrap_or(1);
    let columns = channels / vector;
    let [samples, length, first] = [0, 1, 2].map(|d| x.meta.shape()[d]);
    let strides = |x: &CubeTensor| [0, 1].map(|d| to_u32(x.meta.strides()[d]));
    let ([x_sample, x_place], [skip_sample, skip_place]) = (strides(&x), strides(&skip));
    let elem = burn::backend::cubecl::dtype_to_storage_type(weight.dtype);
    // SAFETY: shapes and types were checked above, so every index is below the lengths given here: rows of the
    // weights and columns are masked, places outside x and skip are not read.
    unsafe {
        convolve_kernel::launch_unchecked(
            &client,
            CubeCount::Static(
                to_u32(columns.div_ceil(COLUMNS)),
                to_u32(splits),
                to_u32(rows.div_ceil(tile)),
            ),
            CubeDim::new_2d(to_u32(COLUMNS), to_u32(SLICES)),
            vector,
            x.into_buffer_arg(),
            skip.into_buffer_arg(),
            weight.into_buffer_arg(),
            out.clone().into_buffer_arg(),
            SizesLaunch::new(
                to_u32(rows),
                to_u32(length),
                to_u32(depth / geometry.kernel),
                to_u32(first),
                to_u32(rows / samples),
                to_u32(depth),
                to_u32(columns),
                x_sample,
                x_place,
                skip_sample,
                skip_place,
                to_u32(stride / vector),
                to_u32(geometry.stride),
                to_u32(geometry.padding),
                to_u32(each),
            ),
            tile,
            elem,
        );
    }
    out
}

/// What a kernel is told about its tensors.
#[derive(CubeLaunch, CubeType)]
struct Sizes {
    /// Of the output, of all samples.
    rows: u32,
    /// Of a sample.
    length: u32,
    inputs: u32,
    /// Of them, those that are not the skip's.
    first: u32,
    /// Rows of the output of a sample.
    places: u32,
    /// Rows of the weights.
    depth: u32,
    /// Vectors of a row of the output.
    columns: u32,
    x_sample: u32,
    x_place: u32,
    skip_sample: u32,
    skip_place: u32,
    /// Vectors from one row of the weights to the next.
    weight_stride: u32,
    step: u32,
    padding: u32,
    /// Chunks of a part.
    each: u32,
}

/// A cube sums `tile` rows of the output and [`COLUMNS`] vectors of columns over one part of the weights'
/// rows.
#[cube(launch_unchecked)]
fn convolve_kernel<T: Float, N: Size>(
    x: &[T],
    skip: &[T],
    weight: &[Vector<T, N>],
    out: &mut [Vector<f32, N>],
    sizes: Sizes,
    #[comptime] tile: usize,
    #[define(T)] _elem: ElemType,
) {
    let column = CUBE_POS_X as usize * COLUMNS + UNIT_POS_X as usize;
    let slice = UNIT_POS_Y as usize;
    let columns = sizes.columns as usize;
    let first = CUBE_POS_Z * tile as u32;
    let quads = comptime!(tile / QUAD);
    let mut gathered = Shared::<[Vector<f32, Const<4>>]>::new_slice(comptime!(CHUNK * quads));
    let mut sums = Array::<Vector<f32, N>>::new(tile);
    #[unroll]
    for row in 0..tile {
        sums[row] = Vector::new(0.0);
    }
    for chunk in 0..sizes.each {
        let from = (CUBE_POS_Y * sizes.each + chunk) * CHUNK as u32;
        // Asked for first, so that they are on their way while the chunks are gathered.
        let mut held = Array::<Vector<T, N>>::new(EACH);
        #[unroll]
        for i in 0..EACH {
            let row = from as usize + i * SLICES + slice;
            let there = row < sizes.depth as usize && column < columns;
            let at = select(there, row * sizes.weight_stride as usize + column, 0);
            held[i] = weight[at];
        }
        let mut i = UNIT_POS as usize;
        while i < comptime!(CHUNK * quads) {
            let depth = from + (i / quads) as u32;
            let row = first + (i % quads * QUAD) as u32;
            gathered[i] = gather(x, skip, &sizes, depth, row);
            i += comptime!(COLUMNS * SLICES);
        }
        sync_cube();
        #[unroll]
        for i in 0..EACH {
            let weights = Vector::<f32, N>::cast_from(held[i]);
            #[unroll]
            for quad in 0..quads {
                let values = gathered[(i * SLICES + slice) * quads + quad];
                #[unroll]
                for row in 0..QUAD {
                    sums[quad * QUAD + row] += weights * Vector::new(values.extract(row));
                }
            }
        }
        sync_cube();
    }
    // The slices' sums, in order.
    let mut all = Shared::<[Vector<f32, N>]>::new_slice(comptime!(TOGETHER * SLICES * COLUMNS));
    #[unroll]
    for group in 0..comptime!(tile / TOGETHER) {
        #[unroll]
        for i in 0..TOGETHER {
            let at = (i * SLICES + slice) * COLUMNS + UNIT_POS_X as usize;
            all[at] = sums[group * TOGETHER + i];
        }
        sync_cube();
        let row = first as usize + group * TOGETHER + slice;
        if slice < TOGETHER && row < sizes.rows as usize && column < columns {
            let mut sum = Vector::<f32, N>::new(0.0);
            #[unroll]
            for i in 0..SLICES {
                sum += all[(slice * SLICES + i) * COLUMNS + UNIT_POS_X as usize];
            }
            let part = CUBE_POS_Y as usize * sizes.rows as usize + row;
            out[part * columns + column] = sum;
        }
        sync_cube();
    }
}

/// What one row of the weights is multiplied with in four rows of the output.
#[cube]
fn gather<T: Float>(
    x: &[T],
    skip: &[T],
    sizes: &Sizes,
    depth: u32,
    first: u32,
) -> Vector<f32, Const<4>> {
    let mut values = Vector::<f32, Const<4>>::new(0.0);
    if depth < sizes.depth {
        let tap = depth / sizes.inputs;
        let channel = depth - tap * sizes.inputs;
        #[unroll]
        for i in 0..QUAD {
            let row = first + i as u32;
            let sample = row / sizes.places;
            let place = (row - sample * sizes.places) * sizes.step + tap;
            let inside = place >= sizes.padding && place < sizes.padding + sizes.length;
            if row < sizes.rows && inside {
                let place = place - sizes.padding;
                if channel < sizes.first {
                    let at = sample * sizes.x_sample + place * sizes.x_place + channel;
                    values.insert(i, f32::cast_from(x[at as usize]));
                } else {
                    let at = sample * sizes.skip_sample + place * sizes.skip_place + channel
                        - sizes.first;
                    values.insert(i, f32::cast_from(skip[at as usize]));
                }
            }
        }
    }
    values
}

/// A tensor whose last dimension lies in one piece.
pub(super) fn contiguous_rows(tensor: CubeTensor) -> CubeTensor {
    let strides = tensor.meta.strides();
    if strides[strides.len() - 1] == 1 && !tensor.meta.is_tiled() {
        tensor
    } else {
        into_contiguous(tensor)
    }
}
