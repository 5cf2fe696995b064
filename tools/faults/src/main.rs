//! Runs rows of the fault table, prints what was measured, and writes it down.

use anyhow::{Context as _, Result, bail};
use apprentice_faults::{Row, Scale, TABLE, child, program, run};
use std::path::PathBuf;
use std::process::ExitCode;

const USAGE: &str =
    "usage: apprentice-faults [--row NAME]... [--full] [--hours H] [--json FILE] [--list]";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let result = match arguments.split_first() {
        Some((first, rest)) if first == "child" => child::run(rest).map(|()| true),
        _ => table(&arguments),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn table(arguments: &[String]) -> Result<bool> {
    program::is_at(std::env::current_exe()?);
    let mut scale = Scale::QUICK;
    let (mut names, mut json): (Vec<String>, Option<PathBuf>) = (Vec::new(), None);
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        let mut value = || {
            arguments
                .next()
                .with_context(|| format!("{argument}: {USAGE}"))
        };
        match argument.as_str() {
            "--full" => scale.full = true,
            "--row" => names.push(value()?.clone()),
            "--json" => json = Some(value()?.into()),
            "--hours" => {
                scale.hours = value()?.parse()?;
                if !(0.0..=1000.0).contains(&scale.hours) {
                    bail!("--hours is {}, allowed: 0 to 1000", scale.hours);
                }
            }
            "--list" => {
                TABLE
                    .iter()
                    .for_each(|r| println!("{:6} {}", r.name, r.title));
                return Ok(true);
            }
            other => bail!("{other}: {USAGE}"),
        }
    }
    if names.is_empty() {
        names = TABLE.iter().map(|r| r.name.to_owned()).collect();
    }
    let mut all: Vec<Row> = Vec::new();
    for name in &names {
        let titled = TABLE.iter().find(|r| r.name.eq_ignore_ascii_case(name));
        let Some(titled) = titled else {
            let known: Vec<&str> = TABLE.iter().map(|r| r.name).collect();
            bail!(
                "there is no row {name:?} here; there are {}",
                known.join(", ")
            );
        };
        println!("-- {}: {}", titled.name, titled.title);
        all.extend(run(name, scale).unwrap_or_default());
    }
    let failed = all.iter().filter(|r| !r.pass).count();
    println!("{} figures, {failed} not as they must be", all.len());
    if let Some(file) = json {
        let text = serde_json::to_string_pretty(&all)?;
        std::fs::write(&file, text).with_context(|| file.display().to_string())?;
    }
    Ok(failed == 0)
}
