//! `apprentice doctor`: what this machine and this build can do.

use crate::cli::DoctorArgs;
use anyhow::{Result, bail};
use apprentice_nn::{gaussian, open_device};
use apprentice_robot::RobotDescription;
use burn::tensor::Tensor;
use std::time::Instant;

/// Runs the command.
///
/// # Errors
/// When the device does not compute what the processor does.
pub fn run(args: &DoctorArgs) -> Result<()> {
    let device = open_device(args.device.into())?;
    let mut rng = apprentice_core::Seed(0).rng();
    let size = 512;
    let cpu = burn::tensor::Device::flex();
    let a: Tensor<2> = gaussian([size, size], &mut rng, &cpu);
    let b: Tensor<2> = gaussian([size, size], &mut rng, &cpu);
    let expected = a.clone().matmul(b.clone());
    let lift = |t: &Tensor<2>| Tensor::<2>::from_data(t.clone().into_data(), &device);
    let (x, y) = (lift(&a), lift(&b));
    let first: f32 = x.clone().matmul(y.clone()).abs().max().into_scalar();
    let start = Instant::now();
    let product = x.matmul(y);
    let computed = Tensor::<2>::from_data(product.into_data(), &cpu);
    let milliseconds = start.elapsed().as_secs_f64() * 1e3;
    let error: f32 = (computed - expected).abs().max().into_scalar();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let robots = ["franka_fr3"];
    robots
        .iter()
        .try_for_each(|r| RobotDescription::embedded(r).map(|_| ()))?;
    let built: Vec<&str> = ["flex"]
        .into_iter()
        .chain(cfg!(feature = "cuda").then_some("cuda"))
        .chain(cfg!(feature = "wgpu").then_some("wgpu"))
        .collect();
    if args.json {
        let found = serde_json::json!({
            "version": env!("CARGO_PKG_VERSION"), "device": args.device.name(), "device_detail": format!("{device:?}"),
            "built": built, "matmul_512_ms": milliseconds, "largest_error": error, "largest_value": first,
            "cores": cores, "robots": robots,
        });
        println!("{}", serde_json::to_string_pretty(&found)?);
    } else {
        println!("apprentice {}", env!("CARGO_PKG_VERSION"));
        println!("devices in this build   {}", built.join(", "));
        println!(
            "device asked for        {} ({device:?})",
            args.device.name()
        );
        println!(
            "it computes             512x512 matrix product in {milliseconds:.1} ms, largest error {error:.1e}"
        );
        println!("processor               {cores} cores");
        println!("robots                  {}", robots.join(", "));
    }
    if error.is_nan() || error > 0.05 {
        bail!(
            "device {} computes wrongly: error {error} in a product of size up to {first}",
            args.device.name()
        );
    }
    Ok(())
}
