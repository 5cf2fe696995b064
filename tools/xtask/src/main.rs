//! Jobs for developers: `cargo xtask ci` is everything continuous integration does.

mod bench;
mod beside;
mod browser;
mod build_cost;
mod conformance;
mod cuda;
mod faults;
mod program;
mod questions;
mod realtime;
mod second_day;

use std::process::{Command, ExitCode, ExitStatus};
use std::time::{Duration, Instant};

const USAGE: &str = "usage: cargo xtask ci
           format, lints, tests (those beside other programs too), documentation, the loop end to end
       cargo xtask mutants [NAME]...
           whether a test notices when guard, gate or arbiter is wrong; all their mutants, or those whose names
           contain a NAME. Some minutes
       cargo xtask browser [--json FILE]
           the operators' page in Chromium; needs node, npm and chromium. What its tests use of others is installed
           below target
       cargo xtask realtime
           guard, gate and control loop under RealtimeSanitizer: they neither allocate nor wait
       cargo xtask build-cost [--against COMMIT] [--json FILE]
           CPU seconds of a cold build of the default program, of each dependency, and beside those of a commit
       cargo xtask check-cuda [FOLDER]
           compiles with CUDA; FOLDER is a crate to use in place of cubecl-llvm, which downloads LLVM
       cargo xtask bench [--json FILE] [--threads N] [--turns N] [--device cpu|cuda] [--only PART]
                         [--torch eager|compile|graphs] [--python FILE] [--binary FILE]
           our networks beside PyTorch's, in turns; 2 threads, 7 turns, cpu; on a GPU against all its ways to
           run them, unless --torch names one. PyTorch is installed below target unless --python has it, our
           side is built unless --binary names it
       cargo xtask conformance [--episodes N] [--json FILE] [--node FILE] [--python FILE] [--binary FILE]
           our adapter beside franka-node and franka-sim in a network namespace, as root; 50 episodes. Both
           are installed below target unless --node and --python have them, our side is built unless
           --binary names it
       cargo xtask beside [--json FILE] [--episodes N] [--priority auto|low|normal] [--set KEY=VALUE]...
                          [--run DIR] [--binary FILE]
           rollouts in real time, 8 episodes, alone and beside an alignment of the same run: how late control was,
           and memory. Networks are the demo's unless --set says otherwise; the run is made below target unless
           --run has one with a reward
       cargo xtask second-day [--json FILE] [--all] [--rankings N] [--wish EXPRESSION] [--run DIR] [--binary FILE]
                              [--seed N] [--config FILE] [--set KEY=VALUE]...
           the operator's wish changes after the demo: how much of the preferred rate comes back. --run is a demo
           that has run; --all tries other remedies too
       cargo xtask questions [--seeds N] [--first SEED] [--seconds S] [--members N] [--world smooth|rare|levels]
                             [--learner linear|transport] [--with STRATEGY]... [--json FILE]
           every way to choose what is asked next, at equal seconds of a simulated operator: held-out accuracy of the
           reward, and how far each is ahead of random questions. Under a minute, with transport many
       cargo xtask faults [--json FILE] [--row NAME]... [--full] [--hours H] [--binary FILE]
           the rows of the fault table: what comes of parts that are killed, flooded, starved or lied to. As
           in continuous integration, or in full; --row R17 --hours 8 is the long run. The program is built
           unless --binary names it";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .as_slice()
    {
        ["ci"] => ci(),
        ["bench", options @ ..] => match bench::Options::parse(options) {
            Some(options) => ended(bench::run(&options)),
            None => misunderstood(),
        },
        ["beside", options @ ..] => match beside::Options::parse(options) {
            Some(options) => ended(beside::run(&options)),
            None => misunderstood(),
        },
        ["second-day", options @ ..] => match second_day::Options::parse(options) {
            Some(options) => ended(second_day::run(&options)),
            None => misunderstood(),
        },
        ["conformance", options @ ..] => match conformance::Options::parse(options) {
            Some(options) => ended(conformance::run(&options)),
            None => misunderstood(),
        },
        ["faults", options @ ..] => match faults::Options::parse(options) {
            Some(options) => ended(faults::run(&options)),
            None => misunderstood(),
        },
        ["questions", options @ ..] => ended(questions::run(options)),
        ["browser", options @ ..] => match browser::Options::parse(options) {
            Some(options) => ended(browser::run(&options)),
            None => misunderstood(),
        },
        ["mutants", names @ ..] => ended(mutants(names)),
        ["build-cost", options @ ..] => match build_cost::Options::parse(options) {
            Some(options) => ended(build_cost::run(&options)),
            None => misunderstood(),
        },
        ["realtime"] => ended(realtime::run()),
        ["check-cuda"] => ended(cuda::check(None)),
        ["check-cuda", llvm] => ended(cuda::check(Some(llvm.as_ref()))),
        _ => misunderstood(),
    }
}

fn misunderstood() -> ExitCode {
    eprintln!("{USAGE}");
    ExitCode::FAILURE
}

