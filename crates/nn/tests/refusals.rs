//! Sizes and devices that cannot be, and what is said about them.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that fails may say so by panicking.

use apprentice_nn::{DeviceChoice, UNet1d, UNetConfig, VisionConfig, VisionEncoder, open_device};
use burn::tensor::{Device, Tensor};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

#[test]
fn wrong_sizes_are_told() {
    let device = Device::flex();
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut config = UNetConfig {
        action_dim: 2,
        cond_dim: 3,
        dims: vec![4, 8, 8],
        kernel: 3,
        groups: 2,
        step_dim: 4,
    };
    let unet = UNet1d::new(&config, &mut rng, &device).unwrap();
    let forward = |length| {
        let x = Tensor::<3>::ones([1, length, 2], &device);
        let steps = Tensor::<1>::ones([1], &device);
        unet.forward(x, steps, Tensor::<2>::ones([1, 3], &device))
    };
    assert!(forward(8).is_ok());
    for length in [0, 2, 6] {
        let error = forward(length).unwrap_err().to_string();
        assert!(
            error.contains(&format!("is {length}, allowed: a multiple of 4")),
            "{error}"
        );
    }
    let x = Tensor::<3>::ones([1, 8, 2], &device);
    let steps = Tensor::<1>::ones([1], &device);
    let error = unet.forward(x, steps.clone(), Tensor::<2>::ones([1, 4], &device));
    let error = error.unwrap_err().to_string();
    assert!(error.contains("condition is 4, allowed: 3"), "{error}");
    let x = Tensor::<3>::ones([1, 8, 5], &device);
    let error = unet.forward(x, steps, Tensor::<2>::ones([1, 3], &device));
    let error = error.unwrap_err().to_string();
    assert!(error.contains("action is 5, allowed: 2"), "{error}");
    config.groups = 3;
    let error = UNet1d::new(&config, &mut rng, &device).unwrap_err();
    assert!(
        error.to_string().contains("a multiple of the 3 groups"),
        "{error}"
    );
    config.dims.clear();
    assert!(UNet1d::new(&config, &mut rng, &device).is_err());
    let vision = VisionConfig {
        height: 8,
        width: 8,
        channels: vec![8, 8],
        strides: vec![2],
        kernels: vec![3, 3],
        groups: 4,
        out: 4,
    };
    assert!(VisionEncoder::new(&vision, &mut rng, &device).is_err());
}

#[test]
fn a_device_that_is_not_built_in_is_refused_by_name() {
    assert!(open_device(DeviceChoice::Flex).is_ok());
    if cfg!(not(feature = "cuda")) {
        let error = open_device(DeviceChoice::Cuda).unwrap_err().to_string();
        assert!(error.contains("--features cuda"), "{error}");
    }
    if cfg!(not(feature = "wgpu")) {
        let error = open_device(DeviceChoice::Wgpu).unwrap_err().to_string();
        assert!(error.contains("--features wgpu"), "{error}");
    }
}
