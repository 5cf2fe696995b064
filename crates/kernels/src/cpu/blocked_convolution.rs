//! What outputs see of a picture, times a matrix, shared out among the threads.

use super::buffer_pool;
use super::micro_kernel::{Outputs, Panel, Panels, Run};
use rayon::prelude::*;

/// Rows of a panel that are kept in the second-level cache.
const DEPTH: usize = 1024;
/// Outputs a task computes at least and at most; a multiple of those computed together.
const OUTPUTS: [usize; 2] = [48, 192];
/// Outputs that are computed together.
const TOGETHER: usize = 6;
/// Tasks that the outputs are shared out to at least, when there are enough of them.
const TASKS: usize = 16;

/// What some outputs see.
pub(super) struct ReceptiveFields<'a> {
    pub(super) x: &'a [f32],
    /// Where in `x` each output's runs count from.
    pub(super) places: &'a [usize],
    /// Where each output's row begins, in ascending order.
    pub(super) rows: &'a [usize],
    pub(super) runs: &'a [Run],
}

impl ReceptiveFields<'_> {
    /// Numbers an output sees.
    fn fan_in(&self) -> usize {
        self.runs.iter().map(|r| r.length).sum()
    }

    /// The runs cut into groups of at most [`DEPTH`] numbers.
    fn groups(&self) -> Vec<Vec<Run>> {
        let (mut groups, mut group, mut room) = (Vec::new(), Vec::new(), DEPTH);
        for &run in self.runs {
            let (mut offset, mut left) = (run.offset, run.length);
            while left > 0 {
                let length = left.min(room);
                group.push(Run { offset, length });
                (offset, left, room) = (offset + length, left - length, room - length);
                if room == 0 {
                    groups.push(std::mem::take(&mut group));
                    room = DEPTH;
                }
            }
        }
        if !group.is_empty() {
            groups.push(group);
        }
        groups
    }
}

/// Writes to `out`, rows as long as `bias`, the bias and what each output sees times a matrix [fan_in,
/// columns], which is `packed` or whose panels `pack` writes.
pub(super) fn convolve_blocks(
    out: &mut [f32],
    bias: &[f32],
    fields: &ReceptiveFields<'_>,
    packed: Option<&[f32]>,
    pack: impl Fn(Panel, &mut [f32]) + Sync,
) {
    let (fan_in, columns) = (fields.fan_in(), bias.len());
    if fields.places.is_empty() || fan_in * columns == 0 {
        return;
    }
    let panels = Panels::new(columns);
    let mut start = vec![0.0; panels.numbers(1)];
    start[..columns].copy_from_slice(bias);
    if let Some(packed) = packed {
        // As few tasks as keep all threads busy: each reads the whole matrix.
        let (count, threads) = (fields.places.len(), rayon::current_num_threads());
        let tasks = count.div_ceil(OUTPUTS[1]).next_multiple_of(threads);
        by_output(out, panels, &start, fields, packed, count.div_ceil(tasks));
        return;
    }
    // Large matrices and few outputs: each thread takes panels, so that the matrix is read once.
    if fan_in * columns > fields.x.len() && columns > 64 {
        by_panel(out, panels, &start, fields, pack);
    } else {
        let mut packed = buffer_pool::take(panels.numbers(fan_in));
        panels
            .cut(&mut packed, fan_in)
            .into_par_iter()
            .for_each(|(panel, to)| pack(panel, to));
        let share = fields.places.len().div_ceil(TASKS);
        by_output(
            out,
            panels,
            &start,
            fields,
            &packed,
            share.clamp(OUTPUTS[0], OUTPUTS[1]),
        );
        buffer_pool::put(packed);
    }
}

