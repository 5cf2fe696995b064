//! Products of a picture with a kernel that read the picture where it lies: in channels-last order
//! what an output sees of one line of the picture is one run of numbers, so neither gathering nor
//! packing is needed on that side.

use pulp::{Arch, Simd, WithSimd};
use std::array;

/// Rows of outputs computed together: with two vectors each, their sums fill the registers that
/// sixteen leave.
const ROWS: usize = 6;
/// Pixels whose share of a weight gradient is summed before going on to other weights.
const PIXELS: usize = 256;

/// Numbers a vector of this processor holds.
pub(super) fn lanes() -> usize {
    struct Lanes;
    impl WithSimd for Lanes {
        type Output = usize;

        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) -> usize {
            S::F32_LANES
        }
    }
    Arch::new().dispatch(Lanes)
}

/// How a matrix's columns are laid out side by side in panels of two vectors; the last one may be of
/// one vector, and is filled up with zeros.
#[derive(Clone, Copy, Debug)]
pub(super) struct Panels {
    columns: usize,
    lanes: usize,
}

/// One panel: its first column, how many columns it has, and how many numbers a row of it takes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Panel {
    pub(super) first: usize,
    pub(super) columns: usize,
    pub(super) width: usize,
}

impl Panels {
    pub(super) fn new(columns: usize) -> Self {
        Self {
            columns,
            lanes: lanes(),
        }
    }

    pub(super) fn columns(self) -> usize {
        self.columns
    }

    pub(super) fn count(self) -> usize {
        self.columns.div_ceil(2 * self.lanes)
    }

    pub(super) fn get(self, index: usize) -> Panel {
        let first = index * 2 * self.lanes;
        let columns = (self.columns - first).min(2 * self.lanes);
        Panel {
            first,
            columns,
            width: columns.div_ceil(self.lanes) * self.lanes,
        }
    }

    /// Numbers of a packed matrix with so many rows.
    pub(super) fn numbers(self, rows: usize) -> usize {
        rows * self.columns.div_ceil(self.lanes) * self.lanes
    }

    /// Cuts a packed matrix into its panels.
    pub(super) fn cut(self, packed: &mut [f32], rows: usize) -> Vec<(Panel, &mut [f32])> {
        let mut rest = packed;
        let mut panels = Vec::with_capacity(self.count());
        for index in 0..self.count() {
            let panel = self.get(index);
            let (mine, others) = rest.split_at_mut(rows * panel.width);
            panels.push((panel, mine));
            rest = others;
        }
        panels
    }

    /// A panel of a packed matrix.
    pub(super) fn of(self, packed: &[f32], rows: usize, index: usize) -> &[f32] {
        let panel = self.get(index);
        &packed[rows * panel.first..][..rows * panel.width]
    }
}

/// A run of numbers that every output sees: where it begins, from the output's own place on, and its
/// length.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    pub(super) offset: usize,
    pub(super) length: usize,
}

/// Adds to some outputs what they see, times a panel, or writes it.
pub(super) struct Outputs<'a> {
    pub(super) x: &'a [f32],
    /// Where in `x` each output's runs count from.
    pub(super) places: &'a [usize],
    /// Where in `out` each output's row begins.
    pub(super) rows: &'a [usize],
    pub(super) runs: &'a [Run],
    /// The panel's rows for these runs.
    pub(super) panel: &'a [f32],
    /// Columns of the panel that count.
    pub(super) columns: usize,
    pub(super) width: usize,
    /// What outputs that are written start from, `width` numbers; `None` to add.
    pub(super) start: Option<&'a [f32]>,
    pub(super) out: &'a mut [f32],
}

impl Outputs<'_> {
    pub(super) fn add(self) {
        Arch::new().dispatch(self);
    }
}

impl WithSimd for Outputs<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        if self.width == S::F32_LANES {
            add_outputs::<S, 1>(simd, self);
        } else {
            add_outputs::<S, 2>(simd, self);
        }
    }
}

#[inline(always)]
fn add_outputs<S: Simd, const V: usize>(simd: S, job: Outputs<'_>) {
    let panel = S::as_simd_f32s(job.panel).0;
    let first: [S::f32s; V] = match job.start {
        Some(start) => {
            let start = S::as_simd_f32s(start).0;
            array::from_fn(|v| start[v])
        }
        None => [simd.splat_f32s(0.0); V],
    };
    let tiles = job.places.chunks(ROWS).zip(job.rows.chunks(ROWS));
    for (places, rows) in tiles {
        let place: [usize; ROWS] = array::from_fn(|r| places[r.min(places.len() - 1)]);
        let mut sums = [first; ROWS];
        let mut rest = panel;
        for run in job.runs {
            let inputs: [&[f32]; ROWS] =
                array::from_fn(|r| &job.x[place[r] + run.offset..][..run.length]);
            let (now, later) = rest.split_at(V * run.length);
            add_run(simd, inputs, now, run.length, &mut sums);
            rest = later;
        }
        for (&row, sums) in rows.iter().zip(&sums) {
            let row = &mut job.out[row..][..job.columns];
            if job.start.is_some() {
                write_row::<S, V>(row, sums);
            } else {
                add_row::<S, V>(simd, row, sums);
            }
        }
    }
}

