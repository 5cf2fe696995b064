//! Self-attention (Vaswani et al. 2017, arXiv 1706.03762), one head of one sample at a time: a head's
//! scores stay in the cache.

use super::buffer::{tensor, values};
use super::buffer_pool;
use super::micro_kernel::{Outputs, Panels, Run, Weights};
use super::mish::exp;
use burn::backend::Shape;
use burn::backend::TensorMetadata;
use burn::backend::flex::FlexTensor;
use pulp::NullaryFnOnce;
use rayon::prelude::*;

/// Sizes of [B, N, 3 x heads x D], which holds queries, then keys, then values.
#[derive(Clone, Copy, Debug)]
struct Heads {
    tokens: usize,
    heads: usize,
    size: usize,
}

impl Heads {
    fn new(shape: &Shape, heads: usize) -> Self {
        Self {
            tokens: shape[1],
            heads,
            size: shape[2] / (3 * heads),
        }
    }

    fn width(self) -> usize {
        self.heads * self.size
    }

    fn scale(self) -> f32 {
        1.0 / (self.size as f32).sqrt()
    }

    /// Where the tokens' queries (0), keys (1) or values (2) of a head begin in a sample.
    fn places(self, which: usize, head: usize) -> Vec<usize> {
        let first = which * self.width() + head * self.size;
        (0..self.tokens)
            .map(|n| n * 3 * self.width() + first)
            .collect()
    }

    fn run(self) -> [Run; 1] {
        [Run {
            offset: 0,
            length: self.size,
        }]
    }
}

/// [B, N, 3 x heads x D] to [B, N, heads x D].
pub(super) fn forward(qkv: FlexTensor, heads: usize) -> FlexTensor {
    let shape = qkv.shape();
    let sizes = Heads::new(&shape, heads);
    let (tokens, width) = (sizes.tokens, sizes.width());
    let qkv = values(qkv);
    let mut out = buffer_pool::take(shape[0] * tokens * width);
    if !out.is_empty() {
        let parts: Vec<Vec<f32>> = (0..shape[0] * heads)
            .into_par_iter()
            .map(|task| {
                let sample = &qkv.get()[task / heads * tokens * 3 * width..];
                let head = Head::new(sample, sizes, task % heads);
                product(
                    &head.shares,
                    &head.each(tokens),
                    tokens,
                    head.values(),
                    sizes.size,
                )
            })
            .collect();
        interleave(&mut out, &parts, sizes.size, heads);
    }
    tensor(out, Shape::from(vec![shape[0], tokens, width]))
}

/// The gradient of queries, keys and values from that of the output.
pub(super) fn backward(qkv: FlexTensor, heads: usize, gradient: FlexTensor) -> FlexTensor {
    let shape = qkv.shape();
    let sizes = Heads::new(&shape, heads);
    let (tokens, width, size) = (sizes.tokens, sizes.width(), sizes.size);
    let (qkv, gradient) = (values(qkv), values(gradient));
    let mut out = buffer_pool::take(qkv.get().len());
    if !out.is_empty() {
        let parts: Vec<[Vec<f32>; 3]> = (0..shape[0] * heads)
            .into_par_iter()
            .map(|task| {
                let sample = &qkv.get()[task / heads * tokens * 3 * width..];
                let gradient = &gradient.get()[task / heads * tokens * width..];
                let head = task % heads;
                let rows: Vec<usize> = (0..tokens).map(|n| n * width + head * size).collect();
                Head::new(sample, sizes, head).gradients(gradient, &rows)
            })
            .collect();
        // Queries of all heads of a token, then keys, then values.
        let parts: Vec<Vec<f32>> = parts
            .chunks(heads)
            .flat_map(|of_sample| {
                (0..3).flat_map(|i| of_sample.iter().map(move |part| part[i].clone()))
            })
            .collect();
        interleave(&mut out, &parts, size, 3 * heads);
    }
    tensor(out, shape)
}

/// Parts [N, D], `count` of them a sample, side by side.
fn interleave(out: &mut [f32], parts: &[Vec<f32>], size: usize, count: usize) {
    let length = parts[0].len() * count;
    out.par_chunks_mut(length)
        .zip(parts.par_chunks(count))
        .for_each(|(out, parts)| {
            for (token, out) in out.chunks_mut(count * size).enumerate() {
                for (out, part) in out.chunks_mut(size).zip(parts) {
                    out.copy_from_slice(&part[token * size..][..size]);
                }
            }
        });
}

/// One head of one sample.
struct Head<'a> {
    sample: &'a [f32],
    sizes: Heads,
    head: usize,
    /// How much each token [N, N] attends to each other one.
    shares: Vec<f32>,
}

impl<'a> Head<'a> {
    fn new(sample: &'a [f32], sizes: Heads, head: usize) -> Self {
        let tokens = sizes.tokens;
        let (queries, keys) = (sizes.places(0, head), sizes.places(1, head));
        let keys = columns(sample, &keys, sizes.size);
        let mut shares = product_of(sample, &queries, &sizes.run(), keys, tokens);
        for row in shares.chunks_mut(tokens) {
            pulp::Arch::new().dispatch(Softmax {
                row,
                scale: sizes.scale(),
            });
        }
        Self {
            sample,
            sizes,
            head,
            shares,
        }
    }

