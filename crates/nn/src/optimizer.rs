//! AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101) with clipping by the whole gradient.

use crate::ema::{Ema, mix};
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::optim::GradientsParams;
use burn::tensor::{Tensor, TensorData};
use pulp::NullaryFnOnce;
use rayon::prelude::*;
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

/// Numbers a thread takes at once.
const PART: usize = 1 << 14;

/// The optimiser's state: two moments a parameter.
#[derive(Debug)]
pub struct AdamW {
    config: AdamWConfig,
    moments: HashMap<ParamId, (Vec<f32>, Vec<f32>)>,
    steps: i32,
}

impl AdamW {
    /// No steps taken yet.
    #[must_use]
    pub fn new(config: AdamWConfig) -> Self {
        Self {
            config,
            moments: HashMap::new(),
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
        let scale = match self.config.clip_norm {
            Some(limit) => {
                let mut norm = SquaredNorm {
                    gradients: &gradients,
                    sum: 0.0,
                };
                module.visit(&mut norm);
                (f64::from(limit) / (norm.sum.sqrt() + 1e-6)).min(1.0) as f32
            }
            None => 1.0,
        };
        module.map(&mut Stepper {
            optimizer: self,
            gradients: &mut gradients,
            rate: rate as f32,
            scale,
            average,
        })
    }
}

struct SquaredNorm<'a> {
    gradients: &'a GradientsParams,
    sum: f64,
}

impl ModuleVisitor for SquaredNorm<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.get::<D>(param.id) {
            let data = gradient.into_data();
            if let Ok(values) = data.as_slice::<f32>() {
                // The same parts in the same order whatever the threads.
                let parts: Vec<f64> = values.par_chunks(PART).map(squares).collect();
                self.sum += parts.iter().sum::<f64>();
            }
        }
    }
}

/// Sum of the squares, in eight sums at once.
fn squares(values: &[f32]) -> f64 {
    let mut sums = [0.0f64; 8];
    let (eights, rest) = values.as_chunks::<8>();
    for eight in eights {
        for (sum, &v) in sums.iter_mut().zip(eight) {
            *sum += f64::from(v) * f64::from(v);
        }
    }
    for (sum, &v) in sums.iter_mut().zip(rest) {
        *sum += f64::from(v) * f64::from(v);
    }
    sums.iter().sum()
}

/// What a step does to every number.
#[derive(Clone, Copy)]
struct Rule {
    /// Of the gradient, to clip it.
    scale: f32,
    /// Share of a weight that decays.
    decay: f32,
    betas: (f32, f32),
    /// Of the first moment: the rate, and what makes up for its start at zero.
    first: f32,
    /// Of the second moment's root: what makes up for its start at zero.
    second: f32,
    eps: f32,
}

/// Some of a parameter's numbers.
struct Part<'a> {
    rule: Rule,
    p: &'a mut [f32],
    g: &'a [f32],
    m: &'a mut [f32],
    v: &'a mut [f32],
    average: Option<&'a mut [f32]>,
    /// Share of the average that is kept.
    kept: f32,
}

impl NullaryFnOnce for Part<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Rule {
            scale,
            decay,
            betas: (b1, b2),
            first,
            second,
            eps,
        } = self.rule;
        let moments = self.m.iter_mut().zip(self.v);
        for ((p, &g), (m, v)) in self.p.iter_mut().zip(self.g).zip(moments) {
            let g = g * scale;
            *m = b1 * *m + (1.0 - b1) * g;
            *v = b2 * *v + (1.0 - b2) * g * g;
            *p -= decay * *p;
            *p -= first * *m / (v.sqrt() * second + eps);
        }
        if let Some(average) = self.average {
            mix(average, self.p, self.kept);
        }
    }
}

struct Stepper<'a> {
    optimizer: &'a mut AdamW,
    gradients: &'a mut GradientsParams,
    rate: f32,
    scale: f32,
    /// The running average and its decay in this step.
    average: Option<(&'a mut Ema, f32)>,
}

impl ModuleMapper for Stepper<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(gradient) = self.gradients.remove::<D>(param.id) else {
            return param;
        };
        let (id, tensor, mapper) = param.consume();
        let device = tensor.device();
        let shape = tensor.dims();
        let grad = gradient
            .into_data()
            .convert::<f32>()
            .try_into_vec::<f32>()
            .unwrap_or_default();
        let mut value = tensor
            .inner()
            .into_data()
            .convert::<f32>()
            .try_into_vec::<f32>()
            .unwrap_or_default();
        let config = self.optimizer.config;
        let (b1, b2) = config.betas;
        let steps = self.optimizer.steps;
        let (m, v) = self
            .optimizer
            .moments
            .entry(id)
            .or_insert_with(|| (vec![0.0; grad.len()], vec![0.0; grad.len()]));
        let rule = Rule {
            scale: self.scale,
            decay: self.rate * config.weight_decay,
            betas: config.betas,
            first: self.rate / (1.0 - b1.powi(steps)),
            second: 1.0 / (1.0 - b2.powi(steps)).sqrt(),
            eps: config.eps,
        };
        let mut unused = Vec::new();
        let (average, decay) = match &mut self.average {
            Some((ema, decay)) => (ema.weights(id, &value), *decay),
            None => (&mut unused, 0.0),
        };
        let averaged = !average.is_empty();
        let parts = value.len().div_ceil(PART);
        let averages = average
            .par_chunks_mut(PART)
            .map(Some)
            .chain(rayon::iter::repeat_n((), if averaged { 0 } else { parts }).map(|()| None));
        value
            .par_chunks_mut(PART)
            .zip(grad.par_chunks(PART))
            .zip(m.par_chunks_mut(PART).zip(v.par_chunks_mut(PART)))
            .zip(averages)
            .for_each(|(((p, g), (m, v)), average)| {
                pulp::Arch::new().dispatch(Part {
                    rule,
                    p,
                    g,
                    m,
                    v,
                    average,
                    kept: decay,
                });
            });
        let tensor = Tensor::<D>::from_data(TensorData::new(value, shape), &device).require_grad();
        Param::from_mapped_value(id, tensor, mapper)
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
