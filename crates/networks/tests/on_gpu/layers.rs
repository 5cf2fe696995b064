//! Layers and their gradients, as they are where networks learn.

use super::{apart, coarser, gpu, numbers, rng};
use apprentice_nn::{
    Conv1d, Conv2d, Conv2dConfig, ConvTranspose1d, GroupNorm, GroupNormMish, film, gaussian,
};
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Device, Gradients, Tensor};
use rand_chacha::ChaCha8Rng;

/// A layer's output and the gradients of its input and parameters, in order.
fn learnt<M: Module, const D: usize, const E: usize>(
    layer: &M,
    x: Tensor<D>,
    forward: impl FnOnce(&M, Tensor<D>) -> Tensor<E>,
) -> Vec<Vec<f32>> {
    struct Parameters<'a>(&'a Gradients, Vec<Vec<f32>>);
    impl ModuleVisitor for Parameters<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.1.push(numbers(param.val().grad(self.0).unwrap()));
        }
    }
    let x = x.require_grad();
    let out = forward(layer, x.clone());
    // Another gradient for each number.
    let towards: Tensor<E> = gaussian(out.dims(), &mut rng(), &out.device().without_autodiff());
    let towards = Tensor::from_inner(towards);
    let gradients = (out.clone() * towards).sum().backward();
    let mut all = Parameters(
        &gradients,
        vec![numbers(out), numbers(x.grad(&gradients).unwrap())],
    );
    layer.visit(&mut all);
    all.1
}

/// Parameters anew.
fn random<M: Module>(layer: M, device: &Device) -> M {
    struct Random(ChaCha8Rng, Device);
    impl ModuleMapper for Random {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let Self(rng, device) = self;
            param.map(|t| gaussian(t.dims(), rng, device).detach().require_grad())
        }
    }
    layer.map(&mut Random(rng(), device.clone()))
}

/// Sums are taken in another order.
const TOLERANCE: f32 = 2e-5;

/// For layers of matrix products.
fn products_agree(what: &str, learn: impl Fn(&Device) -> Vec<Vec<f32>>) {
    agree_within(TOLERANCE * coarser(&gpu()), what, learn);
}

fn agree(what: &str, learn: impl Fn(&Device) -> Vec<Vec<f32>>) {
    agree_within(TOLERANCE, what, learn);
}

fn agree_within(tolerance: f32, what: &str, learn: impl Fn(&Device) -> Vec<Vec<f32>>) {
    let (found, wanted) = (learn(&gpu().autodiff()), learn(&Device::flex().autodiff()));
    assert_eq!(found.len(), wanted.len());
    for (i, (f, w)) in found.iter().zip(&wanted).enumerate() {
        let error = apart(f, w);
        assert!(error < tolerance, "{what}, output {i}: {error}");
    }
}

#[test]
fn lines_learn_as_on_the_processor() {
    // Batch, length, channels in and out, kernel, stride, padding.
    for sizes in [
        [40, 16, 8, 32, 5, 1, 2],
        [7, 8, 32, 16, 3, 2, 1],
        [300, 4, 6, 5, 1, 1, 0],
        [1, 3, 2, 4, 5, 1, 2],
        [2, 7, 3, 3, 2, 3, 0],
    ] {
        let [b, l, i, o, k, s, p] = sizes;
        products_agree(&format!("{sizes:?}"), |device| {
            let layer = Conv1d::new(i, o, k, s, p, &mut rng(), device);
            learnt(
                &layer,
                gaussian([b, l, i], &mut rng(), device),
                Conv1d::forward,
            )
        });
    }
}

#[test]
fn lines_are_doubled_as_on_the_processor() {
    for sizes in [[20, 8, 16, 24], [3, 5, 17, 9], [1, 1, 3, 2]] {
        let [b, l, i, o] = sizes;
        products_agree(&format!("{sizes:?}"), |device| {
            let layer = ConvTranspose1d::new(i, o, &mut rng(), device);
            let x = gaussian([b, l, i], &mut rng(), device);
            learnt(&layer, x, ConvTranspose1d::forward)
        });
    }
}

#[test]
fn pictures_learn_as_on_the_processor() {
    // Batch, height, width, channels in and out, kernel, stride, padding; among them kernels wider than the
    // picture and pixels that nothing sees.
    for sizes in [
        [2, 9, 7, 3, 16, 5, 2, 2],
        [3, 12, 12, 8, 12, 3, 1, 1],
        [1, 3, 4, 2, 3, 5, 1, 2],
        [2, 8, 9, 4, 4, 2, 3, 0],
        [5, 6, 6, 16, 8, 1, 2, 0],
    ] {
        let [b, h, w, i, o, kernel, stride, padding] = sizes;
        products_agree(&format!("{sizes:?}"), |device| {
            let config = Conv2dConfig {
                in_channels: i,
                out_channels: o,
                kernel,
                stride,
                padding,
            };
            let layer = Conv2d::new(config, &mut rng(), device);
            let x = gaussian([b, h, w, i], &mut rng(), device);
            learnt(&layer, x, Conv2d::forward)
        });
    }
}

#[test]
fn groups_are_normalised_as_on_the_processor() {
    // Batch, positions, channels, groups; few and many channels, single positions and groups.
    for sizes in [
        [3, 20, 16, 8],
        [2, 576, 32, 8],
        [5, 1, 64, 8],
        [1, 7, 130, 13],
        [2, 9, 3, 1],
        [1, 40, 2048, 1],
        [1, 3, 4, 2],
    ] {
        let [b, p, c, groups] = sizes;
        let x = |device: &Device| -> Tensor<3> {
            (gaussian([b, p, c], &mut rng(), device) * 3.0 + 1.5).detach()
        };
        agree(&format!("{sizes:?}"), |device| {
            let layer = random(GroupNorm::new(groups, c, device).unwrap(), device);
            learnt(&layer, x(device), GroupNorm::forward)
        });
        agree(&format!("{sizes:?}, relu"), |device| {
            let layer = random(GroupNorm::new(groups, c, device).unwrap(), device);
            learnt(&layer, x(device), GroupNorm::forward_relu)
        });
        agree(&format!("{sizes:?}, mish"), |device| {
            let layer = random(GroupNormMish::new(groups, c, device).unwrap(), device);
            learnt(&layer, x(device), GroupNormMish::forward)
        });
    }
}

#[test]
fn features_are_modulated_as_on_the_processor() {
    for sizes in [[1, 1, 1], [3, 16, 64], [2, 5, 33]] {
        let [b, t, c] = sizes;
        agree(&format!("{sizes:?}"), |device| {
            let by = Param::from_tensor(gaussian([b, 2 * c], &mut rng(), device));
            let x = gaussian([b, t, c], &mut rng(), device);
            learnt(&by, x, |by, x| film(x, by.val()))
        });
    }
}
