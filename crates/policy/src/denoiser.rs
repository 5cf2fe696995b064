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
/// the noise, and others onto a running chunk: by how often a station is visited then, else 0.
type Use = (ThreadId, [usize; 3], usize);

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
        let visits = given.onto.as_ref().map_or(0, Onto::visits);
        let here = (thread::current().id(), dims, visits);
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
        let activated = self.precision.of(mish(condition));
        let of_condition = activated.matmul(self.condition_weights.clone());
        let mut x = noise;
        for (place, (station, of_step)) in self.stations.iter().enumerate() {
            let modulations = of_condition.clone() + of_step.clone();
            let Some(onto) = &onto else {
                let left = self.left(&x, &modulations)?;
                x = station.advance(x, left);
                continue;
            };
            for visit in 0..onto.visits() {
                x = onto.arrive(station, (place, visit), x);
                let left = self.left(&x, &modulations)?;
                x = onto.advance(station, x, left);
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
mod tests {
    use super::*;
    use crate::onto::Known;
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

        /// Chunks that rise from -1 to 1, with these weights of each, every station visited twice.
        fn known(&self, weights: &[f32]) -> Known {
            let dims = self.noise.dims();
            let count: usize = dims.iter().product();
            let actions = (0..count).map(|i| 2.0 * i as f32 / count as f32 - 1.0);
            let dims = [
                dims[0] * 2 * self.sampler.stations().len(),
                dims[1],
                dims[2],
            ];
            let draws = gaussian(dims, &mut Seed(6).rng(), &self.device);
            Known {
                weights: weights.to_vec(),
                actions: actions.collect(),
                draws: numbers(draws).unwrap(),
                visits: 2,
            }
        }

        fn run_onto(&self, weights: &[f32]) -> Vec<f32> {
            let onto = Onto::new(self.known(weights), self.noise.dims(), &self.device);
            let denoiser = self.denoiser();
            let found = denoiser.run_onto(self.noise.clone(), self.condition.clone(), onto);
            found.unwrap()
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
    fn plainly_onto(case: &Case, known: &Known) -> Vec<f32> {
        let dims = case.noise.dims();
        let mut x = numbers(case.noise.clone()).unwrap();
        let mut draws = known.draws.chunks_exact(x.len());
        let steps: Vec<usize> = case.sampler.steps().collect();
        let levels: Vec<f64> = steps.iter().map(|&t| case.schedule.alpha_bar(t)).collect();
        let mix = |level: f64, clean: f64, noise: f64| {
            (level.sqrt() * clean + (1.0 - level).sqrt() * noise) as f32
        };
        for (place, &step) in steps.iter().enumerate() {
            let here = levels[place];
            let next = levels.get(place + 1).copied().unwrap_or(1.0);
            for visit in 0..known.visits {
                let draw = draws.next().unwrap();
                for (i, x) in x.iter_mut().enumerate() {
                    let draw = f64::from(draw[i]);
                    if known.weights[i / NUMBERS] >= 1.0 {
                        *x = mix(here, f64::from(known.actions[i]), draw);
                    } else if visit > 0 {
                        *x = mix(here / next, f64::from(*x), draw);
                    }
                }
                let noisy = burn::tensor::TensorData::new(x.clone(), dims);
                let noisy = Tensor::from_data(noisy, &case.device);
                let condition = case.condition.clone();
                let network = &case.network;
                let noise = network.noise(&case.schedule, noisy, &[step; BATCH], condition);
                let noise = numbers(noise.unwrap()).unwrap();
                for (i, x) in x.iter_mut().enumerate() {
                    let noise = f64::from(noise[i]);
                    let clean = (f64::from(*x) - (1.0 - here).sqrt() * noise) / here.sqrt();
                    let weight = f64::from(known.weights[i / NUMBERS]);
                    let known = f64::from(known.actions[i]);
                    let pulled = (1.0 - weight) * clean.clamp(-1.0, 1.0) + weight * known;
                    *x = mix(next, pulled, noise);
                }
            }
        }
        x
    }

    #[test]
    fn the_loop_onto_running_chunks_is_that_of_the_formulas() {
        let case = case();
        let horizon = case.noise.dims()[1];
        let of_one = [1.0, 1.0, 0.75, 0.5, 0.25];
        let weights: Vec<f32> = (0..BATCH * horizon)
            .map(|i| of_one.get(i % horizon).copied().unwrap_or(0.0))
            .collect();
        let (found, known) = (case.run_onto(&weights), case.known(&weights));
        let error = largest(&found, &plainly_onto(&case, &known));
        assert!(error < 5e-3, "off by {error}");
        for (row, weight) in weights.iter().enumerate() {
            let row = row * NUMBERS..(row + 1) * NUMBERS;
            if *weight >= 1.0 {
                assert_eq!(found[row.clone()], known.actions[row]);
            }
        }
    }

    #[test]
    fn a_chunk_that_is_wholly_certain_comes_back() {
        let case = case();
        let weights = vec![1.0; BATCH * case.noise.dims()[1]];
        assert_eq!(case.run_onto(&weights), case.known(&weights).actions);
    }
}
