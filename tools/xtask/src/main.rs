//! Jobs for developers: `cargo xtask ci` is everything continuous integration does.

use std::process::{Command, ExitCode};
use std::time::Instant;

const USAGE: &str =
    "usage: cargo xtask ci      format, lints, tests, documentation, the loop end to end";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .as_slice()
    {
        ["ci"] => ci(),
        _ => {
            eprintln!("{USAGE}");
            ExitCode::FAILURE
        }
    }
}

/// A name, cargo's arguments, and what is added to its environment.
type Step = (
    &'static str,
    &'static [&'static str],
    &'static [(&'static str, &'static str)],
);

/// One profile and one selection of packages throughout, so that dependencies are built once.
fn ci() -> ExitCode {
    let steps: [Step; 5] = [
        ("format", &["fmt", "--all", "--check"], &[]),
        (
            "build",
            &["build", "--release", "--workspace", "--locked"],
            &[],
        ),
        // The README's command; the loop end to end is one of its tests.
        ("tests", &["test", "--release", "--workspace"], &[]),
        (
            "lints",
            &[
                "clippy",
                "--release",
                "--workspace",
                "--all-targets",
                "--",
                "-D",
                "warnings",
            ],
            &[],
        ),
        (
            "documentation",
            &["doc", "--release", "--workspace", "--no-deps"],
            &[("RUSTDOCFLAGS", "-D warnings")],
        ),
    ];
    let mut took = Vec::new();
    for (name, arguments, environment) in steps {
        println!("== {name}: cargo {}", arguments.join(" "));
        let start = Instant::now();
        let status = Command::new("cargo")
            .args(arguments)
            .envs(environment.iter().copied())
            .status();
        took.push(format!("{name} {:.0} s", start.elapsed().as_secs_f64()));
        match status {
            Ok(status) if status.success() => {}
            Ok(status) => {
                eprintln!(
                    "== {name} failed ({status}); before it: {}",
                    took.join(", ")
                );
                return ExitCode::FAILURE;
            }
            Err(error) => {
                eprintln!("== {name}: cargo could not be started: {error}");
                return ExitCode::FAILURE;
            }
        }
    }
    println!("== all passed: {}", took.join(", "));
    ExitCode::SUCCESS
}
