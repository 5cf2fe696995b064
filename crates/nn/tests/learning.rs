//! The running average of weights, the learning rate and the noise.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that fails may say so by panicking.

use apprentice_nn::{Ema, Linear, cosine_with_warmup, gaussian};
use burn::module::{Module, ModuleMapper, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

fn linear(device: &Device) -> Linear {
    Linear::new(3, 2, &mut ChaCha8Rng::seed_from_u64(1), device)
}

struct Raise(f32);

impl ModuleMapper for Raise {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|t| Tensor::from_inner(t.inner().add_scalar(self.0)).require_grad())
    }
}

#[test]
fn the_average_decays_as_in_diffusion_policy() {
    let device = Device::flex().autodiff();
    let mut module = linear(&device);
    let mut ema = Ema::new(&module);
    let mut expected: Vec<f64> = module.weights().0.iter().map(|&w| w.into()).collect();
    for step in 1..=50 {
        module = module.map(&mut Raise(0.1));
        ema.update(&module);
        let decay = 1.0 - (1.0 + f64::from(step)).powf(-0.75);
        for (e, w) in expected.iter_mut().zip(module.weights().0) {
            *e = decay * *e + (1.0 - decay) * f64::from(w);
        }
    }
    let before = module.weights().0;
    let averaged = ema.apply(module.clone());
    for (a, e) in averaged.weights().0.iter().zip(expected) {
        assert!((f64::from(*a) - e).abs() < 1e-4, "{a} is not {e}");
    }
    assert_eq!(module.weights().0, before, "the module itself stays");
    let out = averaged.forward(Tensor::<2>::ones([4, 3], &device));
    let gradients = GradientsParams::from_grads(out.sum().backward(), &averaged);
    assert_eq!(gradients.len(), 2, "averaged weights can learn on");
}

#[test]
fn the_learning_rate_warms_up_and_falls_to_zero() {
    let rate = |step| cosine_with_warmup(step, 10, 110, 2.0);
    assert!((rate(0) - 0.2).abs() < 1e-12 && (rate(9) - 2.0).abs() < 1e-12);
    assert!((rate(10) - 2.0).abs() < 1e-12 && (rate(60) - 1.0).abs() < 1e-12);
    assert!(rate(110) < 1e-12 && rate(500) < 1e-12);
    assert!((0..9).all(|s| rate(s) < rate(s + 1)) && (10..110).all(|s| rate(s) > rate(s + 1)));
    assert!(cosine_with_warmup(0, 0, 0, 1.0).is_finite());
}

#[test]
fn noise_comes_from_the_generator_alone() {
    let device = Device::flex();
    let draw = |seed| {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let noise: Tensor<2> = gaussian([100, 100], &mut rng, &device);
        noise.into_data().try_to_vec::<f32>().unwrap()
    };
    assert_eq!(draw(1), draw(1));
    assert_ne!(draw(1), draw(2));
    let noise = draw(1);
    let mean = noise.iter().sum::<f32>() / 1e4;
    let square = noise.iter().map(|n| n * n).sum::<f32>() / 1e4;
    assert!(
        mean.abs() < 0.04 && (square - 1.0).abs() < 0.06,
        "{mean} {square}"
    );
}
