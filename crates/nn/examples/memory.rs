//! Peak memory and time of training ResNet-18 and the large U-Net of Diffusion Policy, with or without
//! gradient checkpointing: `memory [again] [BATCH]`.

use apprentice_nn::{AdamW, AdamWConfig, ResNet18, ResNetConfig, UNet1d, UNetConfig, gaussian};
use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::error::Error;
use std::time::Instant;

#[derive(Module, Debug)]
struct Policy {
    eye: ResNet18,
    unet: UNet1d,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let again = arguments.iter().any(|a| a == "again");
    let batch = match arguments.iter().find(|a| *a != "again") {
        Some(number) => number.parse()?,
        None => 32,
    };
    let mut device = Device::flex().autodiff();
    if again {
        device = device.gradient_checkpointing();
    }
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let config = UNetConfig {
        action_dim: 10,
        cond_dim: 1024,
        dims: vec![256, 512, 1024],
        kernel: 5,
        groups: 8,
        step_dim: 128,
    };
    let mut policy = Policy {
        eye: ResNet18::new(&ResNetConfig::default(), &mut rng, &device)?,
        unet: UNet1d::new(&config, &mut rng, &device)?,
    };
    let images: Tensor<4> = gaussian([batch, 96, 96, 3], &mut rng, &device);
    let chunks: Tensor<3> = gaussian([batch, 16, 10], &mut rng, &device);
    let steps: Tensor<1> = gaussian([batch], &mut rng, &device);
    let mut optimizer = AdamW::new(AdamWConfig::default());
    println!("before training: {} MiB", memory("VmRSS:")?);
    for _ in 0..2 {
        let start = Instant::now();
        let cond = policy.eye.keypoints(images.clone())?;
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
fn memory(what: &str) -> Result<u64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|l| l.strip_prefix(what));
    let kib: u64 = line
        .and_then(|l| l.trim().strip_suffix("kB"))
        .ok_or("/proc/self/status does not tell the memory")?
        .trim()
        .parse()?;
    Ok(kib / 1024)
}
