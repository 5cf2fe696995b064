//! `apprentice doctor`: what this machine and this build can do.

use crate::cli::DoctorArgs;
use anyhow::{Result, anyhow, bail};
use apprentice_nn::gaussian;
use apprentice_pipeline::device;
use apprentice_robot::{EMBEDDED, RobotDescription};
use burn::tensor::Tensor;
use std::time::Instant;

/// Rows and columns of the matrices that are multiplied.
const SIZE: usize = 512;
/// Rows of the product that are computed again, number by number.
const ROWS: usize = 64;

fn numbers(tensor: Tensor<2>) -> Result<Vec<f32>> {
    let read = tensor.into_data().try_into_vec();
    read.map_err(|e| anyhow!("the device's numbers cannot be read: {e:?}"))
}

/// How far a device's product is from one in plain arithmetic of 64 bits.
fn largest_error(a: &[f32], b: &[f32], product: &[f32]) -> f32 {
    let mut most = 0.0f64;
    for (a, found) in a.chunks(SIZE).zip(product.chunks(SIZE)).take(ROWS) {
        let mut row = vec![0.0f64; SIZE];
        for (a, b) in a.iter().zip(b.chunks(SIZE)) {
            for (sum, b) in row.iter_mut().zip(b) {
                *sum += f64::from(*a) * f64::from(*b);
            }
        }
        for (found, wanted) in found.iter().zip(row) {
            let error = (f64::from(*found) - wanted).abs();
            // What is no number is further off than any number.
            let known = most.is_nan() || error <= most;
            most = if known { most } else { error };
        }
    }
    most as f32
}

/// Runs the command.
///
/// # Errors
/// When the device does not compute what the processor does.
pub fn run(args: &DoctorArgs) -> Result<()> {
    let device = device::open(&args.device)?;
    let mut rng = apprentice_core::Seed(0).rng();
    let a: Tensor<2> = gaussian([SIZE, SIZE], &mut rng, &device);
    let b: Tensor<2> = gaussian([SIZE, SIZE], &mut rng, &device);
    let first: f32 = a.clone().matmul(b.clone()).abs().max().into_scalar();
    let start = Instant::now();
    let product = numbers(a.clone().matmul(b.clone()))?;
    let milliseconds = start.elapsed().as_secs_f64() * 1e3;
    let error = largest_error(&numbers(a)?, &numbers(b)?, &product);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let robots = EMBEDDED;
    robots
        .iter()
        .try_for_each(|r| RobotDescription::embedded(r).map(|_| ()))?;
    let built: Vec<&str> = [device::CPU]
        .into_iter()
        .chain(cfg!(feature = "cuda").then_some("cuda"))
        .chain(cfg!(feature = "wgpu").then_some("wgpu"))
        .collect();
    if args.json {
        let found = serde_json::json!({
            "version": env!("CARGO_PKG_VERSION"), "device": args.device, "device_detail": format!("{device:?}"),
            "built": built, "matmul_512_ms": milliseconds, "largest_error": error, "largest_value": first,
            "cores": cores, "robots": robots,
        });
        println!("{}", serde_json::to_string_pretty(&found)?);
    } else {
        println!("apprentice {}", env!("CARGO_PKG_VERSION"));
        println!("devices in this build   {}", built.join(", "));
        println!("device asked for        {} ({device:?})", args.device);
        println!(
            "it computes             512x512 matrix product in {milliseconds:.1} ms, largest error {error:.1e}"
        );
        println!("processor               {cores} cores");
        println!("robots                  {}", robots.join(", "));
    }
    if error.is_nan() || error > 0.05 {
        bail!(
            "device {} computes wrongly: error {error} in a product of size up to {first}",
            args.device
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_product_is_found() {
        let ones = vec![1.0; SIZE * SIZE];
        let mut product = vec![SIZE as f32; SIZE * SIZE];
        assert_eq!(largest_error(&ones, &ones, &product), 0.0);
        product[7] += 0.5;
        assert_eq!(largest_error(&ones, &ones, &product), 0.5);
        product[SIZE] = f32::NAN;
        assert!(largest_error(&ones, &ones, &product).is_nan());
    }
}
