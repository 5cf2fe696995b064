//! `cargo xtask second-day`: the operator's wish changes after a policy was aligned to it; how much of it comes back.

use crate::program::{apprentice, figures, succeed, target, words};
use serde_json::{Value, json};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A way to take up a changed wish.
struct Remedy {
    name: &'static str,
    rank: &'static str,
    reward: &'static str,
    align: &'static str,
}

/// The first is what the README advises; the others say what each part of it is worth.
const REMEDIES: [Remedy; 5] = [
    Remedy {
        name: "old count half, from base",
        rank: "",
        reward: "--set reward.round_weight=0.5",
        align: "--set align.start=base",
    },
    Remedy {
        name: "old count half, from current",
        rank: "",
        reward: "--set reward.round_weight=0.5",
        align: "--set align.start=current",
    },
    Remedy {
        name: "taken back, from base",
        rank: "--set operator.takes_back=true",
        reward: "",
        align: "--set align.start=base",
    },
    Remedy {
        name: "taken back, from current",
        rank: "--set operator.takes_back=true",
        reward: "",
        align: "--set align.start=current",
    },
    Remedy {
        name: "all count alike, from base",
        rank: "",
        reward: "",
        align: "--set align.start=base",
    },
];
/// Share of the former preferred rate that has to come back.
const BACK: f64 = 0.9;

/// What was asked for.
#[derive(Debug, Default, PartialEq)]
pub struct Options {
    json: Option<PathBuf>,
    /// The program, when it is not to be built.
    binary: Option<PathBuf>,
    /// The first day's run.
    run: Option<PathBuf>,
    wish: Option<String>,
    /// Rankings of the second day.
    rankings: Option<u64>,
    all: bool,
    settings: Vec<String>,
}

impl Options {
    /// Reads them; `None` when they cannot be understood.
    pub fn parse(arguments: &[&str]) -> Option<Self> {
        let mut options = Self::default();
        let mut arguments = arguments.iter();
        while let Some(name) = arguments.next() {
            if *name == "--all" {
                options.all = true;
                continue;
            }
            let value = *arguments.next()?;
            match name {
                &"--json" => options.json = Some(value.into()),
                &"--binary" => options.binary = Some(value.into()),
                &"--run" => options.run = Some(value.into()),
                &"--wish" => options.wish = Some(value.into()),
                &"--rankings" => options.rankings = Some(value.parse().ok().filter(|n| *n > 0)?),
                &"--seed" | &"--config" => {
                    options
                        .settings
                        .extend([(*name).to_owned(), value.to_owned()]);
                }
                &"--set" => options
                    .settings
                    .extend(["--set".to_owned(), value.to_owned()]),
                _ => return None,
            }
        }
        Some(options)
    }
}

/// Runs both days, and prints how much of the preferred rate came back.
///
/// # Errors
/// When something cannot be run, or too little of it did.
pub fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let program = apprentice(options.binary.as_deref())?;
    let folder = target()?.join("second-day");
    std::fs::create_dir_all(&folder)?;
    let first = options.run.clone().unwrap_or_else(|| folder.join("day-1"));
    if options.run.is_none() {
        let mut line = words("demo --json --out");
        line.push(first.display().to_string());
        line.extend(options.settings.clone());
        succeed(&program, &line)?;
    }
    let said = std::fs::read_to_string(first.join("run.json"))?;
    let settings: Value = serde_json::from_str(&said)?;
    let before = settings["config"]["operator"]["rankings"].as_u64();
    let before = before.ok_or("run.json does not say how many rankings there were")?;
    let evaluated = evaluate(&program, &first)?;
    let former = preferred(&evaluated)?;
    println!("day 1: {former} of what succeeds the preferred way, after {before} rankings");
    let remedies = if options.all {
        &REMEDIES[..]
    } else {
        &REMEDIES[..1]
    };
    let mut rows = Vec::new();
    for (number, remedy) in remedies.iter().enumerate() {
        let second = folder.join(format!("day-2-{number}"));
        rows.push(second_day(
            &program,
            options,
            (&first, &second),
            remedy,
            before,
        )?);
    }
    println!("\nday 1: preferred {former:.3} after {before} rankings; then the wish changes");
    for row in &rows {
        let share = row["preferred"].as_f64().unwrap_or(0.0) / former.max(1e-9);
        println!(
            "{:<28} {} rankings more: preferred {:.3} ({:.0} % of the former), success {:.3}; evidence p = {}; of the \
             rollouts of day 2, {} of {} the new way",
            row["remedy"].as_str().unwrap_or_default(),
            row["rankings"],
            row["preferred"].as_f64().unwrap_or(0.0),
            100.0 * share,
            row["success"].as_f64().unwrap_or(0.0),
            row["reward"]["evidence"]["p_value"],
            row["shown_the_new_way"],
            row["shown"],
        );
    }
    if let Some(file) = &options.json {
        let all = json!({ "former": former, "rankings": before, "second_days": rows });
        std::fs::write(file, serde_json::to_string_pretty(&all)?)?;
    }
    let advised = rows.first().ok_or("nothing was run")?;
    let (came, rankings) = (advised["preferred"].as_f64(), advised["rankings"].as_u64());
    if came.unwrap_or(0.0) >= BACK * former && rankings.unwrap_or(u64::MAX) <= 2 * before {
        println!("as it must be: at least {BACK} of the former rate within twice the labels");
        return Ok(());
    }
    Err(format!("{came:?} of {former} came back after {rankings:?} rankings").into())
}