    /// Where each of `count` rows as long as there are tokens begins.
    fn each(&self, count: usize) -> Vec<usize> {
        (0..count).map(|n| n * self.sizes.tokens).collect()
    }

    fn packed(&self, which: usize) -> Vec<f32> {
        let places = self.sizes.places(which, self.head);
        rows(self.sample, &places, self.sizes.size)
    }

    fn values(&self) -> Vec<f32> {
        self.packed(2)
    }

    /// Gradients of queries, keys and values [N, D]; the output's begin at `places`.
    fn gradients(&self, gradient: &[f32], places: &[usize]) -> [Vec<f32>; 3] {
        let (tokens, size) = (self.sizes.tokens, self.sizes.size);
        let every = self.each(tokens);
        let of_values = transposed_product(
            &self.shares,
            &every,
            tokens,
            &rows(gradient, places, size),
            size,
        );
        let values = columns(self.sample, &self.sizes.places(2, self.head), size);
        let mut scores = product_of(gradient, places, &self.sizes.run(), values, tokens);
        let scale = self.sizes.scale();
        for (scores, shares) in scores.chunks_mut(tokens).zip(self.shares.chunks(tokens)) {
            let along: f32 = scores.iter().zip(shares).map(|(s, p)| s * p).sum();
            for (score, share) in scores.iter_mut().zip(shares) {
                *score = share * (*score - along) * scale;
            }
        }
        let of_queries = product(&scores, &every, tokens, self.packed(1), size);
        let of_keys = transposed_product(&scores, &every, tokens, &self.packed(0), size);
        [of_queries, of_keys, of_values]
    }
}

/// Rows of `x` as a packed matrix [rows, size].
fn rows(x: &[f32], places: &[usize], size: usize) -> Vec<f32> {
    let panels = Panels::new(size);
    let mut packed = vec![0.0; panels.numbers(places.len())];
    for (panel, to) in panels.cut(&mut packed, places.len()) {
        for (to, place) in to.chunks_exact_mut(panel.width).zip(places) {
            to[..panel.columns].copy_from_slice(&x[place + panel.first..][..panel.columns]);
        }
    }
    packed
}

/// Rows of `x` as the columns of a packed matrix [size, rows].
fn columns(x: &[f32], places: &[usize], size: usize) -> Vec<f32> {
    let panels = Panels::new(places.len());
    let mut packed = vec![0.0; panels.numbers(size)];
    for (panel, to) in panels.cut(&mut packed, size) {
        for (column, place) in places[panel.first..][..panel.columns].iter().enumerate() {
            let numbers = &x[*place..][..size];
            for (to, number) in to.chunks_exact_mut(panel.width).zip(numbers) {
                to[column] = *number;
            }
        }
    }
    packed
}

/// Rows of `length` numbers times a packed matrix [length, columns].
fn product(
    x: &[f32],
    places: &[usize],
    length: usize,
    packed: Vec<f32>,
    columns: usize,
) -> Vec<f32> {
    let run = [Run { offset: 0, length }];
    product_of(x, places, &run, packed, columns)
}

fn product_of(
    x: &[f32],
    places: &[usize],
    runs: &[Run],
    packed: Vec<f32>,
    columns: usize,
) -> Vec<f32> {
    let panels = Panels::new(columns);
    let depth = runs.iter().map(|r| r.length).sum();
    let starts: Vec<usize> = (0..places.len()).map(|n| n * columns).collect();
    let mut out = vec![0.0; places.len() * columns];
    let zeros = vec![0.0; panels.numbers(1)];
    for index in 0..panels.count() {
        let panel = panels.get(index);
        Outputs {
            x,
            places,
            rows: &starts,
            runs,
            panel: panels.of(&packed, depth, index),
            columns: panel.columns,
            width: panel.width,
            start: Some(&zeros[panel.first..][..panel.width]),
            out: &mut out[panel.first..],
        }
        .add();
    }
    out
}

/// The transpose of rows of `length` numbers times a packed matrix [rows, columns].
fn transposed_product(
    x: &[f32],
    places: &[usize],
    length: usize,
    packed: &[f32],
    columns: usize,
) -> Vec<f32> {
    let mut out = vec![0.0; length * columns];
    Weights {
        x,
        places,
        offset: 0,
        gradient: packed,
        panels: Panels::new(columns),
        out: &mut out,
    }
    .write();
    out
}

/// Scores, times `scale`, to shares.
struct Softmax<'a> {
    row: &'a mut [f32],
    scale: f32,
}

impl NullaryFnOnce for Softmax<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let top = self
            .row
            .iter()
            .fold(f32::NEG_INFINITY, |top, &x| if x > top { x } else { top });
        let mut sums = [0.0f32; 16];
        let (whole, rest) = self.row.as_chunks_mut::<16>();
        for numbers in whole {
            for (number, sum) in numbers.iter_mut().zip(&mut sums) {
                *number = exp((*number - top) * self.scale);
                *sum += *number;
            }
        }
        for (number, sum) in rest.iter_mut().zip(&mut sums) {
            *number = exp((*number - top) * self.scale);
            *sum += *number;
        }
        let inverse = 1.0 / sums.iter().sum::<f32>();
        self.row.iter_mut().for_each(|x| *x *= inverse);
    }
}
