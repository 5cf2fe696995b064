//! One step's chunks, and the errors of a policy and its reference at them.

use crate::objective::Needs;
use crate::pairs::Pair;
use crate::sampling::RolloutChunks;
use crate::{AlignConfig, Batch, Errors};
use apprentice_nn::gaussian;
use apprentice_policy::train::{add_noise, error_weights};
use apprentice_policy::{NoiseSchedule, PolicyError, PolicyNetwork};
use burn::tensor::{Device, Tensor};
use rand::Rng;
use rand::seq::index;

/// What rollouts may be drawn from, by index, and the standardised reward of each.
pub(crate) struct Candidates {
    pub pairs: Vec<Pair>,
    pub winners: Vec<usize>,
    pub rewards: Vec<f64>,
}

impl Candidates {
    /// Rankings of `size` rollouts each, or of as many as there are: for each place, the best first, one a ranking.
    fn rankings(&self, count: usize, size: usize, rng: &mut impl Rng) -> Vec<Vec<usize>> {
        let size = size.min(self.rewards.len());
        let mut places = vec![Vec::with_capacity(count); size];
        for _ in 0..count {
            let mut drawn = index::sample(rng, self.rewards.len(), size).into_vec();
            drawn.sort_by(|&a, &b| self.rewards[b].total_cmp(&self.rewards[a]));
            for (place, rollout) in places.iter_mut().zip(drawn) {
                place.push(rollout);
            }
        }
        places
    }
}

/// Chunks of some rollouts with noise and diffusion steps.
struct Group {
    clean: Tensor<3>,
    condition: Tensor<2>,
    noise: Tensor<3>,
    steps: Vec<usize>,
    /// Of each row.
    rewards: Vec<f64>,
}

/// The chunks of one step: winners, losers, samples, as far as they are needed.
pub(crate) struct StepBatch {
    groups: Vec<Group>,
    needs: Needs,
    chunks_per_row: usize,
    max_loss_weight: f64,
}

/// Moves a tensor to another device, without its history.
fn to_device<const D: usize>(tensor: &Tensor<D>, device: &Device) -> Tensor<D> {
    Tensor::from_data(tensor.clone().into_data(), device)
}

impl StepBatch {
    /// Draws what `needs` says.
    pub fn draw(
        chunks: &RolloutChunks,
        candidates: &Candidates,
        needs: Needs,
        config: &AlignConfig,
        schedule: &NoiseSchedule,
        rng: &mut impl Rng,
        device: &Device,
    ) -> Self {
        let mut batch = Self {
            groups: Vec::new(),
            needs,
            chunks_per_row: chunks.chunks_per_row(),
            max_loss_weight: config.max_loss_weight,
        };
        let any = |from: &[usize], rng: &mut _| from[Rng::random_range(rng, 0..from.len())];
        if needs.pairs {
            let drawn: Vec<Pair> = (0..config.pairs)
                .map(|_| candidates.pairs[rng.random_range(0..candidates.pairs.len())])
                .collect();
            let (winners, losers): (Vec<usize>, Vec<usize>) =
                drawn.iter().map(|p| (p.winner, p.loser)).unzip();
            batch.add(
                &[winners, losers],
                chunks,
                candidates,
                schedule,
                rng,
                device,
            );
        } else if needs.winners {
            let winners = (0..config.pairs).map(|_| any(&candidates.winners, rng));
            let winners = winners.collect();
            batch.add(&[winners], chunks, candidates, schedule, rng, device);
        }
        if needs.samples {
            let samples =
                (0..2 * config.pairs).map(|_| rng.random_range(0..candidates.rewards.len()));
            let samples = samples.collect();
            batch.add(&[samples], chunks, candidates, schedule, rng, device);
        }
        if needs.rankings {
            let places = candidates.rankings(config.pairs, config.ranking_size, rng);
            batch.add(&places, chunks, candidates, schedule, rng, device);
        }
        batch
    }

    /// Draws chunks of lists of rollouts that share noise and diffusion steps.
    fn add(
        &mut self,
        lists: &[Vec<usize>],
        chunks: &RolloutChunks,
        candidates: &Candidates,
        schedule: &NoiseSchedule,
        rng: &mut impl Rng,
        device: &Device,
    ) {
        let clean: Vec<(Tensor<3>, Tensor<2>)> = lists
            .iter()
            .map(|rollouts| chunks.sample(rollouts.iter().copied(), rng, device))
            .collect();
        let Some(dims) = clean.first().map(|(chunks, _)| chunks.dims()) else {
            return;
        };
        let steps: Vec<usize> = (0..dims[0])
            .map(|_| rng.random_range(0..schedule.steps()))
            .collect();
        let noise = gaussian(dims, rng, device);
        let rows = dims[0] / self.chunks_per_row;
        for (rollouts, (clean, condition)) in lists.iter().zip(clean) {
            let of_row = |row: usize| candidates.rewards[rollouts[row * rollouts.len() / rows]];
            self.groups.push(Group {
                clean,
                condition,
                noise: noise.clone(),
                steps: steps.clone(),
                rewards: (0..rows).map(of_row).collect(),
            });
        }
    }

