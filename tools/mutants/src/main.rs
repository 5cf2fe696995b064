//! `cargo xtask mutants`: whether the tests of `apprentice-safety` notice when its guard, gate or arbiter is
//! wrong. Each mutant has to be killed by a test or explained in `explained.txt`; an explanation that is not
//! needed any more is an error too.

mod crate_copy;
mod running;
mod switching;

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use switching::Mutant;

/// Survivors that are no mistake, a line each: `file | function | change | why`.
const EXPLAINED: &str = include_str!("explained.txt");

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match check(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Checks the mutants whose names contain one of `wanted`, or all. Answers whether none survived unexplained.
fn check(wanted: &[String]) -> Result<bool, Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()?;
    let built = crate_copy::build(&root)?;
    let explained = explanations()?;
    let chosen = |m: &&Mutant| wanted.is_empty() || wanted.iter().any(|w| m.name().contains(w));
    let mutants: Vec<&Mutant> = built.mutants.iter().filter(chosen).collect();
    println!(
        "{} mutants of {} files, {} of them asked for; {} more do not compile",
        built.mutants.len(),
        built.files,
        mutants.len(),
        built.refused
    );
    let survivors = running::survivors(&built.programs, &mutants)?;
    let mut unexplained = 0;
    let mut counted = 0;
    for mutant in &survivors {
        match explained.get(mutant.name().as_str()) {
            Some(_) => counted += 1,
            None => {
                unexplained += 1;
                println!("SURVIVED line {}: {}", mutant.line, mutant.name());
            }
        }
    }
    let names: Vec<String> = survivors.iter().map(|m| m.name()).collect();
    let mut stale = 0;
    if wanted.is_empty() {
        for name in explained.keys().filter(|n| !names.iter().any(|s| s == *n)) {
            stale += 1;
            println!("EXPLAINED IN VAIN, it is killed or is not there: {name}");
        }
    }
    println!(
        "mutants: {} checked, {} killed, {counted} explained, {unexplained} survived, {stale} explained in vain",
        mutants.len(),
        mutants.len() - survivors.len(),
    );
    Ok(unexplained == 0 && stale == 0)
}

/// Why some may survive, by name.
fn explanations() -> Result<BTreeMap<&'static str, &'static str>, Box<dyn Error>> {
    let mut explained = BTreeMap::new();
    for line in EXPLAINED.lines() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let Some((name, why)) = line.rsplit_once(" | ") else {
            return Err(format!("explained.txt: no reason in the line {line:?}").into());
        };
        explained.insert(name, why);
    }
    Ok(explained)
}
