//! What alignment did to samples: chunks of both policies, from the same noise, where the same is seen.

use apprentice_core::Seed;
use apprentice_policy::{DiffusionPolicy, PolicyError};
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

/// Chunks sampled of each policy at each observation.
pub(crate) const DRAWS: usize = 16;
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
    /// Spread of the reference's samples at one observation, in the same unit: the distance of policies that have
    /// nothing to do with each other is about 1.4 times that.
    pub spread: f64,
    /// At each observation the reference's samples fall into two modes (2-means): the share of samples that went from
    /// one to the other, the mean over observations, 0 to 1. Where there is one mode only, this is what falls on either
    /// side of its middle.
    pub modes_moved: f64,
}

impl SampledChange {
    /// From the reference to `aligned`, under conditions [N, C], each [`DRAWS`] times.
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
        let mut sum = Self::default();
        for observation in 0..count {
            let condition = conditions.clone().narrow(0, observation, 1);
            let condition = condition.repeat_dim(0, DRAWS);
            let number = |draw| seed.derive("sample", (observation * DRAWS + draw) as u64);
            let seeds: Vec<Seed> = (0..DRAWS).map(number).collect();
            let before = reference.sample(condition.clone(), &seeds)?;
            let after = aligned.sample(condition, &seeds)?;
            sum.add(&Self::at_one(&before, &after, DRAWS));
        }
        Ok(sum.mean(count))
    }

    /// Of `count` chunks each at one observation, one after the other; distances squared.
    fn at_one(before: &[f32], after: &[f32], count: usize) -> Self {
        let size = before.len() / count.max(1);
        if size == 0 {
            return Self::default();
        }
        let mean = mean_chunk(before.chunks_exact(size), size);
        let spread: f64 = before.chunks_exact(size).map(|c| square(c, &mean)).sum();
        let modes = two_means(before, size, &mean);
        let share = |chunks: &[f32]| {
            let near = |c: &&[f32]| square(c, &modes[0]) <= square(c, &modes[1]);
            chunks.chunks_exact(size).filter(near).count() as f64 / count as f64
        };
        Self {
            samples: count,
            distance: square(before, after) / before.len() as f64,
            spread: spread / before.len() as f64,
            modes_moved: (share(after) - share(before)).abs(),
        }
    }

    fn add(&mut self, other: &Self) {
        self.samples += other.samples;
        self.distance += other.distance;
        self.spread += other.spread;
        self.modes_moved += other.modes_moved;
    }

    /// The mean over observations, distances no longer squared.
    fn mean(self, observations: usize) -> Self {
        let count = observations.max(1) as f64;
        Self {
            samples: self.samples,
            distance: (self.distance / count).sqrt(),
            spread: (self.spread / count).sqrt(),
            modes_moved: self.modes_moved / count,
        }
    }
}

fn square(a: &[f32], b: &[f32]) -> f64 {
    let each = a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2));
    each.sum()
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
    let farthest = |from: &[f32]| {
        let far = |a: &&[f32], b: &&[f32]| square(a, from).total_cmp(&square(b, from));
        let chunks = chunks.chunks_exact(size);
        chunks
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
        let change = SampledChange::at_one(&chunks(6), &chunks(9), 10).mean(1);
        assert!((change.modes_moved - 0.3).abs() < 1e-9, "{change:?}");
        // Three of ten moved by 1.
        assert!((change.distance - 0.3f64.sqrt()).abs() < 1e-6, "{change:?}");
        assert!((change.spread - 0.49).abs() < 0.01, "{change:?}");
        let same = SampledChange::at_one(&chunks(6), &chunks(6), 10).mean(1);
        assert_eq!((same.distance, same.modes_moved), (0.0, 0.0));
    }
}
