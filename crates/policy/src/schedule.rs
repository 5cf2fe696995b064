//! The noise schedule and the sampler that runs it backwards.

use crate::PolicyError;
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

/// Squared-cosine schedule (Nichol and Dhariwal 2021, arXiv 2102.09672, eq. 17, with beta capped
/// at 0.999): `alpha_bar[t]` is the share of the signal's variance left at step `t`.
#[derive(Clone, Debug)]
pub struct NoiseSchedule {
    alpha_bar: Vec<f64>,
}

impl NoiseSchedule {
    /// A schedule of `steps` steps.
    #[must_use]
    pub fn squared_cosine(steps: usize) -> Self {
        let level = |x: f64| {
            ((x + 0.008) / 1.008 * std::f64::consts::FRAC_PI_2)
                .cos()
                .powi(2)
        };
        let n = steps as f64;
        let mut product = 1.0;
        let alpha_bar = (0..steps)
            .map(|t| {
                let beta = 1.0 - level((t + 1) as f64 / n) / level(t as f64 / n);
                product *= 1.0 - beta.min(0.999);
                product
            })
            .collect();
        Self { alpha_bar }
    }

    /// Number of steps.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.alpha_bar.len()
    }

    /// What the clean sample and the noise are multiplied with at step `t`:
    /// (sqrt(alpha_bar), sqrt(1 - alpha_bar)).
    #[must_use]
    pub fn mixing(&self, t: usize) -> (f32, f32) {
        let a = self.alpha_bar[t];
        (a.sqrt() as f32, (1.0 - a).sqrt() as f32)
    }

    /// The share of the signal's variance left at step `t`.
    #[must_use]
    pub fn alpha_bar(&self, t: usize) -> f64 {
        self.alpha_bar[t]
    }
}

/// Which of the training steps inference visits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Spacing {
    /// Ends at the first step; may start short of the last (the DDIM paper's form).
    Leading,
    /// Starts at the last step, so that sampling begins where training put pure noise
    /// (Lin et al. 2024, arXiv 2305.08891, section 3.3).
    #[default]
    Trailing,
}

/// Deterministic DDIM (Song et al. 2021, arXiv 2010.02502, eq. 12 with eta 0), with the predicted
/// clean sample clipped to [-1, 1].
#[derive(Clone, Debug)]
pub struct DdimSampler {
    sampling_steps: Vec<SamplingStep>,
}

/// One of the steps that inference visits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SamplingStep {
    pub(crate) step: usize,
    alpha_bar: f64,
    alpha_bar_next: f64,
}

impl SamplingStep {
    /// What signal and noise are multiplied with, here and at the next sampling step.
    pub(crate) fn mixing(&self) -> [f32; 4] {
        let (here, next) = (self.alpha_bar, self.alpha_bar_next);
        [here, 1.0 - here, next, 1.0 - next].map(|share| share.sqrt() as f32)
    }

    /// What chunks at the next sampling step and fresh noise are multiplied with to come back to this one (the
    /// resampling of RePaint, Lugmayr et al. 2022, arXiv 2201.09865, section 4.2).
    pub(crate) fn back(&self) -> [f32; 2] {
        let kept = self.alpha_bar / self.alpha_bar_next;
        [kept, 1.0 - kept].map(|share| share.sqrt() as f32)
    }

    /// The clean chunks, within [-1, 1], and the noise in chunks `x`, given what the network has `left`
    /// to say: the noise is `x` times the share of noise plus `left` times that of signal (see
    /// [`crate::PolicyNetwork::noise`]), so that the clean chunk needs no division by a signal of almost
    /// nothing.
    pub(crate) fn predict(&self, x: Tensor<3>, left: Tensor<3>) -> (Tensor<3>, Tensor<3>) {
        let [signal, spread, ..] = self.mixing();
        let clean = x.clone() * signal - left.clone() * spread;
        let noise = x * spread + left * signal;
        (clean.clamp(-1.0, 1.0), noise)
    }

    /// Moves chunks `x` to the next sampling step, given what the network has `left` to say.
    pub(crate) fn advance(&self, x: Tensor<3>, left: Tensor<3>) -> Tensor<3> {
        let [.., next_signal, next_spread] = self.mixing();
        let (clean, noise) = self.predict(x, left);
        clean * next_signal + noise * next_spread
    }
}

