//! Starting the program.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The program, ready for arguments; its weights folder is one that does not exist.
pub fn apprentice() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_apprentice"));
    command
        .current_dir(repository())
        .env("XDG_DATA_HOME", "/nonexistent")
        .env("COLUMNS", "100");
    command
}

/// The repository's root.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// `demo` on the tiny configuration.
pub fn tiny_demo(out: &Path, seed: u64) -> Command {
    let mut command = apprentice();
    command
        .args(["demo", "--config", "configs/tiny.toml"])
        .args(["--seed", &seed.to_string()])
        .arg("--out")
        .arg(out);
    command
}

/// Runs it and says why, if it fails.
pub fn succeed(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?} failed:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// Runs it and gives the one line it fails with, which is the last it says.
pub fn fail(command: &mut Command) -> String {
    let output: Output = command.output().unwrap();
    assert!(!output.status.success(), "{command:?} succeeded");
    one_error(&String::from_utf8(output.stderr).unwrap())
}

/// The one line of an error in what a program said, which must be its last.
pub fn one_error(said: &str) -> String {
    let lines: Vec<&str> = said.lines().collect();
    let errors = lines.iter().filter(|l| l.starts_with("error: ")).count();
    assert_eq!(errors, 1, "{errors} lines of error in:\n{said}");
    let last = lines.last().copied().unwrap_or_default();
    assert!(
        last.starts_with("error: "),
        "the error goes on after its line:\n{said}"
    );
    last.to_owned()
}
