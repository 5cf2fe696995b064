//! What each part of the way from rankings to a policy is worth: the same demonstrations, rollouts and base policy, and
//! one thing changed at a time.

use super::course::Course;
use super::figures::share;
use super::lines::shell;
use super::person::{liking, orders, random_orders};
use super::robot::Scene;
use super::trials::{Trial, trials};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where it stands how the alignment went, below a run's folder.
const LEARNT: &str = "policy/alignment.json";

/// One thing that is changed.
pub struct Change {
    /// What, in words.
    pub what: &'static str,
    /// Folder of its run.
    folder: &'static str,
    /// Settings of reward and alignment.
    settings: &'static str,
    /// Which random order the rankings are in; `None` for that of the wish.
    random: Option<u64>,
}

/// The gate for evidence is off where the policy would otherwise stay as it is.
pub const CHANGES: [Change; 8] = [
    Change {
        what: "rankings in random order, gate off",
        folder: "random-order",
        settings: "--set reward.significance=1",
        random: Some(0),
    },
    Change {
        what: "rankings in another random order, gate off",
        folder: "random-order-1",
        settings: "--set reward.significance=1",
        random: Some(1),
    },
    Change {
        what: "rankings in a third random order, gate off",
        folder: "random-order-2",
        settings: "--set reward.significance=1",
        random: Some(2),
    },
    Change {
        what: "random encoder, never trained, gate off",
        folder: "random-encoder",
        settings: "--set encoder.cycle.initialisation=random --set reward.significance=1",
        random: None,
    },
    Change {
        what: "the reward of RAPL",
        folder: "rapl",
        settings: "--set reward.learner.kind=optimal_transport",
        random: None,
    },
    Change {
        what: "no DPO term",
        folder: "no-dpo",
        settings: "--set align.objectives.diffusion_dpo.weight=0",
        random: None,
    },
    Change {
        what: "no imitation of winners",
        folder: "no-imitation",
        settings: "--set align.objectives.winner_imitation.weight=0",
        random: None,
    },
    Change {
        what: "no imitation of winners, DPO's ratios not clipped",
        folder: "no-imitation-unclipped",
        settings: "--set align.objectives.winner_imitation.weight=0 --set align.objectives.diffusion_dpo.clip=0",
        random: None,
    },
];

impl Change {
    /// A copy of what the run has recorded, in a folder beside it.
    pub fn copy(&self, run: &Path) -> PathBuf {
        let out = run.with_file_name(self.folder);
        if !out.exists() {
            let ranked = run.join("stages/rank.json").exists();
            assert!(
                !ranked,
                "{run:?} is ranked already; delete the folder it is in"
            );
            let status = Command::new("cp").arg("-r").args([run, &out]).status();
            assert!(status.unwrap().success(), "cp -r {run:?} {out:?}");
        }
        out
    }

    /// Ranks, rewards and aligns there, unless that is done.
    pub fn learn(&self, out: &Path, seed: u64, scenes: &BTreeMap<u64, Scene>) {
        if out.join(LEARNT).exists() {
            return;
        }
        let to = format!("--out {}", out.display());
        if !out.join("stages/rank.json").exists() {
            // What was said until it was ended is said again.
            let _ = std::fs::remove_file(out.join("judgements.jsonl"));
            let said = match self.random {
                Some(which) => random_orders(out, seed, which, scenes),
                None => orders(out, seed, scenes),
            };
            shell(&format!("apprentice rank {to}"), &said);
        }
        for stage in ["reward", "align"] {
            shell(&format!("apprentice {stage} {to} {}", self.settings), "");
        }
    }
}

/// What came of a change.
pub struct Part {
    what: &'static str,
    /// Chance of such rankings by luck; the gate for evidence lets 1 % pass.
    pub p_value: f64,
    /// Share of pairs of rollouts, one of them liked better, that the reward puts in this order.
    ordered: f64,
    drift: f64,
    trials: Vec<Trial>,
}

impl Part {
    /// Trials that were `what`, of all.
    pub fn count(&self, what: fn(&Trial) -> bool) -> (u64, u64) {
        let of = self.trials.iter().filter(|t| what(t)).count();
        (of as u64, self.trials.len() as u64)
    }

    /// Tries the policy that was learnt in `out` from so many starts, the same for each change.
    pub fn tried(change: &Change, out: &Path, course: &Course<'_>, episodes: usize) -> Self {
        let before = out.join("trials.jsonl").exists();
        let before = before.then(|| trials(out, &course.scenes()).len());
        let left = episodes.saturating_sub(before.unwrap_or(0));
        if left > 0 {
            let run = "apprentice run --policy aligned --verdict robot";
            shell(
                &format!("{run} --episodes {left} --out {}", out.display()),
                "",
            );
        }
        let read = |file: &str, at: &str| number(&out.join(file), at);
        Self {
            what: change.what,
            p_value: read("reward/reward.json", "/evidence/p_value"),
            ordered: ordered(out, &course.recorded().1),
            drift: read(LEARNT, "/report/drift"),
            trials: trials(out, &course.scenes()),
        }
    }
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(
            f,
            "{}: rankings by luck {:.2} %, {:.1} % of the pairs of rollouts in order, drift {:.4}\n  preferred {}\n  success   {}",
            self.what,
            100.0 * self.p_value,
            100.0 * self.ordered,
            self.drift,
            share(self.count(|t| t.preferred)),
            share(self.count(|t| t.success)),
        )
    }
}

fn ordered(out: &Path, scenes: &BTreeMap<u64, Scene>) -> f64 {
    let list = |file: &str| {
        json(&out.join(file))["episodes"]
            .as_array()
            .unwrap()
            .clone()
    };
    let totals = list("reward/rollouts.json");
    let rollouts = list("judge/rollouts.json");
    let scored: Vec<(u8, f64)> = totals
        .iter()
        .zip(&rollouts)
        .map(|(score, rollout)| {
            let scene = &scenes[&rollout["seed"].as_u64().unwrap()];
            (liking(scene), score["total"].as_f64().unwrap())
        })
        .collect();
    let pairs = || {
        scored
            .iter()
            .flat_map(|a| scored.iter().map(move |b| (a, b)))
    };
    let of = pairs().filter(|(a, b)| a.0 > b.0).count();
    let right = pairs().filter(|(a, b)| a.0 > b.0 && a.1 > b.1).count();
    right as f64 / of.max(1) as f64
}

fn json(file: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

fn number(file: &Path, at: &str) -> f64 {
    let value = json(file);
    let number = value.pointer(at).and_then(Value::as_f64);
    number.unwrap_or_else(|| panic!("{} has no {at}", file.display()))
}
