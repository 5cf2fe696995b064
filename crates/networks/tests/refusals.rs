//! Sizes and devices that cannot be, and what is said about them.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that fails may say so by panicking.

use apprentice_networks::{
    Normalisation, ResNet18, ResNetConfig, UNet1d, UNetConfig, VisionConfig, VisionEncoder,
    VisionTransformer, VisionTransformerConfig,
};
use apprentice_nn::{
    Attention, Conv1d, Conv2d, Conv2dConfig, DeviceChoice, GroupNorm, open_device,
};
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

fn rng() -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(1)
}

fn refused<T, E: std::fmt::Display>(result: Result<T, E>, what: &str) {
    let error = result.err().unwrap().to_string();
    assert!(error.contains(what) && !error.contains('\n'), "{error}");
}

fn unet() -> UNetConfig {
    UNetConfig {
        action_dim: 2,
        cond_dim: 3,
        dims: vec![4, 8],
        kernel: 3,
        groups: 2,
        step_dim: 4,
    }
}

#[test]
fn unets_that_cannot_be_are_refused() {
    let make = |change: fn(&mut UNetConfig)| {
        let mut config = unet();
        change(&mut config);
        UNet1d::new(&config, &mut rng(), &Device::flex())
    };
    refused(
        make(|c| c.step_dim = 5),
        "step embedding is 5, allowed: an even",
    );
    refused(make(|c| c.step_dim = 0), "step embedding is 0");
    refused(make(|c| c.kernel = 4), "kernel is 4, allowed: an odd");
    refused(make(|c| c.kernel = 0), "kernel is 0");
    refused(make(|c| c.action_dim = 0), "numbers of an action is 0");
    refused(make(|c| c.dims = vec![4, 0]), "channels is 0");
    refused(make(|c| c.dims.clear()), "levels is 0, allowed: 1 to 31");
}

#[test]
fn a_unets_inputs_must_agree() {
    let device = Device::flex();
    let unet = UNet1d::new(&unet(), &mut rng(), &device).unwrap();
    let forward = |chunks, steps, conditions| {
        unet.forward(
            Tensor::<3>::ones([chunks, 4, 2], &device),
            Tensor::<1>::ones([steps], &device),
            Tensor::<2>::ones([conditions, 3], &device),
        )
    };
    assert!(forward(2, 2, 2).is_ok());
    refused(
        forward(2, 1, 2),
        "number of diffusion steps is 1, allowed: 2",
    );
    refused(forward(2, 2, 1), "number of conditions is 1, allowed: 2");
    let [_, width] = unet.condition_weights().dims();
    let modulated = |rows, width| {
        let modulations = Tensor::<2>::ones([rows, width], &device);
        unet.forward_modulated(Tensor::ones([2, 4, 2], &device), &modulations)
    };
    assert!(modulated(2, width).is_ok());
    refused(modulated(1, width), "shape of the modulations is [1, ");
    refused(modulated(2, width + 1), "shape of the modulations is [2, ");
}

#[test]
fn pictures_that_do_not_fit_are_refused() {
    let device = Device::flex();
    let picture = |h, w, c| Tensor::<4>::ones([1, h, w, c], &device);
    let mut vision = VisionConfig {
        height: 8,
        width: 8,
        channels: vec![8],
        strides: vec![2],
        kernels: vec![3],
        groups: 4,
        out: 4,
    };
    let eye = VisionEncoder::new(&vision, &mut rng(), &device).unwrap();
    assert!(eye.forward(picture(8, 8, 3)).is_ok());
    refused(
        eye.forward(picture(8, 8, 4)),
        "channels of the picture is 4",
    );
    refused(eye.forward(picture(0, 8, 3)), "height of the picture is 0");
    vision.strides = vec![0];
    let none = VisionEncoder::new(&vision, &mut rng(), &device);
    refused(none, "stride is 0, allowed: 1 or more");
    (vision.strides, vision.kernels) = (vec![1], vec![0]);
    let none = VisionEncoder::new(&vision, &mut rng(), &device);
    refused(none, "kernel is 0, allowed: 1 or more");

    let mut config = ResNetConfig {
        widths: [4, 4, 4, 4],
        normalisation: Normalisation::FrozenBatch,
    };
    let resnet = ResNet18::new(&config, &mut rng(), &device).unwrap();
    assert!(resnet.forward(picture(1, 33, 3)).is_ok());
    refused(
        resnet.forward(picture(32, 32, 1)),
        "picture is 1, allowed: 3",
    );
    refused(
        resnet.pooled(picture(32, 32, 4)),
        "picture is 4, allowed: 3",
    );
    refused(resnet.keypoints(picture(32, 0, 3)), "width of the picture");
    config.widths[2] = 0;
    let none = ResNet18::new(&config, &mut rng(), &device);
    refused(none, "widths is 0");

    let mut config = VisionTransformerConfig {
        patch: 4,
        grid: [2, 2],
        width: 8,
        depth: 1,
        heads: 2,
    };
    let vit = VisionTransformer::new(&config, &mut rng(), &device).unwrap();
    assert!(vit.forward(picture(8, 8, 3)).is_ok());
    refused(vit.forward(picture(8, 9, 3)), "size of the pictures is 8x9");
    refused(vit.class(picture(8, 8, 1)), "picture is 1, allowed: 3");
    config.patch = 0;
    let none = VisionTransformer::new(&config, &mut rng(), &device);
    refused(none, "side of a patch is 0");
}

#[test]
fn layers_say_what_they_take() {
    let device = Device::flex();
    let config = Conv2dConfig {
        in_channels: 3,
        out_channels: 5,
        kernel: 4,
        stride: 2,
        padding: 1,
    };
    let layer = Conv2d::new(config, &mut rng(), &device);
    assert_eq!(layer.output([6, 2, 3]), Ok([3, 1, 5]));
    refused(
        layer.output([1, 2, 3]),
        "height of the picture is 1, allowed: 2",
    );
    refused(
        layer.output([2, 1, 3]),
        "width of the picture is 1, allowed: 2",
    );
    refused(layer.output([6, 6, 2]), "channels of the picture is 2");
    let layer = Conv1d::new(3, 5, 5, 1, 1, &mut rng(), &device);
    assert_eq!(layer.output([3, 3]), Ok([1, 5]));
    refused(layer.output([2, 3]), "length of the line is 2, allowed: 3");
    refused(layer.output([3, 4]), "channels of the line is 4");
    refused(GroupNorm::new(2, 0, &device), "channels is 0");
    refused(Attention::new(6, 4, &mut rng(), &device), "width is 6");
}

#[test]
fn a_device_that_is_not_built_in_is_refused_by_name() {
    assert!(open_device(DeviceChoice::Cpu).is_ok());
    if cfg!(not(feature = "cuda")) {
        let error = open_device(DeviceChoice::Cuda).unwrap_err().to_string();
        assert!(error.contains("--features cuda"), "{error}");
    }
    if cfg!(not(feature = "wgpu")) {
        let error = open_device(DeviceChoice::Wgpu).unwrap_err().to_string();
        assert!(error.contains("--features wgpu"), "{error}");
    }
}
