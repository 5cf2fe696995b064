//! Where the comparisons with PyTorch run.

use apprentice_nn::{DeviceChoice, open_device};
use burn::tensor::Device;
use std::sync::OnceLock;

/// GPUs sum in another order and have their own exponential: in plain 32-bit floats they are this many
/// times farther from PyTorch on a processor.
const GPU: f32 = 10.0;
/// CUDA's matrix products of 32-bit floats keep ten bits of what they multiply (TF32), as PyTorch's convolutions
/// do there; so many times farther are these networks on a processor, too, with products of such numbers.
const TF32: f32 = 1000.0;

/// The device, and what its tolerances are multiplied with: `APPRENTICE_TEST_DEVICE` is `flex` (also when
/// it is not set), `cuda` or `wgpu`, the latter two in builds with that feature.
pub fn open() -> (Device, f32) {
    static OPENED: OnceLock<(Device, f32)> = OnceLock::new();
    OPENED.get_or_init(named).clone()
}

fn named() -> (Device, f32) {
    let name = std::env::var("APPRENTICE_TEST_DEVICE").unwrap_or_else(|_| "flex".into());
    let (choice, loosened) = match name.as_str() {
        "flex" => (DeviceChoice::Cpu, 1.0),
        "cuda" => (DeviceChoice::Cuda, TF32),
        "wgpu" => (DeviceChoice::Wgpu, GPU),
        other => panic!("APPRENTICE_TEST_DEVICE is {other}, allowed: flex, cuda, wgpu"),
    };
    (open_device(choice).unwrap(), loosened)
}
