//! Taking up a run that has begun: which settings may still change, and what has to run again for it.

use crate::folder_changes::follow_folder;
use crate::freshness::{self, settings};
use crate::inputs::RunSettings;
use crate::judgements;
use crate::layout::ROLLOUTS;
use crate::outcomes::Outcomes;
use crate::rounds::join_rounds;
use crate::run_dir::{RunDir, RunInfo};
use crate::run_lock::{Activity, holder, is_taken, take_to_open};
use crate::stage::{Output, Stage};
use crate::stages::STAGES;
use anyhow::{Result, bail};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Settings that change no result: where a robot and those around it are and how to get there, not what it is. No
/// stage reads them. A stage that is run again uses the new ones, and what earlier stages did stands.
pub const WHEREABOUTS: [&str; 4] = [
    "robot.endpoint",
    "robot.keys",
    "robot.security",
    "robot.operators",
];

/// Settings that only say how recorded episodes are counted in reports: nothing has to run again for them.
pub const COUNTING: [&str; 1] = ["operator.preferred_from"];

/// Settings that change no result either: what learning may take of the computer.
pub const COMPUTER: [&str; 3] = [
    "compute.threads",
    "compute.priority",
    "compute.gpu_memory_share",
];

/// Settings that are read when a policy is promoted, and by the watch afterwards.
pub const PROMOTING: [&str; 6] = [
    "promotion.bad_limit",
    "promotion.delta",
    "promotion.interventions",
    "promotion.margin",
    "promotion.watch_error",
    "promotion.watch_episodes",
];

/// Opens a run's folder to run `stage` with these settings (`None`: every stage that is left), or starts one.
///
/// If any settings differ, the stages that read them and those that need these are forgotten, so that they run again;
/// what they recorded, finished or not, is moved aside, to `NAME.old-1` and so on. A stage that is only to record
/// another number of episodes or rankings goes on from those there are.
///
/// # Errors
/// When it was written by a newer version, the seed differs, or a finished stage that is not to run again used a
/// setting that differs.
pub fn start(root: &Path, info: &RunInfo, stage: Option<&Stage>) -> Result<RunDir> {
    let dir = RunDir::make(root)?;
    let _opening = take_to_open(&dir)?;
    if !dir.has_begun() {
        dir.write("run.json", info)?;
        return Ok(dir);
    }
    let found = dir.info()?;
    for activity in [Activity::Recording, Activity::Learning] {
        if is_taken(&dir, activity)? {
            // Lists and marks are that process's own until it ends.
            return beside(&dir, &found, info, activity).map(|()| dir);
        }
    }
    // What marks from before did not say is what was there until now; only then are folders looked at.
    let run_settings = RunSettings {
        config: &found.config,
        seed: found.seed,
    };
    freshness::fill_in(&dir, &run_settings)?;
    for output in STAGES.iter().flat_map(|s| s.writes) {
        if let Output::Episodes {
            folder,
            may_be_added_to,
        } = output
        {
            follow_folder(&dir, folder, *may_be_added_to)?;
        }
    }
    // A round takes part from when it is ranked: until then what was learnt before stands.
    if stage.is_some_and(|s| s.writes.iter().any(|o| matches!(o, Output::Judgements(_)))) {
        join_rounds(&dir)?;
    }
    adopt(&dir, &found, info, stage)?;
    Ok(dir)
}

/// Opens a run in which another process is at work, with the settings it has.
fn beside(dir: &RunDir, found: &RunInfo, wanted: &RunInfo, activity: Activity) -> Result<()> {
    let differences = differences(&settings(&found.config)?, &settings(&wanted.config)?);
    let mut counting = differences.iter().filter(|d| !changes_nothing(&d.key));
    if let Some(Difference { key, was, is }) = counting.next() {
        bail!(
            "{key} is {is}, but {} is at work in {} with {was}; wait until it ends, use the same value, or another --out",
            holder(dir, activity),
            dir.root().display()
        );
    }
    if found.seed != wanted.seed {
        bail!(
            "run folder {} has seed {}, got seed {}; use another --out, or leave --seed away",
            dir.root().display(),
            found.seed,
            wanted.seed
        );
    }
    dir.write("run.json", wanted)
}

/// Whether no result hangs on a setting.
fn changes_nothing(key: &str) -> bool {
    WHEREABOUTS.contains(&key)
        || COUNTING.contains(&key)
        || COMPUTER.contains(&key)
        || PROMOTING.contains(&key)
}

/// A setting that is to change.
struct Difference {
    key: String,
    was: Value,
    is: Value,
}

