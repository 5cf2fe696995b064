//! Convolution and its gradients, each a product that reads the picture where it lies.

use super::blocked_convolution::{ReceptiveFields, convolve_blocks};
use super::buffer::{tensor, values};
use super::convolution_layout::ConvolutionLayout;
use super::micro_kernel::{Panel, Panels, Weights};
use super::skinny_matmul::{MAX_ROWS, matmul_add};
use super::{buffer_pool, packed_weights};
use crate::window::Window;
use burn::backend::TensorMetadata;
use burn::backend::flex::FlexTensor;
use rayon::prelude::*;
use std::borrow::Cow;

/// Rows of weights whose gradient a task computes.
const WEIGHTS: usize = 48;
/// Outputs whose gradients are summed together for the bias.
const SUMMED: usize = 1024;
/// Numbers copied at once.
const SQUARE: usize = 16;
/// Rows transposed abreast, and numbers of each before others: what is written stays in the first-level
/// cache, what is read comes in stretches the processor foresees.
const ABREAST: usize = 8;
const STRETCH: usize = 128;

/// Outputs [B, H', W', out] of `x` [B, H, W, in] with weights [fan_in, out] and bias [out]. What packing
/// makes of the weights is kept when they will be `used_again`.
pub(super) fn forward(
    x: FlexTensor,
    weight: FlexTensor,
    bias: FlexTensor,
    window: Window,
    used_again: bool,
) -> FlexTensor {
    let input = x.shape();
    let shape = window.output_shape(&input, weight.shape()[1]);
    let picture = ConvolutionLayout::new(window, &input);
    let (x, bias) = (values(x), values(bias));
    let columns = bias.get().len();
    let kept = if used_again && shape.num_elements() > MAX_ROWS * columns {
        let panels = Panels::new(columns);
        let fan_in = weight.shape()[0];
        packed_weights::packed(&weight, panels.numbers(fan_in), |to| {
            let weight = values(weight.clone());
            panels
                .cut(to, fan_in)
                .into_par_iter()
                .for_each(|(panel, to)| pack(panel, to, weight.get(), columns));
        })
    } else {
        None
    };
    let weight = values(weight);
    let out = convolve(x.get(), weight.get(), kept.as_deref(), bias.get(), &picture);
    tensor(out, shape)
}

fn convolve(
    x: &[f32],
    weight: &[f32],
    packed: Option<&[f32]>,
    bias: &[f32],
    picture: &ConvolutionLayout,
) -> Vec<f32> {
    let columns = bias.len();
    let count = x.len() / picture.numbers().max(1) * picture.positions();
    let mut out = buffer_pool::take(count * columns);
    if out.is_empty() {
        return out;
    }
    let padded = picture.padded(x);
    let (places, runs) = (picture.places(&padded), picture.runs(&padded));
    if count <= MAX_ROWS {
        let mut patches = Vec::with_capacity(count * weight.len() / columns);
        for place in &places {
            for run in &runs {
                patches.extend_from_slice(&padded.numbers()[place + run.offset..][..run.length]);
            }
        }
        for row in out.chunks_mut(columns) {
            row.copy_from_slice(bias);
        }
        matmul_add(&mut out, &patches, weight, columns);
        return out;
    }
    let fields = ReceptiveFields {
        x: padded.numbers(),
        places: &places,
        rows: &rows(count, columns),
        runs: &runs,
    };
    convolve_blocks(&mut out, bias, &fields, packed, |panel, to| {
        pack(panel, to, weight, columns);
    });
    padded.release();
    out
}

/// Where rows of `columns` numbers begin.
fn rows(count: usize, columns: usize) -> Vec<usize> {
    (0..count).map(|row| row * columns).collect()
}

/// Writes a panel of a row-major matrix.
fn pack(panel: Panel, to: &mut [f32], matrix: &[f32], columns: usize) {
    for (to, row) in to
        .chunks_exact_mut(panel.width)
        .zip(matrix.chunks_exact(columns))
    {
        let row = &row[panel.first..][..panel.columns];
        let (whole, rest) = to.as_chunks_mut::<SQUARE>();
        let (row, row_rest) = row.as_chunks::<SQUARE>();
        if row_rest.is_empty() && row.len() == whole.len() {
            // Known lengths: no call for so few numbers.
            whole.iter_mut().zip(row).for_each(|(to, from)| *to = *from);
        } else {
            let to = whole.as_flattened_mut().iter_mut().chain(rest);
            let from = row.as_flattened().iter().chain(row_rest).copied();
            let from = from.chain(std::iter::repeat(0.0));
            to.zip(from).for_each(|(to, from)| *to = from);
        }
    }
}

/// The gradient of the bias from that of the output, [B, H', W', out].
pub(super) fn bias_gradient(gradient: &[f32], columns: usize) -> Vec<f32> {
    let sums: Vec<Vec<f32>> = gradient
        .par_chunks(SUMMED * columns)
        .map(|rows| {
            let mut sum = vec![0.0; columns];
            rows.chunks(columns).for_each(|row| add(&mut sum, row));
            sum
        })
        .collect();
    let mut total = vec![0.0; columns];
    sums.iter().for_each(|sum| add(&mut total, sum));
    total
}

