//! Training the head so that the metric agrees with the rankings (RAPL, section on
//! representation alignment).

use crate::{AlignmentHead, EncoderError, FeatureClip};
use apprentice_core::Seed;
use apprentice_nn::{AdamW, AdamWConfig, Linear};
use apprentice_transport::{CostMatrix, Metric, SinkhornConfig, cost_gradient, sinkhorn_batch};
use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

/// "`anchor` is more like `closer` than like `farther`", by index into the clips.
///
/// From a ranking: `anchor` is at least as good as `closer`, which is better than `farther`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Comparison {
    /// The preferred episode.
    pub anchor: usize,
    /// The one that should be near it.
    pub closer: usize,
    /// The one that should be far from it.
    pub farther: usize,
}

/// How a comparison becomes a loss; `p = sigmoid((R(anchor, closer) - R(anchor, farther)) / temperature)`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BradleyTerryLoss {
    /// `-log p`: the maximum-likelihood form.
    #[default]
    NegativeLogLikelihood,
    /// `1 - p`: what the author's public code minimises; forgives comparisons it has badly wrong.
    OneMinusP,
}

/// Settings of the alignment. Values in brackets are those of the RAPL author's public code.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AlignmentConfig {
    /// Numbers of the aligned embedding (default 32).
    pub embedding: usize,
    /// Passes over the comparisons (default 50).
    pub epochs: usize,
    /// Comparisons a step (default 10).
    pub batch: usize,
    /// Learning rate of Adam (default 3e-4).
    pub learning_rate: f64,
    /// Decoupled weight decay (default 0).
    pub weight_decay: f32,
    /// Loss (default one_minus_p).
    pub loss: BradleyTerryLoss,
    /// Divides the difference of similarities (default 1).
    pub temperature: f64,
    /// Distance of two frames (default cosine).
    pub metric: Metric,
    /// Transport between videos (default epsilon 1).
    pub transport: SinkhornConfig,
    /// Share of the comparisons kept back to choose the epoch (default 0.3).
    pub validation_share: f64,
}

impl Default for AlignmentConfig {
    fn default() -> Self {
        Self {
            embedding: 32,
            epochs: 40,
            batch: 10,
            learning_rate: 3e-4,
            weight_decay: 1e-2,
            loss: BradleyTerryLoss::default(),
            temperature: 0.5,
            metric: Metric::Cosine,
            transport: SinkhornConfig {
                epsilon: 0.1,
                iterations: 100,
                tolerance: 1e-4,
                ..SinkhornConfig::default()
            },
            validation_share: 0.2,
        }
    }
}

/// How an alignment went.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlignmentReport {
    /// Mean training loss of each epoch.
    pub training_loss: Vec<f64>,
    /// Mean loss on the comparisons kept back, for each epoch.
    pub validation_loss: Vec<f64>,
    /// Epoch whose weights were kept.
    pub best_epoch: usize,
}

#[derive(Module, Debug)]
struct Head {
    linear: Linear,
}

