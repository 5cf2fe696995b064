//! A trained policy at work: observations in, chunks of actions out.

use crate::denoiser::Denoiser;
use crate::finite::finite;
use crate::schedule::Spacing;
use crate::windows::pictures;
use crate::{
    ActionFrame, DdimSampler, DiffusionConfig, MinMaxNormalizer, NoiseSchedule, PolicyError,
    PolicyNetwork, Windows, frame,
};
use apprentice_core::{ActionSpace, Image, PolicyInput, PolicyObservation, Seed};
use apprentice_nn::Precision;
use burn::module::Module as _;
use burn::tensor::{Device, Tensor, TensorData};
use rand_distr::{Distribution as _, StandardNormal};

/// How often a step is gone back to by [`DiffusionPolicy::denoise_continuing`], unless told otherwise.
const RESAMPLING: usize = 1;

/// A diffusion policy with everything it needs to act.
#[derive(Clone, Debug)]
pub struct DiffusionPolicy {
    network: PolicyNetwork,
    config: DiffusionConfig,
    proprioception: MinMaxNormalizer,
    actions: MinMaxNormalizer,
    cameras: usize,
    action_space: ActionSpace,
    denoiser: Denoiser,
    resampling: usize,
    device: Device,
}

impl DiffusionPolicy {
    /// Puts a policy together; the network is moved to `device`, gradients off. What its actions mean goes by
    /// their number ([`ActionSpace::of_sizes`]), unless [`Self::with_action_space`] says otherwise.
    ///
    /// # Errors
    /// When the configuration cannot work.
    pub fn new(
        network: PolicyNetwork,
        config: DiffusionConfig,
        proprioception: MinMaxNormalizer,
        actions: MinMaxNormalizer,
        cameras: usize,
        device: &Device,
    ) -> Result<Self, PolicyError> {
        config.validate()?;
        let network = network.valid();
        Ok(Self {
            denoiser: denoiser(&network, &config, Precision::F32, device)?,
            action_space: ActionSpace::of_sizes(actions.dim(), proprioception.dim()),
            network,
            config,
            proprioception,
            actions,
            cameras,
            resampling: RESAMPLING,
            device: device.clone(),
        })
    }

    /// The same policy, its U-Net answering in `precision`.
    ///
    /// # Errors
    /// When the policy's device does not compute in it.
    pub fn in_precision(mut self, precision: Precision) -> Result<Self, PolicyError> {
        self.denoiser = denoiser(&self.network, &self.config, precision, &self.device)?;
        Ok(self)
    }

    /// The same policy, whose actions are in this space.
    #[must_use]
    pub fn with_action_space(mut self, space: ActionSpace) -> Self {
        self.action_space = space;
        self
    }

    /// What its actions mean.
    #[must_use]
    pub fn action_space(&self) -> ActionSpace {
        self.action_space
    }

    /// The same policy, going back to each denoising step `times` times when it continues a previous chunk
    /// (1 if this is never called): the rest of a chunk then follows what is certain more closely, and
    /// planning takes as many times longer. Chunks that continue nothing stay as they are.
    #[must_use]
    pub fn with_resampling(mut self, times: usize) -> Self {
        self.resampling = times;
        self
    }

    /// How often a denoising step is gone back to when continuing a previous chunk.
    #[must_use]
    pub fn resampling(&self) -> usize {
        self.resampling
    }

    /// How far chunks in the policy's precision are from those in 32 bits, of the range of each number:
    /// (mean, largest), over `count` draws of noise under a condition of zeros. The loop runs as it is:
    /// recording it for this one answer would take longer.
    ///
    /// # Errors
    /// When a number comes out that is not finite.
    pub fn precision_error(&self, count: usize, seed: Seed) -> Result<(f32, f32), PolicyError> {
        let exact = denoiser(&self.network, &self.config, Precision::F32, &self.device)?;
        let condition = Tensor::zeros([count, self.network.condition_dim()], &self.device);
        let noise = self.noise(
            &(0..count as u64)
                .map(|i| seed.derive("noise", i))
                .collect::<Vec<_>>(),
        );
        let found = self.denoiser.run_once(noise.clone(), condition.clone())?;
        let wanted = exact.run_once(noise, condition)?;
        // Scaled actions reach from -1 to 1.
        let errors = found.iter().zip(&wanted).map(|(f, w)| (f - w).abs() / 2.0);
        let (sum, most) = errors.fold((0.0, 0.0f32), |(s, m), e| (s + e, m.max(e)));
        Ok((sum / wanted.len().max(1) as f32, most))
    }

