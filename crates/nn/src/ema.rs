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

    /// Takes the module's weights into the average.
    pub fn update<M: Module>(&mut self, module: &M) {
        self.steps += 1;
        let decay = (1.0 - (1.0 + f64::from(self.steps)).powf(-0.75)).clamp(0.0, 0.9999) as f32;
        module.visit(&mut Averager {
            average: &mut self.average,
            decay,
        });
    }

    /// The module with the averaged weights.
    pub fn apply<M: Module>(&self, module: M) -> M {
        module.map(&mut Applier {
            average: &self.average,
        })
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
            Some(average) => average
                .iter_mut()
                .zip(values)
                .for_each(|(a, v)| *a += (1.0 - decay) * (v - *a)),
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