/// Makes `wanted` the settings of a run, for `stage` to run with.
fn adopt(dir: &RunDir, found: &RunInfo, wanted: &RunInfo, stage: Option<&Stage>) -> Result<()> {
    let root = dir.root().display();
    if found.seed != wanted.seed {
        bail!(
            "run folder {root} has seed {}, got seed {}; use another --out, or leave --seed away",
            found.seed,
            wanted.seed
        );
    }
    let (elsewhere, differences): (Vec<_>, Vec<_>) =
        differences(&settings(&found.config)?, &settings(&wanted.config)?)
            .into_iter()
            .filter(|d| WHEREABOUTS.contains(&d.key.as_str()) || !changes_nothing(&d.key))
            .partition(|d| WHEREABOUTS.contains(&d.key.as_str()));
    let moved = !elsewhere.is_empty() && stage.is_some_and(|s| s.drives_robot);
    if differences.is_empty() && !moved {
        return dir.write("run.json", wanted);
    }
    refuse_used_settings(dir, &differences, stage)?;
    let mut affected: BTreeMap<&str, bool> = BTreeMap::new();
    for other in STAGES {
        let read: Vec<&str> = differences
            .iter()
            .map(|d| d.key.as_str())
            .filter(|key| other.reads_setting(key))
            .collect();
        let upstream: Vec<bool> = (other.needs.iter())
            .filter_map(|n| affected.get(n).copied())
            .collect();
        let elsewhere = moved && stage.is_some_and(|s| s.name == other.name);
        if read.is_empty() && upstream.is_empty() && !elsewhere {
            continue;
        }
        // Only more of the same: what is there stays. Episodes of one robot are not mixed with another's.
        let goes_on = !read.is_empty()
            && read.iter().all(|key| other.amount == Some(key))
            && upstream.iter().all(|goes_on| *goes_on)
            && !elsewhere;
        affected.insert(other.name, goes_on);
        let done = dir.done(other.name).is_some();
        if !goes_on {
            for output in other.writes {
                // Answers that a person is in the middle of hang on nothing but what they are about.
                let stays = matches!(output, Output::Judgements(_)) && !done && upstream.is_empty();
                if stays {
                    continue;
                }
                for path in output.kept() {
                    dir.set_aside(&path)?;
                }
                if matches!(output, Output::Judgements(_)) {
                    // Of rollouts that are recorded anew nothing stands; the same ones may have been ranked otherwise.
                    let rollouts = Outcomes::of(dir, ROLLOUTS).ok();
                    judgements::drop_rankings(dir, rollouts.as_ref())?;
                }
            }
        }
        if done {
            dir.forget(other.name)?;
        }
    }
    dir.write("run.json", wanted)
}

/// Refuses settings that a finished stage used, which is not to run again.
fn refuse_used_settings(
    dir: &RunDir,
    differences: &[Difference],
    stage: Option<&Stage>,
) -> Result<()> {
    let before: BTreeSet<&str> = STAGES
        .iter()
        .map(|s| s.name)
        .take_while(|name| stage.is_none_or(|s| s.name != *name))
        .collect();
    for Difference { key, was, is } in differences {
        let user = STAGES.iter().find(|s| s.reads_setting(key));
        if let Some(user) = user.filter(|u| before.contains(u.name) && dir.done(u.name).is_some()) {
            bail!(
                "{key} is {is}, but stage {} of {} ran with {was}; use another --out, the same value, or run stage {} \
                 again with it (apprentice {} --set {key}={is} --out {})",
                user.name,
                dir.root().display(),
                user.name,
                user.command,
                dir.root().display()
            );
        }
    }
    Ok(())
}

