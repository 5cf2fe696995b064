//! The crate with its mutants, in a place of its own, built once.

use crate::switching::{Enums, Mutant, Switching};
use std::collections::BTreeSet;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Beginnings of the files that are mutated, from `crates/safety/src` on.
const FILES: [&str; 5] = ["guard", "gate", "arbiter", "sequence", "homing"];
/// Tests that are run, the quick ones first; `""` are those of the library itself.
const TESTS: [&str; 5] = ["", "rules", "edges", "shipped", "hostile"];
/// How often mutants that do not compile are left out and the rest tried again.
const ATTEMPTS: usize = 20;

/// What is switched on, by the environment.
const SWITCH: &str = r#"
/// Whether a mutant is the one that is tried.
pub(crate) fn switched_on(number: u32) -> bool {
    static ON: std::sync::LazyLock<u32> = std::sync::LazyLock::new(|| {
        let set = std::env::var("APPRENTICE_MUTANT").ok();
        set.and_then(|n| n.parse().ok()).unwrap_or(0)
    });
    *ON == number
}
"#;

/// The crate, built.
pub struct Built {
    pub mutants: Vec<Mutant>,
    pub files: usize,
    /// Mutants that do not compile.
    pub refused: usize,
    /// Test programs, in the order of [`TESTS`].
    pub programs: Vec<PathBuf>,
}

pub fn build(root: &Path) -> Result<Built, Box<dyn Error>> {
    let from = root.join("crates/safety");
    let place = root.join("target/mutants");
    let to = place.join("crates/safety");
    if to.exists() {
        std::fs::remove_dir_all(&to)?;
    }
    copy(&from, &to)?;
    // Tests look at it from the crate on.
    std::fs::create_dir_all(place.join("robots"))?;
    std::fs::copy(
        root.join("robots/PROTOCOL.md"),
        place.join("robots/PROTOCOL.md"),
    )?;
    std::fs::copy(root.join("Cargo.lock"), to.join("Cargo.lock"))?;
    std::fs::write(to.join("Cargo.toml"), manifest(root, &from)?)?;
    let sources = sources(&from.join("src"))?;
    let mut enums = Enums::default();
    for (_, source) in &sources {
        enums.read(source)?;
    }
    let library = std::fs::read_to_string(from.join("src/lib.rs"))?;
    std::fs::write(
        to.join("src/lib.rs"),
        format!("#![allow(warnings)]\n{library}{SWITCH}"),
    )?;
    let mut refused = BTreeSet::new();
    for _ in 0..ATTEMPTS {
        let mut switching = Switching::new(&enums, &refused);
        let mut files = 0;
        for (name, source) in &sources {
            if FILES.iter().any(|f| name.starts_with(f)) && !name.ends_with("tests.rs") {
                let path = to.join("src").join(name);
                std::fs::write(&path, switching.file(name, source)?)?;
                // One thing a line, so that the compiler's word leads to the mutant.
                output(
                    Command::new("rustfmt")
                        .args(["--edition", "2024"])
                        .arg(&path),
                )?;
                files += 1;
            }
        }
        let mutants = switching.mutants;
        match compile(&place)? {
            Ok(programs) => {
                return Ok(Built {
                    mutants,
                    files,
                    refused: refused.len(),
                    programs,
                });
            }
            Err(bad) => {
                for number in &bad {
                    let mutant = mutants.iter().find(|m| m.number == *number);
                    let name = mutant.map(Mutant::name).unwrap_or_default();
                    println!("does not compile: {name}");
                }
                let before = refused.len();
                refused.extend(bad);
                if refused.len() == before {
                    return Err("the crate with its mutants does not compile".into());
                }
            }
        }
    }
    Err("too many mutants do not compile".into())
}

