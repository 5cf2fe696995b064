//! A running average of a network's weights.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::{Tensor, TensorData};
use std::collections::HashMap;

/// Exponential moving average with decay `1 - (1 + step)^-0.75`, at most 0.9999, as Diffusion Policy
/// uses it.
#[derive(Debug)]
pub struct Ema {
    average: HashMap<ParamId, Vec<f32>>,
    steps: u32,
}

impl Ema {
    /// Starts at the module's weights.
    #[must_use]
    pub fn new<M: Module>(module: &M) -> Self {
        let mut ema = Self {
            average: HashMap::new(),
            steps: 0,
        };
        module.visit(&mut Averager {
            average: &mut ema.average,
            decay: 0.0,
        });
        ema
    }

    /// Takes the module's weights into the average. [`crate::AdamW::step_averaging`] does so in the
    /// optimiser's own pass.
    pub fn update<M: Module>(&mut self, module: &M) {
        let decay = self.next_decay();
        module.visit(&mut Averager {
            average: &mut self.average,
            decay,
        });
    }

    /// Counts a step and says by how much it keeps what was.
    pub(crate) fn next_decay(&mut self) -> f32 {
        self.steps += 1;
        (1.0 - (1.0 + f64::from(self.steps)).powf(-0.75)).clamp(0.0, 0.9999) as f32
    }

    /// The average of a parameter, which starts at `value`.
    pub(crate) fn weights(&mut self, id: ParamId, value: &[f32]) -> &mut Vec<f32> {
        self.average.entry(id).or_insert_with(|| value.to_vec())
    }

    /// The module with the averaged weights.
    pub fn apply<M: Module>(&self, module: M) -> M {
        module.map(&mut Applier {
            average: &self.average,
        })
    }
}

/// Moves `average` towards `values`, keeping `decay` of it.
#[inline(always)]
pub(crate) fn mix(average: &mut [f32], values: &[f32], decay: f32) {
    for (a, v) in average.iter_mut().zip(values) {
        *a += (1.0 - decay) * (v - *a);
    }
}

struct Averager<'a> {
    average: &'a mut HashMap<ParamId, Vec<f32>>,
    decay: f32,
}

impl ModuleVisitor for Averager<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let values = param
            .val()
            .into_data()
            .convert::<f32>()
            .try_to_vec::<f32>()
            .unwrap_or_default();
        let decay = self.decay;
        match self.average.get_mut(&param.id) {
            Some(average) => mix(average, &values, decay),
            None => {
                self.average.insert(param.id, values);
            }
        }
    }
}

struct Applier<'a> {
    average: &'a HashMap<ParamId, Vec<f32>>,
}

impl ModuleMapper for Applier<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(values) = self.average.get(&param.id).cloned() else {
            return param;
        };
        let (id, tensor, mapper) = param.consume();
        let averaged =
            Tensor::<D>::from_data(TensorData::new(values, tensor.dims()), &tensor.device());
        let averaged = averaged.set_require_grad(tensor.is_require_grad());
        Param::from_mapped_value(id, averaged, mapper)
    }
}
