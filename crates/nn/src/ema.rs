//! A running average of a network's weights.

use crate::grad_mode::GradMode;
use apprentice_kernels as kernels;
use apprentice_kernels::adamw::cpu::ema_update;
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::{Tensor, TensorData};
use std::collections::HashMap;

/// Exponential moving average with decay `1 - (1 + step)^-0.75`, at most 0.9999, as Diffusion Policy
/// uses it. It is kept where the weights are.
#[derive(Debug)]
pub struct Ema {
    on_host: HashMap<ParamId, Vec<f32>>,
    on_device: HashMap<ParamId, Tensor<1>>,
    steps: u32,
}

impl Ema {
    /// Starts at the module's weights.
    #[must_use]
    pub fn new<M: Module>(module: &M) -> Self {
        let mut ema = Self {
            on_host: HashMap::new(),
            on_device: HashMap::new(),
            steps: 0,
        };
        module.visit(&mut Averager {
            ema: &mut ema,
            decay: 0.0,
        });
        ema
    }

    /// Takes the module's weights into the average. [`crate::AdamW::step_averaging`] does so in the
    /// optimiser's own pass.
    pub fn update<M: Module>(&mut self, module: &M) {
        let decay = self.next_decay();
        module.visit(&mut Averager { ema: self, decay });
    }

    /// Counts a step and says by how much it keeps what was.
    pub(crate) fn next_decay(&mut self) -> f32 {
        self.steps += 1;
        (1.0 - (1.0 + f64::from(self.steps)).powf(-0.75)).clamp(0.0, 0.9999) as f32
    }

    /// The average of a parameter on the processor, which starts at `value`.
    pub(crate) fn on_host(&mut self, id: ParamId, value: &[f32]) -> &mut Vec<f32> {
        let average = self.on_host.entry(id);
        average.or_insert_with(|| value.to_vec())
    }

    /// Moves the average of a parameter on another device towards `value`, keeping `decay` of it.
    pub(crate) fn take_in(&mut self, id: ParamId, value: &Tensor<1>, decay: f32) {
        let average = self.on_device.entry(id).or_insert_with(|| value.clone());
        average.inplace(|a| a.clone() + (value.clone() - a) * (1.0 - decay));
    }

    /// The average of a parameter on another device, which starts at `value`, to be [put
    /// back](Self::put_back).
    pub(crate) fn take_out<const D: usize>(&mut self, id: ParamId, value: &Tensor<D>) -> Tensor<1> {
        let count = value.shape().num_elements();
        let average = self.on_device.remove(&id);
        average.unwrap_or_else(|| value.clone().reshape([count]))
    }

    pub(crate) fn put_back(&mut self, id: ParamId, average: Tensor<1>) {
        self.on_device.insert(id, average);
    }

    /// The module with the averaged weights.
    pub fn apply<M: Module>(&self, module: M) -> M {
        module.map(&mut Applier(self))
    }
}

struct Averager<'a> {
    ema: &'a mut Ema,
    decay: f32,
}

impl ModuleVisitor for Averager<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let value = param.val().inner();
        if !kernels::has_cpu_kernels(&value) {
            let count: usize = value.dims().iter().product();
            self.ema
                .take_in(param.id, &value.reshape([count]), self.decay);
            return;
        }
        let values = value.into_data().try_into_vec::<f32>().unwrap_or_default();
        for (a, v) in self.ema.on_host(param.id, &values).iter_mut().zip(&values) {
            *a = ema_update(*a, *v, self.decay);
        }
    }
}

struct Applier<'a>(&'a Ema);

impl ModuleMapper for Applier<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Self(ema) = self;
        let id = param.id;
        let shape = param.dims();
        let averaged: Tensor<D> = match (ema.on_host.get(&id), ema.on_device.get(&id)) {
            (Some(numbers), _) => {
                let device = param.device().without_autodiff();
                Tensor::from_data(TensorData::new(numbers.clone(), shape), &device)
            }
            (None, Some(average)) => average.clone().reshape(shape),
            (None, None) => return param,
        };
        let (id, tensor, mapper) = param.consume();
        Param::from_mapped_value(id, GradMode::of(&tensor).on(averaged), mapper)
    }
}