impl DdimSampler {
    /// A sampler that visits `count` of the schedule's steps.
    ///
    /// # Errors
    /// When `count` is zero or more than the schedule has.
    pub fn new(
        schedule: &NoiseSchedule,
        count: usize,
        spacing: Spacing,
    ) -> Result<Self, PolicyError> {
        let total = schedule.steps();
        if count == 0 || count > total {
            return Err(PolicyError::Config {
                key: "inference_steps",
                got: count.to_string(),
                allowed: format!("1 to {total}"),
            });
        }
        let stride = total / count;
        let steps: Vec<usize> = match spacing {
            Spacing::Leading => (0..count).rev().map(|i| i * stride).collect(),
            Spacing::Trailing => (0..count)
                .map(|i| {
                    let at = total as f64 - i as f64 * total as f64 / count as f64;
                    (at.round_ties_even() as usize).saturating_sub(1)
                })
                .collect(),
        };
        let sampling_steps = steps
            .iter()
            .enumerate()
            .map(|(i, &step)| SamplingStep {
                step,
                alpha_bar: schedule.alpha_bar(step),
                alpha_bar_next: steps.get(i + 1).map_or(1.0, |&s| schedule.alpha_bar(s)),
            })
            .collect();
        Ok(Self { sampling_steps })
    }

    /// Training steps visited, noisiest first.
    pub fn steps(&self) -> impl Iterator<Item = usize> + '_ {
        self.sampling_steps.iter().map(|s| s.step)
    }

    /// The sampling steps, noisiest first.
    pub(crate) fn sampling_steps(&self) -> &[SamplingStep] {
        &self.sampling_steps
    }

    /// Moves `sample` one sampling step on, given the predicted noise (same length, any layout).
    pub fn advance(&self, sampling_step: usize, sample: &mut [f32], noise: &[f32]) {
        let [signal, spread, next_signal, next_spread] =
            self.sampling_steps[sampling_step].mixing();
        for (x, &e) in sample.iter_mut().zip(noise) {
            let clean = ((*x - spread * e) / signal).clamp(-1.0, 1.0);
            *x = next_signal * clean + next_spread * e;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedule_falls_from_almost_one_to_almost_zero() {
        let s = NoiseSchedule::squared_cosine(100);
        assert!(s.alpha_bar(0) > 0.999 && s.alpha_bar(99) < 1e-5);
        assert!((1..100).all(|t| s.alpha_bar(t) < s.alpha_bar(t - 1)));
    }

    #[test]
    fn an_oracle_of_the_noise_recovers_the_sample() {
        let schedule = NoiseSchedule::squared_cosine(100);
        for spacing in [Spacing::Leading, Spacing::Trailing] {
            let sampler = DdimSampler::new(&schedule, 10, spacing).unwrap();
            let clean = [0.3f32, -0.8, 0.99];
            let mut x = [1.3f32, -0.2, 0.4];
            let sampling_steps: Vec<usize> = sampler.steps().collect();
            for (i, &t) in sampling_steps.iter().enumerate() {
                let (a, b) = schedule.mixing(t);
                let noise: Vec<f32> = x.iter().zip(clean).map(|(x, c)| (x - a * c) / b).collect();
                sampler.advance(i, &mut x, &noise);
            }
            for (x, c) in x.iter().zip(clean) {
                assert!((x - c).abs() < 1e-4, "{spacing:?}: {x} {c}");
            }
        }
    }

    #[test]
    fn one_step_is_what_it_has_always_been_and_another_leads_back() {
        let device = burn::tensor::Device::flex();
        let mut rng = apprentice_core::Seed(2).rng();
        let schedule = NoiseSchedule::squared_cosine(100);
        let sampler = DdimSampler::new(&schedule, 8, Spacing::Trailing).unwrap();
        for sampling_step in sampler.sampling_steps() {
            let mut draw = || apprentice_nn::gaussian([2, 8, 3], &mut rng, &device);
            let (x, left) = (draw(), draw());
            let [a, s, next_a, next_s] = sampling_step.mixing();
            let clean = x.clone() * a - left.clone() * s;
            let noise = x.clone() * s + left.clone() * a;
            let wanted = clean.clamp(-1.0, 1.0) * next_a + noise * next_s;
            let found = sampling_step.advance(x, left);
            assert_eq!(found.into_data(), wanted.into_data());
            // Signal and variance come back to what they were.
            let [kept, fresh] = sampling_step.back();
            assert!((next_a * kept - a).abs() < 1e-6);
            let variance = (next_s * kept).powi(2) + fresh.powi(2);
            assert!((variance.sqrt() - s).abs() < 1e-6);
        }
    }
}
