//! With gradient checkpointing, outputs of cheap layers are computed again in the backward pass instead of kept.

#![allow(clippy::unwrap_used)] // A test that fails may say so by panicking.

use apprentice_nn::{Conv1d, GroupNormMish, gaussian};
use burn::backend::TensorMetadata as _;
use burn::tensor::{Device, Tensor};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// Whether a normalisation's output, which a convolution's gradient needs, is still held once both
/// have answered.
fn is_kept(device: &Device) -> bool {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let norm = GroupNormMish::new(2, 4, device).unwrap();
    let convolution = Conv1d::new(4, 4, 3, 1, 1, &mut rng, device);
    let x: Tensor<3> = gaussian([2, 8, 4], &mut rng, device).require_grad();
    let between = norm.forward(x);
    let out = convolution.forward(between.clone());
    let kept = !between.into_dispatch().can_mut();
    drop(out);
    kept
}

#[test]
fn outputs_of_cheap_layers_are_kept_only_without_checkpointing() {
    let device = Device::flex().autodiff();
    assert!(is_kept(&device));
    assert!(!is_kept(&device.gradient_checkpointing()));
}