    /// The same on another device.
    pub fn on(&self, device: &Device) -> Self {
        let group = |group: &Group| Group {
            clean: to_device(&group.clean, device),
            condition: to_device(&group.condition, device),
            noise: to_device(&group.noise, device),
            steps: group.steps.clone(),
            rewards: group.rewards.clone(),
        };
        Self {
            groups: self.groups.iter().map(group).collect(),
            ..*self
        }
    }

    /// Predictions of the noise for all groups in one pass, [all chunks, Tp, A], and their errors.
    fn predict(
        &self,
        network: &PolicyNetwork,
        schedule: &NoiseSchedule,
        device: &Device,
    ) -> Result<Predictions, PolicyError> {
        let all = |part: fn(&Group) -> Tensor<3>| {
            Tensor::cat(self.groups.iter().map(part).collect::<Vec<_>>(), 0)
        };
        let (clean, noise) = (all(|g| g.clean.clone()), all(|g| g.noise.clone()));
        let conditions: Vec<_> = self.groups.iter().map(|g| g.condition.clone()).collect();
        let condition = Tensor::cat(conditions, 0);
        let steps = self.steps();
        let noisy = add_noise(schedule, clean, noise.clone(), &steps, device);
        let predicted = network.noise(schedule, noisy, &steps, condition)?;
        let errors = mean_square(predicted.clone() - noise);
        Ok(Predictions { predicted, errors })
    }

    fn steps(&self) -> Vec<usize> {
        self.groups.iter().flat_map(|g| g.steps.clone()).collect()
    }

    /// A number a chunk, [all chunks], as [rows, chunks] for each group.
    fn by_group(&self, values: Tensor<1>) -> Vec<Tensor<2>> {
        let count = values.dims()[0];
        let values = values.reshape([count / self.chunks_per_row, self.chunks_per_row]);
        let mut begin = 0;
        let group = |group: &Group| {
            let end = begin + group.rewards.len();
            let rows = values.clone().slice([begin..end, 0..self.chunks_per_row]);
            begin = end;
            rows
        };
        self.groups.iter().map(group).collect()
    }

    /// What objectives are given: errors of `network`, whose gradients are on `autodiff`, and of `reference` if needed.
    pub fn batch(
        &self,
        network: &PolicyNetwork,
        reference: &PolicyNetwork,
        schedule: &NoiseSchedule,
        (device, autodiff): (&Device, &Device),
    ) -> Result<Batch, PolicyError> {
        let policy = self.on(autodiff).predict(network, schedule, autodiff)?;
        let weights = error_weights(schedule, &self.steps(), self.max_loss_weight, autodiff);
        let weights = self.by_group(weights.flatten(0, 2));
        let mut errors: Vec<Errors> = (self.by_group(policy.errors).into_iter())
            .zip(weights)
            .zip(&self.groups)
            .map(|((policy, weights), group)| Errors::new(policy, weights, group.rewards.clone()))
            .collect();
        if self.needs.reference {
            let reference = self.predict(reference, schedule, device)?;
            let predicted = to_device(&reference.predicted, autodiff);
            let departures = self.by_group(mean_square(policy.predicted - predicted));
            let references = self.by_group(to_device(&reference.errors, autodiff));
            let both = references.into_iter().zip(departures);
            errors = (errors.into_iter().zip(both))
                .map(|(errors, (reference, departure))| errors.with_reference(reference, departure))
                .collect();
        }
        let mut errors = errors.into_iter();
        let numbers = self.groups.first().map_or(0, |g| {
            let [_, horizon, dim] = g.clean.dims();
            horizon * dim
        });
        let mut batch = Batch::new(numbers);
        if self.needs.pairs {
            if let (Some(winners), Some(losers)) = (errors.next(), errors.next()) {
                batch = batch.with_pairs(winners, losers);
            }
        } else if self.needs.winners
            && let Some(winners) = errors.next()
        {
            batch = batch.with_winners(winners);
        }
        if self.needs.samples
            && let Some(samples) = errors.next()
        {
            batch = batch.with_samples(samples);
        }
        if self.needs.rankings {
            batch = batch.with_rankings(errors.collect());
        }
        Ok(batch)
    }
}

/// What a network predicts, [chunks, Tp, A], and its mean squared error for each chunk, `[chunks]`.
struct Predictions {
    predicted: Tensor<3>,
    errors: Tensor<1>,
}

/// Mean over the numbers of each chunk.
fn mean_square(difference: Tensor<3>) -> Tensor<1> {
    let [count, horizon, dim] = difference.dims();
    let square = difference.clone() * difference;
    square
        .reshape([count, horizon * dim])
        .mean_dim(1)
        .flatten(0, 1)
}
