//! `cargo xtask browser`: the operators' page in a real browser, test by test.

use serde_json::Value;
use std::error::Error;
use std::path::PathBuf;

/// What was asked for.
#[derive(Debug, PartialEq)]
pub struct Options {
    json: Option<PathBuf>,
}

impl Options {
    /// Reads them; `None` when they cannot be understood.
    pub fn parse(arguments: &[&str]) -> Option<Self> {
        match arguments {
            [] => Some(Self { json: None }),
            ["--json", file] => Some(Self {
                json: Some(file.into()),
            }),
            _ => None,
        }
    }
}

/// Runs the tests and says how each went.
///
/// # Errors
/// When a test fails, or they cannot be run.
pub fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let results = std::env::current_dir()?.join("target/browser/results.json");
    let _ = std::fs::remove_file(&results);
    let status = crate::cargo()
        .args(["test", "--release", "-p", "apprentice-page"])
        .args([
            "--test",
            "browser",
            "--example",
            "serve_sample",
            "--example",
            "serve_robot",
        ])
        .args(["--", "--ignored", "--nocapture", "needs_browser"])
        .env("APPRENTICE_BROWSER_JSON", &results)
        .status()?;
    let written = std::fs::read(&results)
        .map_err(|e| format!("the tests wrote no {}: {e}", results.display()))?;
    let tests: Vec<Value> = serde_json::from_slice(&written)?;
    for test in &tests {
        let word = if test["pass"] == true {
            "passed"
        } else {
            "FAILED"
        };
        println!(
            "{word} {:>5.1} s  {}",
            test["seconds"].as_f64().unwrap_or(0.0),
            test["test"]
        );
    }
    if let Some(file) = &options.json {
        std::fs::write(file, &written)
            .map_err(|e| format!("cannot write {}: {e}", file.display()))?;
    }
    let failed = tests.iter().filter(|t| t["pass"] != true).count();
    if failed > 0 || !status.success() {
        return Err(format!("{failed} of {} tests in the browser failed", tests.len()).into());
    }
    Ok(())
}
