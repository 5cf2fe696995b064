//! The similarity of batches of videos, and its exact gradient.

use super::config::AlignmentConfig;
use crate::RewardError;
use apprentice_optimal_transport::{CostMatrix, Metric, cost_gradient, sinkhorn_batch};
use burn::tensor::{Device, Tensor, TensorData};

/// Costs between two batches of videos [B, T, E], the similarity of each pair of videos (minus its
/// transport cost), and the derivative of each similarity by its costs.
pub(super) struct Costs {
    tensor: Tensor<3>,
    pub similarity: Vec<f64>,
    slope: Vec<Vec<f64>>,
}

impl Costs {
    pub fn new(a: Tensor<3>, b: Tensor<3>, config: &AlignmentConfig) -> Result<Self, RewardError> {
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
            .map_err(|e| RewardError::NotFinite(format!("a cost ({e:?})")))?;
        let costs: Vec<CostMatrix> = values
            .chunks_exact(n * m)
            .map(|v| CostMatrix {
                rows: n,
                columns: m,
                values: v.iter().map(|&v| f64::from(v)).collect(),
            })
            .collect();
        let plans = sinkhorn_batch(&costs, &config.optimal_transport)?;
        let pairs = || costs.iter().zip(&plans);
        Ok(Self {
            tensor,
            similarity: pairs().map(|(c, p)| -p.cost(c)).collect(),
            slope: pairs()
                .map(|(c, p)| cost_gradient(c, p, config.optimal_transport.epsilon))
                .collect(),
        })
    }

    /// A scalar whose gradient is that of `pull` times the similarities: the plans are solved outside the
    /// graph and their exact derivative enters as constant weights on the costs.
    pub fn surrogate(&self, pull: &[f64], device: &Device) -> Tensor<1> {
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
