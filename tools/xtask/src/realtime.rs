//! RealtimeSanitizer beside the tests that say what is real time: `cargo xtask realtime`.
//!
//! Its runtime comes with Rust as a static library for programs built with `-Zsanitizer=realtime`. What it needs
//! of a program are two calls around what is watched, and to stand before the system's library; so it is made a
//! shared library here and loaded before the very test programs that run without it, and nothing is built anew.
//! It stops a program that allocates, frees, waits for a lock or makes most other system calls there; it does
//! not see a lock that is free, nor `clock_nanosleep`.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Tests that call the sanitizer around what is watched.
const TESTS: [&str; 2] = ["ticks", "realtime"];
/// What each of them does wrong on purpose where it is asked to, and what the sanitizer calls it.
const DELIBERATE: [(&str, &str); 3] = [
    ("realtime::deliberate::deliberate_allocation", "`malloc`"),
    (
        "realtime::deliberate::deliberate_look_at_a_file",
        "`open64`",
    ),
    (
        "realtime::deliberate::deliberate_wait_for_a_lock",
        "`syscall`",
    ),
];

/// Builds the tests and runs them under the sanitizer.
pub fn run() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from("target/realtime");
    std::fs::create_dir_all(&folder)?;
    let library = runtime(&folder)?.canonicalize()?;
    let mut ticks = 0;
    for program in programs()? {
        let name = program.display();
        for (test, call) in DELIBERATE {
            let ran = under(&library, &program, &["--ignored", "--exact", test])?;
            let said = String::from_utf8_lossy(&ran.stderr);
            if ran.status.success() || !said.contains("RealtimeSanitizer") || !said.contains(call) {
                return Err(format!(
                    "{test} of {name} calls {call} on purpose and the sanitizer did not find it: {}",
                    said.trim()
                )
                .into());
            }
        }
        let ran = under(&library, &program, &["--nocapture", "--test-threads=1"])?;
        let printed = String::from_utf8_lossy(&ran.stdout);
        if !ran.status.success() {
            let said = String::from_utf8_lossy(&ran.stderr);
            return Err(format!("{name} failed ({}):\n{printed}\n{said}", ran.status).into());
        }
        let counts = printed.lines().filter_map(|line| {
            let count = line.split("watched: ").nth(1)?.strip_suffix(" ticks")?;
            count.parse::<u64>().ok()
        });
        let watched: u64 = counts.sum();
        if watched == 0 {
            return Err(format!("{name} watched nothing:\n{printed}").into());
        }
        println!("{name}: {watched} ticks, each deliberate call found");
        ticks += watched;
    }
    println!("realtime: {ticks} ticks checked, violations 0");
    Ok(())
}

fn under(library: &Path, program: &Path, arguments: &[&str]) -> Result<Output, Box<dyn Error>> {
    let ran = Command::new(program)
        .args(arguments)
        .env("LD_PRELOAD", library)
        .output();
    ran.map_err(|e| format!("{} could not be started: {e}", program.display()).into())
}

/// The sanitizer as a shared library.
fn runtime(folder: &Path) -> Result<PathBuf, Box<dyn Error>> {
    let sysroot = output(Command::new("rustc").args(["--print", "sysroot"]))?;
    let host = crate::host()?;
    let libraries = Path::new(sysroot.trim()).join(format!("lib/rustlib/{host}/lib"));
    let mut found = std::fs::read_dir(&libraries)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.to_string_lossy().ends_with("rt.rtsan.a"));
    let Some(archive) = found.next() else {
        return Err(format!(
            "{} has no RealtimeSanitizer (*rt.rtsan.a); Rust brings it for x86_64 and aarch64 Linux and macOS",
            libraries.display()
        )
        .into());
    };
    let (copy, library) = (folder.join("rtsan.a"), folder.join("librtsan.so"));
    std::fs::copy(archive, &copy)?;
    // Shared libraries cannot have the part that begins before everything else; tests begin it themselves.
    output(
        Command::new("ar")
            .arg("d")
            .arg(&copy)
            .arg("rtsan_preinit.cpp.o"),
    )?;
    output(
        Command::new("cc")
            .args(["-shared", "-Wl,--whole-archive"])
            .arg(&copy)
            .arg("-Wl,--no-whole-archive")
            .args(["-lm", "-lrt", "-lpthread", "-ldl", "-o"])
            .arg(&library),
    )?;
    Ok(library)
}

/// The test programs, as `cargo test` builds them.
fn programs() -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut cargo = super::cargo();
    cargo.args(["test", "--release", "--workspace", "--no-run"]);
    cargo.arg("--message-format=json-render-diagnostics");
    for test in TESTS {
        cargo.args(["--test", test]);
    }
    cargo.stderr(std::process::Stdio::inherit());
    let printed = output(&mut cargo)?;
    let mut programs = Vec::new();
    for line in printed.lines() {
        let message: serde_json::Value = serde_json::from_str(line)?;
        let name = message["target"]["name"].as_str().unwrap_or_default();
        if let Some(path) = message["executable"].as_str()
            && TESTS.contains(&name)
        {
            programs.push(PathBuf::from(path));
        }
    }
    if programs.len() == TESTS.len() {
        Ok(programs)
    } else {
        Err(format!("built {programs:?}, wanted the tests {TESTS:?}").into())
    }
}

fn output(command: &mut Command) -> Result<String, Box<dyn Error>> {
    let program = command.get_program().to_string_lossy().into_owned();
    let ran = command
        .output()
        .map_err(|e| format!("{program} could not be started: {e}"))?;
    if !ran.status.success() {
        let said = String::from_utf8_lossy(&ran.stderr);
        return Err(format!("{command:?} failed ({}): {}", ran.status, said.trim()).into());
    }
    Ok(String::from_utf8(ran.stdout)?)
}
