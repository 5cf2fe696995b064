//! Jobs for developers: `cargo xtask ci` is everything continuous integration does.

mod bench;

use std::process::{Command, ExitCode};
use std::time::Instant;

const USAGE: &str = "usage: cargo xtask ci
           format, lints, tests (those beside other programs too), documentation, the loop end to end
       cargo xtask bench [--json FILE] [--threads N] [--turns N] [--device flex|cuda]
           our networks beside PyTorch's (installed below target), in turns; 2 threads, 7 turns, flex";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .as_slice()
    {
        ["ci"] => ci(),
        ["bench", options @ ..] => match bench_options(options).map(|o| bench::run(&o)) {
            Some(Ok(())) => ExitCode::SUCCESS,
            Some(Err(error)) => {
                eprintln!("error: {error}");
                ExitCode::FAILURE
            }
            None => {
                eprintln!("{USAGE}");
                ExitCode::FAILURE
            }
        },
        _ => {
            eprintln!("{USAGE}");
            ExitCode::FAILURE
        }
    }
}

fn bench_options(arguments: &[&str]) -> Option<bench::Options> {
    let mut options = bench::Options {
        json: None,
        threads: 2,
        turns: 7,
        device: bench::Device::Processor,
    };
    for pair in arguments.chunks(2) {
        match pair {
            ["--json", file] => options.json = Some((*file).into()),
            ["--threads", n] => options.threads = n.parse().ok().filter(|n| *n > 0)?,
            ["--device", name] => options.device = bench::Device::named(name)?,
            ["--turns", n] => options.turns = n.parse().ok().filter(|n| *n > 0)?,
            _ => return None,
        }
    }
    Some(options)
}

/// Cargo as if started by hand: what the outer one says of this package would make some build scripts
/// run, and what depends on them be built, again.
fn cargo() -> Command {
    let mut command = Command::new("cargo");
    for (name, _) in std::env::vars_os() {
        let outer = [
            "CARGO_PKG_",
            "CARGO_MANIFEST_",
            "CARGO_BIN_",
            "CARGO_PRIMARY_",
        ];
        if name
            .to_str()
            .is_some_and(|n| outer.iter().any(|o| n.starts_with(o)))
        {
            command.env_remove(name);
        }
    }
    command
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
        // The README's command, with the peers that .ci/run asks for; the loop end to end is one of its
        // tests.
        (
            "tests",
            &["test", "--release", "--workspace"],
            &[("APPRENTICE_PEERS", "1")],
        ),
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
        let status = cargo()
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
