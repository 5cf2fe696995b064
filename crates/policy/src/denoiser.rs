//! The denoising loop as a robot runs it. What is the same in every decision is computed once, what is
//! the same in every denoising step once a decision; nothing is read back before the end, and where the
//! device records graphs (CUDA), the loop is recorded once and replayed.

use crate::graph_replay::{GraphReplay, numbers, record};
use crate::guidance::{Guidance, LoopInputs};
use crate::lru_cache::LruCache;
use crate::schedule::SamplingStep;
use crate::{DdimSampler, PolicyError};
use apprentice_networks::UNet1d;
use apprentice_nn::{Precision, may_record, mish};
use burn::tensor::{Device, Tensor};
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::thread::{self, ThreadId};

/// Loops that are kept recorded.
const MOST_RECORDED: usize = 4;

/// What a loop is recorded for: kernels are launched on a stream of each thread's own, for the shape of
/// the noise, and others continuing a previous chunk: by how often a sampling step is visited then, else 0.
type Use = (ThreadId, [usize; 3], usize);

/// Denoises chunks with one network, on one device.
#[derive(Clone)]
pub struct Denoiser {
    steps: Arc<Loop>,
    recorded: Arc<Mutex<LruCache<Use, GraphReplay>>>,
    /// Whether it has been told that a recording does not answer as the loop does.
    told: Arc<Once>,
    precision: Precision,
}

/// One pass from noise to chunk, with all that it needs.
struct Loop {
    unet: UNet1d,
    /// See [`UNet1d::condition_weights`], [C, M].
    condition_weights: Tensor<2>,
    sampling_steps: Vec<(SamplingStep, Tensor<2>)>,
    precision: Precision,
}

impl Denoiser {
    /// Prepares the loop for a network without gradients, whose answers are what
    /// [`crate::PolicyNetwork::noise`] mixes into the predicted noise.
    ///
    /// # Errors
    /// When the device does not compute in this precision.
    pub fn new(
        unet: &UNet1d,
        sampler: &DdimSampler,
        precision: Precision,
        device: &Device,
    ) -> Result<Self, PolicyError> {
        precision.check(device)?;
        Ok(Self {
            steps: Arc::new(Loop::new(unet, sampler, precision, device)),
            recorded: Arc::new(Mutex::new(LruCache::new(MOST_RECORDED))),
            told: Arc::new(Once::new()),
            precision,
        })
    }

    /// Chunks [B, Tp, A], row-major, scaled to [-1, 1], out of noise of that shape, under conditions
    /// [B, C].
    ///
    /// # Errors
    /// When the shapes do not fit the network, or the device gives nothing back.
    pub fn run(&self, noise: Tensor<3>, condition: Tensor<2>) -> Result<Vec<f32>, PolicyError> {
        self.run_inputs(LoopInputs {
            noise,
            condition,
            guidance: None,
        })
    }

    /// [`Self::run`], continuing previous chunks of the same shape.
    ///
    /// # Errors
    /// Those of [`Self::run`].
    pub(crate) fn run_guided(
        &self,
        noise: Tensor<3>,
        condition: Tensor<2>,
        guidance: Guidance,
    ) -> Result<Vec<f32>, PolicyError> {
        self.run_inputs(LoopInputs {
            noise,
            condition,
            guidance: Some(guidance),
        })
    }

    fn run_inputs(&self, given: LoopInputs) -> Result<Vec<f32>, PolicyError> {
        let dims = given.noise.dims();
        self.steps.unet.check(dims, given.condition.dims())?;
        if !may_record(&given.noise.device()) {
            return numbers(self.steps.run(given)?);
        }
        let visits = given.guidance.as_ref().map_or(0, Guidance::visits);
        let here = (thread::current().id(), dims, visits);
        let mut all = self.recorded.lock().unwrap_or_else(PoisonError::into_inner);
        let recording = all.get_or(here, || self.record(&given))?;
        if let GraphReplay::Replays(recorded) = recording {
            return recorded.run(given);
        }
        drop(all);
        numbers(self.steps.run(given)?)
    }

    /// [`Self::run`] without recording anything.
    pub(crate) fn run_once(
        &self,
        noise: Tensor<3>,
        condition: Tensor<2>,
    ) -> Result<Vec<f32>, PolicyError> {
        self.steps.unet.check(noise.dims(), condition.dims())?;
        numbers(self.steps.run(LoopInputs {
            noise,
            condition,
            guidance: None,
        })?)
    }

    fn record(&self, given: &LoopInputs) -> Result<GraphReplay, PolicyError> {
        let steps = Arc::clone(&self.steps);
        let run = move |given| steps.run(given);
        let tolerance = match self.precision {
            Precision::F32 => 1e-3,
            Precision::Bf16 | Precision::F16 => 0.05,
        };
        let recording = record(run, given, tolerance)?;
        if let GraphReplay::Disagrees(error) = recording {
            self.told.call_once(|| {
                tracing::warn!(
                    "the device's recording of the denoising loop is off by {error}, allowed: less than \
                     {tolerance}; the loop runs kernel by kernel instead, which takes longer"
                );
            });
        }
        Ok(recording)
    }

    /// What the loop computes in.
    #[must_use]
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// Whether a loop is replayed from a graph that the device recorded.
    #[must_use]
    pub fn is_recorded(&self) -> bool {
        let all = self.recorded.lock().unwrap_or_else(PoisonError::into_inner);
        all.values().any(|r| matches!(r, GraphReplay::Replays(_)))
    }
}

impl std::fmt::Debug for Denoiser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Denoiser")
            .field("sampling_steps", &self.steps.sampling_steps.len())
            .field("precision", &self.precision)
            .finish_non_exhaustive()
    }
}

impl Loop {
    fn new(unet: &UNet1d, sampler: &DdimSampler, precision: Precision, device: &Device) -> Self {
        let sampling_steps = sampler.sampling_steps().iter().map(|&sampling_step| {
            let step = Tensor::<1>::from_floats([sampling_step.step as f32], device);
            (sampling_step, precision.of(unet.step_modulations(step)))
        });
        Self {
            sampling_steps: sampling_steps.collect(),
            condition_weights: precision.of(unet.condition_weights()),
            unet: precision.of_module(unet.clone()),
            precision,
        }
    }

    fn run(&self, given: LoopInputs) -> Result<Tensor<3>, PolicyError> {
        let LoopInputs {
            noise,
            condition,
            guidance,
        } = given;
        let activated = self.precision.of(mish(condition));
        let of_condition = activated.matmul(self.condition_weights.clone());
        let mut x = noise;
        for (place, (sampling_step, of_step)) in self.sampling_steps.iter().enumerate() {
            let modulations = of_condition.clone() + of_step.clone();
            let Some(guidance) = &guidance else {
                let left = self.left(&x, &modulations)?;
                x = sampling_step.advance(x, left);
                continue;
            };
            for visit in 0..guidance.visits() {
                x = guidance.arrive(sampling_step, (place, visit), x);
                let left = self.left(&x, &modulations)?;
                x = guidance.advance(sampling_step, x, left);
            }
        }
        Ok(x)
    }

    /// What the network has left to say of chunks.
    fn left(&self, x: &Tensor<3>, modulations: &Tensor<2>) -> Result<Tensor<3>, PolicyError> {
        let x = self.precision.of(x.clone());
        let left = self.unet.forward_modulated(x, modulations)?;
        Ok(Precision::F32.of(left))
    }
}

#[cfg(test)]
mod tests;
