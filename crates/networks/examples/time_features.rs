//! Times the features of two batches: `cargo run --release -p apprentice-networks --example
//! time_features -- WEIGHTS`.

use apprentice_networks::EfficientNetLite0;
use burn::prelude::*;
use std::{error::Error, path::PathBuf, time::Instant};

fn main() -> Result<(), Box<dyn Error>> {
    let path: PathBuf = std::env::args_os()
        .nth(1)
        .ok_or("give the path of a .safetensors or .pth file")?
        .into();
    let start = Instant::now();
    let network = EfficientNetLite0::load(&path, &Device::flex())?;
    println!("load: {:.1} ms", start.elapsed().as_secs_f64() * 1e3);
    for shape in [[16, 112, 112, 3], [1, 96, 96, 3], [1, 224, 224, 3]] {
        let images = Tensor::<4>::full(shape, 0.4, &Device::flex());
        let mut times = Vec::new();
        for _ in 0..25 {
            let start = Instant::now();
            network.features(images.clone())?.into_data();
            times.push(start.elapsed().as_secs_f64() * 1e3);
        }
        times.sort_by(f64::total_cmp);
        println!(
            "{shape:?}: least {:.1} ms, median {:.1} ms",
            times[0], times[12]
        );
    }
    Ok(())
}
