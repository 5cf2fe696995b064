//! How far a policy has moved from its reference.

use apprentice_core::Seed;
use apprentice_nn::gaussian;
use apprentice_policy::train::add_noise;
use apprentice_policy::{NoiseSchedule, PolicyError, PolicyNetwork};
use burn::tensor::{Device, Tensor};
use rand::Rng as _;

/// Mean squared difference between the noise two policies predict on the same chunks, noise and
/// steps: an estimate of the divergence between their sampling paths, up to the schedule's weights
/// (arXiv 2311.12908, section 4). 0 for the same policy; 1 is the variance of the noise itself.
#[derive(Debug)]
pub struct DriftMeter {
    schedule: NoiseSchedule,
    noisy: Tensor<3>,
    steps: Vec<usize>,
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
        let predicted = reference.noise(schedule, noisy.clone(), &steps, condition.clone())?;
        Ok(Self {
            schedule: schedule.clone(),
            noisy,
            steps,
            condition,
            reference: predicted,
        })
    }

    /// The drift of a policy without gradients.
    ///
    /// # Errors
    /// When the network has another shape.
    pub fn measure(&self, network: &PolicyNetwork) -> Result<f64, PolicyError> {
        let predicted = network.noise(
            &self.schedule,
            self.noisy.clone(),
            &self.steps,
            self.condition.clone(),
        )?;
        let drift: f32 = (predicted - self.reference.clone())
            .powf_scalar(2.0)
            .mean()
            .into_scalar();
        Ok(f64::from(drift))
    }
}
