//! The denoising loop as a robot runs it. What is the same in every decision is computed once, what is
//! the same in every denoising step once a decision; nothing is read back before the end, and where the
//! device records graphs (CUDA), the loop is recorded once and replayed.

use crate::onto::{Given, Onto};
use crate::recent::Recent;
use crate::recorded::{Recording, numbers, record};
use crate::schedule::Station;
use crate::{DdimSampler, PolicyError};
use apprentice_nn::{Precision, UNet1d, may_record, mish};
use burn::tensor::{Device, Tensor};
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::thread::{self, ThreadId};

/// Loops that are kept recorded.
const MOST_RECORDED: usize = 4;

/// What a loop is recorded for: kernels are launched on a stream of each thread's own, for the shape of
/// the noise, and others onto a running chunk than without one.
type Use = (ThreadId, [usize; 3], bool);

/// Denoises chunks with one network, on one device.
#[derive(Clone)]
pub struct Denoiser {
    steps: Arc<Loop>,
    recorded: Arc<Mutex<Recent<Use, Recording>>>,
    /// Whether it has been told that a recording does not answer as the loop does.
    told: Arc<Once>,
    precision: Precision,
}

/// One pass from noise to chunk, with all that it needs.
struct Loop {
    unet: UNet1d,
    /// See [`UNet1d::condition_weights`], [C, M].
    condition_weights: Tensor<2>,
    stations: Vec<(Station, Tensor<2>)>,
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
            recorded: Arc::new(Mutex::new(Recent::new(MOST_RECORDED))),
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
        self.run_given(Given {
            noise,
            condition,
            onto: None,
        })
    }

    /// [`Self::run`], onto running chunks of the same shape.
    ///
    /// # Errors
    /// Those of [`Self::run`].
    pub(crate) fn run_onto(
        &self,
        noise: Tensor<3>,
        condition: Tensor<2>,
        onto: Onto,
    ) -> Result<Vec<f32>, PolicyError> {
        self.run_given(Given {
            noise,
            condition,
            onto: Some(onto),
        })
    }

    fn run_given(&self, given: Given) -> Result<Vec<f32>, PolicyError> {
        let dims = given.noise.dims();
        self.steps.unet.check(dims, given.condition.dims())?;
        if !may_record(&given.noise.device()) {
            return numbers(self.steps.run(given)?);
        }
        let here = (thread::current().id(), dims, given.onto.is_some());
        let mut all = self.recorded.lock().unwrap_or_else(PoisonError::into_inner);
        let recording = all.get_or(here, || self.record(&given))?;
        if let Recording::Replays(recorded) = recording {
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
        numbers(self.steps.run(Given {
            noise,
            condition,
            onto: None,
        })?)
    }

    fn record(&self, given: &Given) -> Result<Recording, PolicyError> {
        let steps = Arc::clone(&self.steps);
        let run = move |given| steps.run(given);
        let tolerance = match self.precision {
            Precision::F32 => 1e-3,
            Precision::Bf16 | Precision::F16 => 0.05,
        };
        let recording = record(run, given, tolerance)?;
        if let Recording::Disagrees(error) = recording {
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
        all.values().any(|r| matches!(r, Recording::Replays(_)))
    }
}

impl std::fmt::Debug for Denoiser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Denoiser")
            .field("stations", &self.steps.stations.len())
            .field("precision", &self.precision)
            .finish_non_exhaustive()
    }
}

impl Loop {
    fn new(unet: &UNet1d, sampler: &DdimSampler, precision: Precision, device: &Device) -> Self {
        let stations = sampler.stations().iter().map(|&station| {
            let step = Tensor::<1>::from_floats([station.step as f32], device);
            (station, precision.of(unet.step_modulations(step)))
        });
        Self {
            stations: stations.collect(),
            condition_weights: precision.of(unet.condition_weights()),
            unet: precision.of_module(unet.clone()),
            precision,
        }
    }

