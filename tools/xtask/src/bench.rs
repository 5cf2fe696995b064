//! `cargo xtask bench`: our networks and PyTorch's, alternating on one machine, the same shapes,
//! threads and precision.

use serde_json::{Value, json};
use std::error::Error;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

const TORCH: [&str; 3] = ["torch==2.15.0", "numpy==2.4.6", "safetensors==0.8.0"];
/// Runs a side makes before the other's turn, and turns.
const REPEATS: usize = 3;

/// A name both sides know, what it is, the ratio to reach, and the precision.
struct Work(&'static str, &'static str, f64, &'static str);

const WORKS: [Work; 14] = [
    Work(
        "resnet_forward_16",
        "ResNet-18 GroupNorm forward 16 x 96x96",
        1.0,
        "f32",
    ),
    Work(
        "resnet_backward_16",
        "ResNet-18 GroupNorm forward+backward 16 x 96x96",
        1.0,
        "f32",
    ),
    Work(
        "resnet_backward_8",
        "ResNet-18 GroupNorm forward+backward 8 x 224x224",
        1.0,
        "f32",
    ),
    Work(
        "vit_forward_1",
        "ViT-S/14 forward 224x224, batch 1",
        0.8,
        "f32",
    ),
    Work(
        "unet_small_forward_1",
        "U-Net 64/128/256 forward, batch 1",
        0.7,
        "f32",
    ),
    Work(
        "unet_small_backward_64",
        "U-Net 64/128/256 forward+backward, batch 64",
        0.8,
        "f32",
    ),
    Work(
        "unet_large_forward_1",
        "U-Net 256/512/1024 forward, batch 1",
        0.7,
        "f32",
    ),
    Work(
        "unet_large_backward_64",
        "U-Net 256/512/1024 forward+backward, batch 64",
        0.8,
        "f32",
    ),
    Work(
        "adamw_ema_large",
        "AdamW + EMA step, U-Net 256/512/1024",
        0.5,
        "f32",
    ),
    Work(
        "vision_backward_64",
        "demo's vision encoder forward+backward, 64 x 64x64",
        1.0,
        "f32",
    ),
    Work(
        "efficientnet_forward_16",
        "EfficientNet-Lite0 forward 16 x 112x112",
        1.0,
        "f32",
    ),
    Work(
        "sinkhorn_scaling",
        "Sinkhorn, 32 of 64x64, 50 iterations, scaling",
        0.1,
        "f64 / f32",
    ),
    Work(
        "sinkhorn_log",
        "Sinkhorn, 32 of 64x64, 50 iterations, log-domain",
        0.5,
        "f64 / f32",
    ),
    Work(
        "policy_step",
        "demo's training step: forward, backward, AdamW, EMA",
        1.0,
        "f32",
    ),
];

/// Options of the command.
pub struct Options {
    /// Where the results go as JSON.
    pub json: Option<PathBuf>,
    /// Threads of each side.
    pub threads: usize,
    /// Turns each side takes.
    pub turns: usize,
}

/// Runs the bench and prints its table.
///
/// # Errors
/// When PyTorch cannot be installed or a side stops.
pub fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()?;
    check(
        crate::cargo()
            .args(["build", "--release", "--workspace"])
            .current_dir(&root),
    )?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or(root.join("target"), PathBuf::from);
    let python = python(&target.join("bench-torch"))?;
    let weights = target.join("bench-efficientnet.safetensors");
    let threads = options.threads.to_string();
    let mut torch = Side::start(
        Command::new(python)
            .arg(root.join("tools/bench/torch_side.py"))
            .args([threads.as_ref(), weights.as_os_str()])
            .arg(root.join("crates/nn/tests/parity"))
            .arg(root.join("tests/peers"))
            .env("OMP_NUM_THREADS", &threads),
    )?;
    let mut ours = Side::start(
        Command::new(target.join("release/bench")).args([threads.as_ref(), weights.as_os_str()]),
    )?;
    println!("{} against {}, {threads} threads", ours.name, torch.name);
    println!(
        "{:<52} {:>17} {:>17} {:>6} {:>5}",
        "work", "ours, ms", "PyTorch, ms", "ratio", "goal"
    );
    let mut rows = Vec::new();
    for Work(name, what, goal, dtype) in WORKS {
        let (mut mine, mut theirs) = (Vec::new(), Vec::new());
        // The first turn warms up.
        for turn in 0..=options.turns {
            let (a, b) = (ours.time(name)?, torch.time(name)?);
            if turn > 0 {
                mine.extend(a);
                theirs.extend(b);
            }
        }
        let (mine, theirs) = (Spread::of(mine), Spread::of(theirs));
        let ratio = mine.median / theirs.median;
        println!("{what:<52} {mine:>17} {theirs:>17} {ratio:>6.2} {goal:>5}");
        rows.push(json!({
            "work": what, "ours_ms": mine.median, "torch_ms": theirs.median, "ratio": ratio,
            "goal": goal, "threads": options.threads, "dtype": dtype, "device": "cpu",
            "ours_quartiles_ms": [mine.low, mine.high],
            "torch_quartiles_ms": [theirs.low, theirs.high],
        }));
    }
    println!(
        "median and quartiles of {} runs a side",
        REPEATS * options.turns
    );
    if let Some(file) = &options.json {
        std::fs::write(file, serde_json::to_vec_pretty(&Value::Array(rows))?)?;
        println!("{}", file.display());
    }
    Ok(())
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

/// One of the two programs, which times what it is asked to.
struct Side {
    name: String,
    child: Child,
    ask: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Side {
    fn start(command: &mut Command) -> Result<Self, Box<dyn Error>> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (Some(ask), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("a side has no pipes".into());
        };
        let mut side = Self {
            name: String::new(),
            child,
            ask,
            answers: BufReader::new(answers),
        };
        let ready = side.line()?;
        side.name = ready
            .trim()
            .strip_prefix("ready ")
            .unwrap_or(&ready)
            .to_owned();
        Ok(side)
    }

    fn time(&mut self, work: &str) -> Result<Vec<f64>, Box<dyn Error>> {
        writeln!(self.ask, "{work} {REPEATS}")?;
        let line = self.line()?;
        Ok(line
            .split_whitespace()
            .map(str::parse)
            .collect::<Result<_, _>>()?)
    }

    fn line(&mut self) -> Result<String, Box<dyn Error>> {
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            return Err(format!("{} stopped ({})", self.name, self.child.wait()?).into());
        }
        Ok(line)
    }
}

impl Drop for Side {
    fn drop(&mut self) {
        // Nobody is left to tell.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Median and quartiles.
struct Spread {
    low: f64,
    median: f64,
    high: f64,
}

impl Spread {
    fn of(mut times: Vec<f64>) -> Self {
        times.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let place = (share * times.len().saturating_sub(1) as f64).round() as usize;
            times.get(place).copied().unwrap_or(f64::NAN)
        };
        Self {
            low: at(0.25),
            median: at(0.5),
            high: at(0.75),
        }
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&format!(
            "{:.2} ({:.2}-{:.2})",
            self.median, self.low, self.high
        ))
    }
}