    /// The networks, without gradients.
    #[must_use]
    pub fn network(&self) -> &PolicyNetwork {
        &self.network
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &DiffusionConfig {
        &self.config
    }

    /// The (proprioception, action) scaling.
    #[must_use]
    pub fn normalizers(&self) -> (&MinMaxNormalizer, &MinMaxNormalizer) {
        (&self.proprioception, &self.actions)
    }

    /// Cameras the policy looks through.
    #[must_use]
    pub fn cameras(&self) -> usize {
        self.cameras
    }

    /// The denoising loop.
    pub(crate) fn denoiser(&self) -> &Denoiser {
        &self.denoiser
    }

    /// Where the policy computes.
    #[must_use]
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The same policy with other networks of the same shape.
    ///
    /// # Errors
    /// When they are of another shape.
    pub fn with_network(&self, network: PolicyNetwork) -> Result<Self, PolicyError> {
        let network = network.valid();
        let precision = self.denoiser.precision();
        Ok(Self {
            denoiser: denoiser(&network, &self.config, precision, &self.device)?,
            network,
            ..self.clone()
        })
    }

    /// Denoises one whole chunk (Tp actions of A numbers) for each input; `seeds` draw the noise,
    /// one an input, so that an answer does not depend on what else is in the batch.
    ///
    /// # Errors
    /// When an input does not fit the policy, or a number comes out that is not finite.
    pub fn denoise(
        &self,
        inputs: &[PolicyInput<'_>],
        seeds: &[Seed],
    ) -> Result<Vec<Vec<Vec<f32>>>, PolicyError> {
        if inputs.is_empty() {
            return Ok(Vec::new());
        }
        let condition = self.condition(inputs)?;
        let sample = self.sample(condition, seeds)?;
        self.chunks(sample, inputs, |_, _| None)
    }

    /// Chunks [B, Tp, A], scaled to [-1, 1], as robots understand them; where `known` answers for an
    /// input and a place of its chunk, that is the action.
    pub(crate) fn chunks<'k>(
        &self,
        mut sample: Vec<f32>,
        inputs: &[PolicyInput<'_>],
        known: impl Fn(usize, usize) -> Option<&'k [f32]>,
    ) -> Result<Vec<Vec<Vec<f32>>>, PolicyError> {
        let (horizon, dim) = (self.config.horizon, self.actions.dim());
        self.actions.denormalize(&mut sample);
        let mut chunks = Vec::with_capacity(inputs.len());
        for (i, (rows, input)) in sample.chunks_exact(horizon * dim).zip(inputs).enumerate() {
            let tool = input.newest().map_or(&[][..], |n| &n.proprioception);
            let mut chunk = Vec::with_capacity(horizon);
            for (place, action) in rows.chunks_exact(dim).enumerate() {
                chunk.push(match known(i, place) {
                    Some(known) => known.to_vec(),
                    None => self.in_base(action, tool)?,
                });
            }
            chunks.push(chunk);
        }
        Ok(chunks)
    }

    /// An action as robots understand it.
    fn in_base(&self, action: &[f32], tool: &[f32]) -> Result<Vec<f32>, PolicyError> {
        if self.config.action_frame == ActionFrame::Base {
            return Ok(action.to_vec());
        }
        frame::tool_to_base(action, tool)
            .map(|a| a.to_vec())
            .ok_or_else(|| PolicyError::NotFinite("an action that is no pose".into()))
    }

    /// The action at each sample's own tick, scaled to [-1, 1] and in the policy's own frame
    /// ([`Windows::action`]), as this policy would choose it: the
    /// mean of four chunks, A numbers a sample.
    ///
    /// # Errors
    /// When the windows do not fit the policy.
    pub fn next_actions(
        &self,
        windows: &Windows,
        samples: &[(usize, usize)],
        seed: Seed,
    ) -> Result<Vec<f32>, PolicyError> {
        const DRAWS: u64 = 4;
        let (horizon, dim, now) = (
            self.config.horizon,
            self.actions.dim(),
            self.config.observation_history - 1,
        );
        let mut all = Vec::with_capacity(samples.len() * dim);
        for (part, rows) in samples.chunks(32).enumerate() {
            let batch = windows.batch(rows, &self.proprioception, &self.actions, &self.device);
            let condition = self.network.condition_on(&batch)?;
            let mut mean = vec![0.0; rows.len() * dim];
            for draw in 0..DRAWS {
                let part_seed = seed.derive("draw", draw).derive("part", part as u64);
                let seeds: Vec<Seed> = (0..rows.len() as u64)
                    .map(|i| part_seed.derive("row", i))
                    .collect();
                let chunks = self.sample(condition.clone(), &seeds)?;
                for (mean, chunk) in mean
                    .chunks_exact_mut(dim)
                    .zip(chunks.chunks_exact(horizon * dim))
                {
                    let action = &chunk[now * dim..(now + 1) * dim];
                    mean.iter_mut()
                        .zip(action)
                        .for_each(|(m, a)| *m += a / DRAWS as f32);
                }
            }
            all.extend(mean);
        }
        Ok(all)
    }

    /// Denoised chunks under conditions [B, C] ([`PolicyNetwork::condition_on`]), scaled to [-1, 1], row-major [B, Tp, A];
    /// `seeds` draw the noise, one a row.
    ///
    /// # Errors
    /// When the conditions do not fit the policy, or a number comes out that is not finite.
    pub fn sample(&self, condition: Tensor<2>, seeds: &[Seed]) -> Result<Vec<f32>, PolicyError> {
        finite(self.denoiser.run(self.noise(seeds), condition)?)
    }

    /// What chunks are made of, [B, Tp, A], each from its own seed.
    pub(crate) fn noise(&self, seeds: &[Seed]) -> Tensor<3> {
        let (horizon, dim) = (self.config.horizon, self.actions.dim());
        let values: Vec<f32> = seeds
            .iter()
            .flat_map(|seed| {
                let mut rng = seed.rng();
                let draw = move |_| StandardNormal.sample(&mut rng);
                (0..horizon * dim).map(draw).collect::<Vec<f32>>()
            })
            .collect();
        Tensor::from_data(
            TensorData::new(values, [seeds.len(), horizon, dim]),
            &self.device,
        )
    }

    pub(crate) fn condition<'i>(
        &self,
        inputs: &'i [PolicyInput<'_>],
    ) -> Result<Tensor<2>, PolicyError> {
        let refuse = |what, got: usize, expected: usize| {
            Err(PolicyError::Observation {
                what,
                got: got.to_string(),
                expected: expected.to_string(),
            })
        };
        let to = self.config.observation_history;
        let dim = self.proprioception.dim();
        let mut p = Vec::with_capacity(inputs.len() * to * dim);
        for input in inputs {
            if input.observations.is_empty() {
                return refuse("number of observations", 0, 1);
            }
            for observed in input.history(to) {
                let frames = observed.observation.frames.len();
                if frames != self.cameras {
                    return refuse("number of cameras", frames, self.cameras);
                }
                let row = &observed.proprioception;
                if row.len() != dim {
                    return refuse("numbers of proprioception", row.len(), dim);
                }
                p.extend_from_slice(row);
            }
        }
        self.proprioception.normalize(&mut p);
        let images: Vec<Tensor<4>> = (0..self.cameras)
            .map(|camera| {
                let of_camera = |o: &'i PolicyObservation| -> Option<&'i Image> {
                    o.observation.frames.get(camera).map(|f| &f.image)
                };
                let all: Vec<&Image> = inputs
                    .iter()
                    .flat_map(|i| i.history(to).filter_map(of_camera))
                    .collect();
                pictures(&all, self.config.image_size, &self.device)
            })
            .collect();
        let p = Tensor::from_data(TensorData::new(p, [inputs.len(), to * dim]), &self.device);
        self.network.condition(&images, p)
    }
}

/// The denoising loop of a network without gradients.
fn denoiser(
    network: &PolicyNetwork,
    config: &DiffusionConfig,
    precision: Precision,
    device: &Device,
) -> Result<Denoiser, PolicyError> {
    let schedule = NoiseSchedule::squared_cosine(config.diffusion_steps);
    let sampler = DdimSampler::new(&schedule, config.inference_steps, Spacing::default())?;
    Denoiser::new(network.unet(), &sampler, precision, device)
}
