//! `cargo xtask bench`: our networks beside PyTorch's, in turns on the same machine.

mod side;
mod spread;
mod works;

use serde_json::{Value, json};
use side::Side;
use spread::Spread;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use works::{REPEATS, WORKS, Work};

const TORCH: [&str; 3] = ["torch==2.15.0", "numpy==2.4.6", "safetensors==0.8.0"];

/// What to measure and where to write it.
pub struct Options {
    /// Also write the figures here, as JSON.
    pub json: Option<PathBuf>,
    /// Threads of either side.
    pub threads: usize,
    /// Turns of each side.
    pub turns: usize,
    /// Where both sides compute.
    pub device: Device,
}

/// Where both sides compute.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Device {
    Processor,
    Cuda,
}

impl Device {
    /// By the name a user gives it.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "flex" | "cpu" => Some(Self::Processor),
            "cuda" => Some(Self::Cuda),
            _ => None,
        }
    }

    /// What the two sides call it.
    fn names(self) -> [&'static str; 2] {
        match self {
            Self::Processor => ["flex", "cpu"],
            Self::Cuda => ["cuda", "cuda"],
        }
    }

    /// The ways in which PyTorch runs a work there.
    fn modes(self) -> &'static [&'static str] {
        match self {
            Self::Processor => &["eager"],
            Self::Cuda => &["eager", "compile", "graphs"],
        }
    }
}

/// Runs the comparison.
///
/// # Errors
/// When PyTorch cannot be installed or a side stops.
pub fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let bench = Bench::prepare(options)?;
    let gpu = options.device == Device::Cuda;
    let mut rows = Vec::new();
    let limits = if gpu {
        let found = bench.torch("eager")?.numbers("limits")?;
        println!(
            "this GPU copies {:.0} GB/s, computes {:.1} TFLOP/s in f32 and {:.1} in bf16",
            found[0] / 1e9,
            found[1] / 1e12,
            found[2] / 1e12
        );
        found
    } else {
        Vec::new()
    };
    println!(
        "{:<58} {:>8} {:>25} {:>25} {:>5} {:>4} {:>11}",
        "work", "PyTorch", "ours, ms", "PyTorch, ms", "ratio", "goal", "peaks, MiB"
    );
    for work in WORKS.iter().filter(|w| w.is_on(gpu)) {
        for mode in options.device.modes() {
            let row = bench.compare(work, mode)?;
            rows.push(row);
        }
        if gpu {
            let facts = bench
                .torch("eager")?
                .numbers(&format!("facts {}", work.name))?;
            if let Some(row) = rows.last_mut() {
                bound(row, &limits, &facts);
            }
        }
    }
    println!(
        "median (quartiles, 99th percentile) of {} turns of {} or {} runs a side, {} threads; peaks of \
         resident memory",
        options.turns, REPEATS[0], REPEATS[1], options.threads
    );
    if let Some(file) = &options.json {
        std::fs::write(file, serde_json::to_vec_pretty(&Value::Array(rows))?)?;
        println!("{}", file.display());
    }
    Ok(())
}

/// How far our time of a work is from what the device's memory and arithmetic allow: weights are read
/// once, products and sums are those PyTorch counts.
fn bound(row: &mut Value, limits: &[f64], facts: &[f64]) {
    let (Some(ours), [bytes, flops]) = (row["ours_ms"].as_f64(), facts) else {
        return;
    };
    let speed = if row["dtype"] == "bf16" {
        limits[2]
    } else {
        limits[1]
    };
    let (memory, arithmetic) = (1e3 * bytes / limits[0], 1e3 * flops / speed);
    println!(
        "{:<58} memory allows {memory:.3} ms (ours {:.1} times that), arithmetic {arithmetic:.3} ms ({:.1})",
        "",
        ours / memory,
        ours / arithmetic
    );
    row["memory_limit_ms"] = json!(memory);
    row["arithmetic_limit_ms"] = json!(arithmetic);
}

/// Both sides, ready to be started.
struct Bench<'a> {
    options: &'a Options,
    root: PathBuf,
    target: PathBuf,
    python: PathBuf,
    weights: PathBuf,
    threads: String,
}

