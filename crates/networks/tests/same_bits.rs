//! The same input gives the same bits, whatever the number of threads and however often.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that fails may say so by panicking.

use apprentice_networks::{UNet1d, UNetConfig, VisionConfig, VisionEncoder};
use apprentice_nn::{AdamW, AdamWConfig, gaussian};
use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

#[derive(Default)]
struct Bits(Vec<u32>);

impl ModuleVisitor for Bits {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let values = param.val().into_data().try_to_vec::<f32>().unwrap();
        self.0.extend(values.iter().map(|v| v.to_bits()));
    }
}

fn bits<M: Module>(module: &M) -> Vec<u32> {
    let mut bits = Bits::default();
    module.visit(&mut bits);
    bits.0
}

fn with_threads<R: Send>(threads: usize, work: impl FnOnce() -> R + Send) -> R {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
    pool.build().unwrap().install(work)
}

fn step<M: Module>(optimizer: &mut AdamW, module: M, loss: Tensor<1>) -> M {
    let gradients = GradientsParams::from_grads(loss.backward(), &module);
    optimizer.step(module, gradients, 1e-3)
}

fn clipped() -> AdamW {
    AdamW::new(AdamWConfig {
        clip_norm: Some(1.0),
        ..AdamWConfig::default()
    })
}

/// The weights after two steps.
fn vision() -> Vec<u32> {
    let device = Device::flex().autodiff();
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let config = VisionConfig {
        height: 40,
        width: 36,
        channels: vec![16, 32, 32],
        strides: vec![2, 2, 1],
        kernels: vec![5, 3, 3],
        groups: 8,
        out: 16,
    };
    let mut network = VisionEncoder::new(&config, &mut rng, &device).unwrap();
    let mut optimizer = clipped();
    for _ in 0..2 {
        let images: Tensor<4> = gaussian([21, 40, 36, 3], &mut rng, &device);
        let out = network.forward(images).unwrap();
        network = step(&mut optimizer, network, (out.clone() * out).sum());
    }
    bits(&network)
}

fn unet(batch: usize) -> Vec<u32> {
    let device = Device::flex().autodiff();
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let config = UNetConfig {
        action_dim: 10,
        cond_dim: 40,
        dims: vec![32, 64],
        kernel: 5,
        groups: 8,
        step_dim: 32,
    };
    let mut network = UNet1d::new(&config, &mut rng, &device).unwrap();
    let mut optimizer = clipped();
    for _ in 0..2 {
        let x: Tensor<3> = gaussian([batch, 16, 10], &mut rng, &device);
        let steps: Tensor<1> = gaussian([batch], &mut rng, &device);
        let cond: Tensor<2> = gaussian([batch, 40], &mut rng, &device);
        let out = network.forward(x, steps, cond).unwrap();
        network = step(&mut optimizer, network, (out.clone() * out).sum());
    }
    bits(&network)
}

#[test]
fn the_vision_encoder_learns_the_same_on_any_number_of_threads() {
    let one = with_threads(1, vision);
    for threads in [1, 2, 3, 5] {
        assert!(with_threads(threads, vision) == one, "{threads} threads");
    }
}

#[test]
fn the_unet_learns_the_same_on_any_number_of_threads() {
    for batch in [1, 67] {
        let one = with_threads(1, || unet(batch));
        for threads in [1, 2, 3, 5] {
            let found = with_threads(threads, || unet(batch));
            assert!(found == one, "{threads} threads, batch {batch}");
        }
    }
}
