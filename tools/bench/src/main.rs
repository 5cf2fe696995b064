//! Our half of `cargo xtask bench`.
//!
//! Reads lines `WORK REPEATS` and answers each with `REPEATS` times in milliseconds on one line. The
//! first argument is the number of threads, the second EfficientNet-Lite0's weights, the third the device
//! (`cpu`, `cuda` or `wgpu`). Other weights and inputs are random; shapes are those of the other half
//! (`tools/bench/torch_side.py`).

mod works;

use anyhow::{Context as _, Result, bail};
use apprentice_nn::{DeviceChoice, in_thread_pool, may_record, open_device};
use std::io::{BufRead as _, Write as _};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [threads, weights, device] = arguments.as_slice() else {
        bail!("got {arguments:?}, want THREADS WEIGHTS DEVICE");
    };
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads.parse().context("the number of threads")?)
        .build_global()?;
    let device = open_device(match device.as_str() {
        "cpu" => DeviceChoice::Cpu,
        "cuda" => DeviceChoice::Cuda,
        "wgpu" => DeviceChoice::Wgpu,
        other => bail!("got device {other}, allowed: cpu, cuda, wgpu"),
    })?;
    // As in any process that has learnt, and in PyTorch's: once something large was freed, glibc keeps what is
    // freed later instead of handing it back each time.
    drop(std::hint::black_box(vec![1u8; 16 << 20]));
    println!("ready apprentice {}", env!("CARGO_PKG_VERSION"));
    let mut now: Option<(String, works::Work)> = None;
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let Some((name, repeats)) = line.split_once(' ') else {
            bail!("got {line:?}, want WORK REPEATS");
        };
        if now.as_ref().is_none_or(|(current, _)| current != name) {
            let work = works::prepare(name, weights.as_ref(), &device)?;
            now = Some((name.to_owned(), work));
        }
        let Some((_, work)) = &mut now else { continue };
        let mut times = Vec::new();
        for _ in 0..repeats.parse::<usize>()? {
            // A GPU's kernels are launched, and recorded, on a stream of each thread's own.
            let took = if may_record(&device) {
                work()?
            } else {
                in_thread_pool(&mut *work)?
            };
            times.push(format!("{:.4}", took.as_secs_f64() * 1e3));
        }
        println!("{}", times.join(" "));
        std::io::stdout().flush()?;
    }
    Ok(())
}