/// The second day in a copy of the first's run.
fn second_day(
    program: &Path,
    options: &Options,
    (first, second): (&Path, &Path),
    remedy: &Remedy,
    before: u64,
) -> Result<Value, Box<dyn Error>> {
    println!("\n== the second day: {}", remedy.name);
    if second.exists() {
        std::fs::remove_dir_all(second)?;
    }
    let status = Command::new("cp")
        .arg("-r")
        .args([first, second])
        .status()?;
    if !status.success() {
        return Err(format!("cp -r {}: {status}", first.display()).into());
    }
    let with = |line: &str, more: &[String]| -> Vec<String> {
        let mut line = words(line);
        line.extend(more.iter().cloned());
        line.extend([
            "--json".into(),
            "--out".into(),
            second.display().to_string(),
        ]);
        line
    };
    let rankings = options.rankings.unwrap_or(before);
    let episodes = 2 * rankings;
    let wish = options.wish.clone();
    let wish = wish.unwrap_or_else(|| "success * (1 + (grasp == rim))".into());
    let wish = format!("operator.prefers={wish}");
    let record = format!("record rollouts --policy current --episodes {episodes}");
    succeed(program, &with(&record, &[]))?;
    let mut rank = vec!["--set".into(), wish];
    rank.extend(["--set".into(), format!("operator.rankings={rankings}")]);
    rank.extend(words(remedy.rank));
    succeed(program, &with("rank --simulated", &rank))?;
    let reward = figures(program, &with("reward", &words(remedy.reward)))?;
    let align = figures(program, &with("align", &words(remedy.align)))?;
    let evaluated = evaluate(program, second)?;
    let (shown, new_way) = shown(second)?;
    Ok(json!({
        "remedy": remedy.name,
        "rankings": rankings,
        "preferred": preferred(&evaluated)?,
        "success": share(&evaluated, "success")?,
        "reward": reward[0]["result"],
        "align": align[0]["result"],
        "shown": shown,
        "shown_the_new_way": new_way,
    }))
}

/// What `evaluate` says of the aligned policy.
fn evaluate(program: &Path, folder: &Path) -> Result<Value, Box<dyn Error>> {
    let mut line = words("evaluate --json --out");
    line.push(folder.display().to_string());
    let stages = figures(program, &line)?;
    Ok(stages[1]["result"].clone())
}

fn preferred(evaluated: &Value) -> Result<f64, Box<dyn Error>> {
    share(evaluated, "preferred")
}

/// A proportion of an evaluation, 0 to 1.
fn share(evaluated: &Value, name: &str) -> Result<f64, Box<dyn Error>> {
    let rate = &evaluated[name];
    match (rate["k"].as_f64(), rate["n"].as_f64()) {
        (Some(k), Some(n)) if n > 0.0 => Ok(k / n),
        _ => Err(format!("evaluate says no {name}: {evaluated}").into()),
    }
}

/// Episodes of the second round, and how many of them the wish by default is about.
fn shown(folder: &Path) -> Result<(usize, usize), Box<dyn Error>> {
    let text = std::fs::read_to_string(folder.join("judge/rounds-0002.json"))?;
    let list: Value = serde_json::from_str(&text)?;
    let episodes = list["episodes"].as_array().map_or(&[][..], Vec::as_slice);
    let rim = |e: &&Value| e["outcome"].to_string().contains("\"rim\"");
    Ok((episodes.len(), episodes.iter().filter(rim).count()))
}