    fn run(&self, given: Given) -> Result<Tensor<3>, PolicyError> {
        let Given {
            noise,
            condition,
            onto,
        } = given;
        let onto = onto.map(|onto| (onto.certain_noise(&noise), onto));
        let activated = self.precision.of(mish(condition));
        let of_condition = activated.matmul(self.condition_weights.clone());
        let mut x = match (&onto, self.stations.first()) {
            (Some((certain, onto)), Some((station, _))) => onto.begin(station, noise, certain),
            _ => noise,
        };
        for (station, of_step) in &self.stations {
            let modulations = of_condition.clone() + of_step.clone();
            let left = self
                .unet
                .forward_modulated(self.precision.of(x.clone()), &modulations)?;
            let left = Precision::F32.of(left);
            x = match &onto {
                Some((certain, onto)) => onto.advance(station, x, left, certain),
                None => station.advance(x, left),
            };
        }
        Ok(x)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::Spacing;
    use crate::{NoiseSchedule, PolicyConfig, PolicyNetwork};
    use apprentice_core::Seed;
    use apprentice_nn::gaussian;
    use burn::module::Module as _;

    const BATCH: usize = 3;
    const NUMBERS: usize = 7;

    struct Case {
        network: PolicyNetwork,
        schedule: NoiseSchedule,
        sampler: DdimSampler,
        noise: Tensor<3>,
        condition: Tensor<2>,
        device: Device,
    }

    impl Case {
        fn given(&self, onto: Option<Onto>) -> Given {
            Given {
                noise: self.noise.clone(),
                condition: self.condition.clone(),
                onto,
            }
        }

        fn denoiser(&self) -> Denoiser {
            let unet = self.network.unet();
            Denoiser::new(unet, &self.sampler, Precision::F32, &self.device).unwrap()
        }

        /// Onto chunks that rise from -1 to 1, with these weights of each.
        fn onto(&self, weights: &[f32]) -> (Onto, Vec<f32>) {
            let dims = self.noise.dims();
            let count: usize = dims.iter().product();
            let known: Vec<f32> = (0..count)
                .map(|i| 2.0 * i as f32 / count as f32 - 1.0)
                .collect();
            (Onto::new(weights, &known, dims, &self.device), known)
        }
    }

    fn case() -> Case {
        let device = Device::flex();
        let mut rng = Seed(5).rng();
        let config = PolicyConfig {
            unet_channels: vec![16, 32],
            vision_channels: vec![8],
            vision_strides: vec![2],
            vision_kernels: vec![3],
            ..PolicyConfig::default()
        };
        let schedule = NoiseSchedule::squared_cosine(config.diffusion_steps);
        let network = PolicyNetwork::new(&config, 1, 4, NUMBERS, &mut rng, &device).unwrap();
        let network = network.valid();
        Case {
            sampler: DdimSampler::new(&schedule, 8, Spacing::Trailing).unwrap(),
            noise: gaussian([BATCH, config.horizon, NUMBERS], &mut rng, &device),
            condition: gaussian([BATCH, network.condition_dim()], &mut rng, &device),
            schedule,
            network,
            device,
        }
    }

    /// Step by step, as the papers have it.
    fn plainly(case: &Case) -> Vec<f32> {
        let dims = case.noise.dims();
        let mut sample = numbers(case.noise.clone()).unwrap();
        for (station, step) in case.sampler.steps().enumerate() {
            let noisy = burn::tensor::TensorData::new(sample.clone(), dims);
            let noisy = Tensor::from_data(noisy, &case.device);
            let noise = case.network.noise(
                &case.schedule,
                noisy,
                &[step; BATCH],
                case.condition.clone(),
            );
            let noise = numbers(noise.unwrap()).unwrap();
            case.sampler.advance(station, &mut sample, &noise);
        }
        sample
    }

    fn largest(found: &[f32], wanted: &[f32]) -> f32 {
        assert_eq!(found.len(), wanted.len());
        let errors = found.iter().zip(wanted).map(|(f, w)| (f - w).abs());
        errors.fold(0.0, f32::max)
    }

    #[test]
    fn the_loop_answers_as_step_by_step() {
        let case = case();
        let denoiser = Denoiser::new(
            case.network.unet(),
            &case.sampler,
            Precision::F32,
            &case.device,
        );
        let run = || {
            denoiser
                .as_ref()
                .unwrap()
                .run(case.noise.clone(), case.condition.clone())
        };
        let (first, second) = (run().unwrap(), run().unwrap());
        let error = largest(&first, &plainly(&case));
        assert!(error < 2e-3, "off by {error}");
        assert_eq!(first, second);
    }

    #[test]
    fn sixteen_bits_are_close_to_thirty_two() {
        let case = case();
        let wanted = plainly(&case);
        for precision in [Precision::Bf16, Precision::F16] {
            let steps = Loop::new(case.network.unet(), &case.sampler, precision, &case.device);
            let found = steps.run(case.given(None));
            let error = largest(&numbers(found.unwrap()).unwrap(), &wanted);
            assert!(
                error > 0.0 && error < 0.1,
                "{}: off by {error}",
                precision.name()
            );
        }
    }

    #[test]
    fn the_processor_refuses_sixteen_bits() {
        let case = case();
        let refused = Denoiser::new(
            case.network.unet(),
            &case.sampler,
            Precision::Bf16,
            &case.device,
        );
        let error = refused.unwrap_err().to_string();
        assert!(error.contains("bf16") && error.contains("f32"), "{error}");
    }

    #[test]
    fn chunks_and_conditions_of_another_shape_are_refused() {
        let case = case();
        let denoiser = Denoiser::new(
            case.network.unet(),
            &case.sampler,
            Precision::F32,
            &case.device,
        )
        .unwrap();
        let length = case.network.condition_dim();
        for (noise, condition, what) in [
            ([1, 16, NUMBERS + 1], [1, length], "numbers of an action"),
            ([1, 15, NUMBERS], [1, length], "length of the action chunk"),
            (
                [1, 16, NUMBERS],
                [1, length + 1],
                "numbers of the condition",
            ),
            ([3, 16, NUMBERS], [2, length], "number of conditions"),
            ([3, 16, NUMBERS], [1, length], "number of conditions"),
        ] {
            let noise = Tensor::zeros(noise, &case.device);
            let condition = Tensor::zeros(condition, &case.device);
            let error = denoiser.run(noise, condition).unwrap_err().to_string();
            assert!(error.contains(what), "{error}");
        }
    }

    /// The formulas of inpainting, step by step and number by number.
    fn plainly_onto(case: &Case, weights: &[f32], known: &[f32]) -> Vec<f32> {
        let dims = case.noise.dims();
        let first = numbers(case.noise.clone()).unwrap();
        let certain = |i: usize| weights[i / NUMBERS] >= 1.0;
        let steps: Vec<usize> = case.sampler.steps().collect();
        let levels: Vec<f64> = steps.iter().map(|&t| case.schedule.alpha_bar(t)).collect();
        let mix = |level: f64, clean: f32, noise: f32| {
            level.sqrt() * f64::from(clean) + (1.0 - level).sqrt() * f64::from(noise)
        };
        let mut x: Vec<f32> = (0..first.len())
            .map(|i| match certain(i) {
                true => mix(levels[0], known[i], first[i]) as f32,
                false => first[i],
            })
            .collect();
        for (station, &step) in steps.iter().enumerate() {
            let noisy = burn::tensor::TensorData::new(x.clone(), dims);
            let noisy = Tensor::from_data(noisy, &case.device);
            let condition = case.condition.clone();
            let noise = case
                .network
                .noise(&case.schedule, noisy, &[step; BATCH], condition);
            let noise = numbers(noise.unwrap()).unwrap();
            let here = levels[station];
            let next = levels.get(station + 1).copied().unwrap_or(1.0);
            for i in 0..x.len() {
                let (signal, spread) = (here.sqrt(), (1.0 - here).sqrt());
                let raw = (f64::from(x[i]) - spread * f64::from(noise[i])) / signal;
                let clean = raw.clamp(-1.0, 1.0);
                let weight = f64::from(weights[i / NUMBERS]);
                let pulled = (1.0 - weight) * clean + weight * f64::from(known[i]);
                let noise = f64::from(noise[i]) + signal / spread * (clean - pulled);
                x[i] = match certain(i) {
                    true => mix(next, known[i], first[i]) as f32,
                    false => mix(next, pulled as f32, noise as f32) as f32,
                };
            }
        }
        x
    }

    #[test]
    fn the_loop_onto_running_chunks_is_that_of_the_formulas() {
        let case = case();
        let of_one = |place: usize| [1.0, 1.0, 0.75, 0.5, 0.25].get(place).copied();
        let horizon = case.noise.dims()[1];
        // The first chunk has nothing to go on from.
        let weights: Vec<f32> = (0..BATCH * horizon)
            .map(|i| match i / horizon {
                0 => 0.0,
                _ => of_one(i % horizon).unwrap_or(0.0),
            })
            .collect();
        let (onto, known) = case.onto(&weights);
        let denoiser = case.denoiser();
        let (noise, condition) = (case.noise.clone(), case.condition.clone());
        let found = denoiser.run_onto(noise.clone(), condition.clone(), onto);
        let found = found.unwrap();
        let error = largest(&found, &plainly_onto(&case, &weights, &known));
        assert!(error < 2e-3, "off by {error}");
        let plain = denoiser.run(noise, condition).unwrap();
        for (row, weight) in weights.iter().enumerate() {
            let row = row * NUMBERS..(row + 1) * NUMBERS;
            if *weight >= 1.0 {
                assert_eq!(found[row.clone()], known[row]);
            }
        }
        let whole = ..horizon * NUMBERS;
        assert_eq!(found[whole], plain[whole]);
        assert_ne!(found, plain);
    }

    #[test]
    fn a_chunk_that_is_wholly_certain_comes_back_and_one_without_weight_is_plain() {
        let case = case();
        let rows = BATCH * case.noise.dims()[1];
        let denoiser = case.denoiser();
        let run = |weight: f32| {
            let (onto, known) = case.onto(&vec![weight; rows]);
            let found = denoiser.run_onto(case.noise.clone(), case.condition.clone(), onto);
            (found.unwrap(), known)
        };
        let (found, known) = run(1.0);
        assert_eq!(found, known);
        let plain = denoiser.run(case.noise.clone(), case.condition.clone());
        assert_eq!(run(0.0).0, plain.unwrap());
    }
}
