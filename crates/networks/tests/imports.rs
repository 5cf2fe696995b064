//! Checkpoints as other projects save them, against what PyTorch computes with them.
//!
//! `imports/make_imports.py` wrote the files.
#![allow(clippy::unwrap_used, clippy::panic)]

mod device;

use apprentice_networks::Normalisation;
use apprentice_networks::{NamedTensors, resnet18, unet, unet1d, vision_transformer};
use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const FORWARD: f32 = 1e-5;
const BACKWARD: f32 = 1e-4;
/// Numbers of tensors that are all smaller than this are measured against this.
const FLOOR: f32 = 1e-6;

fn path(file: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/imports");
    folder.join(file)
}

fn read(file: &str) -> NamedTensors {
    NamedTensors::read(&path(file), "a test's network").unwrap()
}

fn device() -> Device {
    device::open().0.autodiff()
}

fn tensor<const D: usize>(tensors: &NamedTensors, name: &str) -> Tensor<D> {
    let shape: [usize; D] = tensors.shape(name).unwrap().try_into().unwrap();
    let values = tensors.get(name, &shape).unwrap().to_vec();
    Tensor::from_data(TensorData::new(values, shape), &device())
}

fn close(what: &str, got: &[f32], wanted: &[f32], tolerance: f32) {
    assert_eq!(got.len(), wanted.len(), "{what}");
    let largest = wanted.iter().fold(FLOOR, |m, v| m.max(v.abs()));
    let tolerance = tolerance * device::open().1;
    for (i, (g, w)) in got.iter().zip(wanted).enumerate() {
        let off = (g - w).abs() / largest;
        assert!(off < tolerance, "{what}[{i}] is {g}, PyTorch has {w}");
    }
}

fn same<const D: usize>(tensors: &NamedTensors, name: &str, got: Tensor<D>, tolerance: f32) {
    let got = got.into_data().try_to_vec::<f32>().unwrap();
    let wanted = tensor::<D>(tensors, name).into_data();
    close(name, &got, &wanted.try_to_vec::<f32>().unwrap(), tolerance);
}

/// Numbers of each parameter, or of its gradient, by the fields that lead to it.
struct Numbers<'a> {
    gradients: Option<&'a GradientsParams>,
    fields: Vec<String>,
    found: BTreeMap<String, Vec<f32>>,
}

impl ModuleVisitor for Numbers<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.fields.push(name.to_owned());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.fields.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let value = match self.gradients {
            Some(gradients) => gradients.get::<D>(param.id),
            None => Some(param.val().inner()),
        };
        if let Some(value) = value {
            let numbers = value.into_data().try_to_vec::<f32>().unwrap();
            self.found.insert(self.fields.join("."), numbers);
        }
    }
}

fn numbers<M: Module>(
    module: &M,
    gradients: Option<&GradientsParams>,
) -> BTreeMap<String, Vec<f32>> {
    let mut visitor = Numbers {
        gradients,
        fields: Vec::new(),
        found: BTreeMap::new(),
    };
    module.visit(&mut visitor);
    visitor.found
}

/// Output and gradients; `wanted` is the network of PyTorch's gradients, read like weights.
fn check<M: Module, const O: usize>(
    tensors: &NamedTensors,
    module: &M,
    wanted: Option<&M>,
    x: &Tensor<4>,
    out: Tensor<O>,
) {
    same(tensors, "out", out.clone(), FORWARD);
    let mut gradients = (out * tensor(tensors, "probe")).sum().backward();
    same(tensors, "gradient.x", x.grad(&gradients).unwrap(), BACKWARD);
    let Some(wanted) = wanted else { return };
    let found = GradientsParams::from_module(&mut gradients, module);
    let found = numbers(module, Some(&found));
    let wanted = numbers(wanted, None);
    for (name, found) in &found {
        close(name, found, &wanted[name], BACKWARD);
    }
    assert!(found.len() > 10);
}

#[test]
fn resnets_of_torchvision_match() {
    let batch = Normalisation::FrozenBatch;
    for (file, prefix, widths, normalisation) in [
        (
            "resnet18_group",
            "",
            [16, 16, 16, 32],
            Normalisation::Group(16),
        ),
        ("resnet18_batch", "", [4, 4, 6, 8], batch),
        ("resnet18_in_a_row", "backbone.", [4, 4, 6, 8], batch),
    ] {
        let tensors = read(&format!("{file}.safetensors"));
        let (config, net) = resnet18(&tensors, prefix, &device()).unwrap();
        assert_eq!(config.widths, widths);
        assert_eq!(config.normalisation, normalisation);
        let wanted = resnet18(&tensors, &format!("gradient.{prefix}"), &device()).unwrap();
        let x = tensor(&tensors, "x").require_grad();
        let out = net.forward(x.clone()).unwrap();
        check(&tensors, &net, Some(&wanted.1), &x, out);
    }
}

