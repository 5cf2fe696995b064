//! Settings that change in the middle of a run: allowed as long as no finished stage used them.

use crate::pipeline::STAGES;
use crate::run_dir::{RunDir, RunInfo};
use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use std::fs;

/// The first stage that uses a key of the configuration.
fn section_stage(key: &str) -> &'static str {
    match key.split('.').next().unwrap_or("") {
        "policy" | "train" => "train",
        "rollouts" | "inference" => "rollouts",
        "operator" => "rank",
        "encoder" | "reward" => "reward",
        "align" => "align",
        "evaluate" => "evaluate-base",
        _ => "demonstrate",
    }
}

/// What a stage leaves that a rerun must not overwrite, relative to the run's folder.
fn recorded(stage: &str) -> &'static [&'static str] {
    match stage {
        "rollouts" => &["rollouts"],
        "rank" => &["judgements.jsonl"],
        "evaluate-base" => &["evaluation/base"],
        "evaluate-aligned" => &["evaluation/aligned"],
        _ => &[],
    }
}

/// Makes `wanted` the settings of a run, for `stage` to run with; `None` is every stage that is left.
///
/// If any differ, `stage` and those after it are forgotten, so that they run again; what they
/// recorded is moved aside, to `NAME.old-1` and so on.
///
/// # Errors
/// When the seed differs, or a finished stage that is not to run again used a setting that differs.
pub fn adopt(dir: &RunDir, found: &RunInfo, wanted: &RunInfo, stage: Option<&str>) -> Result<()> {
    let root = dir.root().display();
    if found.seed != wanted.seed {
        bail!(
            "run folder {root} has seed {}, got seed {}; use another --out, or leave --seed away",
            found.seed,
            wanted.seed
        );
    }
    let place = |name: &str| STAGES.iter().position(|(s, _)| *s == name).unwrap_or(0);
    let mut differences = Vec::new();
    compare(
        "",
        &serde_json::to_value(&found.config)?,
        &serde_json::to_value(&wanted.config)?,
        &mut differences,
    );
    if differences.is_empty() {
        return dir.write("run.json", wanted);
    }
    let stage = stage.map_or(STAGES.len(), place);
    for (key, was, now) in &differences {
        let uses = section_stage(key);
        if place(uses) < stage && dir.done(uses).is_some() {
            bail!(
                "{key} is {now}, but stage {uses} of {root} ran with {was}; use another --out, or the same value"
            );
        }
    }
    let first = differences
        .iter()
        .map(|(key, ..)| place(section_stage(key)))
        .fold(stage, usize::min);
    // The base policy's evaluation needs nothing between training and itself.
    let base_stands =
        first > place("train") && differences.iter().all(|d| !d.0.starts_with("evaluate."));
    for (name, _) in STAGES.iter().skip(first) {
        if dir.done(name).is_some() && !(base_stands && *name == "evaluate-base") {
            for leaf in recorded(name) {
                set_aside(dir, leaf)?;
            }
            dir.forget(name)?;
        }
    }
    dir.write("run.json", wanted)
}

/// Renames `leaf` to the first `leaf.old-N` that is free.
fn set_aside(dir: &RunDir, leaf: &str) -> Result<()> {
    let from = dir.path(leaf);
    if !from.exists() {
        return Ok(());
    }
    let free = (1u32..)
        .map(|n| dir.path(&format!("{leaf}.old-{n}")))
        .find(|p| !p.exists());
    let to = free.context("no name is free")?;
    fs::rename(&from, &to)
        .with_context(|| format!("{} cannot be moved to {}", from.display(), to.display()))
}

/// Collects (key, old, new) of every leaf that differs.
fn compare(path: &str, old: &Value, new: &Value, into: &mut Vec<(String, String, String)>) {
    if let (Value::Object(old), Value::Object(new)) = (old, new) {
        for (key, value) in new {
            let full = if path.is_empty() {
                key.clone()
            } else {
                format!("{path}.{key}")
            };
            compare(&full, old.get(key).unwrap_or(&Value::Null), value, into);
        }
    } else if old != new {
        into.push((path.to_owned(), old.to_string(), new.to_string()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::run_dir::StageMark;

    fn info(settings: &[&str]) -> RunInfo {
        let settings: Vec<String> = settings.iter().map(|s| (*s).to_owned()).collect();
        RunInfo::new(1, "flex".into(), Config::load(None, &settings).unwrap())
    }

    fn mark(dir: &RunDir, name: &str) {
        dir.mark(&StageMark {
            name: name.into(),
            seconds: 1.0,
            peak_memory_bytes: 1,
        })
        .unwrap();
    }

    #[test]
    fn a_setting_of_a_finished_stage_cannot_change() {
        let folder = tempfile::tempdir().unwrap();
        let start = info(&[]);
        let dir = RunDir::start(folder.path(), &start, None).unwrap();
        mark(&dir, "demonstrate");
        let refused = RunDir::start(
            folder.path(),
            &info(&["expert.speed_m_s=0.1"]),
            Some("train"),
        );
        let text = refused.unwrap_err().to_string();
        assert!(
            text.starts_with("expert.speed_m_s is 0.1, but stage demonstrate"),
            "{text}"
        );
        RunDir::start(folder.path(), &info(&["train.steps=9"]), Some("train")).unwrap();
        assert!(dir.done("demonstrate").is_some());
    }

    #[test]
    fn a_stage_run_again_keeps_what_later_ones_recorded() {
        let folder = tempfile::tempdir().unwrap();
        let dir = RunDir::start(folder.path(), &info(&[]), None).unwrap();
        for (stage, _) in STAGES {
            mark(&dir, stage);
        }
        dir.write("evaluation/aligned/x.json", &1).unwrap();
        RunDir::start(folder.path(), &info(&["align.steps=9"]), Some("align")).unwrap();
        assert!(dir.done("align").is_none() && dir.done("evaluate-aligned").is_none());
        assert!(dir.done("evaluate-base").is_some() && dir.done("reward").is_some());
        assert!(dir.path("evaluation/aligned.old-1/x.json").exists());
    }
}
