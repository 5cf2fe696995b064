//! One file that PyTorch wrote, and the comparison with it.

use apprentice_networks::load_module;
use apprentice_nn::{DeviceChoice, open_device};
use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use safetensors::SafeTensors;
use std::collections::BTreeMap;
use std::path::PathBuf;

pub const FORWARD: f32 = 1e-5;
pub const BACKWARD: f32 = 1e-4;
/// GPUs sum in another order and have their own exponential: in plain 32-bit floats they are this many
/// times farther from PyTorch on a processor.
const GPU: f32 = 10.0;
/// CUDA's matrix products of 32-bit floats keep ten bits of what they multiply (TF32), as PyTorch's convolutions
/// do there; so many times farther are these networks on a processor, too, with products of such numbers.
const TF32: f32 = 300.0;
/// Numbers of tensors that are all smaller than this are measured against this.
const FLOOR: f32 = 1e-6;

/// The device the tests run on, and what its tolerances are multiplied with: `APPRENTICE_TEST_DEVICE` is
/// `flex` (also when it is not set), `cuda` or `wgpu`, the latter two in builds with that feature.
fn device() -> (Device, f32) {
    let name = std::env::var("APPRENTICE_TEST_DEVICE").unwrap_or_else(|_| "flex".into());
    let (choice, loosened) = match name.as_str() {
        "flex" => (DeviceChoice::Cpu, 1.0),
        "cuda" => (DeviceChoice::Cuda, TF32),
        "wgpu" => (DeviceChoice::Wgpu, GPU),
        other => panic!("APPRENTICE_TEST_DEVICE is {other}, allowed: flex, cuda, wgpu"),
    };
    (open_device(choice).unwrap().autodiff(), loosened)
}

pub struct Case {
    path: PathBuf,
    tensors: BTreeMap<String, (Vec<usize>, Vec<f32>)>,
    pub device: Device,
    loosened: f32,
}

impl Case {
    pub fn open(name: &str) -> Self {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("tests/parity/data")
            .join(format!("{name}.safetensors"));
        let bytes = std::fs::read(&path).unwrap();
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let tensors = file.iter().map(|(name, view)| {
            let values = bytemuck::pod_collect_to_vec(view.data());
            (name.to_owned(), (view.shape().to_vec(), values))
        });
        let (device, loosened) = device();
        Self {
            tensors: tensors.collect(),
            path,
            device,
            loosened,
        }
    }

    /// The module with PyTorch's weights, which are of the same names and shapes.
    pub fn weights<M: Module>(&self, fresh: M) -> M {
        load_module(fresh, &self.path).unwrap().0
    }

    pub fn tensor<const D: usize>(&self, name: &str) -> Tensor<D> {
        let (shape, values) = &self.tensors[name];
        let shape: [usize; D] = shape.clone().try_into().unwrap();
        Tensor::from_data(TensorData::new(values.clone(), shape), &self.device)
    }

    /// An input whose gradient is wanted.
    pub fn input<const D: usize>(&self, name: &str) -> Tensor<D> {
        self.tensor(name).require_grad()
    }

    /// Errors are measured against the largest number of the tensor.
    pub fn same<const D: usize>(&self, name: &str, found: Tensor<D>, tolerance: f32) {
        let (shape, wanted) = &self.tensors[name];
        assert_eq!(found.dims().as_slice(), shape.as_slice(), "shape of {name}");
        let found = found.into_data().try_to_vec::<f32>().unwrap();
        let largest = wanted.iter().fold(FLOOR, |a, w| a.max(w.abs()));
        let tolerance = tolerance * self.loosened;
        for (i, (f, w)) in found.iter().zip(wanted).enumerate() {
            let error = (f - w).abs() / largest;
            assert!(error < tolerance, "{name}[{i}] is {f}, PyTorch has {w}");
        }
    }

    /// The output, and the gradients of `inputs` and of every weight.
    pub fn check<M: Module, const I: usize, const O: usize>(
        &self,
        module: &M,
        inputs: &[(&str, &Tensor<I>)],
        out: Tensor<O>,
    ) -> burn::tensor::Gradients {
        self.same("out", out.clone(), FORWARD);
        let gradients = (out * self.tensor("probe")).sum().backward();
        for (name, input) in inputs {
            let found = input.grad(&gradients).unwrap();
            self.same(&format!("gradient.{name}"), found, BACKWARD);
        }
        let mut of_weights = gradients;
        let params = GradientsParams::from_module(&mut of_weights, module);
        let mut comparison = Comparison {
            case: self,
            gradients: &params,
            path: Vec::new(),
            compared: 0,
        };
        module.visit(&mut comparison);
        let weights = self.tensors.keys().filter(|k| {
            k.strip_prefix("gradient.")
                .is_some_and(|k| !["x", "cond"].contains(&k))
        });
        assert_eq!(comparison.compared, weights.count(), "weights compared");
        of_weights
    }

    /// A layer from one tensor to another.
    pub fn layer<M: Module, const I: usize, const O: usize>(
        &self,
        fresh: M,
        forward: impl Fn(&M, Tensor<I>) -> Tensor<O>,
    ) {
        let module = self.weights(fresh);
        let x = self.input("x");
        let out = forward(&module, x.clone());
        self.check(&module, &[("x", &x)], out);
    }
}

struct Comparison<'a> {
    case: &'a Case,
    gradients: &'a GradientsParams,
    path: Vec<String>,
    compared: usize,
}

impl ModuleVisitor for Comparison<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let name = self.path.join(".");
        let found = self.gradients.get::<D>(param.id);
        let found = found.unwrap_or_else(|| panic!("{name} has no gradient"));
        self.case.same(&format!("gradient.{name}"), found, BACKWARD);
        self.compared += 1;
    }
}
