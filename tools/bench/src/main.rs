//! Our half of `cargo xtask bench`.
//!
//! Reads lines `WORK REPEATS` and answers each with `REPEATS` times in milliseconds on one line. The
//! first argument is the number of threads, the second EfficientNet-Lite0's weights. Other weights and inputs are random; shapes are those of the
//! other half (`tools/bench/torch_side.py`).

mod works;

use anyhow::{Context as _, Result, bail};
use std::io::{BufRead as _, Write as _};

fn main() -> Result<()> {
    let threads: usize = std::env::args()
        .nth(1)
        .context("the first argument is the number of threads")?
        .parse()?;
    let weights = std::env::args()
        .nth(2)
        .context("the second argument is a file of weights")?;
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build_global()?;
    println!("ready apprentice {}", env!("CARGO_PKG_VERSION"));
    let mut now: Option<(String, works::Work)> = None;
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let Some((name, repeats)) = line.split_once(' ') else {
            bail!("got {line:?}, want WORK REPEATS");
        };
        if now.as_ref().is_none_or(|(current, _)| current != name) {
            now = Some((name.to_owned(), works::prepare(name, weights.as_ref())?));
        }
        let Some((_, work)) = &mut now else { continue };
        let mut times = Vec::new();
        for _ in 0..repeats.parse::<usize>()? {
            let took = apprentice_nn::on_workers(&mut *work)?;
            times.push(format!("{:.4}", took.as_secs_f64() * 1e3));
        }
        println!("{}", times.join(" "));
        std::io::stdout().flush()?;
    }
    Ok(())
}
