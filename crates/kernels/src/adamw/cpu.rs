//! A step on the processor: one pass over a parameter's numbers, shared out among the threads.

use super::coefficients::StepCoefficients;
use crate::ShapeError;
use crate::shape_error::require;
use pulp::NullaryFnOnce;
use rayon::prelude::*;

/// Numbers a thread takes at once.
const PART: usize = 1 << 14;

/// First and second moment of every number of a parameter.
#[derive(Debug)]
pub struct Moments {
    m: Vec<f32>,
    v: Vec<f32>,
}

impl Moments {
    /// Zeros for so many numbers.
    #[must_use]
    pub fn new(count: usize) -> Self {
        Self {
            m: vec![0.0; count],
            v: vec![0.0; count],
        }
    }

    /// Moves `value` against `gradient`, and `average`, of which some is kept, after it.
    ///
    /// # Panics
    /// When there are not as many numbers in each.
    pub fn step(
        &mut self,
        coefficients: StepCoefficients,
        value: &mut [f32],
        gradient: &[f32],
        average: Option<&mut [f32]>,
    ) {
        let average = average.unwrap_or_default();
        require(self.check(value, gradient, average));
        let parts = value.len().div_ceil(PART);
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
                    coefficients,
                    p,
                    g,
                    m,
                    v,
                    average,
                });
            });
    }

    fn check(&self, value: &[f32], gradient: &[f32], average: &[f32]) -> Result<(), ShapeError> {
        let count = value.len();
        let counts = [
            ("numbers of the gradient", gradient.len()),
            ("numbers of the first moment", self.m.len()),
            ("numbers of the second moment", self.v.len()),
        ];
        // Without an average there is nothing to average into.
        let averages = [("numbers of the average", average.len())];
        let averages = averages.into_iter().filter(|(_, n)| *n > 0);
        for (what, got) in counts.into_iter().chain(averages) {
            let allowed = format_args!("{count}, as many as the value has");
            ShapeError::unless(got == count, "adamw", what, got, allowed)?;
        }
        Ok(())
    }
}

/// An average moved towards a value, keeping `decay` of it.
#[inline(always)]
#[must_use]
pub fn ema_update(average: f32, value: f32, decay: f32) -> f32 {
    average + (1.0 - decay) * (value - average)
}

/// Sum of the squares, the same parts in the same order whatever the threads.
#[must_use]
pub fn sum_of_squares(values: &[f32]) -> f64 {
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
    coefficients: StepCoefficients,
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
        let StepCoefficients {
            gradient_scale,
            weight_decay,
            betas: (b1, b2),
            step_size,
            bias_correction,
            eps,
            ema_decay,
        } = self.coefficients;
        let step = |p: &mut f32, g: f32, m: &mut f32, v: &mut f32| {
            let g = g * gradient_scale;
            *m = b1 * *m + (1.0 - b1) * g;
            *v = b2 * *v + (1.0 - b2) * g * g;
            *p -= weight_decay * *p;
            *p -= step_size * *m / (v.sqrt() * bias_correction + eps);
        };
        let moments = self.m.iter_mut().zip(self.v);
        let numbers = self.p.iter_mut().zip(self.g).zip(moments);
        match self.average {
            Some(average) => {
                for (((p, &g), (m, v)), a) in numbers.zip(average) {
                    step(p, g, m, v);
                    *a = ema_update(*a, *p, ema_decay);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_do_not_pair_are_refused() {
        let moments = Moments::new(3);
        assert_eq!(moments.check(&[0.0; 3], &[0.0; 3], &[]), Ok(()));
        assert_eq!(moments.check(&[0.0; 3], &[0.0; 3], &[0.0; 3]), Ok(()));
        for (value, gradient, average, told) in [
            (3, 2, 0, "gradient is 2, allowed: 3"),
            (4, 4, 0, "first moment is 3, allowed: 4"),
            (3, 3, 2, "average is 2, allowed: 3"),
        ] {
            let numbers = |n| vec![0.0; n];
            let checked = moments.check(&numbers(value), &numbers(gradient), &numbers(average));
            let error = checked.unwrap_err().to_string();
            assert!(error.contains(told), "{error} lacks {told}");
        }
    }
}