fn add(sums: &mut [f32], more: &[f32]) {
    sums.iter_mut().zip(more).for_each(|(s, m)| *s += m);
}

/// The gradient of the weights.
pub(super) fn weight_gradient(
    x: &[f32],
    length: usize,
    gradient: &[f32],
    columns: usize,
    picture: &ConvolutionLayout,
) -> Vec<f32> {
    let padded = picture.padded(x);
    let places = picture.places(&padded);
    let panels = Panels::new(columns);
    let packed = if panels.numbers(1) == columns && panels.count() == 1 {
        Cow::Borrowed(gradient)
    } else {
        let mut packed = buffer_pool::take(panels.numbers(places.len()));
        for (panel, to) in panels.cut(&mut packed, places.len()) {
            to.par_chunks_mut(SUMMED * panel.width)
                .zip(gradient.par_chunks(SUMMED * columns))
                .for_each(|(to, rows)| pack(panel, to, rows, columns));
        }
        Cow::Owned(packed)
    };
    let mut out = buffer_pool::take(length);
    let mut rest = out.as_mut_slice();
    let mut tasks = Vec::new();
    for run in picture.runs(&padded) {
        let (mine, others) = rest.split_at_mut(run.length * columns);
        let parts = mine.chunks_mut(WEIGHTS * columns).enumerate();
        tasks.extend(parts.map(|(i, out)| (run.offset + i * WEIGHTS, out)));
        rest = others;
    }
    tasks.into_par_iter().for_each(|(offset, out)| {
        Weights {
            x: padded.numbers(),
            places: &places,
            offset,
            gradient: &packed,
            panels,
            out,
        }
        .write();
    });
    if let Cow::Owned(packed) = packed {
        buffer_pool::put(packed);
    }
    padded.release();
    out
}

/// What every pixel is seen by, times the weights it is seen through.
pub(super) fn input_gradient(
    length: usize,
    weight: &[f32],
    gradient: &[f32],
    columns: usize,
    picture: &ConvolutionLayout,
) -> Vec<f32> {
    let mut out = buffer_pool::take(length);
    let channels = picture.channels();
    if picture.has_unseen_pixels() {
        out.par_chunks_mut(SUMMED * channels)
            .for_each(|numbers| numbers.fill(0.0));
    }
    let padded = picture.padded_gradient(gradient, columns);
    let nothing = vec![0.0; channels];
    for phase in picture.phases() {
        let fields = ReceptiveFields {
            x: padded.numbers(),
            places: &phase.places(&padded),
            rows: &picture.pixels(padded.samples(), &phase),
            runs: &phase.runs(&padded),
        };
        convolve_blocks(&mut out, &nothing, &fields, None, |panel, to| {
            let taps = to.chunks_exact_mut(columns * panel.width).enumerate();
            for (index, to) in taps {
                let row = phase.tap(index) * channels + panel.first;
                let rows = &weight[row * columns..][..panel.columns * columns];
                transpose(to, panel.width, rows, columns);
            }
        });
    }
    padded.release();
    out
}

/// Writes the transpose of a row-major matrix, its rows filled up with zeros.
fn transpose(to: &mut [f32], width: usize, matrix: &[f32], columns: usize) {
    let filled = matrix.len() / columns;
    for (block, to) in to.chunks_mut(STRETCH * width).enumerate() {
        let from = block * STRETCH;
        let length = STRETCH.min(columns - from);
        let rows = matrix.chunks(ABREAST * columns).enumerate();
        for (group, rows) in rows {
            let first = group * ABREAST;
            if rows.len() == ABREAST * columns {
                let rows: [&[f32]; ABREAST] =
                    std::array::from_fn(|r| &rows[r * columns + from..][..length]);
                for (i, to) in to.chunks_exact_mut(width).enumerate() {
                    let numbers: [f32; ABREAST] = std::array::from_fn(|r| rows[r][i]);
                    to[first..first + ABREAST].copy_from_slice(&numbers);
                }
            } else {
                for (r, row) in rows.chunks_exact(columns).enumerate() {
                    let numbers = &row[from..][..length];
                    for (to, number) in to.chunks_exact_mut(width).zip(numbers) {
                        to[first + r] = *number;
                    }
                }
            }
        }
        if filled < width {
            to.chunks_exact_mut(width)
                .for_each(|to| to[filled..].fill(0.0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transposes_are_filled_up_with_zeros() {
        for (rows, columns, width) in [(1, 1, 4), (8, 300, 8), (13, 129, 16), (32, 128, 32)] {
            let matrix: Vec<f32> = (1..=rows * columns).map(|i| i as f32).collect();
            let mut to = vec![-1.0; columns * width];
            transpose(&mut to, width, &matrix, columns);
            for (i, found) in to.iter().enumerate() {
                let (row, column) = (i % width, i / width);
                let wanted = if row < rows {
                    matrix[row * columns + column]
                } else {
                    0.0
                };
                assert_eq!(*found, wanted, "{rows}x{columns} at {row},{column}");
            }
        }
    }
}
