use super::*;
use crate::guidance::GuidanceInputs;
use crate::schedule::Spacing;
use crate::{DiffusionConfig, NoiseSchedule, PolicyNetwork};
use apprentice_core::Seed;
use apprentice_nn::{DeviceChoice, gaussian, open_device};
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
    fn given(&self, guidance: Option<Guidance>) -> LoopInputs {
        LoopInputs {
            noise: self.noise.clone(),
            condition: self.condition.clone(),
            guidance,
        }
    }

    fn denoiser(&self) -> Denoiser {
        let unet = self.network.unet();
        Denoiser::new(unet, &self.sampler, Precision::F32, &self.device).unwrap()
    }

    /// Chunks that rise from -1 to 1, with these weights of each, every sampling step visited twice.
    fn known(&self, weights: &[f32]) -> GuidanceInputs {
        let dims = self.noise.dims();
        let count: usize = dims.iter().product();
        let actions = (0..count).map(|i| 2.0 * i as f32 / count as f32 - 1.0);
        let dims = [
            dims[0] * 2 * self.sampler.sampling_steps().len(),
            dims[1],
            dims[2],
        ];
        let draws = gaussian(dims, &mut Seed(6).rng(), &self.device);
        GuidanceInputs {
            weights: weights.to_vec(),
            actions: actions.collect(),
            draws: numbers(draws).unwrap(),
            visits: 2,
        }
    }

    fn run_guided(&self, weights: &[f32]) -> Vec<f32> {
        let guidance = Guidance::new(self.known(weights), self.noise.dims(), &self.device);
        let denoiser = self.denoiser();
        let found = denoiser.run_guided(self.noise.clone(), self.condition.clone(), guidance);
        found.unwrap()
    }
}

/// `APPRENTICE_TEST_DEVICE` is `flex` (also when it is not set), `cuda` or `wgpu`, the latter two in builds
/// with that feature.
fn device() -> Device {
    let asked = std::env::var("APPRENTICE_TEST_DEVICE");
    let choice = match asked.as_deref() {
        Err(_) | Ok("flex") => DeviceChoice::Cpu,
        Ok("cuda") => DeviceChoice::Cuda,
        Ok("wgpu") => DeviceChoice::Wgpu,
        Ok(other) => panic!("APPRENTICE_TEST_DEVICE is {other}, allowed: flex, cuda, wgpu"),
    };
    open_device(choice).unwrap()
}

fn case() -> Case {
    let device = device();
    let mut rng = Seed(5).rng();
    let config = DiffusionConfig {
        unet_channels: vec![16, 32],
        vision_channels: vec![8],
        vision_strides: vec![2],
        vision_kernels: vec![3],
        ..DiffusionConfig::default()
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

#[test]
fn the_loop_is_recorded_where_the_device_records() {
    let case = case();
    let denoiser = case.denoiser();
    denoiser
        .run(case.noise.clone(), case.condition.clone())
        .unwrap();
    match std::env::var("APPRENTICE_TEST_DEVICE").as_deref() {
        Ok("cuda") => assert!(denoiser.is_recorded()),
        Err(_) | Ok("flex") => assert!(!denoiser.is_recorded()),
        Ok(_) => {} // Some do.
    }
}

/// Step by step, as the papers have it.
fn plainly(case: &Case) -> Vec<f32> {
    let dims = case.noise.dims();
    let mut sample = numbers(case.noise.clone()).unwrap();
    for (sampling_step, step) in case.sampler.steps().enumerate() {
        let noisy = burn::tensor::TensorData::new(sample.clone(), dims);
        let noisy = Tensor::from_data(noisy, &case.device);
        let noise = case.network.noise(
            &case.schedule,
            noisy,
            &[step; BATCH],
            case.condition.clone(),
        );
        let noise = numbers(noise.unwrap()).unwrap();
        case.sampler.advance(sampling_step, &mut sample, &noise);
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
        // The processor can, although it is not asked to.
        let may = !may_record(&case.device) || precision.check(&case.device).is_ok();
        if !may {
            println!("{} is not for {:?}", precision.name(), case.device);
            continue;
        }
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
    if may_record(&case.device) {
        println!("{:?} is not the processor", case.device);
        return;
    }
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
fn plainly_onto(case: &Case, known: &GuidanceInputs) -> Vec<f32> {
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
    let (found, known) = (case.run_guided(&weights), case.known(&weights));
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
    assert_eq!(case.run_guided(&weights), case.known(&weights).actions);
}