fn by_output(
    out: &mut [f32],
    panels: Panels,
    start: &[f32],
    fields: &ReceptiveFields<'_>,
    packed: &[f32],
    share: usize,
) {
    let (fan_in, columns, groups) = (fields.fan_in(), panels.columns(), fields.groups());
    let share = share.next_multiple_of(TOGETHER);
    let tasks = fields
        .places
        .chunks(share)
        .zip(cut(out, fields.rows, share, columns));
    tasks
        .collect::<Vec<_>>()
        .into_par_iter()
        .for_each(|(places, (rows, out))| {
            let rows: Vec<usize> = rows.iter().map(|r| r - rows[0]).collect();
            let mut depth = 0;
            for runs in &groups {
                let rows_of_panel = runs.iter().map(|r| r.length).sum::<usize>();
                for index in 0..panels.count() {
                    let panel = panels.get(index);
                    let packed = panels.of(packed, fan_in, index);
                    Outputs {
                        x: fields.x,
                        places,
                        rows: &rows,
                        runs,
                        panel: &packed[depth * panel.width..][..rows_of_panel * panel.width],
                        columns: panel.columns,
                        width: panel.width,
                        start: (depth == 0).then(|| &start[panel.first..][..panel.width]),
                        out: &mut out[panel.first..],
                    }
                    .add();
                }
                depth += rows_of_panel;
            }
        });
}

fn by_panel(
    out: &mut [f32],
    panels: Panels,
    start: &[f32],
    fields: &ReceptiveFields<'_>,
    pack: impl Fn(Panel, &mut [f32]) + Sync,
) {
    let (fan_in, columns, groups) = (fields.fan_in(), panels.columns(), fields.groups());
    let count = fields.places.len();
    let parts: Vec<(Panel, Vec<f32>)> = (0..panels.count())
        .into_par_iter()
        .map(|index| {
            let panel = panels.get(index);
            let mut packed = buffer_pool::take(fan_in * panel.width);
            pack(panel, &mut packed);
            let mut part = buffer_pool::take(count * panel.width);
            let mut start = Some(&start[panel.first..][..panel.width]);
            let rows: Vec<usize> = (0..count).map(|p| p * panel.width).collect();
            let mut rest = packed.as_slice();
            for runs in &groups {
                let rows_of_panel = runs.iter().map(|r| r.length).sum::<usize>();
                let (now, later) = rest.split_at(rows_of_panel * panel.width);
                Outputs {
                    x: fields.x,
                    places: fields.places,
                    rows: &rows,
                    runs,
                    panel: now,
                    columns: panel.width,
                    width: panel.width,
                    start: start.take(),
                    out: &mut part,
                }
                .add();
                rest = later;
            }
            buffer_pool::put(packed);
            (panel, part)
        })
        .collect();
    let tasks: Vec<_> = cut(out, fields.rows, OUTPUTS[0], columns)
        .enumerate()
        .collect();
    tasks.into_par_iter().for_each(|(task, (rows, out))| {
        for (i, row) in rows.iter().enumerate() {
            let row_of_out = &mut out[row - rows[0]..][..columns];
            for (panel, part) in &parts {
                let from = &part[(task * OUTPUTS[0] + i) * panel.width..][..panel.columns];
                let to = &mut row_of_out[panel.first..][..panel.columns];
                to.copy_from_slice(from);
            }
        }
    });
    parts
        .into_iter()
        .for_each(|(_, part)| buffer_pool::put(part));
}

/// The rows `share` at a time, each with the part of `out` that holds them.
fn cut<'a, 'r>(
    out: &'a mut [f32],
    rows: &'r [usize],
    share: usize,
    columns: usize,
) -> impl Iterator<Item = (&'r [usize], &'a mut [f32])> {
    let (mut rest, mut at) = (out, 0);
    rows.chunks(share).map(move |rows| {
        let (first, last) = (rows[0], rows[rows.len() - 1]);
        let (_, tail) = std::mem::take(&mut rest).split_at_mut(first - at);
        let (mine, tail) = tail.split_at_mut(last + columns - first);
        (rest, at) = (tail, last + columns);
        (rows, mine)
    })
}
