//! Networks in 16 bits, through the formulation that GPUs run, against 32 bits.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that fails may say so by panicking.

use apprentice_networks::{
    Normalisation, ResNet18, ResNetConfig, VisionConfig, VisionEncoder, VisionTransformer,
    VisionTransformerConfig, load_module, save_module,
};
use apprentice_nn::{FrozenBatchNorm, Precision, gaussian};
use burn::module::Module;
use burn::tensor::{DType, Device, Tensor, TensorData};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;
use std::path::PathBuf;

fn rng() -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(2)
}

/// The mean difference, of the mean size; nothing may be off by as much as the largest number.
fn error<const D: usize>(found: Tensor<D>, wanted: Tensor<D>, given: DType) -> f32 {
    assert_eq!(found.dtype(), given);
    assert_eq!(found.dims(), wanted.dims());
    let found = found.try_into_vec_as::<f32>().unwrap();
    let wanted = wanted.try_into_vec_as::<f32>().unwrap();
    let largest = wanted.iter().fold(0.0f32, |m, w| m.max(w.abs()));
    let (mut off, mut size) = (0.0, 0.0);
    for (f, w) in found.iter().zip(&wanted) {
        assert!((f - w).abs() < largest, "{f} is not {w}");
        off += (f - w).abs();
        size += w.abs();
    }
    off / size
}

fn check<M: Module, const D: usize>(
    name: &str,
    network: M,
    side: usize,
    forward: impl Fn(&M, Tensor<4>) -> Tensor<D>,
) {
    let images: Tensor<4> = gaussian([2, side, side, 3], &mut rng(), &Device::flex());
    let wanted = forward(&network, images.clone());
    for (precision, given, tolerance) in [
        (Precision::Bf16, DType::BF16, 0.06),
        (Precision::F16, DType::F16, 0.01),
    ] {
        let short = precision.of_module(network.clone());
        let found = forward(&short, precision.of(images.clone()));
        let error = error(found, wanted.clone(), given);
        assert!(
            error > 0.0 && error < tolerance,
            "{name} in {}: off by {error}",
            precision.name()
        );
    }
}

#[test]
fn resnets_are_close() {
    for normalisation in [Normalisation::Group(8), Normalisation::FrozenBatch] {
        let config = ResNetConfig {
            widths: [8, 8, 16, 16],
            normalisation,
        };
        let network = ResNet18::new(&config, &mut rng(), &Device::flex()).unwrap();
        check("maps", network.clone(), 48, |m, x| m.forward(x).unwrap());
        check("mean", network.clone(), 48, |m, x| m.pooled(x).unwrap());
        check("keypoints", network, 64, |m, x| m.keypoints(x).unwrap());
    }
}

#[test]
fn vision_transformers_are_close() {
    let config = VisionTransformerConfig {
        patch: 8,
        grid: [4, 4],
        width: 32,
        depth: 2,
        heads: 4,
    };
    let network = VisionTransformer::new(&config, &mut rng(), &Device::flex()).unwrap();
    check("tokens", network, 32, |m, x| m.forward(x).unwrap());
}

#[test]
fn vision_encoders_are_close() {
    let config = VisionConfig {
        height: 32,
        width: 32,
        channels: vec![8, 16],
        strides: vec![2, 1],
        kernels: vec![5, 3],
        groups: 4,
        out: 12,
    };
    let network = VisionEncoder::new(&config, &mut rng(), &Device::flex()).unwrap();
    check("features", network, 32, |m, x| m.forward(x).unwrap());
}

#[test]
fn variances_beyond_sixteen_bits_are_kept() {
    let device = Device::flex();
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("variances.safetensors");
    save_module(&FrozenBatchNorm::new(2, &device), &path, &BTreeMap::new()).unwrap();
    // The file ends with its last tensor by name: the variances.
    let mut bytes = std::fs::read(&path).unwrap();
    let start = bytes.len() - 8;
    bytes[start..].copy_from_slice(bytemuck::cast_slice(&[1e6f32, 4e6]));
    std::fs::write(&path, bytes).unwrap();
    let (norm, _) = load_module(FrozenBatchNorm::new(2, &device), &path).unwrap();
    let norm = Precision::F16.of_module(norm);
    let x = Tensor::<4>::from_data(
        TensorData::new(vec![1000.0f32, 1000.0], [1, 1, 1, 2]),
        &device,
    );
    let out = norm.forward(Precision::F16.of(x));
    let out = out.try_into_vec_as::<f32>().unwrap();
    assert!(
        (out[0] - 1.0).abs() < 1e-2 && (out[1] - 0.5).abs() < 1e-2,
        "{out:?}"
    );
}
