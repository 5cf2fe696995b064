//! Every public operation checks what it is given before it computes anything.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that fails may say so by panicking.

use apprentice_kernels::adamw::{StepCoefficients, cpu, on_device};
use apprentice_kernels::split_k::{Conv1dGeometry, PartialSums};
use apprentice_kernels::{
    Activation, Window, add_relu, attention, conv_transpose2d, conv2d, film, gelu, group_norm,
    layer_norm, max_pool, mish, spatial_softmax,
};
use burn::tensor::{DType, Device, Tensor};
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

fn half<const D: usize>(shape: [usize; D]) -> Tensor<D> {
    Tensor::zeros(shape, (&Device::flex(), DType::BF16))
}

const THREE: Window = Window {
    kernel: [3; 2],
    stride: [1; 2],
    padding: [1; 2],
};

#[test]
fn blocks_refuse_what_does_not_fit() {
    let run = |weight, bias| conv2d(zeros([1, 4, 4, 2]), zeros(weight), zeros(bias), THREE);
    refused(|| run([18, 5], [4]), "conv2d: bias is [4], allowed: [5]");
    refused(|| run([17, 5], [5]), "weight is [17, 5], allowed: [18, 5]");
    let run = |x| conv_transpose2d(x, zeros([2, 27]), zeros([3]), THREE, [1, 4, 4, 3]);
    assert_eq!(run(zeros([1, 4, 4, 2])).dims(), [1, 4, 4, 3]);
    refused(
        || run(zeros([1, 3, 4, 2])),
        "x is [1, 3, 4, 2], allowed: [1, 4, 4, 2]",
    );
    let norm = |x, groups| group_norm(x, zeros([6]), zeros([6]), groups, Activation::Mish);
    refused(|| norm(zeros([2, 3, 5]), 2), "gamma is [6], allowed: [5]");
    refused(|| norm(zeros([2, 3, 6]), 4), "number of groups is 4");
    refused(
        || norm(half([2, 3, 6]), 2),
        "gamma is of F32 numbers, allowed: BF16",
    );
    refused(|| film(zeros([2, 3, 4]), zeros([2, 7])), "allowed: [2, 8]");
}

#[test]
fn layers_refuse_what_does_not_fit() {
    refused(
        || mish(half([3])),
        "mish: x is of BF16 numbers, allowed: F32",
    );
    refused(|| gelu(half([3])), "gelu: x is of BF16 numbers");
    refused(
        || spatial_softmax(half([1, 2, 2, 3])),
        "spatial_softmax: x is of BF16 numbers",
    );
    refused(
        || add_relu(zeros([2, 3]), zeros([3, 2])),
        "b is [3, 2], allowed: [2, 3]",
    );
    refused(
        || add_relu(zeros([2, 3]), half([2, 3])),
        "b is of BF16 numbers",
    );
    let norm = |gamma, beta| layer_norm(zeros([2, 6]), zeros(gamma), zeros(beta), 1e-6);
    refused(|| norm([5], [6]), "gamma is [5], allowed: [6]");
    refused(|| norm([6], [7]), "beta is [7], allowed: [6]");
    refused(
        || attention(zeros([1, 5, 25]), 4),
        "is 25, allowed: a multiple of 3 times",
    );
    let wide = Window {
        kernel: [16; 2],
        ..THREE
    };
    refused(
        || max_pool(zeros([1, 20, 20, 3]), wide),
        "kernel is 16, allowed: 15",
    );
}

#[test]
fn optimiser_steps_refuse_what_does_not_pair() {
    let coefficients = StepCoefficients {
        gradient_scale: 1.0,
        weight_decay: 0.0,
        betas: (0.9, 0.999),
        step_size: 0.1,
        bias_correction: 1.0,
        eps: 1e-8,
        ema_decay: 0.0,
    };
    let step = |gradient: &[f32]| {
        cpu::Moments::new(3).step(coefficients, &mut [0.0; 3], gradient, None);
    };
    step(&[1.0; 3]);
    refused(
        || step(&[1.0; 2]),
        "adamw: numbers of the gradient is 2, allowed: 3",
    );
    let value = zeros([3, 4]);
    let step = |gradient, average: Option<Tensor<1>>, scale| {
        on_device::Moments::like(&value).step(coefficients, scale, value.clone(), gradient, average)
    };
    refused(
        || step(zeros([4, 3]), None, zeros([1])),
        "gradient is [4, 3], allowed: [3, 4]",
    );
    refused(
        || step(zeros([3, 4]), Some(zeros([11])), zeros([1])),
        "average is [11]",
    );
    refused(
        || step(zeros([3, 4]), None, half([1])),
        "scale is of BF16 numbers",
    );
    refused(
        || on_device::add_squares(Some(zeros([0])), zeros([4])),
        "number of sums is 0",
    );
}

#[test]
fn convolutions_of_few_rows_refuse_what_does_not_fit() {
    let run = |x, weight| PartialSums::new(x, weight, zeros([4]), Conv1dGeometry::POINTWISE);
    let told = "split_k convolution: weight is [3, 4], allowed: [2, 4]";
    refused(|| run(zeros([1, 8, 2]).into(), zeros([3, 4])), told);
    refused(
        || run(half([1, 8, 3]).into(), zeros([3, 4])),
        "weight is of F32 numbers",
    );
    refused(
        || run(zeros([1, 0, 3]).into(), zeros([3, 4])),
        "length is 0, allowed: 1 or more",
    );
}