/// The crate's own manifest, apart from the workspace.
fn manifest(root: &Path, from: &Path) -> Result<String, Box<dyn Error>> {
    let workspace = std::fs::read_to_string(root.join("Cargo.toml"))?;
    let versions = |name: &str| -> Result<String, Box<dyn Error>> {
        let line = workspace.lines().find_map(|l| {
            let rest = l.strip_prefix(name)?;
            rest.trim_start().strip_prefix('=')
        });
        let value = line.ok_or_else(|| format!("{name} is not in the workspace's dependencies"))?;
        let crates = root.join("crates").display().to_string();
        Ok(value.replace("\"crates", &format!("\"{crates}")))
    };
    let own = std::fs::read_to_string(from.join("Cargo.toml"))?;
    let mut text = String::from(
        "[workspace]\n[package]\nname = \"apprentice-safety\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\
         [profile.release]\nopt-level = 2\ndebug = false\n[profile.release.package.\"*\"]\nopt-level = 2\n",
    );
    let mut dependencies = false;
    for line in own.lines() {
        if line.starts_with('[') {
            dependencies = line.ends_with("dependencies]");
            if dependencies {
                text += &format!("{line}\n");
            }
        } else if dependencies && let Some(name) = line.strip_suffix(".workspace = true") {
            text += &format!("{name} ={}\n", versions(name)?);
        }
    }
    Ok(text)
}

/// Builds the tests. Mutants that are to blame where that fails.
fn compile(place: &Path) -> Result<Result<Vec<PathBuf>, BTreeSet<u32>>, Box<dyn Error>> {
    let mut cargo = Command::new("cargo");
    for (name, _) in std::env::vars_os() {
        if name
            .to_str()
            .is_some_and(|n| n.starts_with("CARGO_PKG_") || n.starts_with("CARGO_MANIFEST_"))
        {
            cargo.env_remove(name);
        }
    }
    cargo.args([
        "test",
        "--release",
        "--no-run",
        "--message-format=json",
        "--lib",
    ]);
    for test in TESTS.iter().filter(|t| !t.is_empty()) {
        cargo.args(["--test", test]);
    }
    let ran = cargo
        .current_dir(place.join("crates/safety"))
        .env("CARGO_TARGET_DIR", place.join("target"))
        .stderr(std::process::Stdio::inherit())
        .output()?;
    let printed = String::from_utf8(ran.stdout)?;
    let (mut programs, mut bad) = (vec![PathBuf::new(); TESTS.len()], BTreeSet::new());
    for line in printed.lines() {
        let message: serde_json::Value = serde_json::from_str(line)?;
        if let Some(path) = message["executable"].as_str() {
            let name = message["target"]["name"].as_str().unwrap_or_default();
            let place = TESTS.iter().position(|t| *t == name).unwrap_or(0);
            if let Some(program) = programs.get_mut(place) {
                *program = PathBuf::from(path);
            }
        }
        if message["message"]["level"] == "error" {
            let spans = message["message"]["spans"].as_array();
            for span in spans
                .into_iter()
                .flatten()
                .filter(|s| s["is_primary"] == true)
            {
                bad.extend(to_blame(&place.join("crates/safety"), span)?);
            }
            if bad.is_empty()
                && let Some(rendered) = message["message"]["rendered"].as_str()
            {
                eprintln!("{rendered}");
            }
        }
    }
    Ok(if ran.status.success() {
        Ok(programs)
    } else {
        Err(bad)
    })
}

/// The switch next before where the compiler points.
fn to_blame(root: &Path, span: &serde_json::Value) -> Result<Option<u32>, Box<dyn Error>> {
    let file = root.join(span["file_name"].as_str().unwrap_or_default());
    let Ok(source) = std::fs::read_to_string(file) else {
        return Ok(None);
    };
    let line = span["line_end"].as_u64().unwrap_or(0) as usize;
    let before: Vec<&str> = source.lines().take(line).collect();
    let number = before.iter().rev().take(8).find_map(|line| {
        let after = line.rsplit("switched_on(").next()?;
        let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    });
    Ok(number)
}

/// Files below `src`, by their names from there.
fn sources(src: &Path) -> Result<Vec<(String, String)>, Box<dyn Error>> {
    let (mut found, mut folders) = (Vec::new(), vec![src.to_path_buf()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let name = path.strip_prefix(src)?.display().to_string();
                found.push((name, std::fs::read_to_string(&path)?));
            }
        }
    }
    found.sort();
    Ok(found)
}

fn copy(from: &Path, to: &Path) -> Result<(), Box<dyn Error>> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let path = entry?.path();
        let there = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            copy(&path, &there)?;
        } else {
            std::fs::copy(&path, &there)?;
        }
    }
    Ok(())
}

fn output(command: &mut Command) -> Result<(), Box<dyn Error>> {
    let ran = command.output()?;
    if ran.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&ran.stderr);
    Err(format!("{command:?} failed: {}", said.trim()).into())
}
