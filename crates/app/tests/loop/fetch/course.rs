//! The whole course: one command after the other, each as the one before printed it.

use super::figures::{Figures, Trial};
use super::person::{PREFERRED, orders};
use super::robot::{FOLDER, Robot, Scene};
use crate::program::repository;
use serde_json::Value;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Seed of the run.
const SEED: u64 = 1;

/// How much of everything, and whether in real time.
pub struct Size {
    /// Whether the robot's time passes by itself.
    pub real_time: bool,
    /// Settings of the run, as for `--set`, beside those of the robot's `run.toml`.
    pub settings: &'static [&'static str],
    /// Trials of the comparison, two from each start.
    pub trials: usize,
}

/// A run in a folder, and the robot beside it.
pub struct Course<'a> {
    out: PathBuf,
    endpoint: String,
    size: &'a Size,
    robot: Robot,
    typed: Vec<String>,
}

impl<'a> Course<'a> {
    /// The robot's driver runs, and nothing else is there.
    pub fn new(folder: &Path, port: u16, size: &'a Size) -> Self {
        let endpoint = format!("tcp/127.0.0.1:{port}");
        Self {
            out: folder.join("run"),
            robot: Robot::start(folder, &endpoint, size.real_time),
            endpoint,
            size,
            typed: Vec::new(),
        }
    }

    /// From the robot's check to the policy that is promoted, reported on, and taken back.
    pub fn run(mut self) -> Figures {
        let next = self.enter(
            &format!("apprentice robot check {FOLDER} --live {}", self.endpoint),
            "",
        );
        // Of one's own: where the run shall lie, and how much of everything.
        let mut next = format!(
            "{} --config {FOLDER}/run.toml --seed {SEED}",
            with_out(&next, &self.out)
        );
        for setting in self.size.settings {
            next += &format!(" --set {setting}");
        }
        self.typed.clear();
        next = self.expect(&next, "record demonstrations", "");
        next = self.expect(&next, "train", "");
        let first = self.robot.scenes().len();
        next = self.expect(&next, "record rollouts", "");
        let orders = orders(&self.out, SEED, &self.robot.by_seed(first));
        next = self.expect(&next, "rank", &orders);
        next = self.expect(&next, "reward", "");
        next = self.expect(&next, "align", "");
        // How many, and that the robot can tell by itself.
        next = with_trials(&next, self.size.trials).replace("--verdict ask", "--verdict robot");
        let first = self.robot.scenes().len();
        next = self.expect(&next, "evaluate --on-robot", "");
        let trials = self.trials(first);
        self.expect(&next, "promote", "y\n");
        let typed = std::mem::take(&mut self.typed);
        self.look_back();
        Figures { typed, trials }
    }

    /// Types a line, which must be about `what`; the next one that it prints.
    fn expect(&mut self, line: &str, what: &str, answers: &str) -> String {
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

    /// Types a line and what is asked meanwhile; the next line that it prints.
    fn enter(&mut self, line: &str, answers: &str) -> String {
        println!("$ {line}");
        let said = self.shell(line, answers);
        self.typed.push(line.to_owned());
        let next = said.lines().rev().find_map(|l| {
            let at = l.to_lowercase().find("next: apprentice ")?;
            Some(l[at + "next: ".len()..].trim().to_owned())
        });
        next.unwrap_or_else(|| panic!("{line} printed no next command:\n{said}"))
    }

    /// What a line of the shell says, with our program on the path.
    fn shell(&self, line: &str, answers: &str) -> String {
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

    /// The trials of the comparison, with what the robot alone knows of each: its scenes from the `first` one on.
    fn trials(&self, first: usize) -> Vec<Trial> {
        let log = std::fs::read_to_string(self.out.join("trials.jsonl")).unwrap();
        let scenes: Vec<(u64, Scene)> = self.robot.scenes().into_iter().skip(first).collect();
        let trials: Vec<Value> = log
            .lines()
            .map(|l| serde_json::from_str(l).unwrap())
            .collect();
        assert_eq!(
            trials.len(),
            scenes.len(),
            "each trial is a scene of the robot"
        );
        let with = |(trial, (seed, scene)): (Value, (u64, Scene))| {
            assert_eq!(trial["start"]["seed"].as_u64(), Some(seed), "{trial}");
            // What our side holds for success is what the robot said, and of the side it holds nothing.
            assert_eq!(trial["success"] == "yes", scene.success, "{trial}");
            Trial {
                aligned: trial["policy"]["role"] == "aligned",
                start: trial["start"]["number"].as_u64().unwrap(),
                success: scene.success,
                preferred: scene.success && scene.side == PREFERRED,
            }
        };
        trials.into_iter().zip(scenes).map(with).collect()
    }

    /// The report is written, the promotion stands in the history, and is taken back.
    fn look_back(&self) {
        let out = self.out.display();
        self.shell(&format!("apprentice report --out {out}"), "");
        let history = || -> Value {
            serde_json::from_str(&self.shell(&format!("apprentice history --out {out} --json"), ""))
                .unwrap()
        };
        let promoted = history()["current"].clone();
        assert!(promoted.is_u64(), "{}", history());
        self.shell(
            &format!("apprentice rollback --reason 'it was a trial' --out {out}"),
            "",
        );
        assert_ne!(history()["current"], promoted);
    }
}

/// The line with the run in this folder.
fn with_out(line: &str, out: &Path) -> String {
    let words: Vec<&str> = line.split(" --out ").collect();
    let rest = words
        .get(1)
        .and_then(|w| w.split_once(' '))
        .map_or("", |(_, rest)| rest);
    format!("{} --out {} {rest}", words[0], out.display())
        .trim_end()
        .to_owned()
}

/// The line with another number of trials.
fn with_trials(line: &str, trials: usize) -> String {
    let (before, after) = line.split_once("--trials ").unwrap();
    let rest = after.split_once(' ').map_or("", |(_, rest)| rest);
    format!("{before}--trials {trials} {rest}")
}

#[test]
fn lines_are_changed_where_one_may_choose() {
    let line = with_out(
        "apprentice record demonstrations --out runs/a --set b=c",
        Path::new("x"),
    );
    assert_eq!(line, "apprentice record demonstrations --out x --set b=c");
    assert_eq!(
        with_out("apprentice train", Path::new("x")),
        "apprentice train --out x"
    );
    assert_eq!(
        with_trials("apprentice e --trials 60 --out x", 9),
        "apprentice e --trials 9 --out x"
    );
}