fn ended(result: Result<(), Box<dyn std::error::Error>>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn mutants(names: &[&str]) -> Result<(), Box<dyn std::error::Error>> {
    let mut command = cargo();
    command.args([
        "run",
        "--release",
        "--manifest-path",
        "tools/mutants/Cargo.toml",
    ]);
    command.args(["--target-dir", "target/mutation", "--"]);
    let status = command.args(names).status()?;
    if status.success() {
        Ok(())
    } else {
        Err("mutants survived, or could not be tried".into())
    }
}

/// Cargo as if started by hand: what the outer one says of this package would make some build scripts
/// run, and what depends on them be built, again.
fn cargo() -> Command {
    without_outer_cargo(Command::new("cargo"))
}

/// A line for the shell, in which cargo is as if started by hand.
fn in_shell_without_outer_cargo(line: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", line]);
    without_outer_cargo(command)
}

fn without_outer_cargo(mut command: Command) -> Command {
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

/// The machine that compiles, as rustc names it.
fn host() -> Result<String, Box<dyn std::error::Error>> {
    let output = Command::new("rustc")
        .args(["--print", "host-tuple"])
        .output()?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// A name, cargo's arguments, and what is added to its environment.
type Step = (
    &'static str,
    &'static [&'static str],
    &'static [(&'static str, &'static str)],
);

/// Whether every source file is formatted. By name: cargo's own command does not find those that a registry lists.
fn format() -> Result<(), Box<dyn std::error::Error>> {
    let mut files = Vec::new();
    let mut folders: Vec<std::path::PathBuf> = ["crates", "tests", "tools"].map(Into::into).into();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                files.push(path);
            }
        }
    }
    let status = Command::new("rustfmt")
        .args(["--edition", "2024", "--check"])
        .args(&files)
        .status()?;
    if status.success() {
        Ok(())
    } else {
        Err("files are not formatted; rustfmt --edition 2024 FILE formats one".into())
    }
}

/// How long a step of continuous integration may take: a test that waits for ever is then named, with what had passed.
const STEP_LIMIT: Duration = Duration::from_secs(30 * 60);

/// Runs a command, and ends it with all that it started where it takes longer.
fn within(limit: Duration, command: &mut Command) -> std::io::Result<ExitStatus> {
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    let start = Instant::now();
    let mut child = command.spawn()?;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if start.elapsed() > limit {
            eprintln!("== took longer than {} s and is ended", limit.as_secs());
            let group = format!("-{}", child.id());
            Command::new("kill")
                .args(["-KILL", "--", &group])
                .status()?;
            return child.wait();
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// One profile and one selection of packages throughout, so that dependencies are built once.
fn ci() -> ExitCode {
    let steps: [Step; 8] = [
        (
            "build",
            &["build", "--release", "--workspace", "--locked"],
            &[],
        ),
        // The README's commands; the loop end to end is one of its tests.
        (
            "tests",
            &["test", "--release", "--workspace", "--no-fail-fast"],
            &[],
        ),
        (
            "tests that need Python, a browser, the network, namespaces or data",
            &[
                "test",
                "--release",
                "--workspace",
                "--no-fail-fast",
                "--",
                "--ignored",
                "needs_",
            ],
            &[],
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
            "lints of the mutation tool",
            &[
                "clippy",
                "--release",
                "--manifest-path",
                "tools/mutants/Cargo.toml",
                "--target-dir",
                "target/mutation",
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
        // What runs on GPUs only, on a Vulkan device in software; .ci/run installs one.
        (
            "kernels for GPUs",
            &[
                "test",
                "--release",
                "--workspace",
                "--features",
                "apprentice/wgpu",
                "--test",
                "on_gpu",
            ],
            &[("APPRENTICE_SOFTWARE_GPU", "1")],
        ),
        (
            "lints of kernels for GPUs",
            &[
                "clippy",
                "--release",
                "-p",
                "apprentice-kernels",
                "--features",
                "wgpu",
                "--all-targets",
                "--",
                "-D",
                "warnings",
            ],
            &[],
        ),
    ];
    let mut steps = steps.to_vec();
    // What others' data say, where they lie beside the project.
    if std::path::Path::new("../shared/data").is_dir() {
        let arguments = &[
            "test",
            "--release",
            "--workspace",
            "--",
            "--ignored",
            "needs_data",
        ];
        steps.insert(4, ("tests on data of others", arguments, &[]));
    } else {
        println!("== tests on data of others: not run, ../shared/data is not there");
    }
    println!("== format: rustfmt --check");
    if let Err(error) = format() {
        eprintln!("== format failed: {error}");
        return ExitCode::FAILURE;
    }
    let mut took = Vec::new();
    for (name, arguments, environment) in steps {
        println!("== {name}: cargo {}", arguments.join(" "));
        let start = Instant::now();
        let status = within(
            STEP_LIMIT,
            cargo().args(arguments).envs(environment.iter().copied()),
        );
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
    println!("== real time: cargo xtask realtime");
    let start = Instant::now();
    if let Err(error) = realtime::run() {
        eprintln!("== real time failed: {error}");
        return ExitCode::FAILURE;
    }
    took.push(format!("real time {:.0} s", start.elapsed().as_secs_f64()));
    println!("== all passed: {}", took.join(", "));
    ExitCode::SUCCESS
}