impl<'a> Bench<'a> {
    fn prepare(options: &'a Options) -> Result<Self, Box<dyn Error>> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../..")
            .canonicalize()?;
        let mut build = crate::cargo();
        build.args(["build", "--release", "--workspace"]);
        if options.device == Device::Cuda {
            build.args(["--features", "bench/cuda"]);
        }
        check(build.current_dir(&root))?;
        let target =
            std::env::var_os("CARGO_TARGET_DIR").map_or(root.join("target"), PathBuf::from);
        Ok(Self {
            python: python(&target.join("bench-torch"))?,
            weights: target.join("bench-efficientnet.safetensors"),
            threads: options.threads.to_string(),
            options,
            root,
            target,
        })
    }

    fn torch(&self, mode: &str) -> Result<Side, Box<dyn Error>> {
        Side::start(
            Command::new(&self.python)
                .arg(self.root.join("tools/bench/torch_side.py"))
                .args([self.threads.as_ref(), self.weights.as_os_str()])
                .arg(self.root.join("crates/nn/tests/parity"))
                .arg(self.root.join("tests/peers"))
                .args([self.options.device.names()[1], mode])
                .env("OMP_NUM_THREADS", &self.threads),
        )
    }

    fn ours(&self) -> Result<Side, Box<dyn Error>> {
        Side::start(
            Command::new(self.target.join("release/bench"))
                .args([self.threads.as_ref(), self.weights.as_os_str()])
                .arg(self.options.device.names()[0]),
        )
    }

    /// Times a work on both sides, in turns. New processes for each: the peak of their memory is that
    /// work's.
    fn compare(&self, work: &Work, mode: &str) -> Result<Value, Box<dyn Error>> {
        let (mut torch, mut ours) = (self.torch(mode)?, self.ours()?);
        let (mut mine, mut theirs) = (Vec::new(), Vec::new());
        // The first turn warms up.
        for turn in 0..=self.options.turns {
            let a = ours.time(work.name, work.repeats())?;
            let b = torch.time(work.name, work.repeats())?;
            if turn > 0 {
                mine.extend(a);
                theirs.extend(b);
            }
        }
        let (mine, theirs) = (Spread::of(mine), Spread::of(theirs));
        let peaks = [ours.peak_mib()?, torch.peak_mib()?];
        let ratio = mine.median / theirs.median;
        let Work {
            what, goal, dtype, ..
        } = work;
        println!(
            "{what:<58} {mode:>8} {mine:>25} {theirs:>25} {ratio:>5.2} {goal:>4} {:>5} {:>5}",
            peaks[0], peaks[1]
        );
        Ok(json!({
            "work": what, "ours_ms": mine.median, "torch_ms": theirs.median, "ratio": ratio,
            "goal": goal, "threads": self.options.threads, "dtype": dtype,
            "device": self.options.device.names()[1], "torch": torch.name, "torch_mode": mode,
            "ours_quartiles_ms": [mine.low, mine.high],
            "torch_quartiles_ms": [theirs.low, theirs.high],
            "ours_p99_ms": mine.p99, "torch_p99_ms": theirs.p99,
            "ours_peak_mib": peaks[0], "torch_peak_mib": peaks[1],
        }))
    }
}

/// Python with PyTorch in a virtual environment of its own.
fn python(folder: &Path) -> Result<PathBuf, Box<dyn Error>> {
    let (python, installed) = (folder.join("bin/python"), folder.join("installed.txt"));
    let wanted = TORCH.join(" ");
    if std::fs::read_to_string(&installed).is_ok_and(|found| found == wanted) {
        return Ok(python);
    }
    println!("installing {wanted} into {}", folder.display());
    check(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
    check(
        Command::new(&python)
            .args(["-m", "pip", "install", "--quiet"])
            .args(TORCH),
    )?;
    std::fs::write(installed, wanted)?;
    Ok(python)
}

fn check(command: &mut Command) -> Result<(), Box<dyn Error>> {
    match command.status()? {
        status if status.success() => Ok(()),
        status => Err(format!("{command:?} failed ({status})").into()),
    }
}
