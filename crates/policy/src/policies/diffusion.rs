//! Diffusion policies (Chi et al. 2023, arXiv 2303.04137).

pub use crate::config::DiffusionConfig;

use crate::continuation::Continuation;
use crate::{
    DiffusionPolicy, Policy, PolicyError, PolicyKind, TrainConfig, TrainProgress, WindowConfig,
    Windows, train,
};
use apprentice_core::{ActionChunk, ActionSpace, PolicyInput, PreviousChunk, Seed};
use apprentice_nn::Precision;
use burn::tensor::Device;
use std::path::Path;

impl PolicyKind for DiffusionConfig {
    fn validate(&self) -> Result<(), PolicyError> {
        DiffusionConfig::validate(self)
    }

    fn windows(&self) -> WindowConfig {
        self.into()
    }

    fn train(
        &self,
        windows: &Windows,
        training: &TrainConfig,
        seed: Seed,
        device: &Device,
        watch: &mut (dyn FnMut(TrainProgress) -> bool + Send),
    ) -> Result<Box<dyn Policy>, PolicyError> {
        let policy = train(windows, self, training, seed, device, watch)?;
        Ok(Box::new(policy))
    }

    fn load(&self, path: &Path, device: &Device) -> Result<Box<dyn Policy>, PolicyError> {
        Ok(Box::new(DiffusionPolicy::load(path, device)?))
    }
}

impl Policy for DiffusionPolicy {
    fn observation_history(&self) -> usize {
        self.config().observation_history
    }

    fn n_action_steps(&self) -> usize {
        self.config().n_action_steps
    }

    fn action_space(&self) -> ActionSpace {
        DiffusionPolicy::action_space(self)
    }

    fn plan(
        &self,
        inputs: &[PolicyInput<'_>],
        previous: &[Option<&PreviousChunk>],
    ) -> Result<Vec<ActionChunk>, PolicyError> {
        // Actions of a chunk before the newest observation's own tick.
        let before = self.config().observation_history.saturating_sub(1);
        let seeds: Vec<Seed> = inputs
            .iter()
            .map(|input| input.seed.derive("denoising", input.tick))
            .collect();
        let previous: Vec<Option<Continuation<'_>>> = previous
            .iter()
            .map(|p| p.map(|p| Continuation::of(p, before)))
            .collect();
        let chunks = self.denoise_continuing(inputs, &seeds, &previous)?;
        // A chunk begins at the oldest observation; what lies in the past is over.
        let from_now = |(chunk, input): (Vec<Vec<f32>>, &PolicyInput<'_>)| {
            let actions = chunk.iter().skip(before);
            let chunk = ActionChunk::new(self.action_space(), input.stamp(), actions)?;
            Ok(chunk.with_n_action_steps(self.config().n_action_steps))
        };
        chunks.into_iter().zip(inputs).map(from_now).collect()
    }

    fn next_actions(
        &self,
        windows: &Windows,
        samples: &[(usize, usize)],
        seed: Seed,
    ) -> Result<Vec<f32>, PolicyError> {
        DiffusionPolicy::next_actions(self, windows, samples, seed)
    }

    fn with_precision(
        self: Box<Self>,
        precision: Precision,
    ) -> Result<Box<dyn Policy>, PolicyError> {
        Ok(Box::new(self.in_precision(precision)?))
    }

    fn precision_error(&self, count: usize, seed: Seed) -> Result<(f32, f32), PolicyError> {
        DiffusionPolicy::precision_error(self, count, seed)
    }

    fn save(&self, path: &Path) -> Result<(), PolicyError> {
        DiffusionPolicy::save(self, path)
    }
}
