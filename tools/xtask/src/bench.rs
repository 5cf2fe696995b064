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
    /// Only works whose names have this in them.
    pub only: Option<String>,
    /// Only this way of PyTorch's to run them.
    pub torch: Option<String>,
    /// A Python that has PyTorch; without it, one is set up.
    pub python: Option<PathBuf>,
    /// Our program, built already.
    pub binary: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            json: None,
            threads: 2,
            turns: 7,
            device: Device::Processor,
            only: None,
            torch: None,
            python: None,
            binary: None,
        }
    }
}

impl Options {
    /// What is asked for on the command line; `None` when it cannot be understood.
    pub fn parse(arguments: &[&str]) -> Option<Self> {
        let mut options = Self::default();
        for pair in arguments.chunks(2) {
            match pair {
                ["--json", file] => options.json = Some((*file).into()),
                ["--threads", n] => options.threads = n.parse().ok().filter(|n| *n > 0)?,
                ["--turns", n] => options.turns = n.parse().ok().filter(|n| *n > 0)?,
                ["--device", name] => options.device = Device::named(name)?,
                ["--only", part] => options.only = Some((*part).into()),
                ["--torch", mode @ ("eager" | "compile" | "graphs")] => {
                    options.torch = Some((*mode).into());
                }
                ["--python", file] => options.python = Some((*file).into()),
                ["--binary", file] => options.binary = Some((*file).into()),
                _ => return None,
            }
        }
        Some(options)
    }
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
            "cpu" | "flex" => Some(Self::Processor),
            "cuda" => Some(Self::Cuda),
            _ => None,
        }
    }

    /// What the two sides call it.
    fn names(self) -> [&'static str; 2] {
        match self {
            Self::Processor => ["cpu", "cpu"],
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
        let mut torch = bench.torch("eager")?;
        println!("{}", torch.name);
        let found = torch.numbers("limits")?;
        println!(
            "this GPU copies {:.0} GB/s, computes {:.1} TFLOP/s in f32 and {:.1} in bf16",
            found[0] / 1e9,
            found[1] / 1e12,
            found[2] / 1e12
        );
        found
    } else {
        println!("{}, {}", bench.torch("eager")?.name, features());
        Vec::new()
    };
    println!(
        "{:<58} {:>8} {:>25} {:>25} {:>5} {:>4} {:>11}",
        "work", "PyTorch", "ours, ms", "PyTorch, ms", "ratio", "goal", "peaks, MiB"
    );
    let wanted = |work: &&Work| {
        let only = options.only.as_ref();
        work.is_on(gpu) && only.is_none_or(|part| work.name.contains(part))
    };
    for work in WORKS.iter().filter(wanted) {
        for mode in options.device.modes() {
            if *mode == "graphs" && work.learns() {
                continue; // Only what needs no gradients is recorded.
            }
            if options.torch.as_ref().is_some_and(|wanted| wanted != mode) {
                continue;
            }
            // What one work cannot do is no reason to lose the others' figures.
            let row = bench.compare(work, mode).unwrap_or_else(|error| {
                println!("{:<58} {mode:>8} failed: {error}", work.what);
                json!({ "work": work.what, "torch_mode": mode, "error": error.to_string() })
            });
            rows.push(row);
        }
        let newest = rows.last_mut().filter(|row| row["work"] == work.what);
        if gpu && let Some(row) = newest {
            let question = format!("facts {}", work.name);
            match bench.torch("eager")?.numbers(&question) {
                Ok(facts) => bound(row, &limits, &facts),
                Err(error) => println!("{:<58} its limits are not known: {error}", ""),
            }
        }
        if let Some(file) = &options.json {
            std::fs::write(file, serde_json::to_vec_pretty(&rows)?)?;
        }
    }
    println!(
        "median (quartiles, 99th percentile) of {} turns of {} or {} runs a side, {} threads; peaks of \
         resident memory",
        options.turns, REPEATS[0], REPEATS[1], options.threads
    );
    if let Some(file) = &options.json {
        println!("{}", file.display());
    }
    Ok(())
}

/// What the processor has for vectors.
fn features() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") {
            return "x86-64 with AVX-512";
        }
        if is_x86_feature_detected!("avx2") {
            return "x86-64 with AVX2";
        }
    }
    std::env::consts::ARCH
}

/// How far our time of a work is from what the device's memory and arithmetic allow: what its weights
/// and their like move at least, and the products and sums that PyTorch counts.
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
    if memory == 0.0 {
        return;
    }
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
    binary: PathBuf,
    python: PathBuf,
    weights: PathBuf,
    threads: String,
}

impl<'a> Bench<'a> {
    fn prepare(options: &'a Options) -> Result<Self, Box<dyn Error>> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../..")
            .canonicalize()?;
        if options.binary.is_none() {
            let mut build = crate::cargo();
            build.args(["build", "--release", "--workspace"]);
            if options.device == Device::Cuda {
                build.args(["--features", "bench/cuda"]);
            }
            check(build.current_dir(&root))?;
        }
        let target =
            std::env::var_os("CARGO_TARGET_DIR").map_or(root.join("target"), PathBuf::from);
        std::fs::create_dir_all(&target)?;
        Ok(Self {
            python: match &options.python {
                Some(python) => python.clone(),
                None => apprentice_peers::python(
                    &target.join("bench-torch"),
                    &root.join("tools/bench/requirements.txt"),
                    None,
                )?,
            },
            binary: match &options.binary {
                Some(binary) => binary.clone(),
                None => target.join("release/bench"),
            },
            weights: target.join("bench-efficientnet.safetensors"),
            threads: options.threads.to_string(),
            options,
            root,
        })
    }

    fn torch(&self, mode: &str) -> Result<Side, Box<dyn Error>> {
        Side::start(
            Command::new(&self.python)
                .arg(self.root.join("tools/bench/torch_side.py"))
                .args([self.threads.as_ref(), self.weights.as_os_str()])
                .arg(self.root.join("crates/networks/tests/parity"))
                .arg(self.root.join("tests/peers"))
                .args([self.options.device.names()[1], mode])
                .env("OMP_NUM_THREADS", &self.threads),
        )
    }

    fn ours(&self) -> Result<Side, Box<dyn Error>> {
        Side::start(
            Command::new(&self.binary)
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

fn check(command: &mut Command) -> Result<(), Box<dyn Error>> {
    match command.status()? {
        status if status.success() => Ok(()),
        status => Err(format!("{command:?} failed ({status})").into()),
    }
}
