use crate::case::Case;
use apprentice_nn::{
    Conv1d, Conv2d, Conv2dConfig, ConvTranspose1d, GroupNorm, GroupNormMish, Linear,
    SpatialSoftmax, mish,
};
use burn::tensor::Tensor;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

fn rng() -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(0)
}

fn conv2d(name: &str, channels: [usize; 2], kernel: usize, stride: usize, padding: usize) {
    let case = Case::open(name);
    let config = Conv2dConfig {
        in_channels: channels[0],
        out_channels: channels[1],
        kernel,
        stride,
        padding,
    };
    let fresh = Conv2d::new(config, &mut rng(), &case.device);
    case.layer(fresh, |m, x: Tensor<4>| m.forward(x));
}

#[test]
fn conv2d_matches() {
    conv2d("conv2d_k5_s2", [3, 8], 5, 2, 2);
    conv2d("conv2d_k3_s1", [8, 6], 3, 1, 1);
    conv2d("conv2d_k3_s3_p0", [4, 5], 3, 3, 0);
}

fn conv1d(name: &str, channels: [usize; 2], kernel: usize, stride: usize, padding: usize) {
    let case = Case::open(name);
    let [input, output] = channels;
    let fresh = Conv1d::new(
        input,
        output,
        kernel,
        stride,
        padding,
        &mut rng(),
        &case.device,
    );
    case.layer(fresh, |m, x: Tensor<3>| m.forward(x));
}

#[test]
fn conv1d_matches() {
    conv1d("conv1d_k5", [6, 8], 5, 1, 2);
    conv1d("conv1d_k5_short", [6, 8], 5, 1, 2);
    conv1d("conv1d_k3_s2", [6, 6], 3, 2, 1);
    conv1d("conv1d_k1", [6, 4], 1, 1, 0);
}

#[test]
fn conv_transpose1d_matches() {
    let case = Case::open("conv_transpose1d");
    let fresh = ConvTranspose1d::new(6, 4, &mut rng(), &case.device);
    case.layer(fresh, |m, x: Tensor<3>| m.forward(x));
}

#[test]
fn linear_matches() {
    let case = Case::open("linear");
    let fresh = Linear::new(6, 4, &mut rng(), &case.device);
    case.layer(fresh, |m, x: Tensor<2>| m.forward(x));
}

#[test]
fn group_norm_matches() {
    let case = Case::open("group_norm_1d");
    let fresh = GroupNorm::new(4, 12, &case.device).unwrap();
    case.layer(fresh, |m, x: Tensor<3>| m.forward(x));
    let case = Case::open("group_norm_2d");
    let fresh = GroupNorm::new(2, 6, &case.device).unwrap();
    case.layer(fresh, |m, x: Tensor<4>| m.forward(x));
}

#[test]
fn group_norm_with_mish_matches() {
    let case = Case::open("group_norm_mish_1d");
    let fresh = GroupNormMish::new(4, 12, &case.device).unwrap();
    case.layer(fresh, |m, x: Tensor<3>| m.forward(x));
    let case = Case::open("group_norm_mish_2d");
    let fresh = GroupNormMish::new(8, 16, &case.device).unwrap();
    case.layer(fresh, |m, x: Tensor<4>| m.forward(x));
}

#[test]
fn mish_matches() {
    let case = Case::open("mish");
    case.layer(SpatialSoftmax, |_, x: Tensor<2>| mish(x));
}

#[test]
fn spatial_softmax_matches() {
    let case = Case::open("spatial_softmax");
    case.layer(SpatialSoftmax, |m, x: Tensor<4>| m.forward(x));
}
