//! `cargo xtask beside`: a policy is aligned on the computer on which the same run records rollouts in real time.

use crate::program::{
    Running, apprentice, figures, load, peak_memory_bytes, succeed, target, words,
};
use serde_json::{Value, json};
use std::error::Error;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What there is to learn from: little, because only how long a step takes and what it needs counts here.
const LITTLE: &str = "--set demonstrations.episodes=16 --set train.steps=40 --set rollouts.episodes=16 \
    --set operator.rankings=4 --set operator.shuffle=true --set reward.significance=1 --set align.smallest_gap=0 \
    --set align.steps=1000000 --set align.drift_budget=1e9";
/// p99 of how late a control tick begins, microseconds.
const MOST_LATE_US: u64 = 1000;
/// Memory of both processes together, bytes.
const MOST_MEMORY: u64 = 8 << 30;

/// What was asked for.
#[derive(Debug, PartialEq)]
pub struct Options {
    json: Option<PathBuf>,
    /// The program, when it is not to be built.
    binary: Option<PathBuf>,
    /// A run that has a reward already.
    run: Option<PathBuf>,
    episodes: u32,
    priority: String,
    settings: Vec<String>,
}

impl Options {
    /// Reads them; `None` when they cannot be understood.
    pub fn parse(arguments: &[&str]) -> Option<Self> {
        let mut options = Self {
            json: None,
            binary: None,
            run: None,
            episodes: 8,
            priority: "auto".into(),
            settings: Vec::new(),
        };
        for pair in arguments.chunks(2) {
            let [name, value] = pair else { return None };
            match *name {
                "--json" => options.json = Some(value.into()),
                "--binary" => options.binary = Some(value.into()),
                "--run" => options.run = Some(value.into()),
                "--episodes" => options.episodes = value.parse().ok().filter(|n| *n > 0)?,
                "--priority" => options.priority = (*value).to_owned(),
                "--set" => options
                    .settings
                    .extend(["--set".to_owned(), (*value).to_owned()]),
                _ => return None,
            }
        }
        Some(options)
    }
}

/// Records by itself, then beside an alignment, and prints how late control was.
///
/// # Errors
/// When something cannot be run, or a figure is not as it must be.
pub fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let program = apprentice(options.binary.as_deref())?;
    let folder = match &options.run {
        Some(folder) => folder.clone(),
        None => prepare(&program, options)?,
    };
    let out = vec!["--out".to_owned(), folder.display().to_string()];
    // Free now, and nobody else here takes it meanwhile.
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let endpoint = format!("tcp/127.0.0.1:{port}");
    let simulated = Command::new(&program)
        .args(["sim", "--listen", &endpoint])
        .args(&options.settings)
        .stdout(Stdio::null())
        .spawn()?;
    let _simulated = Running(simulated);
    std::thread::sleep(Duration::from_secs(2));
    let record = |name: &str| -> Result<Value, Box<dyn Error>> {
        let busy = load();
        let mut line = words("record rollouts --policy base --json");
        line.extend(["--episodes".into(), options.episodes.to_string()]);
        line.extend(["--set".into(), format!("robot.endpoint={endpoint}")]);
        line.extend(out.clone());
        let mut figures = figures(&program, &line)?;
        figures["load_before"] = busy.into();
        println!("{name}: {}", figures["control"]);
        Ok(figures)
    };
    let alone = record("alone")?;
    let mut line = words("align --json --set compute.priority=");
    if let Some(last) = line.last_mut() {
        last.push_str(&options.priority);
    }
    line.extend(out.clone());
    println!("== apprentice {}, until killed", line.join(" "));
    let learner = Command::new(&program)
        .args(&line)
        .stdout(Stdio::null())
        .spawn()?;
    let mut learner = Running(learner);
    let begun = Instant::now();
    let mut learns = 0;
    while begun.elapsed() < Duration::from_secs(15) {
        std::thread::sleep(Duration::from_millis(500));
        learns = peak_memory_bytes(learner.0.id());
        if let Some(status) = learner.0.try_wait()? {
            return Err(
                format!("the alignment ended before anything was recorded: {status}").into(),
            );
        }
    }
    let beside = record("beside an alignment")?;
    if learner.0.try_wait()?.is_some() {
        return Err("the alignment ended while rollouts were recorded beside it".into());
    }
    learns = learns.max(peak_memory_bytes(learner.0.id()));
    drop(learner);
    report(options, &alone, &beside, learns)
}

/// A run with all that an alignment needs.
fn prepare(program: &Path, options: &Options) -> Result<PathBuf, Box<dyn Error>> {
    let folder = target()?.join("beside");
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    let stages = [
        "record demonstrations",
        "train",
        "record rollouts",
        "rank --simulated",
        "reward",
    ];
    for stage in stages {
        let mut line = words(stage);
        line.extend(words(LITTLE));
        line.extend(options.settings.clone());
        line.extend(words("--seed 1 --json --out"));
        line.push(folder.display().to_string());
        succeed(program, &line)?;
    }
    Ok(folder)
}

fn report(
    options: &Options,
    alone: &Value,
    beside: &Value,
    learns: u64,
) -> Result<(), Box<dyn Error>> {
    let records = beside["peak_memory_bytes"].as_u64().unwrap_or(u64::MAX);
    let both = records.saturating_add(learns);
    let control = &beside["control"];
    let p99 = control["late_p99_us"].as_u64().unwrap_or(u64::MAX);
    let late_actions = control["late_actions"].as_u64().unwrap_or(u64::MAX);
    for (name, figures) in [("alone", alone), ("beside", beside)] {
        let control = &figures["control"];
        println!(
            "{name:<8} control ticks late by {} us (p50), {} us (p99), {} us (most), {} of {} by 1 ms or more; late actions {}; \
             slowest of {} decisions {:.0} ms; load before {}",
            control["late_p50_us"],
            control["late_p99_us"],
            control["late_most_us"],
            control["ticks_late_by_1_ms"],
            control["ticks"],
            control["late_actions"],
            control["decisions"],
            control["slowest_decision_ms"].as_f64().unwrap_or(0.0),
            figures["load_before"],
        );
    }
    println!(
        "memory   {} MiB record, {} MiB learn, {} MiB together at most",
        records >> 20,
        learns >> 20,
        both >> 20
    );
    if let Some(file) = &options.json {
        let all = json!({
            "alone": alone, "beside": beside, "learner_peak_memory_bytes": learns, "peak_memory_bytes": both,
            "priority": options.priority,
        });
        std::fs::write(file, serde_json::to_string_pretty(&all)?)?;
    }
    if p99 <= MOST_LATE_US && late_actions == 0 && both <= MOST_MEMORY {
        println!("as they must be: p99 at most {MOST_LATE_US} us, no late action, at most 8 GiB");
        return Ok(());
    }
    Err(format!(
        "p99 {p99} us (allowed {MOST_LATE_US}), {late_actions} late actions (allowed 0), {} MiB (allowed {})",
        both >> 20,
        MOST_MEMORY >> 20
    )
    .into())
}
