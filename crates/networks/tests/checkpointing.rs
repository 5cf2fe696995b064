//! Gradient checkpointing changes what is kept, and no number.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that fails may say so by panicking.

use apprentice_networks::{
    Normalisation, ResNet18, ResNetConfig, UNet1d, UNetConfig, VisionConfig, VisionEncoder,
    VisionTransformer, VisionTransformerConfig,
};
use apprentice_nn::gaussian;
use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

fn rng() -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(5)
}

struct Bits<'a> {
    gradients: &'a GradientsParams,
    found: Vec<Vec<u32>>,
}

impl ModuleVisitor for Bits<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.get::<D>(param.id) {
            let values = gradient.into_data().try_to_vec::<f32>().unwrap();
            self.found
                .push(values.iter().map(|v| v.to_bits()).collect());
        }
    }
}

/// The same gradients, bit for bit, of every weight.
fn check<M: Module, const D: usize>(
    make: impl Fn(&Device) -> M,
    forward: impl Fn(&M, &Device) -> Tensor<D>,
) {
    let bits = |device: &Device| {
        let module = make(device);
        let out = forward(&module, device);
        let gradients = (out.clone() * out).sum().backward();
        let gradients = GradientsParams::from_grads(gradients, &module);
        let mut bits = Bits {
            gradients: &gradients,
            found: Vec::new(),
        };
        module.visit(&mut bits);
        bits.found
    };
    let kept = bits(&Device::flex().autodiff());
    let again = bits(&Device::flex().autodiff().gradient_checkpointing());
    assert!(kept.len() > 5 && kept.iter().flatten().any(|b| *b != 0));
    assert_eq!(kept.len(), again.len());
    for (i, (kept, again)) in kept.iter().zip(&again).enumerate() {
        assert!(kept == again, "gradient {i}");
    }
}

fn images(device: &Device) -> Tensor<4> {
    gaussian([3, 32, 32, 3], &mut rng(), device)
}

#[test]
fn resnets_learn_the_same() {
    for normalisation in [Normalisation::Group(4), Normalisation::FrozenBatch] {
        let config = ResNetConfig {
            widths: [8, 8, 16, 16],
            normalisation,
        };
        check(
            |device| ResNet18::new(&config, &mut rng(), device).unwrap(),
            |m, device| m.forward(images(device)).unwrap(),
        );
    }
}

#[test]
fn vision_encoders_learn_the_same() {
    let config = VisionConfig {
        height: 32,
        width: 32,
        channels: vec![8, 16],
        strides: vec![2, 1],
        kernels: vec![5, 3],
        groups: 4,
        out: 12,
    };
    check(
        |device| VisionEncoder::new(&config, &mut rng(), device).unwrap(),
        |m, device| m.forward(images(device)).unwrap(),
    );
}

#[test]
fn vision_transformers_learn_the_same() {
    let config = VisionTransformerConfig {
        patch: 8,
        grid: [4, 4],
        width: 32,
        depth: 2,
        heads: 4,
    };
    check(
        |device| VisionTransformer::new(&config, &mut rng(), device).unwrap(),
        |m, device| m.forward(images(device)).unwrap(),
    );
}

#[test]
fn unets_learn_the_same() {
    let config = UNetConfig {
        action_dim: 3,
        cond_dim: 5,
        dims: vec![8, 16, 16],
        kernel: 5,
        groups: 4,
        step_dim: 8,
    };
    check(
        |device| UNet1d::new(&config, &mut rng(), device).unwrap(),
        |m, device| {
            let x: Tensor<3> = gaussian([4, 16, 3], &mut rng(), device);
            let cond: Tensor<2> = gaussian([4, 5], &mut rng(), device);
            let steps: Tensor<1> = gaussian([4], &mut rng(), device);
            m.forward(x, steps, cond).unwrap()
        },
    );
}
