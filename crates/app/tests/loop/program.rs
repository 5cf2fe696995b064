//! Starting the program.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

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

/// A copy, in `to`, of one finished tiny run that tests share.
pub fn tiny_run(to: &Path) {
    static RUN: OnceLock<tempfile::TempDir> = OnceLock::new();
    let run = RUN.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        succeed(&mut tiny_demo(&folder.path().join("run"), 3));
        folder
    });
    copy(&run.path().join("run"), to);
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
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
