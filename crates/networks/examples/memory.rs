//! Peak memory and time of training a policy, with or without gradient checkpointing:
//! `memory [again] [small] [BATCH]`. Large is ResNet-18 and the large U-Net of Diffusion Policy, small a
//! compact encoder and a U-Net of two levels.

use apprentice_networks::{
    ResNet18, ResNetConfig, UNet1d, UNetConfig, VisionConfig, VisionEncoder,
};
use apprentice_nn::{AdamW, AdamWConfig, gaussian};
use burn::module::{Module, ModuleDisplay};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::error::Error;
use std::time::Instant;

type Answer<T> = Result<T, Box<dyn Error>>;

#[derive(Module, Debug)]
struct Policy<E: Module + ModuleDisplay> {
    eye: E,
    unet: UNet1d,
}

fn main() -> Answer<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |name: &str| arguments.iter().any(|a| a == name);
    let batch = match arguments.last().map(|a| a.parse()) {
        Some(Ok(batch)) => batch,
        _ => 32,
    };
    let mut device = Device::flex().autodiff();
    if has("again") {
        device = device.gradient_checkpointing();
    }
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut config = UNetConfig {
        action_dim: 10,
        cond_dim: 1024,
        dims: vec![256, 512, 1024],
        kernel: 5,
        groups: 8,
        step_dim: 128,
    };
    if !has("small") {
        let policy = Policy {
            eye: ResNet18::new(&ResNetConfig::default(), &mut rng, &device)?,
            unet: UNet1d::new(&config, &mut rng, &device)?,
        };
        return train(policy, batch, &device, |eye, x| Ok(eye.keypoints(x)?));
    }
    (config.cond_dim, config.dims) = (64, vec![64, 128]);
    let vision = VisionConfig {
        height: 96,
        width: 96,
        channels: vec![16, 32, 32],
        strides: vec![2, 2, 1],
        kernels: vec![5, 3, 3],
        groups: 8,
        out: 64,
    };
    let policy = Policy {
        eye: VisionEncoder::new(&vision, &mut rng, &device)?,
        unet: UNet1d::new(&config, &mut rng, &device)?,
    };
    train(policy, batch, &device, |eye, x| Ok(eye.forward(x)?))
}

/// Two steps.
fn train<E: Module + ModuleDisplay>(
    mut policy: Policy<E>,
    batch: usize,
    device: &Device,
    look: impl Fn(&E, Tensor<4>) -> Answer<Tensor<2>>,
) -> Answer<()> {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let images: Tensor<4> = gaussian([batch, 96, 96, 3], &mut rng, device);
    let chunks: Tensor<3> = gaussian([batch, 16, 10], &mut rng, device);
    let steps: Tensor<1> = gaussian([batch], &mut rng, device);
    let mut optimizer = AdamW::new(AdamWConfig::default());
    println!("before training: {} MiB", memory("VmRSS:")?);
    for _ in 0..2 {
        let start = Instant::now();
        let cond = look(&policy.eye, images.clone())?;
        let out = policy.unet.forward(chunks.clone(), steps.clone(), cond)?;
        let forward = start.elapsed();
        let kept = memory("VmRSS:")?;
        let gradients = (out.clone() * out).mean().backward();
        let gradients = GradientsParams::from_grads(gradients, &policy);
        let backward = start.elapsed() - forward;
        println!(
            "forward {} ms, then {kept} MiB; backward {} ms, peak {} MiB",
            forward.as_millis(),
            backward.as_millis(),
            memory("VmHWM:")?
        );
        policy = optimizer.step(policy, gradients, 1e-4);
        println!("peak with the optimiser {} MiB", memory("VmHWM:")?);
    }
    Ok(())
}

/// What this process has (`VmRSS:`) or has had at most (`VmHWM:`), MiB; Linux tells.
fn memory(what: &str) -> Answer<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|l| l.strip_prefix(what));
    let kib: u64 = line
        .and_then(|l| l.trim().strip_suffix("kB"))
        .ok_or("/proc/self/status does not tell the memory")?
        .trim()
        .parse()?;
    Ok(kib / 1024)
}