/// Trains a head on `clips` (all of the same feature dimension) and `comparisons`.
///
/// # Errors
/// When there is nothing to compare, or the loss is not finite.
pub fn align(
    clips: &[FeatureClip],
    comparisons: &[Comparison],
    config: &AlignmentConfig,
    seed: Seed,
    device: &Device,
    mut watch: impl FnMut(usize, usize) -> bool,
) -> Result<(AlignmentHead, AlignmentReport), EncoderError> {
    let dim = clips.first().map_or(0, |c| c.dim);
    if comparisons.is_empty() || dim == 0 {
        return Err(EncoderError::NoData(
            "no ranking puts one episode above another; rank more episodes".into(),
        ));
    }
    let (mean, inverse_spread) = AlignmentHead::statistics(clips.iter(), dim);
    let mut head = AlignmentHead {
        input: dim,
        output: config.embedding,
        mean,
        inverse_spread,
        weight: Vec::new(),
        bias: Vec::new(),
    };
    let rows: Vec<Vec<f32>> = clips.iter().map(|clip| head.standardize(clip)).collect();
    let mut rng = seed.rng();
    let mut order = comparisons.to_vec();
    order.shuffle(&mut rng);
    let kept_back =
        ((order.len() as f64 * config.validation_share).round() as usize).min(order.len() - 1);
    let validation = order.split_off(order.len() - kept_back);
    let autodiff = device.clone().autodiff();
    let mut network = Head {
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
        for batch in order.chunks(config.batch.max(1)) {
            let step = Step::new(&network, &rows, dim, batch, config, &autodiff)?;
            total += step.loss;
            let gradients = GradientsParams::from_grads(step.surrogate.backward(), &network);
            network = optimizer.step(network, gradients, config.learning_rate);
        }
        let mut held = 0.0;
        for batch in validation.chunks(64) {
            held += Step::new(&network, &rows, dim, batch, config, &autodiff)?.loss;
        }
        let training = total / order.len() as f64;
        let judged = if validation.is_empty() {
            training
        } else {
            held / validation.len() as f64
        };
        if !judged.is_finite() {
            return Err(EncoderError::NotFinite(format!(
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
            return Err(EncoderError::Stopped);
        }
    }
    let (weight, bias) = best.1.linear.weights();
    head.weight = weight;
    head.bias = bias;
    Ok((head, report))
}

/// One batch's loss, and a scalar whose gradient is the loss's: the plans are solved outside the
/// graph and their exact derivative enters as constant weights on the costs.
struct Step {
    loss: f64,
    surrogate: Tensor<1>,
}

impl Step {
    fn new(
        network: &Head,
        rows: &[Vec<f32>],
        dim: usize,
        batch: &[Comparison],
        config: &AlignmentConfig,
        device: &Device,
    ) -> Result<Self, EncoderError> {
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
        for (n, f) in near.similarity.iter().zip(&far.similarity) {
            let p = 1.0 / (1.0 + (-(n - f) / config.temperature).exp());
            let (value, slope) = match config.loss {
                BradleyTerryLoss::NegativeLogLikelihood => (-p.max(1e-300).ln(), -(1.0 - p)),
                BradleyTerryLoss::OneMinusP => (1.0 - p, -p * (1.0 - p)),
            };
            loss += value;
            pull.push(slope / config.temperature / batch.len() as f64);
        }
        let away: Vec<f64> = pull.iter().map(|g| -g).collect();
        let surrogate = near.surrogate(&pull, device) + far.surrogate(&away, device);
        Ok(Self { loss, surrogate })
    }
}

/// Costs between two batches of videos, their similarities, and the derivative of each similarity.
struct Costs {
    tensor: Tensor<3>,
    similarity: Vec<f64>,
    slope: Vec<Vec<f64>>,
}

impl Costs {
    fn new(a: Tensor<3>, b: Tensor<3>, config: &AlignmentConfig) -> Result<Self, EncoderError> {
        let tensor = match config.metric {
            Metric::Cosine => {
                let unit = |x: Tensor<3>| {
                    let length = x
                        .clone()
                        .powf_scalar(2.0)
                        .sum_dim(2)
                        .add_scalar(1e-12)
                        .sqrt();
                    x / length
                };
                unit(a)
                    .matmul(unit(b).swap_dims(1, 2))
                    .neg()
                    .add_scalar(1.0)
            }
            Metric::Euclidean => {
                let square = |x: Tensor<3>| x.powf_scalar(2.0).sum_dim(2);
                let cross = a.clone().matmul(b.clone().swap_dims(1, 2)).mul_scalar(2.0);
                (square(a) + square(b).swap_dims(1, 2) - cross)
                    .clamp_min(1e-8)
                    .sqrt()
            }
        };
        let [_, n, m] = tensor.dims();
        let values: Vec<f32> = tensor
            .clone()
            .into_data()
            .try_to_vec()
            .map_err(|e| EncoderError::NotFinite(format!("a cost ({e:?})")))?;
        let costs: Vec<CostMatrix> = values
            .chunks_exact(n * m)
            .map(|v| CostMatrix {
                rows: n,
                columns: m,
                values: v.iter().map(|&v| f64::from(v)).collect(),
            })
            .collect();
        let plans = sinkhorn_batch(&costs, &config.transport)?;
        let pairs = || costs.iter().zip(&plans);
        Ok(Self {
            tensor,
            similarity: pairs().map(|(c, p)| -p.cost(c)).collect(),
            slope: pairs()
                .map(|(c, p)| cost_gradient(c, p, config.transport.epsilon))
                .collect(),
        })
    }

    fn surrogate(&self, pull: &[f64], device: &Device) -> Tensor<1> {
        let weights: Vec<f32> = self
            .slope
            .iter()
            .zip(pull)
            .flat_map(|(slope, pull)| slope.iter().map(move |s| (s * pull) as f32))
            .collect();
        let weights = Tensor::<3>::from_data(TensorData::new(weights, self.tensor.dims()), device);
        (self.tensor.clone() * weights).sum()
    }
}