/// Every setting whose value differs.
fn differences(was: &BTreeMap<String, Value>, is: &BTreeMap<String, Value>) -> Vec<Difference> {
    is.iter()
        .map(|(key, is)| Difference {
            key: key.clone(),
            was: was.get(key).cloned().unwrap_or_default(),
            is: is.clone(),
        })
        .filter(|d| d.was != d.is)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::run_dir::StageMark;
    use crate::stages::named;
    use apprentice_preference::{Judgement, JudgementLog};

    fn info(settings: &[&str]) -> RunInfo {
        let settings: Vec<String> = settings.iter().map(|s| (*s).to_owned()).collect();
        RunInfo::new(1, "cpu".into(), Config::load(None, &settings).unwrap())
    }

    fn mark(dir: &RunDir, name: &str) {
        dir.mark(&StageMark {
            name: name.into(),
            seconds: 1.0,
            peak_memory_bytes: 1,
            device: "cpu".into(),
            inputs: None,
        })
        .unwrap();
    }

    #[test]
    fn a_setting_of_a_finished_stage_cannot_change() {
        let folder = tempfile::tempdir().unwrap();
        let first = info(&[]);
        let dir = start(folder.path(), &first, None).unwrap();
        mark(&dir, "demonstrate");
        let refused = start(
            folder.path(),
            &info(&["task.expert.speed_m_s=0.1"]),
            named("train"),
        );
        let text = refused.unwrap_err().to_string();
        assert!(
            text.starts_with("task.expert.speed_m_s is 0.1, but stage demonstrate"),
            "{text}"
        );
        start(folder.path(), &info(&["train.steps=9"]), named("train")).unwrap();
        assert!(dir.done("demonstrate").is_some());
    }

    #[test]
    fn a_stage_run_again_keeps_what_later_ones_recorded() {
        let folder = tempfile::tempdir().unwrap();
        let dir = start(folder.path(), &info(&[]), None).unwrap();
        for stage in STAGES {
            mark(&dir, stage.name);
        }
        dir.write("evaluation/aligned/x.json", &1).unwrap();
        start(folder.path(), &info(&["align.steps=9"]), named("align")).unwrap();
        assert!(dir.done("align").is_none() && dir.done("evaluate-aligned").is_none());
        assert!(dir.done("evaluate-base").is_some() && dir.done("reward").is_some());
        assert!(dir.path("evaluation/aligned.old-1/x.json").exists());
    }

    #[test]
    fn what_was_learnt_at_one_place_is_tried_at_another() {
        let folder = tempfile::tempdir().unwrap();
        let dir = start(folder.path(), &info(&[]), None).unwrap();
        for stage in STAGES {
            mark(&dir, stage.name);
        }
        dir.write("rollouts/x.json", &1).unwrap();
        dir.write("judgements.jsonl", &1).unwrap();
        let real = info(&["robot.endpoint=tcp/127.0.0.1:7447"]);
        // Who ranks drives nothing: everything stands.
        start(folder.path(), &real, named("align")).unwrap();
        assert!(dir.done("align").is_some() && dir.path("judgements.jsonl").exists());
        let elsewhere = info(&["robot.endpoint=tcp/127.0.0.1:7448"]);
        start(folder.path(), &elsewhere, named("rollouts")).unwrap();
        assert!(dir.done("train").is_some() && dir.done("rollouts").is_none());
        assert!(
            dir.path("rollouts.old-1/x.json").exists(),
            "two robots' episodes are not mixed"
        );
    }

    #[test]
    fn demonstrations_are_never_in_the_way_of_others() {
        let folder = tempfile::tempdir().unwrap();
        let dir = start(folder.path(), &info(&[]), None).unwrap();
        mark(&dir, "demonstrate");
        dir.write("demonstrations/x.json", &1).unwrap();
        let more = info(&["demonstrations.episodes=9"]);
        start(folder.path(), &more, named("demonstrate")).unwrap();
        assert!(dir.path("demonstrations/x.json").exists());
        assert!(dir.done("demonstrate").is_none());
        // Unfinished ones of another kind are kept apart as well.
        let other = info(&["demonstrations.episodes=9", "expert.speed_m_s=0.1"]);
        start(folder.path(), &other, named("demonstrate")).unwrap();
        assert!(dir.path("demonstrations.old-1/x.json").exists());
    }

    #[test]
    fn whether_demonstrations_take_part_is_settled_by_the_reward() {
        let folder = tempfile::tempdir().unwrap();
        let dir = start(folder.path(), &info(&["align.demonstrations=false"]), None).unwrap();
        mark(&dir, "reward");
        let refused = start(folder.path(), &info(&[]), named("align")).unwrap_err();
        let text = refused.to_string();
        for part in [
            "stage reward",
            "apprentice reward --set align.demonstrations=true",
        ] {
            assert!(text.contains(part), "{text}");
        }
        start(folder.path(), &info(&[]), named("reward")).unwrap();
        assert!(dir.done("reward").is_none());
    }

    #[test]
    fn rankings_somebody_has_begun_stay() {
        let folder = tempfile::tempdir().unwrap();
        let dir = start(folder.path(), &info(&[]), None).unwrap();
        let mut log = JudgementLog::open(dir.path("judgements.jsonl")).unwrap();
        let tiers = vec![vec!["a".into()], vec!["b".into()]];
        log.append(&Judgement::ranking(0, "Ada", 1.0, tiers, None))
            .unwrap();
        start(folder.path(), &info(&["align.steps=9"]), named("rank")).unwrap();
        start(
            folder.path(),
            &info(&["operator.rankings=9"]),
            named("rank"),
        )
        .unwrap();
        assert!(dir.path("judgements.jsonl").exists());
        start(folder.path(), &info(&["train.steps=9"]), named("train")).unwrap();
        assert!(dir.path("judgements.jsonl.old-1").exists());
    }
}
