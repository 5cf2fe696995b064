//! AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101) with clipping by the whole gradient.

use crate::ema::Ema;
use crate::grad_mode::GradMode;
use apprentice_kernels as kernels;
use apprentice_kernels::adamw::{StepCoefficients, cpu, on_device};
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::optim::GradientsParams;
use burn::tensor::{DType, Tensor, TensorData};
use std::collections::HashMap;

/// Settings of [`AdamW`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamWConfig {
    /// Decay of the first and second moments.
    pub betas: (f32, f32),
    /// Added to the root of the second moment.
    pub eps: f32,
    /// Decoupled weight decay.
    pub weight_decay: f32,
    /// Largest length of the whole gradient.
    pub clip_norm: Option<f32>,
}

impl Default for AdamWConfig {
    fn default() -> Self {
        Self {
            betas: (0.95, 0.999),
            eps: 1e-8,
            weight_decay: 1e-6,
            clip_norm: None,
        }
    }
}

/// The optimiser's state: two moments a parameter, kept where the parameter is.
#[derive(Debug)]
pub struct AdamW {
    config: AdamWConfig,
    on_host: HashMap<ParamId, cpu::Moments>,
    on_device: HashMap<ParamId, on_device::Moments>,
    steps: i32,
}

impl AdamW {
    /// No steps taken yet.
    #[must_use]
    pub fn new(config: AdamWConfig) -> Self {
        Self {
            config,
            on_host: HashMap::new(),
            on_device: HashMap::new(),
            steps: 0,
        }
    }

    /// One step; parameters without a gradient stay as they are.
    pub fn step<M: Module>(&mut self, module: M, gradients: GradientsParams, rate: f64) -> M {
        self.advance(module, gradients, rate, None)
    }

    /// One step, and the new weights taken into `average`, in one pass over the numbers.
    pub fn step_averaging<M: Module>(
        &mut self,
        module: M,
        gradients: GradientsParams,
        rate: f64,
        average: &mut Ema,
    ) -> M {
        let decay = average.next_decay();
        self.advance(module, gradients, rate, Some((average, decay)))
    }

    fn advance<M: Module>(
        &mut self,
        module: M,
        mut gradients: GradientsParams,
        rate: f64,
        average: Option<(&mut Ema, f32)>,
    ) -> M {
        self.steps += 1;
        let clip = match self.config.clip_norm {
            Some(limit) => {
                let mut norm = SquaredNorm {
                    gradients: &gradients,
                    on_host: 0.0,
                    on_device: None,
                };
                module.visit(&mut norm);
                norm.clip(limit)
            }
            None => Clip::default(),
        };
        module.map(&mut Stepper {
            optimizer: self,
            gradients: &mut gradients,
            rate: rate as f32,
            clip,
            average,
        })
    }

    fn coefficients(&self, rate: f32, scale: f32, ema_decay: f32) -> StepCoefficients {
        let (b1, b2) = self.config.betas;
        StepCoefficients {
            gradient_scale: scale,
            weight_decay: rate * self.config.weight_decay,
            betas: self.config.betas,
            step_size: rate / (1.0 - b1.powi(self.steps)),
            bias_correction: 1.0 / (1.0 - b2.powi(self.steps)).sqrt(),
            eps: self.config.eps,
            ema_decay,
        }
    }
}

/// What gradients are multiplied with, as a number and, where gradients are on a GPU, there: to read
/// it would make the processor wait.
struct Clip {
    on_host: f32,
    on_device: Option<Tensor<1>>,
}

impl Default for Clip {
    fn default() -> Self {
        Self {
            on_host: 1.0,
            on_device: None,
        }
    }
}

/// Length of the whole gradient of a module.
#[must_use]
pub fn gradient_norm<M: Module>(module: &M, gradients: &GradientsParams) -> f64 {
    let mut norm = SquaredNorm {
        gradients,
        on_host: 0.0,
        on_device: None,
    };
    module.visit(&mut norm);
    let on_device = norm
        .on_device
        .map_or(0.0, |sum| f64::from(sum.sum().into_scalar::<f32>()));
    (norm.on_host + on_device).sqrt()
}

struct SquaredNorm<'a> {
    gradients: &'a GradientsParams,
    on_host: f64,
    /// Parts that add up to it.
    on_device: Option<Tensor<1>>,
}

