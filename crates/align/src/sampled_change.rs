//! What alignment did to samples: chunks of both policies, from the same noise, where the same is seen.

use apprentice_core::Seed;
use apprentice_policy::{DiffusionPolicy, PolicyError};
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

/// Rounds of the search for two modes.
const ROUNDS: usize = 20;

/// How far sampled chunks moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SampledChange {
    /// Chunks sampled from each policy.
    pub samples: usize,
    /// Root mean square distance of a sampled number from the reference's, of the same noise; numbers of a chunk are
    /// scaled to -1 to 1.
    pub distance: f64,
    /// Spread of the reference's samples, in the same unit: the distance of policies that have nothing to do with each
    /// other is about 1.4 times that.
    pub spread: f64,
    /// Share of the larger of two modes that the reference's samples fall into (2-means over whole chunks).
    pub mode_before: f64,
    /// Share of the aligned policy's samples that are nearest to that mode.
    pub mode_after: f64,
}

impl SampledChange {
    /// From the reference to `aligned`, under conditions [N, C], one sample each.
    ///
    /// # Errors
    /// When the conditions do not fit, or a number comes out that is not finite.
    pub(crate) fn between(
        reference: &DiffusionPolicy,
        aligned: &DiffusionPolicy,
        conditions: &Tensor<2>,
        seed: Seed,
    ) -> Result<Self, PolicyError> {
        let count = conditions.dims()[0];
        let seeds: Vec<Seed> = (0..count as u64)
            .map(|i| seed.derive("sample", i))
            .collect();
        let before = reference.sample(conditions.clone(), &seeds)?;
        let after = aligned.sample(conditions.clone(), &seeds)?;
        Ok(Self::of(&before, &after, count))
    }

    /// Of `count` chunks each, one after the other.
    fn of(before: &[f32], after: &[f32], count: usize) -> Self {
        let size = before.len() / count.max(1);
        if size == 0 {
            return Self::default();
        }
        let square = |a: &[f32], b: &[f32]| -> f64 {
            let each = a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2));
            each.sum::<f64>()
        };
        let mean = mean_chunk(before.chunks_exact(size), size);
        let spread: f64 = before.chunks_exact(size).map(|c| square(c, &mean)).sum();
        let rms = |sum: f64| (sum / before.len() as f64).sqrt();
        let modes = two_means(before, size, &mean);
        let near = |chunk: &[f32]| square(chunk, &modes[0]) <= square(chunk, &modes[1]);
        let share = |chunks: &[f32]| {
            chunks.chunks_exact(size).filter(|c| near(c)).count() as f64 / count as f64
        };
        let (mut mode_before, mut mode_after) = (share(before), share(after));
        if mode_before < 0.5 {
            (mode_before, mode_after) = (1.0 - mode_before, 1.0 - mode_after);
        }
        Self {
            samples: count,
            distance: rms(square(before, after)),
            spread: rms(spread),
            mode_before,
            mode_after,
        }
    }
}

fn mean_chunk<'a>(chunks: impl Iterator<Item = &'a [f32]>, size: usize) -> Vec<f32> {
    let (mut sum, mut count) = (vec![0.0f64; size], 0.0f64);
    for chunk in chunks {
        count += 1.0;
        sum.iter_mut()
            .zip(chunk)
            .for_each(|(s, v)| *s += f64::from(*v));
    }
    sum.iter().map(|s| (s / count.max(1.0)) as f32).collect()
}

/// Two centres, begun at the sample farthest from the mean and the one farthest from that.
fn two_means(chunks: &[f32], size: usize, mean: &[f32]) -> [Vec<f32>; 2] {
    let square = |a: &[f32], b: &[f32]| -> f64 {
        let each = a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2));
        each.sum()
    };
    let farthest = |from: &[f32]| {
        let far = |a: &&[f32], b: &&[f32]| square(a, from).total_cmp(&square(b, from));
        chunks
            .chunks_exact(size)
            .max_by(far)
            .map_or_else(|| from.to_vec(), <[f32]>::to_vec)
    };
    let first = farthest(mean);
    let second = farthest(&first);
    let mut centres = [first, second];
    for _ in 0..ROUNDS {
        let near = |chunk: &&[f32]| square(chunk, &centres[0]) <= square(chunk, &centres[1]);
        let (a, b): (Vec<&[f32]>, Vec<&[f32]>) = chunks.chunks_exact(size).partition(near);
        if a.is_empty() || b.is_empty() {
            break;
        }
        let next = [
            mean_chunk(a.into_iter(), size),
            mean_chunk(b.into_iter(), size),
        ];
        if next == centres {
            break;
        }
        centres = next;
    }
    centres
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_found_and_followed() {
        // Six of ten about 0.5 before, nine after; each of two numbers.
        let chunks = |upper: usize| -> Vec<f32> {
            let of = |i: usize| if i < upper { 0.5 } else { -0.5 } + 0.01 * (i % 3) as f32;
            (0..10).flat_map(|i| [of(i), of(i)]).collect()
        };
        let change = SampledChange::of(&chunks(6), &chunks(9), 10);
        assert_eq!((change.mode_before, change.mode_after), (0.6, 0.9));
        // Three of ten moved by 1.
        assert!((change.distance - 0.3f64.sqrt()).abs() < 1e-6, "{change:?}");
        assert!((change.spread - 0.49).abs() < 0.01, "{change:?}");
        let same = SampledChange::of(&chunks(6), &chunks(6), 10);
        assert_eq!((same.distance, same.mode_after), (0.0, 0.6));
    }
}
