//! Settings that change in the middle of a run: allowed as long as no finished stage used them.

use crate::pipeline::STAGES;
use crate::run_dir::{RunDir, RunInfo};
use anyhow::{Result, bail};
use serde_json::Value;

/// The first stage that uses a key of the configuration.
fn section_stage(key: &str) -> &'static str {
    if key == "align.demonstrations" {
        // The reward scores them for the alignment.
        return "reward";
    }
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

/// Settings that say where a robot is and how to get there, not what it is: a stage that is run again uses the
/// new ones, and what earlier stages did stands.
const WHEREABOUTS: [&str; 3] = ["robot.endpoint", "robot.keys", "robot.security"];

/// Stages that drive a robot.
const DRIVE: [&str; 4] = [
    "demonstrate",
    "rollouts",
    "evaluate-base",
    "evaluate-aligned",
];

/// Settings that only say how much there is to be: what is there of it already stays.
const AMOUNTS: [&str; 4] = [
    "demonstrations.episodes",
    "rollouts.episodes",
    "evaluate.episodes",
    "operator.rankings",
];

/// What a stage records, relative to the run's folder, and that a rerun must not overwrite.
fn recorded(stage: &str) -> &'static [&'static str] {
    match stage {
        "demonstrate" => &["demonstrations", "judge/demonstrations.json"],
        "rollouts" => &["rollouts", "judge/rollouts.json"],
        "rank" => &["judgements.jsonl"],
        "evaluate-base" => &["evaluation/base", "judge/evaluation-base.json"],
        "evaluate-aligned" => &["evaluation/aligned", "judge/evaluation-aligned.json"],
        _ => &[],
    }
}

/// Makes `wanted` the settings of a run, for `stage` to run with; `None` is every stage that is left.
///
/// If any differ, `stage` and those after it are forgotten, so that they run again; what they
/// recorded, finished or not, is moved aside, to `NAME.old-1` and so on. If `stage` itself is only to
/// record another number of episodes or rankings, it goes on from those there are.
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
    let moved = differences.len();
    differences.retain(|(key, ..)| !WHEREABOUTS.contains(&key.as_str()));
    let moved = moved > differences.len() && stage.is_some_and(|s| DRIVE.contains(&s));
    if differences.is_empty() && !moved {
        return dir.write("run.json", wanted);
    }
    let stage = stage.map_or(STAGES.len(), place);
    for (key, was, now) in &differences {
        let uses = section_stage(key);
        if place(uses) < stage && dir.done(uses).is_some() {
            bail!(
                "{key} is {now}, but stage {uses} of {root} ran with {was}; use another --out, the same value, or run \
                 stage {uses} again with it (apprentice {} --set {key}={now})",
                STAGES[place(uses)].1
            );
        }
    }
    let first = differences
        .iter()
        .map(|(key, ..)| place(section_stage(key)))
        .fold(stage, usize::min);
    // The base policy's evaluation needs nothing between training and itself.
    let base_stands = first > place("train")
        && !moved
        && differences
            .iter()
            .all(|d| !d.0.starts_with("evaluate.") && !d.0.starts_with("inference."));
    // Episodes of one robot are not mixed with another's.
    let first_goes_on = !moved
        && differences
            .iter()
            .all(|(key, ..)| place(section_stage(key)) > first || AMOUNTS.contains(&key.as_str()));
    for (i, (name, _)) in STAGES.iter().enumerate().skip(first) {
        let done = dir.done(name).is_some();
        if base_stands && *name == "evaluate-base" {
            continue;
        }
        // Judgements that a person is in the middle of hang on no setting but the rollouts.
        let stale = done || *name != "rank" || first <= place("rollouts");
        let goes_on = first_goes_on && (i == first || first == place("evaluate-base"));
        if stale && !goes_on {
            for leaf in recorded(name) {
                dir.set_aside(leaf)?;
            }
        }
        if done {
            dir.forget(name)?;
        }
    }
    dir.write("run.json", wanted)
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
            device: "flex".into(),
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

    #[test]
    fn what_was_learnt_at_one_place_is_tried_at_another() {
        let folder = tempfile::tempdir().unwrap();
        let dir = RunDir::start(folder.path(), &info(&[]), None).unwrap();
        for (stage, _) in STAGES {
            mark(&dir, stage);
        }
        dir.write("rollouts/x.json", &1).unwrap();
        dir.write("judgements.jsonl", &1).unwrap();
        let real = info(&["robot.endpoint=tcp/127.0.0.1:7447"]);
        // Who ranks drives nothing: everything stands.
        RunDir::start(folder.path(), &real, Some("align")).unwrap();
        assert!(dir.done("align").is_some() && dir.path("judgements.jsonl").exists());
        let elsewhere = info(&["robot.endpoint=tcp/127.0.0.1:7448"]);
        RunDir::start(folder.path(), &elsewhere, Some("rollouts")).unwrap();
        assert!(dir.done("train").is_some() && dir.done("rollouts").is_none());
        assert!(
            dir.path("rollouts.old-1/x.json").exists(),
            "two robots' episodes are not mixed"
        );
    }

    #[test]
    fn demonstrations_are_never_in_the_way_of_others() {
        let folder = tempfile::tempdir().unwrap();
        let dir = RunDir::start(folder.path(), &info(&[]), None).unwrap();
        mark(&dir, "demonstrate");
        dir.write("demonstrations/x.json", &1).unwrap();
        let more = info(&["demonstrations.episodes=9"]);
        RunDir::start(folder.path(), &more, Some("demonstrate")).unwrap();
        assert!(dir.path("demonstrations/x.json").exists());
        assert!(dir.done("demonstrate").is_none());
        // Unfinished ones of another kind are kept apart as well.
        let other = info(&["demonstrations.episodes=9", "expert.speed_m_s=0.1"]);
        RunDir::start(folder.path(), &other, Some("demonstrate")).unwrap();
        assert!(dir.path("demonstrations.old-1/x.json").exists());
    }

    #[test]
    fn whether_demonstrations_take_part_is_settled_by_the_reward() {
        let folder = tempfile::tempdir().unwrap();
        let dir =
            RunDir::start(folder.path(), &info(&["align.demonstrations=false"]), None).unwrap();
        mark(&dir, "reward");
        let refused = RunDir::start(folder.path(), &info(&[]), Some("align")).unwrap_err();
        let text = refused.to_string();
        for part in [
            "stage reward",
            "apprentice reward --set align.demonstrations=true",
        ] {
            assert!(text.contains(part), "{text}");
        }
        RunDir::start(folder.path(), &info(&[]), Some("reward")).unwrap();
        assert!(dir.done("reward").is_none());
    }

    #[test]
    fn rankings_somebody_has_begun_stay() {
        let folder = tempfile::tempdir().unwrap();
        let dir = RunDir::start(folder.path(), &info(&[]), None).unwrap();
        dir.write("judgements.jsonl", &1).unwrap();
        RunDir::start(folder.path(), &info(&["align.steps=9"]), Some("rank")).unwrap();
        RunDir::start(folder.path(), &info(&["operator.rankings=9"]), Some("rank")).unwrap();
        assert!(dir.path("judgements.jsonl").exists());
        RunDir::start(folder.path(), &info(&["train.steps=9"]), Some("train")).unwrap();
        assert!(dir.path("judgements.jsonl.old-1").exists());
    }
}
