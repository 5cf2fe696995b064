//! How far a policy has moved from its reference.

use apprentice_core::Seed;
use apprentice_nn::gaussian;
use apprentice_policy::train::add_noise;
use apprentice_policy::{NoiseSchedule, PolicyError, PolicyNetwork};
use burn::tensor::{Device, Tensor, TensorData};
use rand::Rng as _;

/// How far the predictions of two policies lie apart, mean squared, on the same chunks, noise and diffusion steps.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Drift {
    /// Of the predicted velocity `v = signal * noise - spread * clean`: every diffusion step alike, the noisiest among
    /// them, at which a chunk's mode is decided. 0 for the same policy; `v` itself has a variance of about 1.
    pub velocity: f64,
    /// Of the predicted noise, whose variance is 1: the same, times each step's share of signal, so that what happens
    /// at the noisiest steps is not seen in it.
    pub noise: f64,
}

/// Measures drift: an estimate of the divergence between sampling paths, up to the schedule's weights (arXiv
/// 2311.12908, section 4).
#[derive(Debug)]
pub struct DriftMeter {
    noisy: Tensor<3>,
    steps: Vec<usize>,
    /// Share of signal at each chunk's step, [N, 1, 1].
    signal: Tensor<3>,
    condition: Tensor<2>,
    reference: Tensor<3>,
}

impl DriftMeter {
    /// A meter that always asks at the same chunks [N, Tp, A] under conditions [N, C].
    ///
    /// # Errors
    /// When the chunks do not fit the network.
    pub fn new(
        reference: &PolicyNetwork,
        schedule: &NoiseSchedule,
        clean: Tensor<3>,
        condition: Tensor<2>,
        seed: Seed,
        device: &Device,
    ) -> Result<Self, PolicyError> {
        let mut rng = seed.rng();
        let dims = clean.dims();
        let steps: Vec<usize> = (0..dims[0])
            .map(|_| rng.random_range(0..schedule.steps()))
            .collect();
        let noise = gaussian(dims, &mut rng, device);
        let noisy = add_noise(schedule, clean, noise, &steps, device);
        let signal: Vec<f32> = steps.iter().map(|&t| schedule.mixing(t).0).collect();
        let signal = TensorData::new(signal, [dims[0], 1, 1]);
        let predicted = reference.velocity(noisy.clone(), &steps, condition.clone())?;
        Ok(Self {
            noisy,
            steps,
            signal: Tensor::from_data(signal, device),
            condition,
            reference: predicted,
        })
    }

    /// The drift of a policy without gradients.
    ///
    /// # Errors
    /// When the network has another shape.
    pub fn measure(&self, network: &PolicyNetwork) -> Result<Drift, PolicyError> {
        let predicted =
            network.velocity(self.noisy.clone(), &self.steps, self.condition.clone())?;
        let change = predicted - self.reference.clone();
        let mean = |change: Tensor<3>| -> f64 {
            let mean: f32 = change.powf_scalar(2.0).mean().into_scalar();
            f64::from(mean)
        };
        Ok(Drift {
            velocity: mean(change.clone()),
            noise: mean(change * self.signal.clone()),
        })
    }
}
