//! Every layer refuses, in release too, what it was not made for: a kernel that is given a wrong width would read
//! out of bounds on a GPU.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that fails may say so by panicking.

use apprentice_nn::{
    Attention, Conv1d, Conv2d, Conv2dConfig, ConvTranspose1d, FrozenBatchNorm, GroupNorm,
    GroupNormMish, LayerNorm, Linear, film, max_pool,
};
use burn::tensor::{DType, Device, Tensor};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Fails unless `run` panics with a message that has `words` in it.
#[track_caller]
fn refused<T>(run: impl FnOnce() -> T, words: &str) {
    let Err(panic) = catch_unwind(AssertUnwindSafe(run)) else {
        panic!("not refused: {words}");
    };
    let message = panic.downcast_ref::<String>().unwrap();
    assert!(message.contains(words), "{message} lacks {words}");
}

fn zeros<const D: usize>(shape: [usize; D]) -> Tensor<D> {
    Tensor::zeros(shape, &Device::flex())
}

/// 16 bits, which are computed in plain tensor operations on the processor.
fn half<const D: usize>(shape: [usize; D]) -> Tensor<D> {
    Tensor::zeros(shape, (&Device::flex(), DType::BF16))
}

fn rng() -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(1)
}

#[test]
fn film_refuses_other_widths() {
    let told = "film: scale_and_shift is [2, 5], allowed: [2, 6]";
    refused(|| film(zeros([2, 4, 3]), zeros([2, 5])), told);
    refused(|| film(half([2, 4, 3]), half([2, 5])), told);
    refused(|| film(zeros([2, 4, 3]), zeros([1, 6])), "is [1, 6]");
    refused(|| film(zeros([2, 4, 3]), half([2, 6])), "of BF16 numbers");
}

#[test]
fn norms_refuse_other_channels() {
    let device = Device::flex();
    let norm = GroupNorm::new(2, 6, &device).unwrap();
    let told = "GroupNorm: channels of x is 8, allowed: 6";
    refused(|| norm.forward(zeros([2, 4, 8])), told);
    refused(|| norm.forward(half([2, 4, 8])), told);
    refused(|| norm.forward_relu(zeros([2, 4, 4, 8])), told);
    refused(
        || norm.forward(zeros([6])),
        "dimensions of x is 1, allowed: 2 or more",
    );
    let mish = GroupNormMish::new(2, 6, &device).unwrap();
    refused(|| mish.forward(zeros([2, 4, 8])), told);
    let layer = LayerNorm::new(6, 1e-6, &device);
    let told = "LayerNorm: channels of x is 8, allowed: 6";
    refused(|| layer.forward(zeros([2, 4, 8])), told);
    refused(|| layer.forward(half([2, 4, 8])), told);
    let batch = FrozenBatchNorm::new(6, &device);
    let told = "FrozenBatchNorm: channels of x is 1, allowed: 6";
    refused(|| batch.forward(zeros([1, 2, 2, 1])), told);
}

#[test]
fn convolutions_refuse_other_channels_and_short_lines() {
    let device = Device::flex();
    let line = Conv1d::new(3, 4, 5, 1, 0, &mut rng(), &device);
    refused(
        || line.forward(zeros([1, 8, 2])),
        "Conv1d: channels of the line is 2, allowed: 3",
    );
    refused(
        || line.forward(half([1, 8, 2])),
        "channels of the line is 2",
    );
    refused(
        || line.forward(zeros([1, 4, 3])),
        "length of the line is 4, allowed: 5 or more",
    );
    let doubled = ConvTranspose1d::new(3, 4, &mut rng(), &device);
    let told = "ConvTranspose1d: channels of the line is 4, allowed: 3";
    refused(|| doubled.forward(zeros([1, 8, 4])), told);
    refused(|| doubled.forward(half([1, 8, 4])), told);
    refused(
        || doubled.forward(zeros([1, 0, 3])),
        "length of the line is 0",
    );
    let config = Conv2dConfig {
        in_channels: 3,
        out_channels: 4,
        kernel: 3,
        stride: 1,
        padding: 0,
    };
    let picture = Conv2d::new(config, &mut rng(), &device);
    let told = "Conv2d: channels of the picture is 4, allowed: 3";
    refused(|| picture.forward(zeros([1, 8, 8, 4])), told);
    refused(|| picture.forward(half([1, 8, 8, 4])), told);
    refused(
        || picture.forward(zeros([1, 2, 8, 3])),
        "height of the picture is 2",
    );
}

/// The first half of a convolution of few rows is for GPUs, but says so of what does not fit anywhere.
#[test]
fn partial_sums_refuse_other_channels() {
    let line = Conv1d::new(3, 4, 5, 1, 2, &mut rng(), &Device::flex());
    let told = "split_k convolution: weight is [15, 4], allowed: [10, 4]";
    refused(|| line.partial_sums(zeros([1, 8, 2]).into()), told);
}

#[test]
fn linear_maps_attention_and_pooling_refuse_other_sizes() {
    let device = Device::flex();
    let map = Linear::new(3, 4, &mut rng(), &device);
    let told = "Linear: numbers in is 2, allowed: 3";
    refused(|| map.forward(zeros([5, 2])), told);
    refused(|| map.forward(half([5, 2])), told);
    refused(|| map.forward_tokens(zeros([1, 5, 2])), told);
    let attention = Attention::new(6, 2, &mut rng(), &device).unwrap();
    refused(
        || attention.forward(zeros([1, 5, 4])),
        "numbers in is 4, allowed: 6",
    );
    refused(
        || max_pool(zeros([1, 2, 8, 3]), 3, 2, 0),
        "max_pool: height is 2, allowed: 3",
    );
    refused(|| max_pool(zeros([1, 8, 8, 3]), 3, 0, 1), "stride is 0");
}

/// Weights of one precision and inputs of another: nothing is read as if it were of the other size.
#[test]
fn mixed_types_are_refused() {
    let layer = Conv1d::new(3, 4, 5, 1, 2, &mut rng(), &Device::flex());
    let layer = apprentice_nn::Precision::Bf16.of_module(layer);
    refused(
        || layer.forward(zeros([1, 8, 3])),
        "weight is of BF16 numbers, allowed: F32",
    );
}
