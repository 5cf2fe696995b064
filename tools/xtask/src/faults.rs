//! `cargo xtask faults`: the rows of the fault table, and those that are tests of other crates.

use serde_json::{Value, json};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Rows that are tests elsewhere: name, what they are, test target, and what is set for them.
const ELSEWHERE: [(&str, &str, &str, &[(&str, &str)]); 2] = [
    (
        "R15",
        "takeover and handing back at random ticks (tests `takeover` of apprentice-control)",
        "takeover",
        &[],
    ),
    (
        "R19",
        "ROS 2 messages and keys beside Python peers (tests `peers` of apprentice-adapter)",
        "peers",
        &[("APPRENTICE_PEERS", "1")],
    ),
];

/// What was asked for.
#[derive(Debug, Default, PartialEq)]
pub struct Options {
    rows: Vec<String>,
    full: bool,
    hours: Option<String>,
    json: Option<PathBuf>,
    /// The program, when it is not to be built.
    binary: Option<PathBuf>,
}

impl Options {
    /// Reads them; `None` when they cannot be understood.
    pub fn parse(arguments: &[&str]) -> Option<Self> {
        let mut options = Self::default();
        let mut arguments = arguments.iter();
        while let Some(name) = arguments.next() {
            if *name == "--full" {
                options.full = true;
                continue;
            }
            let value = *arguments.next()?;
            match *name {
                "--row" => options.rows.push(value.to_uppercase()),
                "--hours" => {
                    value.parse::<f64>().ok()?;
                    options.hours = Some(value.into());
                }
                "--json" => options.json = Some(value.into()),
                "--binary" => options.binary = Some(value.into()),
                _ => return None,
            }
        }
        Some(options)
    }
}

/// Builds what is needed, runs the rows, prints them, and writes them down.
///
/// # Errors
/// When something cannot be run, or a row is not as it must be.
pub fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()?;
    let elsewhere = |name: &str| ELSEWHERE.iter().any(|r| r.0 == name);
    let ours: Vec<&String> = options.rows.iter().filter(|r| !elsewhere(r)).collect();
    let mut all = Vec::new();
    if options.rows.is_empty() || !ours.is_empty() {
        all.extend(program(&root, options, &ours)?);
    }
    for (name, what, test, set) in ELSEWHERE {
        if options.rows.is_empty() || options.rows.iter().any(|r| r == name) {
            all.push(elsewhere_row(&root, name, what, test, set)?);
        }
    }
    if let Some(file) = &options.json {
        std::fs::write(file, serde_json::to_string_pretty(&all)?)?;
    }
    let failed: Vec<&str> = all
        .iter()
        .filter(|r| r["pass"] != true)
        .filter_map(|r| r["row"].as_str())
        .collect();
    if failed.is_empty() {
        println!("{} figures, all as they must be", all.len());
        Ok(())
    } else {
        Err(format!("not as they must be: {}", failed.join(", ")).into())
    }
}

/// The rows of `apprentice-faults`.
fn program(root: &Path, options: &Options, rows: &[&String]) -> Result<Vec<Value>, Box<dyn Error>> {
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let program = match &options.binary {
        Some(file) => file.canonicalize()?,
        None => {
            // The whole workspace's features, so that nothing is built twice.
            let status = crate::cargo()
                .args(["build", "--release", "--workspace", "--locked"])
                .args(["--bin", "apprentice-faults"])
                .current_dir(root)
                .status()?;
            if !status.success() {
                return Err(format!("cargo build: {status}").into());
            }
            root.join(&target).join("release/apprentice-faults")
        }
    };
    let written = root.join(&target).join("faults.json");
    if let Some(folder) = written.parent() {
        std::fs::create_dir_all(folder)?;
    }
    // Figures of a run before are not this one's.
    if written.exists() {
        std::fs::remove_file(&written)?;
    }
    let mut command = std::process::Command::new(program);
    command.arg("--json").arg(&written);
    rows.iter().for_each(|row| {
        command.arg("--row").arg(row);
    });
    if options.full {
        command.arg("--full");
    }
    if let Some(hours) = &options.hours {
        command.args(["--hours", hours]);
    }
    let status = command.status()?;
    let text = std::fs::read_to_string(&written)
        .map_err(|e| format!("apprentice-faults ended with {status} and wrote nothing: {e}"))?;
    match serde_json::from_str(&text)? {
        Value::Array(rows) => Ok(rows),
        _ => Err("apprentice-faults wrote something else than rows".into()),
    }
}

/// A row that is a test target: passed or not.
fn elsewhere_row(
    root: &Path,
    name: &str,
    what: &str,
    test: &str,
    set: &[(&str, &str)],
) -> Result<Value, Box<dyn Error>> {
    println!("-- {name}: {what}");
    let begun = Instant::now();
    let output = crate::cargo()
        .args([
            "test",
            "--release",
            "--workspace",
            "--locked",
            "--test",
            test,
        ])
        .args(["--", "--nocapture", "--test-threads=1"])
        .envs(set.iter().copied())
        .current_dir(root)
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    print!("{text}");
    let passed = passed(&text);
    if !output.status.success() {
        eprint!("{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(json!({
        "row": name,
        "what": format!("{what}: tests passed"),
        "figure": passed,
        "limit": "all, >= 1",
        "pass": output.status.success() && passed > 0,
        "seconds": begun.elapsed().as_secs_f64(),
    }))
}

/// Tests that passed, as cargo's test programs say.
fn passed(text: &str) -> u64 {
    let counts = text.lines().filter_map(|line| {
        let rest = line.strip_prefix("test result: ")?;
        let (_, rest) = rest.split_once(". ")?;
        rest.split_once(" passed")?.0.parse::<u64>().ok()
    });
    counts.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_and_tests_counted() {
        let read = Options::parse(&["--row", "r7", "--full", "--json", "x"]).unwrap();
        assert_eq!((read.rows[0].as_str(), read.full), ("R7", true));
        assert_eq!(Options::parse(&["--row"]), None);
        assert_eq!(Options::parse(&["--hours", "many"]), None);
        let text = "x\ntest result: ok. 3 passed; 0 failed; 0 ignored\ntest result: FAILED. 1 passed; 2 failed";
        assert_eq!((passed(text), passed("")), (4, 0));
    }
}
