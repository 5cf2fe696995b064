//! The whole course: one command after the other, each as the one before printed it.

use super::figures::Figures;
use super::lines::{Lines, shell};
use super::person::orders;
use super::robot::{FOLDER, Robot, Scene};
use super::trials::trials;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

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
    seed: u64,
    size: &'a Size,
    robot: Robot,
    lines: Lines,
}

impl<'a> Course<'a> {
    /// The robot's driver runs, and nothing else is there, or what a course of before left that was ended.
    pub fn new(folder: &Path, port: u16, seed: u64, size: &'a Size) -> Self {
        let endpoint = format!("tcp/127.0.0.1:{port}");
        Self {
            out: folder.join("run"),
            robot: Robot::start(folder, &endpoint, size.real_time),
            endpoint,
            seed,
            size,
            lines: Lines::open(&folder.join("lines.jsonl")),
        }
    }

    /// From the robot's check to the policy that is promoted.
    pub fn run(&mut self) -> Figures {
        let next = self.record();
        self.align(next)
    }

    /// From the robot's check to the rollouts; the next line.
    pub fn record(&mut self) -> String {
        let lines = &mut self.lines;
        let next = lines.enter(
            &format!("apprentice robot check {FOLDER} --live {}", self.endpoint),
            "",
        );
        // Of one's own: where the run shall lie, and how much of everything.
        let mut next = format!(
            "{} --config {FOLDER}/run.toml --seed {}",
            with_out(&next, &self.out),
            self.seed
        );
        for setting in self.size.settings {
            next += &format!(" --set {setting}");
        }
        lines.typed.clear();
        next = lines.expect(&next, "record demonstrations", "");
        next = lines.expect(&next, "train", "");
        lines.expect(&next, "record rollouts", "")
    }

    /// From the line that ranks to the policy that is promoted.
    pub fn align(&mut self, mut next: String) -> Figures {
        let lines = &mut self.lines;
        let orders = orders(&self.out, self.seed, &self.robot.by_seed());
        next = lines.expect(&next, "rank", &orders);
        next = lines.expect(&next, "reward", "");
        next = lines.expect(&next, "align", "");
        // How many, and that the robot can tell by itself.
        next = with_trials(&next, self.size.trials).replace("--verdict ask", "--verdict robot");
        next = lines.expect(&next, "evaluate --on-robot", "");
        let trials = trials(&self.out, &self.robot.scenes());
        lines.expect(&next, "promote", "y\n");
        Figures {
            typed: std::mem::take(&mut lines.typed),
            trials,
        }
    }

    /// The run's folder, and how each seed's last scene ended.
    pub fn recorded(&self) -> (PathBuf, BTreeMap<u64, Scene>) {
        (self.out.clone(), self.robot.by_seed())
    }

    /// Every scene so far.
    pub fn scenes(&self) -> Vec<(u64, Scene)> {
        self.robot.scenes()
    }

    /// The report is written, the promotion stands in the history, and is taken back.
    pub fn look_back(&self) {
        let out = self.out.display();
        shell(&format!("apprentice report --out {out}"), "");
        let history = || -> Value {
            serde_json::from_str(&shell(
                &format!("apprentice history --out {out} --json"),
                "",
            ))
            .unwrap()
        };
        let promoted = history()["current"].clone();
        assert!(promoted.is_u64(), "{}", history());
        shell(
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
