use crate::case::{BACKWARD, Case};
use apprentice_networks::{UNet1d, UNetConfig, VisionConfig, VisionEncoder};
use burn::tensor::Tensor;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

#[test]
fn the_vision_encoder_matches() {
    let case = Case::open("vision_encoder");
    let config = VisionConfig {
        height: 20,
        width: 24,
        channels: vec![8, 16, 16],
        strides: vec![2, 2, 1],
        kernels: vec![5, 3, 3],
        groups: 4,
        out: 10,
    };
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let fresh = VisionEncoder::new(&config, &mut rng, &case.device).unwrap();
    case.layer(fresh, |m, x: Tensor<4>| m.forward(x).unwrap());
}

fn unet(name: &str, config: UNetConfig) {
    let case = Case::open(name);
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let module = case.weights(UNet1d::new(&config, &mut rng, &case.device).unwrap());
    let (x, cond) = (case.input("x"), case.input::<2>("cond"));
    let out = module
        .forward(x.clone(), case.tensor("steps"), cond.clone())
        .unwrap();
    let gradients = case.check(&module, &[("x", &x)], out);
    let found = cond.grad(&gradients).unwrap();
    case.same("gradient.cond", found, BACKWARD);
}

#[test]
fn the_unet_matches_with_two_levels() {
    unet(
        "unet1d_two_levels",
        UNetConfig {
            action_dim: 3,
            cond_dim: 5,
            dims: vec![8, 16],
            kernel: 5,
            groups: 4,
            step_dim: 8,
        },
    );
}

#[test]
fn the_unet_matches_with_three_levels() {
    unet(
        "unet1d_three_levels",
        UNetConfig {
            action_dim: 2,
            cond_dim: 4,
            dims: vec![4, 8, 12],
            kernel: 3,
            groups: 2,
            step_dim: 8,
        },
    );
}
