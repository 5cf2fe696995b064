//! The diffusion-DPO loss over trajectories.

use burn::tensor::Tensor;
use burn::tensor::activation::log_sigmoid;

/// What one step's loss is made of.
pub struct DpoLoss {
    /// The scalar to descend.
    pub total: Tensor<1>,
    /// Share of pairs that the policy already orders better than the reference does.
    pub implicit_accuracy: f32,
    /// Mean preference loss; ln 2 where policy and reference agree.
    pub preference: f32,
    /// Mean squared error of the noise on the winners.
    pub winner_error: f32,
}

/// `-log sigmoid(-beta / 2 [mean_k (m_w - f_w) - mean_k (m_l - f_l)]) + lambda mean m_w`, where `m`
/// are the policy's and `f` the reference's mean squared noise errors of chunk k, [pairs, chunks]
/// each, with the same noise and diffusion step for winner and loser (arXiv 2311.12908, eq. 14;
/// each chunk conditioned on its own observation).
#[must_use]
pub fn dpo_loss(
    winner: Tensor<2>,
    loser: Tensor<2>,
    winner_reference: Tensor<2>,
    loser_reference: Tensor<2>,
    beta: f64,
    winner_imitation: f64,
) -> DpoLoss {
    let gain = (winner.clone() - winner_reference) - (loser - loser_reference);
    let inside = gain.mean_dim(1).mul_scalar(-0.5 * beta);
    let preference = log_sigmoid(inside.clone()).neg().mean();
    let imitation = winner.mean();
    let ordered = inside.greater_elem(0.0).float().mean();
    DpoLoss {
        implicit_accuracy: ordered.into_scalar(),
        preference: preference.clone().into_scalar(),
        winner_error: imitation.clone().into_scalar(),
        total: preference + imitation.mul_scalar(winner_imitation),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, TensorData};

    fn errors(values: [f32; 4]) -> Tensor<2> {
        Tensor::from_data(TensorData::new(values.to_vec(), [2, 2]), &Device::flex())
    }

    #[test]
    fn at_the_reference_the_loss_is_ln_2_and_nothing_is_ordered() {
        let e = || errors([0.1, 0.2, 0.3, 0.4]);
        let loss = dpo_loss(e(), e(), e(), e(), 48.0, 0.0);
        assert!((loss.preference - std::f32::consts::LN_2).abs() < 1e-6);
        assert_eq!(loss.implicit_accuracy, 0.0);
    }

    #[test]
    fn fitting_winners_better_and_losers_worse_lowers_it() {
        let reference = || errors([0.2; 4]);
        let better = dpo_loss(
            errors([0.1; 4]),
            errors([0.3; 4]),
            reference(),
            reference(),
            10.0,
            0.0,
        );
        // inside = -0.5 * 10 * (-0.1 - 0.1) = 1, -log sigmoid(1) = 0.3132617
        assert!((better.preference - 0.313_261_7).abs() < 1e-5);
        assert_eq!(better.implicit_accuracy, 1.0);
    }
}