#[test]
fn vision_transformers_of_dinov2_match() {
    let load = |tensors: &NamedTensors, prefix: &str, grid| {
        vision_transformer(tensors, prefix, grid, Some(2), &device()).unwrap()
    };
    let tensors = read("vit.safetensors");
    let (config, net) = load(&tensors, "", [3, 3]);
    assert_eq!((config.patch, config.width, config.depth), (5, 32, 2));
    let (_, wanted) = load(&tensors, "gradient.", [3, 3]);
    let x = tensor(&tensors, "x").require_grad();
    let out = net.forward(x.clone()).unwrap();
    check(&tensors, &net, Some(&wanted), &x, out);

    let tensors = read("vit_stretched.safetensors");
    let (_, net) = load(&tensors, "", [2, 5]);
    let x = tensor(&tensors, "x").require_grad();
    let out = net.forward(x.clone()).unwrap();
    check(&tensors, &net, None, &x, out);
}

fn unet(weights: &NamedTensors, prefix: &str, computed: &NamedTensors) {
    let (config, net) = unet1d(weights, prefix, unet::import::GROUPS, &device()).unwrap();
    assert_eq!((config.dims.as_slice(), config.kernel), (&[8, 16][..], 3));
    assert_eq!(
        (config.action_dim, config.cond_dim, config.step_dim),
        (3, 5, 8)
    );
    let x = tensor::<3>(computed, "x").require_grad();
    let cond = tensor::<2>(computed, "cond").require_grad();
    let steps = tensor(computed, "steps");
    let out = net.forward(x.clone(), steps, cond.clone()).unwrap();
    same(computed, "out", out.clone(), FORWARD);
    let gradients = (out * tensor(computed, "probe")).sum().backward();
    same(
        computed,
        "gradient.x",
        x.grad(&gradients).unwrap(),
        BACKWARD,
    );
    let of_cond = cond.grad(&gradients).unwrap();
    same(computed, "gradient.cond", of_cond, BACKWARD);
}

#[test]
fn unets_of_lerobot_match() {
    let tensors = read("unet_lerobot.safetensors");
    let prefixes = unet::import::prefixes(&tensors);
    assert!(
        prefixes.contains(&"diffusion.unet.".to_owned()),
        "{prefixes:?}"
    );
    unet(&tensors, "diffusion.unet.", &tensors);
}

#[test]
fn unets_of_diffusion_policy_match_and_averaged_weights_come_first() {
    let weights = read("policy.ckpt");
    let prefixes = unet::import::prefixes(&weights);
    assert_eq!(
        prefixes,
        ["state_dicts.ema_model.model.", "state_dicts.model.model."]
    );
    let computed = read("unet_diffusion_policy.safetensors");
    unet(&weights, &prefixes[0], &computed);
    let averaged = NamedTensors::read_under(&path("policy.ckpt"), "U-Net", &prefixes[0]).unwrap();
    assert!(averaged.names().all(|n| n.starts_with(&prefixes[0])));
    assert!(averaged.len() < weights.len());
    unet(&averaged, &prefixes[0], &computed);
}

#[test]
fn wrong_files_are_refused_by_the_tensor() {
    let tensors = read("resnet18_group.safetensors");
    let error = unet1d(&tensors, "", 8, &device())
        .err()
        .unwrap()
        .to_string();
    assert!(
        error.contains("'diffusion_step_encoder.3.weight'"),
        "{error}"
    );
    let error = vision_transformer(&tensors, "", [3, 3], None, &device());
    let error = error.err().unwrap().to_string();
    assert!(error.contains("'patch_embed.proj.weight'"), "{error}");

    let mut wrong = tensors.clone();
    wrong.insert(
        "layer2.0.conv2.weight",
        vec![16, 32, 3, 2],
        vec![0.0; 16 * 32 * 6],
    );
    let error = resnet18(&wrong, "", &device()).err().unwrap().to_string();
    assert!(
        error.contains("'layer2.0.conv2.weight' has shape [16, 32, 3, 2]"),
        "{error}"
    );

    // As many numbers, but not those of a square kernel.
    let mut wrong = tensors.clone();
    wrong.insert("conv1.weight", vec![16, 3, 49, 1], vec![0.0; 16 * 3 * 49]);
    let error = resnet18(&wrong, "", &device()).err().unwrap().to_string();
    assert!(
        error.contains("'conv1.weight' has shape [16, 3, 49, 1], expected [16, 3, 7, 7]"),
        "{error}"
    );
    let mut wrong = read("vit.safetensors");
    wrong.insert("pos_embed", vec![1, 0, 32], Vec::new());
    let error = vision_transformer(&wrong, "", [3, 3], Some(2), &device());
    let error = error.err().unwrap().to_string();
    assert!(error.contains("0 tokens in pos_embed"), "{error}");
    let error = NamedTensors::read_under(&path("policy.ckpt"), "U-Net", "no.such.");
    let error = error.err().unwrap().to_string();
    assert!(error.contains("begins with 'no.such.'"), "{error}");

    let cut = tempfile::tempdir().unwrap();
    let bytes = std::fs::read(path("policy.ckpt")).unwrap();
    let half = cut.path().join("half.ckpt");
    std::fs::write(&half, &bytes[..bytes.len() / 2]).unwrap();
    let error = NamedTensors::read(&half, "U-Net")
        .err()
        .unwrap()
        .to_string();
    assert!(error.contains("half.ckpt"), "{error}");
}
