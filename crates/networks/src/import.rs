//! Weights that others trained, into this crate's networks.
//!
//! Names are those of the publishers; layouts are turned (convolutions [out, in, k..] to [k.. x in,
//! out], linear maps [out, in] to [in, out]).

use crate::error::WeightsError;
use crate::named_tensors::NamedTensors;
use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Tensor, TensorData};

/// One parameter of a network: where it is and how it lies.
pub(crate) struct Place<'a> {
    /// Fields from the network down, such as `layer1.0.conv1`, without the parameter's own.
    pub(crate) layer: &'a str,
    /// The parameter's own name, such as `weight`.
    pub(crate) parameter: &'a str,
    /// The layer's type, such as `Conv2d`.
    pub(crate) kind: &'a str,
    pub(crate) shape: &'a [usize],
}

impl Place<'_> {
    /// What PyTorch calls this parameter of a layer.
    pub(crate) fn torch_parameter(&self) -> &str {
        match (self.kind, self.parameter) {
            ("GroupNorm" | "LayerNorm" | "FrozenBatchNorm", "gamma") => "weight",
            ("GroupNorm" | "LayerNorm" | "FrozenBatchNorm", "beta") => "bias",
            (_, own) => own,
        }
    }

    /// The numbers of the tensor called `name`, in our layout; `kernel` is the side of a convolution's.
    pub(crate) fn read(
        &self,
        tensors: &NamedTensors,
        name: &str,
        kernel: usize,
    ) -> Result<Vec<f32>, WeightsError> {
        let is_weight = self.parameter == "weight";
        match (self.kind, self.shape) {
            ("Linear", &[input, output]) if is_weight => Ok(turned(
                tensors.get(name, &[output, input])?,
                output,
                1,
                false,
            )),
            ("Conv1d" | "Conv2d", &[reach, output]) if is_weight => {
                let sides = if self.kind == "Conv2d" { 2 } else { 1 };
                let taps = kernel.pow(sides);
                let mut expected = vec![output, reach / taps.max(1)];
                expected.extend(std::iter::repeat_n(kernel, sides as usize));
                let values = tensors.get(name, &expected)?;
                Ok(turned(values, output, taps, false))
            }
            ("ConvTranspose1d", &[input, reach]) if is_weight => {
                let values = tensors.get(name, &[input, reach / 4, 4])?;
                Ok(turned(values, input, 4, true))
            }
            (_, shape) => Ok(tensors.get(name, shape)?.to_vec()),
        }
    }
}

/// [first, second, taps] to [taps, second, first], or to [first, taps, second] where the first stays.
fn turned(values: &[f32], first: usize, taps: usize, stays: bool) -> Vec<f32> {
    let second = values.len() / (first * taps).max(1);
    let mut out = Vec::with_capacity(values.len());
    let at = |f: usize, s: usize, t: usize| values[(f * second + s) * taps + t];
    if stays {
        for f in 0..first {
            for t in 0..taps {
                out.extend((0..second).map(|s| at(f, s, t)));
            }
        }
    } else {
        for t in 0..taps {
            for s in 0..second {
                out.extend((0..first).map(|f| at(f, s, t)));
            }
        }
    }
    out
}

/// Fills a module with what `read` finds for each of its parameters.
pub(crate) fn fill<M: Module>(
    module: M,
    read: impl Fn(&Place<'_>) -> Result<Vec<f32>, WeightsError>,
) -> Result<M, WeightsError> {
    let mut filler = Filler {
        read,
        fields: Vec::new(),
        problem: None,
    };
    let module = module.map(&mut filler);
    filler.problem.map_or(Ok(module), Err)
}

struct Filler<R> {
    read: R,
    /// Names of fields from the network down, and the types they are in.
    fields: Vec<(String, String)>,
    problem: Option<WeightsError>,
}

impl<R: Fn(&Place<'_>) -> Result<Vec<f32>, WeightsError>> ModuleMapper for Filler<R> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.fields.push((name.to_owned(), container.to_owned()));
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.fields.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (id, value, mapper) = param.consume();
        let shape = value.dims();
        // Variants of an enum are no layers to PyTorch.
        let fields = self.fields.iter().filter(|f| !f.1.starts_with("Enum:"));
        let fields: Vec<&(String, String)> = fields.collect();
        let Some(((parameter, container), layers)) = fields.split_last() else {
            return Param::from_mapped_value(id, value, mapper);
        };
        let layers: Vec<&str> = layers.iter().map(|f| f.0.as_str()).collect();
        let place = Place {
            layer: &layers.join("."),
            parameter,
            kind: container.strip_prefix("Struct:").unwrap_or(container),
            shape: &shape,
        };
        let loaded = match (self.read)(&place) {
            Ok(numbers) => Tensor::from_data(TensorData::new(numbers, shape), &value.device())
                .set_require_grad(value.is_require_grad()),
            Err(problem) => {
                self.problem.get_or_insert(problem);
                value
            }
        };
        Param::from_mapped_value(id, loaded, mapper)
    }
}

/// The sizes of a tensor that tells a network's sizes.
pub(crate) fn sizes<const D: usize>(
    tensors: &NamedTensors,
    name: &str,
) -> Result<[usize; D], WeightsError> {
    match tensors.shape(name).map(<[usize; D]>::try_from) {
        Some(Ok(shape)) => Ok(shape),
        // Asked for with no size in any dimension, it is missing or misshapen: that says which.
        _ => Err(tensors
            .get(name, &[0; D])
            .err()
            .unwrap_or_else(|| WeightsError::Device(format!("{name} has no numbers")))),
    }
}

/// Initial weights are replaced by the file's, so where they come from does not matter.
pub(crate) fn any_weights() -> impl rand::Rng {
    use rand::SeedableRng as _;
    rand_chacha::ChaCha8Rng::seed_from_u64(0)
}
