//! A step on the processor: one pass over a parameter's numbers, shared out among the threads.

use super::Rule;
use crate::ema::mixed;
use pulp::NullaryFnOnce;
use rayon::prelude::*;

/// Numbers a thread takes at once.
const PART: usize = 1 << 14;

/// Two moments of every number.
#[derive(Debug)]
pub(super) struct Moments {
    m: Vec<f32>,
    v: Vec<f32>,
}

impl Moments {
    pub(super) fn new(count: usize) -> Self {
        Self {
            m: vec![0.0; count],
            v: vec![0.0; count],
        }
    }

    /// Moves `value` against `gradient`, and `average`, of which some is kept, after it.
    pub(super) fn step(
        &mut self,
        rule: Rule,
        value: &mut [f32],
        gradient: &[f32],
        average: Option<&mut [f32]>,
    ) {
        let parts = value.len().div_ceil(PART);
        let average = average.unwrap_or_default();
        let absent = if average.is_empty() { parts } else { 0 };
        let averages = average
            .par_chunks_mut(PART)
            .map(Some)
            .chain(rayon::iter::repeat_n((), absent).map(|()| None));
        let moments = self.m.par_chunks_mut(PART).zip(self.v.par_chunks_mut(PART));
        value
            .par_chunks_mut(PART)
            .zip(gradient.par_chunks(PART))
            .zip(moments)
            .zip(averages)
            .for_each(|(((p, g), (m, v)), average)| {
                pulp::Arch::new().dispatch(Part {
                    rule,
                    p,
                    g,
                    m,
                    v,
                    average,
                });
            });
    }
}

/// Sum of the squares, the same parts in the same order whatever the threads.
pub(super) fn sum_of_squares(values: &[f32]) -> f64 {
    let parts: Vec<f64> = values.par_chunks(PART).map(squares).collect();
    parts.iter().sum()
}

/// Sum of the squares, in eight sums at once.
fn squares(values: &[f32]) -> f64 {
    let mut sums = [0.0f64; 8];
    let (eights, rest) = values.as_chunks::<8>();
    for eight in eights {
        for (sum, &v) in sums.iter_mut().zip(eight) {
            *sum += f64::from(v) * f64::from(v);
        }
    }
    for (sum, &v) in sums.iter_mut().zip(rest) {
        *sum += f64::from(v) * f64::from(v);
    }
    sums.iter().sum()
}

/// Some of a parameter's numbers.
struct Part<'a> {
    rule: Rule,
    p: &'a mut [f32],
    g: &'a [f32],
    m: &'a mut [f32],
    v: &'a mut [f32],
    average: Option<&'a mut [f32]>,
}

impl NullaryFnOnce for Part<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Rule {
            scale,
            decay,
            betas: (b1, b2),
            first,
            second,
            eps,
            kept,
        } = self.rule;
        let step = |p: &mut f32, g: f32, m: &mut f32, v: &mut f32| {
            let g = g * scale;
            *m = b1 * *m + (1.0 - b1) * g;
            *v = b2 * *v + (1.0 - b2) * g * g;
            *p -= decay * *p;
            *p -= first * *m / (v.sqrt() * second + eps);
        };
        let moments = self.m.iter_mut().zip(self.v);
        let numbers = self.p.iter_mut().zip(self.g).zip(moments);
        match self.average {
            Some(average) => {
                for (((p, &g), (m, v)), a) in numbers.zip(average) {
                    step(p, g, m, v);
                    *a = mixed(*a, *p, kept);
                }
            }
            None => {
                for ((p, &g), (m, v)) in numbers {
                    step(p, g, m, v);
                }
            }
        }
    }
}