impl SquaredNorm<'_> {
    /// What brings the whole gradient down to the length `limit`.
    fn clip(self, limit: f32) -> Clip {
        let on_host = (f64::from(limit) / (self.on_host.sqrt() + 1e-6)).min(1.0) as f32;
        let on_device = self.on_device.map(|sum| {
            let length = (sum.sum() + self.on_host as f32).sqrt();
            ((length + 1e-6).recip() * limit).clamp_max(1.0)
        });
        Clip { on_host, on_device }
    }
}

impl ModuleVisitor for SquaredNorm<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Some(gradient) = self.gradients.get::<D>(param.id) else {
            return;
        };
        if !kernels::has_cpu_kernels(&gradient) {
            self.on_device = Some(on_device::add_squares(self.on_device.take(), gradient));
        } else if let Ok(values) = gradient.into_data().as_slice::<f32>() {
            self.on_host += cpu::sum_of_squares(values);
        }
    }
}

struct Stepper<'a> {
    optimizer: &'a mut AdamW,
    gradients: &'a mut GradientsParams,
    rate: f32,
    clip: Clip,
    /// The running average and its decay in this step.
    average: Option<(&'a mut Ema, f32)>,
}

impl Stepper<'_> {
    fn coefficients(&self, scale: f32) -> StepCoefficients {
        let decay = self.average.as_ref().map_or(0.0, |(_, decay)| *decay);
        self.optimizer.coefficients(self.rate, scale, decay)
    }

    fn on_host<const D: usize>(
        &mut self,
        id: ParamId,
        value: Tensor<D>,
        gradient: Tensor<D>,
    ) -> Tensor<D> {
        let (device, shape) = (value.device(), value.dims());
        let numbers = |t: Tensor<D>| t.into_data().try_into_vec::<f32>().unwrap_or_default();
        let (mut value, gradient) = (numbers(value), numbers(gradient));
        let coefficients = self.coefficients(self.clip.on_host);
        let average = self.average.as_mut();
        let average = average.map(|(ema, _)| ema.on_host(id, &value).as_mut_slice());
        self.optimizer
            .on_host
            .entry(id)
            .or_insert_with(|| cpu::Moments::new(gradient.len()))
            .step(coefficients, &mut value, &gradient, average);
        kernels::reuse_buffer(gradient);
        Tensor::from_data(TensorData::new(value, shape), &device)
    }

    fn on_device<const D: usize>(
        &mut self,
        id: ParamId,
        value: Tensor<D>,
        gradient: Tensor<D>,
    ) -> Tensor<D> {
        let coefficients = self.coefficients(1.0);
        let scale = self.clip.on_device.get_or_insert_with(|| {
            let one = (&value.device(), DType::F32);
            Tensor::ones([1], one)
        });
        let moments = self.optimizer.on_device.remove(&id);
        let moments = moments.unwrap_or_else(|| on_device::Moments::like(&value));
        let average = self.average.as_mut();
        let average = average.map(|(ema, _)| ema.take_out(id, &value));
        let (moments, value, average) =
            moments.step(coefficients, scale.clone(), value, gradient, average);
        self.optimizer.on_device.insert(id, moments);
        if let (Some((ema, _)), Some(average)) = (&mut self.average, average) {
            ema.put_back(id, average);
        }
        value
    }
}

impl ModuleMapper for Stepper<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(gradient) = self.gradients.remove::<D>(param.id) else {
            return param;
        };
        let (id, tensor, mapper) = param.consume();
        let mode = GradMode::of(&tensor);
        let value = tensor.inner();
        let moved = if kernels::has_cpu_kernels(&value) {
            self.on_host(id, value, gradient)
        } else {
            self.on_device(id, value, gradient)
        };
        Param::from_mapped_value(id, mode.on(moved), mapper)
    }
}

/// Learning rate that rises linearly over `warmup` steps to `base`, then falls as a half cosine.
#[must_use]
pub fn cosine_with_warmup(step: usize, warmup: usize, total: usize, base: f64) -> f64 {
    if step < warmup {
        return base * (step + 1) as f64 / warmup as f64;
    }
    let progress = (step - warmup) as f64 / total.saturating_sub(warmup).max(1) as f64;
    base * 0.5 * (1.0 + (std::f64::consts::PI * progress.min(1.0)).cos())
}
