//! Milliseconds of the layers and networks, forward and backward, on the processor.
//!
//! `cargo run --release --example speed [repeats] [part of a name]`; on a shared machine the
//! processor time, summed over the threads, says more than the wall clock.

use apprentice_networks::{UNet1d, UNetConfig, VisionConfig, VisionEncoder};
use apprentice_nn::{
    AdamW, AdamWConfig, Conv1d, Conv2d, Conv2dConfig, Ema, GroupNormMish, ShapeError,
    SpatialSoftmax, gaussian, mish,
};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use rand::SeedableRng;
use std::time::Instant;

fn main() -> Result<(), ShapeError> {
    let repeats = std::env::args()
        .nth(1)
        .and_then(|a| a.parse().ok())
        .unwrap_or(5);
    let device = Device::flex().autodiff();
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
    let rng = &mut rng;
    let batch = std::env::var("BATCH")
        .ok()
        .and_then(|b| b.parse().ok())
        .unwrap_or(192);

    let config = |in_channels, out_channels, kernel, stride| Conv2dConfig {
        in_channels,
        out_channels,
        kernel,
        stride,
        padding: kernel / 2,
    };
    let images: Tensor<4> = gaussian([batch, 96, 96, 3], rng, &device);
    let half: Tensor<4> = gaussian([batch, 48, 48, 16], rng, &device);
    let quarter: Tensor<4> = gaussian([batch, 24, 24, 32], rng, &device);
    let stem = Conv2d::new(config(3, 16, 5, 2), rng, &device);
    measure("conv2d 96x96x3 to 16, k5 s2, no dx", repeats, || {
        stem.forward(images.clone()).sum()
    });
    let conv = Conv2d::new(config(16, 32, 3, 2), rng, &device);
    measure("conv2d 48x48x16 to 32, k3 s2", repeats, || {
        conv.forward(half.clone().require_grad()).sum()
    });
    let conv = Conv2d::new(config(32, 32, 3, 1), rng, &device);
    measure("conv2d 24x24x32 to 32, k3 s1", repeats, || {
        conv.forward(quarter.clone().require_grad()).sum()
    });
    let norm = GroupNormMish::new(8, 16, &device)?;
    measure("GroupNormMish 48x48x16", repeats, || {
        norm.forward(half.clone().require_grad()).sum()
    });
    measure("SpatialSoftmax 24x24x32", repeats, || {
        SpatialSoftmax.forward(quarter.clone().require_grad()).sum()
    });
    measure("mish 24x24x32", repeats, || {
        mish(quarter.clone().require_grad()).sum()
    });
    let conv = Conv1d::new(128, 128, 5, 1, 2, rng, &device);
    let chunks: Tensor<3> = gaussian([batch, 8, 128], rng, &device);
    measure("conv1d 8x128 to 128, k5", repeats, || {
        conv.forward(chunks.clone().require_grad()).sum()
    });

    let vision = VisionConfig {
        height: 96,
        width: 96,
        channels: vec![16, 32, 32],
        strides: vec![2, 2, 1],
        kernels: vec![5, 3, 3],
        groups: 8,
        out: 64,
    };
    let encoder = VisionEncoder::new(&vision, rng, &device)?;
    encoder.forward(images.clone())?;
    measure("VisionEncoder 192x96x96x3", repeats, || {
        let out = encoder.forward(images.clone());
        out.map_or_else(|_| Tensor::zeros([1], &device), Tensor::sum)
    });

    let config = UNetConfig {
        action_dim: 10,
        cond_dim: 276,
        dims: vec![64, 128],
        kernel: 5,
        groups: 8,
        step_dim: 64,
    };
    let mut unet = UNet1d::new(&config, rng, &device)?;
    let actions: Tensor<3> = gaussian([batch, 16, 10], rng, &device);
    let steps: Tensor<1> = gaussian([batch], rng, &device);
    let cond: Tensor<2> = gaussian([batch, 276], rng, &device);
    let run = |unet: &UNet1d| {
        unet.forward(actions.clone(), steps.clone(), cond.clone().require_grad())
            .map(Tensor::sum)
    };
    run(&unet)?;
    measure("U-Net [64, 128], 192x16x10, cond 276", repeats, || {
        run(&unet).unwrap_or_else(|_| Tensor::zeros([1], &device))
    });

    if !wanted("AdamW") {
        return Ok(());
    }
    let mut optimizer = AdamW::new(AdamWConfig {
        clip_norm: Some(1.0),
        ..AdamWConfig::default()
    });
    let mut ema = Ema::new(&unet);
    let (mut adam, mut average) = (f64::MAX, f64::MAX);
    for _ in 0..repeats {
        let gradients = GradientsParams::from_grads(run(&unet)?.backward(), &unet);
        let start = Instant::now();
        unet = optimizer.step(unet, gradients, 1e-4);
        adam = adam.min(start.elapsed().as_secs_f64() * 1e3);
        let start = Instant::now();
        ema.update(&unet);
        average = average.min(start.elapsed().as_secs_f64() * 1e3);
    }
    println!("{:<40} {adam:9.2}", "AdamW of the U-Net, clipped");
    println!("{:<40} {average:9.2}", "EMA of the U-Net");
    Ok(())
}

/// The median of `repeats` runs, forward and backward apart.
fn measure(name: &str, repeats: usize, mut run: impl FnMut() -> Tensor<1>) {
    let (mut forward, mut backward) = (Vec::new(), Vec::new());
    if std::env::args()
        .nth(2)
        .is_some_and(|part| !name.contains(&part))
    {
        return;
    }
    for _ in 0..repeats {
        let start = Instant::now();
        let loss = run();
        forward.push(start.elapsed().as_secs_f64() * 1e3);
        let start = Instant::now();
        let gradients = loss.backward();
        backward.push(start.elapsed().as_secs_f64() * 1e3);
        drop(gradients);
    }
    let (forward, backward) = (median(forward), median(backward));
    println!("{name:<40} {forward:9.2} forward {backward:9.2} backward");
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(0.0)
}

fn wanted(name: &str) -> bool {
    std::env::args()
        .nth(2)
        .is_none_or(|part| name.contains(&part))
}
