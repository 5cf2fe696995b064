//! Training the projection so that the metric agrees with the rankings (RAPL, section on
//! representation alignment).

mod bradley_terry;
mod config;
mod similarity;

pub use bradley_terry::{BradleyTerryLoss, Reduction, Ties};
pub(super) use bradley_terry::{Comparison, Relation};
pub use config::AlignmentConfig;

use super::projection::LinearProjection;
use crate::RewardError;
use apprentice_core::Seed;
use apprentice_encoder::{FeatureClip, Standardisation};
use apprentice_nn::{AdamW, AdamWConfig, Linear};
use bradley_terry::{loss_and_slope, winning_probability};
use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use rand::seq::SliceRandom;
use similarity::Costs;

/// How an alignment went.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct AlignmentReport {
    /// Mean training loss of each epoch.
    pub training_loss: Vec<f64>,
    /// Mean loss on the comparisons kept back, for each epoch.
    pub validation_loss: Vec<f64>,
    /// Epoch whose weights were kept.
    pub best_epoch: usize,
}

#[derive(Module, Debug)]
struct Network {
    linear: Linear,
}

/// Trains a projection on `clips` (all of the same feature dimension and number of frames) and
/// `comparisons`; `watch` hears of epochs done and to do, and stops the training by `false`.
///
/// # Errors
/// When a setting cannot work, there is nothing to compare, a confidence is not above 0, or the loss is
/// not finite.
pub(super) fn align(
    clips: &[FeatureClip],
    comparisons: &[Comparison],
    config: &AlignmentConfig,
    seed: Seed,
    device: &Device,
    mut watch: impl FnMut(usize, usize) -> bool,
) -> Result<(LinearProjection, AlignmentReport), RewardError> {
    config.validate()?;
    let unsure = |c: &&Comparison| !(c.confidence > 0.0 && c.confidence <= 1.0);
    if let Some(unsure) = comparisons.iter().find(unsure) {
        return Err(RewardError::Config {
            key: "confidence of a comparison",
            got: unsure.confidence.to_string(),
            allowed: "more than 0, up to 1".into(),
        });
    }
    let dim = clips.first().map_or(0, |c| c.width);
    if comparisons.is_empty() || dim == 0 {
        return Err(RewardError::NoData(
            "no ranking puts one episode above another; rank more episodes".into(),
        ));
    }
    let mut projection = LinearProjection {
        input: dim,
        output: config.embedding,
        standardisation: Standardisation::fit(clips, config.standardise),
        weight: Vec::new(),
        bias: Vec::new(),
    };
    let rows: Vec<Vec<f32>> = clips
        .iter()
        .map(|clip| projection.standardisation.apply(clip))
        .collect();
    let mut rng = seed.rng();
    let mut order = comparisons.to_vec();
    order.shuffle(&mut rng);
    let kept_back =
        ((order.len() as f64 * config.validation_share).round() as usize).min(order.len() - 1);
    let validation = order.split_off(order.len() - kept_back);
    let autodiff = device.clone().autodiff();
    let mut network = Network {
        linear: Linear::new(dim, config.embedding, &mut rng, &autodiff),
    };
    let mut optimizer = AdamW::new(AdamWConfig {
        betas: (0.9, 0.999),
        weight_decay: config.weight_decay,
        ..AdamWConfig::default()
    });
    let mut report = AlignmentReport {
        training_loss: vec![],
        validation_loss: vec![],
        best_epoch: 0,
    };
    let mut best = (f64::INFINITY, network.clone());
    for epoch in 0..config.epochs {
        order.shuffle(&mut rng);
        let mut total = 0.0;
        for batch in order.chunks(config.batch) {
            let step = Step::new(&network, &rows, dim, batch, config, &autodiff)?;
            total += step.loss;
            if epoch < config.idle_epochs {
                continue;
            }
            let gradients = GradientsParams::from_grads(step.surrogate.backward(), &network);
            network = optimizer.step(network, gradients, config.learning_rate);
        }
        let mut held = 0.0;
        for batch in validation.chunks(64) {
            held += Step::new(&network, &rows, dim, batch, config, &autodiff)?.loss;
        }
        let training = total / confidence(&order);
        let judged = if validation.is_empty() {
            training
        } else {
            held / confidence(&validation)
        };
        if !judged.is_finite() {
            return Err(RewardError::NotFinite(format!(
                "the alignment loss in epoch {epoch}"
            )));
        }
        report.training_loss.push(training);
        report.validation_loss.push(judged);
        if judged < best.0 {
            best = (judged, network.clone());
            report.best_epoch = epoch;
        }
        if !watch(epoch + 1, config.epochs) {
            return Err(RewardError::Stopped);
        }
    }
    let (weight, bias) = best.1.linear.weights();
    projection.weight = weight;
    projection.bias = bias;
    Ok((projection, report))
}

/// The comparisons' confidences together.
fn confidence(comparisons: &[Comparison]) -> f64 {
    comparisons.iter().map(|c| c.confidence).sum()
}

/// One batch's loss (summed, each by its confidence), and a scalar whose gradient is the loss's.
struct Step {
    loss: f64,
    surrogate: Tensor<1>,
}

impl Step {
    fn new(
        network: &Network,
        rows: &[Vec<f32>],
        dim: usize,
        batch: &[Comparison],
        config: &AlignmentConfig,
        device: &Device,
    ) -> Result<Self, RewardError> {
        let embed = |pick: fn(&Comparison) -> usize| {
            let picked: Vec<f32> = batch
                .iter()
                .flat_map(|c| rows[pick(c)].iter().copied())
                .collect();
            let length = rows[pick(&batch[0])].len() / dim;
            let flat = Tensor::<2>::from_data(
                TensorData::new(picked, [batch.len() * length, dim]),
                device,
            );
            network
                .linear
                .forward(flat)
                .reshape([batch.len(), length, config.embedding])
        };
        let (anchor, closer, farther) = (
            embed(|c| c.anchor),
            embed(|c| c.closer),
            embed(|c| c.farther),
        );
        let near = Costs::new(anchor.clone(), closer, config)?;
        let far = Costs::new(anchor, farther, config)?;
        let (mut loss, mut pull) = (0.0, Vec::with_capacity(batch.len()));
        let share = match config.reduction {
            Reduction::Mean => batch.len() as f64,
            Reduction::Sum => 1.0,
        };
        let similarities = near.similarity.iter().zip(&far.similarity);
        for (comparison, (n, f)) in batch.iter().zip(similarities) {
            let p = winning_probability(*n, *f, config.temperature);
            let (value, slope) = loss_and_slope(p, comparison.relation, config.loss);
            loss += value * comparison.confidence;
            pull.push(slope / config.temperature / share * comparison.confidence);
        }
        let away: Vec<f64> = pull.iter().map(|g| -g).collect();
        let surrogate = near.surrogate(&pull, device) + far.surrogate(&away, device);
        Ok(Self { loss, surrogate })
    }
}

#[cfg(test)]
mod tests;
