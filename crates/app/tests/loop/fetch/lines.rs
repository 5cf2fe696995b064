//! Lines typed into a shell, each with the next one that it prints. They stand in a file, so that a course of hours goes
//! on where it was ended.

use crate::program::repository;
use serde_json::{Value, json};
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Lines, and the file that keeps those that are done.
pub struct Lines {
    file: PathBuf,
    done: Vec<(String, String)>,
    /// Those typed, also in a process before.
    pub typed: Vec<String>,
}

impl Lines {
    /// Goes on from what stands in the file, if it is there.
    pub fn open(file: &Path) -> Self {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        let read = |line: &str| {
            let value: Value = serde_json::from_str(line).unwrap();
            let word = |name: &str| value[name].as_str().unwrap().to_owned();
            (word("line"), word("next"))
        };
        Self {
            file: file.to_owned(),
            done: text.lines().map(read).collect(),
            typed: Vec::new(),
        }
    }

    /// Types a line, which must be about `what`; the next one that it prints.
    pub fn expect(&mut self, line: &str, what: &str, answers: &str) -> String {
        assert!(
            line.contains(&format!("apprentice {what}")),
            "printed {line:?}, expected {what}"
        );
        assert!(
            !line.contains("&&") && !line.contains(';'),
            "{line:?} chains commands"
        );
        self.enter(line, answers)
    }

    /// Types a line and what is asked meanwhile; the next line that it prints. A line that is done is not typed again.
    pub fn enter(&mut self, line: &str, answers: &str) -> String {
        self.typed.push(line.to_owned());
        if let Some((_, next)) = self.done.iter().find(|(done, _)| done == line) {
            return next.clone();
        }
        println!("$ {line}");
        let said = shell(line, answers);
        let next = said.lines().rev().find_map(|l| {
            let at = l.to_lowercase().find("next: apprentice ")?;
            Some(l[at + "next: ".len()..].trim().to_owned())
        });
        let next = next.unwrap_or_else(|| panic!("{line} printed no next command:\n{said}"));
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.file);
        writeln!(file.unwrap(), "{}", json!({ "line": line, "next": next })).unwrap();
        self.done.push((line.to_owned(), next.clone()));
        next
    }
}

/// What a line of the shell says, with our program on the path.
pub fn shell(line: &str, answers: &str) -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_apprentice"));
    let folders = [
        program.parent().unwrap().display().to_string(),
        std::env::var("PATH").unwrap(),
    ];
    let mut child = Command::new("sh")
        .args(["-c", &format!("{line} 2>&1")])
        .env("PATH", folders.join(":"))
        .env("XDG_DATA_HOME", "/nonexistent")
        .current_dir(repository())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // It may end before it has read all.
    let _ = child.stdin.take().unwrap().write_all(answers.as_bytes());
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{line} failed:\n{said}");
    said
}

#[test]
fn a_line_that_is_done_is_not_typed_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lines.jsonl");
    let count = folder.path().join("count");
    let line = format!(
        "echo 1 >> {} ; echo 'Next: apprentice train --out x'",
        count.display()
    );
    for _ in 0..2 {
        let mut lines = Lines::open(&file);
        assert_eq!(lines.enter(&line, ""), "apprentice train --out x");
        assert_eq!(lines.typed, std::slice::from_ref(&line));
    }
    assert_eq!(std::fs::read_to_string(count).unwrap(), "1\n");
}