#[inline(always)]
fn add_run<S: Simd, const V: usize>(
    simd: S,
    inputs: [&[f32]; ROWS],
    panel: &[S::f32s],
    length: usize,
    sums: &mut [[S::f32s; V]; ROWS],
) {
    // A copy of its own, so that the sums stay in registers.
    let mut mine = *sums;
    let inputs: [&[f32]; ROWS] = array::from_fn(|r| &inputs[r][..length]);
    let panel = &panel[..V * length];
    for k in 0..length {
        let weights: [S::f32s; V] = array::from_fn(|v| panel[V * k + v]);
        for r in 0..ROWS {
            let number = simd.splat_f32s(inputs[r][k]);
            for v in 0..V {
                mine[r][v] = simd.mul_add_f32s(number, weights[v], mine[r][v]);
            }
        }
    }
    *sums = mine;
}

/// Writes vectors to a row that may be shorter than they are.
#[inline(always)]
fn write_row<S: Simd, const V: usize>(row: &mut [f32], sums: &[S::f32s; V]) {
    if row.len() == V * S::F32_LANES {
        let (row, _) = S::as_mut_simd_f32s(row);
        row.copy_from_slice(sums);
    } else {
        let sums: &[f32] = bytemuck::cast_slice(sums.as_slice());
        row.copy_from_slice(&sums[..row.len()]);
    }
}

/// Adds vectors to a row that may be shorter than they are.
#[inline(always)]
fn add_row<S: Simd, const V: usize>(simd: S, row: &mut [f32], sums: &[S::f32s; V]) {
    if row.len() == V * S::F32_LANES {
        let (row, _) = S::as_mut_simd_f32s(row);
        for (row, sum) in row.iter_mut().zip(sums) {
            *row = simd.add_f32s(*row, *sum);
        }
    } else {
        let sums: &[f32] = bytemuck::cast_slice(sums.as_slice());
        row.iter_mut().zip(sums).for_each(|(r, s)| *r += s);
    }
}

/// Writes some weights' gradients.
pub(super) struct Weights<'a> {
    pub(super) x: &'a [f32],
    /// Where in `x` each output's runs count from.
    pub(super) places: &'a [usize],
    /// Where the first of these weights is used, from there on.
    pub(super) offset: usize,
    /// Gradients of the outputs, packed.
    pub(super) gradient: &'a [f32],
    pub(super) panels: Panels,
    /// Gradients of the weights, row after row.
    pub(super) out: &'a mut [f32],
}

impl Weights<'_> {
    pub(super) fn write(self) {
        Arch::new().dispatch(self);
    }
}

impl WithSimd for Weights<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let pixels = self.places.len();
        for from in (0..pixels).step_by(PIXELS) {
            let to = (from + PIXELS).min(pixels);
            for index in 0..self.panels.count() {
                let panel = self.panels.get(index);
                let gradient = self.panels.of(self.gradient, pixels, index);
                let gradient = &gradient[from * panel.width..to * panel.width];
                let columns = self.panels.columns;
                for (tile, out) in self.out.chunks_mut(ROWS * columns).enumerate() {
                    let block = Block {
                        x: self.x,
                        places: &self.places[from..to],
                        offset: self.offset + tile * ROWS,
                        gradient,
                        panel,
                        columns,
                        first: from == 0,
                        out,
                    };
                    if panel.width == S::F32_LANES {
                        block.add_any_rows::<S, 1>(simd);
                    } else {
                        block.add_any_rows::<S, 2>(simd);
                    }
                }
            }
        }
    }
}

/// Up to [`ROWS`] rows of weights, some pixels, one panel.
struct Block<'a> {
    x: &'a [f32],
    places: &'a [usize],
    offset: usize,
    gradient: &'a [f32],
    panel: Panel,
    columns: usize,
    /// Whether these are the first pixels: what they come to is written, not added.
    first: bool,
    out: &'a mut [f32],
}

impl Block<'_> {
    #[inline(always)]
    fn add_any_rows<S: Simd, const V: usize>(self, simd: S) {
        match self.out.len() / self.columns {
            1 => self.add::<S, V, 1>(simd),
            2 => self.add::<S, V, 2>(simd),
            3 => self.add::<S, V, 3>(simd),
            4 => self.add::<S, V, 4>(simd),
            5 => self.add::<S, V, 5>(simd),
            _ => self.add::<S, V, ROWS>(simd),
        }
    }

    #[inline(always)]
    fn add<S: Simd, const V: usize, const R: usize>(self, simd: S) {
        let mut sums = [[simd.splat_f32s(0.0); V]; R];
        let gradient = S::as_simd_f32s(self.gradient).0;
        for (&place, gradient) in self.places.iter().zip(gradient.chunks_exact(V)) {
            let inputs = &self.x[place + self.offset..][..R];
            for r in 0..R {
                let number = simd.splat_f32s(inputs[r]);
                for v in 0..V {
                    sums[r][v] = simd.mul_add_f32s(number, gradient[v], sums[r][v]);
                }
            }
        }
        for (row, sums) in self.out.chunks_mut(self.columns).zip(&sums) {
            let row = &mut row[self.panel.first..][..self.panel.columns];
            if self.first {
                write_row::<S, V>(row, sums);
            } else {
                add_row::<S, V>(simd, row, sums);
            }
        }
    }
}
