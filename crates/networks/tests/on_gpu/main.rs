//! On a GPU, networks answer and learn as on the processor. Built and run with
//! `cargo test --release --workspace --features apprentice/cuda` (or `apprentice/wgpu`) on a machine that has one;
//! `APPRENTICE_SOFTWARE_GPU=1` lets a software rasteriser pass for one.

#![cfg(any(feature = "cuda", feature = "wgpu"))]
#![allow(clippy::unwrap_used, clippy::panic)] // A test that fails may say so by panicking.

mod layers;
mod split_k;

use apprentice_networks::{
    ResNet18, ResNetConfig, UNet1d, UNetConfig, VisionConfig, VisionEncoder, VisionTransformer,
    VisionTransformerConfig,
};
use apprentice_nn::{AdamW, AdamWConfig, DeviceChoice, Ema, Precision, gaussian, open_device};
use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// CUDA where this build has it, unless `APPRENTICE_TEST_DEVICE` asks for another.
fn gpu() -> Device {
    let asked = std::env::var("APPRENTICE_TEST_DEVICE");
    let choice = match asked.as_deref() {
        Ok("wgpu") => DeviceChoice::Wgpu,
        Ok("cuda") => DeviceChoice::Cuda,
        _ if cfg!(feature = "cuda") => DeviceChoice::Cuda,
        _ => DeviceChoice::Wgpu,
    };
    open_device(choice).unwrap()
}

/// How much further from the processor's answers products are on this GPU: CUDA's are TF32, of ten bits.
fn coarser(device: &Device) -> f32 {
    let is_cuda = format!("{device:?}").contains("Cuda");
    if is_cuda { 50.0 } else { 1.0 }
}

fn rng() -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(3)
}

#[derive(Default)]
struct Weights(Vec<f32>);

impl ModuleVisitor for Weights {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.extend(numbers(param.val()));
    }
}

fn weights<M: Module>(module: &M) -> Vec<f32> {
    let mut all = Weights::default();
    module.visit(&mut all);
    all.0
}

fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    let data = Precision::F32.of(tensor).into_data();
    data.try_into_vec::<f32>().unwrap()
}

/// Largest difference, of the largest number.
fn apart(found: &[f32], wanted: &[f32]) -> f32 {
    assert_eq!(found.len(), wanted.len());
    let largest = wanted.iter().fold(1e-6f32, |m, w| m.max(w.abs()));
    let differences = found.iter().zip(wanted).map(|(f, w)| (f - w).abs());
    differences.fold(0.0, f32::max) / largest
}

fn unet(device: &Device) -> UNet1d {
    let config = UNetConfig {
        action_dim: 7,
        cond_dim: 30,
        dims: vec![32, 64],
        kernel: 5,
        groups: 8,
        step_dim: 32,
    };
    UNet1d::new(&config, &mut rng(), device).unwrap()
}

/// Noisy chunks, steps and conditions.
fn chunks(device: &Device) -> (Tensor<3>, Tensor<1>, Tensor<2>) {
    let mut rng = rng();
    (
        gaussian([5, 16, 7], &mut rng, device),
        gaussian::<1>([5], &mut rng, device).abs() * 40.0,
        gaussian([5, 30], &mut rng, device),
    )
}

/// The weights after four clipped steps, and their average.
fn learn(device: &Device) -> (Vec<f32>, Vec<f32>) {
    let device = device.clone().autodiff();
    let mut net = unet(&device);
    let mut average = Ema::new(&net);
    let mut optimizer = AdamW::new(AdamWConfig {
        clip_norm: Some(0.1),
        weight_decay: 1e-2,
        eps: 1e-4,
        ..AdamWConfig::default()
    });
    let (x, steps, cond) = chunks(&device);
    for _ in 0..4 {
        let out = net.forward(x.clone(), steps.clone(), cond.clone()).unwrap();
        let loss = (out.clone() * out).mean();
        let gradients = GradientsParams::from_grads(loss.backward(), &net);
        net = optimizer.step_averaging(net, gradients, 1e-3, &mut average);
    }
    (weights(&net), weights(&average.apply(net)))
}

#[test]
fn the_unet_learns_as_on_the_processor() {
    let (found, wanted) = (learn(&gpu()), learn(&Device::flex()));
    for (f, w) in [(&found.0, &wanted.0), (&found.1, &wanted.1)] {
        let error = apart(f, w);
        assert!(error < 2e-4 * coarser(&gpu()), "{error}");
    }
}

#[test]
fn networks_answer_as_on_the_processor() {
    let answers = |device: &Device| {
        let images: Tensor<4> = gaussian([2, 56, 56, 3], &mut rng(), device);
        let vision = VisionConfig {
            height: 56,
            width: 56,
            channels: vec![16, 32],
            strides: vec![2, 2],
            kernels: vec![5, 3],
            groups: 8,
            out: 10,
        };
        let config = ResNetConfig {
            widths: [16, 16, 32, 32],
            ..ResNetConfig::default()
        };
        let vit = VisionTransformerConfig {
            width: 48,
            heads: 3,
            depth: 2,
            grid: [4, 4],
            ..VisionTransformerConfig::default()
        };
        let (x, steps, cond) = chunks(device);
        let unet = unet(device).forward(x, steps, cond).unwrap();
        let eye = VisionEncoder::new(&vision, &mut rng(), device).unwrap();
        let resnet = ResNet18::new(&config, &mut rng(), device).unwrap();
        let vit = VisionTransformer::new(&vit, &mut rng(), device).unwrap();
        [
            numbers(unet),
            numbers(eye.forward(images.clone()).unwrap()),
            numbers(resnet.keypoints(images.clone()).unwrap()),
            numbers(vit.class(images).unwrap()),
        ]
    };
    let (found, wanted) = (answers(&gpu()), answers(&Device::flex()));
    for (name, (f, w)) in ["U-Net", "vision encoder", "ResNet-18", "vision transformer"]
        .iter()
        .zip(found.iter().zip(&wanted))
    {
        let error = apart(f, w);
        assert!(error < 1e-4 * coarser(&gpu()), "{name}: {error}");
    }
}

#[test]
fn the_unet_answers_in_sixteen_bits() {
    let device = gpu();
    let (x, steps, cond) = chunks(&device);
    let net = unet(&device);
    let wanted = numbers(net.forward(x.clone(), steps.clone(), cond.clone()).unwrap());
    for precision in [Precision::F16, Precision::Bf16] {
        if precision.check(&device).is_err() {
            println!("{} is not for {device:?}", precision.name());
            continue;
        }
        let half = precision.of_module(net.clone());
        let out = half.forward(
            precision.of(x.clone()),
            steps.clone(),
            precision.of(cond.clone()),
        );
        let error = apart(&numbers(out.unwrap()), &wanted);
        assert!(error < 0.05, "{}: {error}", precision.name());
    }
}
