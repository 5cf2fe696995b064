//! Whether what a stage wrote still follows from what it read.

use crate::config::Config;
use crate::inputs::{Inputs, RunSettings};
use crate::judgements::is_ranking;
use crate::layout::{JUDGEMENTS, NAMED_POLICIES};
use crate::outcomes::Outcomes;
use crate::run_dir::{RunDir, StageMark};
use crate::stage::{Output, Stage};
use crate::stages;
use anyhow::{Context as _, Result};
use apprentice_core::{sha256_bytes, sha256_file};
use apprentice_preference::{JudgementLog, standing};
use serde_json::Value;
use std::collections::BTreeMap;

/// Every setting of a configuration by its whole key.
///
/// # Errors
/// When it cannot be written down.
pub fn settings(config: &Config) -> Result<BTreeMap<String, Value>> {
    let mut found = BTreeMap::new();
    collect("", serde_json::to_value(config)?, &mut found);
    Ok(found)
}

fn collect(path: &str, value: Value, into: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(table) => {
            for (key, value) in table {
                let full = if path.is_empty() {
                    key
                } else {
                    format!("{path}.{key}")
                };
                collect(&full, value, into);
            }
        }
        value => {
            into.insert(path.to_owned(), value);
        }
    }
}

/// What `stage` would start from now.
///
/// # Errors
/// When a file of a stage it needs cannot be read.
pub fn inputs(dir: &RunDir, run: &RunSettings<'_>, stage: &Stage) -> Result<Inputs> {
    let mut settings = settings(run.config)?;
    settings.retain(|key, _| stage.reads_setting(key));
    let mut files = BTreeMap::new();
    for need in stage.needs.iter().filter_map(|n| stages::named(n)) {
        for output in need.writes {
            if let Some(hash) = content(dir, run, *output)? {
                files.insert(output.path().to_owned(), hash);
            }
        }
    }
    // Of policies of the run, which one it was is noted with what came of it: to promote it changes nothing of that.
    let start = run.config.align.start.as_str();
    if stage.reads_setting("align.start")
        && !NAMED_POLICIES.contains(&start)
        && let Ok(hash) = sha256_file(start.as_ref())
    {
        files.insert("align.start".to_owned(), hash);
    }
    Ok(Inputs {
        seed: run.seed,
        settings,
        files,
    })
}

/// The content hash of an output; `None` where it is not there. Of judgements, those count that the reward is learnt
/// from: others may be added at any time.
fn content(dir: &RunDir, run: &RunSettings<'_>, output: Output) -> Result<Option<String>> {
    if let Output::Episodes { folder, .. } = output {
        // Ids are content hashes, and every episode is held against its id when it is opened.
        let list = Outcomes::of(dir, folder).ok();
        return Ok(list.map(|list| {
            let ids: Vec<&str> = list.episodes.iter().map(|e| e.id.as_str()).collect();
            sha256_bytes(ids.join("\n").as_bytes())
        }));
    }
    let path = dir.path(output.path());
    if !path.exists() {
        return Ok(None);
    }
    // A damaged log is told of by the stage that reads it.
    if let (Output::Judgements(_), Ok(log)) = (output, JudgementLog::read(&path)) {
        let used = run.config.reward.learner.uses();
        let judgements = standing(&log.judgements);
        let ids: Vec<&str> = judgements
            .iter()
            .filter(|j| !j.skipped && used.contains(&j.learnt_as()))
            .map(|j| j.id.as_str())
            .collect();
        return Ok(Some(sha256_bytes(ids.join("\n").as_bytes())));
    }
    let hash = sha256_file(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    Ok(Some(hash))
}

/// Why a finished stage has to run again; nothing where what it wrote still stands.
///
/// # Errors
/// When a file of a stage it needs cannot be read.
pub fn out_of_date(
    dir: &RunDir,
    run: &RunSettings<'_>,
    stage: &Stage,
    mark: &StageMark,
) -> Result<Vec<String>> {
    let mut why = match &mark.inputs {
        Some(then) => then.differences(&inputs(dir, run, stage)?),
        None => Vec::new(),
    };
    let read_by_another = |path: &str| {
        stages::STAGES
            .iter()
            .filter_map(|s| dir.done(s.name)?.inputs)
            .any(|inputs| inputs.files.contains_key(path))
    };
    let written = stage.writes.iter().map(|output| match output {
        Output::Computed(path) | Output::Judgements(path) => (*path, true),
        Output::MaybeComputed(path) => (*path, read_by_another(path)),
        Output::Episodes { folder, .. } => (*folder, false),
    });
    // What it started from has to be there as well: a stage after it reads the same.
    let read = mark.inputs.iter().flat_map(|inputs| inputs.files.keys());
    let needed = stage.needs.iter().filter_map(|n| stages::named(n));
    let of_needed: Vec<&str> = needed.flat_map(|n| n.writes).map(|o| o.path()).collect();
    let read = read.map(|path| (path.as_str(), of_needed.contains(&path.as_str())));
    for (path, wanted) in written.chain(read) {
        if wanted && !dir.path(path).exists() {
            why.push(format!("{path} is gone"));
        }
    }
    Ok(why)
}

/// What a finished recording stage lacks, in words.
///
/// # Errors
/// When the configuration cannot be written down.
pub fn lacks(dir: &RunDir, run: &RunSettings<'_>, stage: &Stage) -> Result<Option<String>> {
    let Some(amount) = stage.amount else {
        return Ok(None);
    };
    if stage
        .writes
        .iter()
        .any(|o| matches!(o, Output::Judgements(_)))
    {
        let path = dir.path(JUDGEMENTS);
        let ranked =
            JudgementLog::read(&path).map_or(true, |log| log.judgements.iter().any(is_ranking));
        return Ok((!ranked).then(|| "there are no rankings".to_owned()));
    }
    let settings = settings(run.config)?;
    let wanted = settings.get(amount).and_then(Value::as_u64).unwrap_or(0);
    for output in stage.writes {
        if let Output::Episodes { folder, .. } = output {
            let list = Outcomes::of(dir, folder).unwrap_or_default();
            let there = list.episodes.iter().filter(|e| !e.added).count() as u64;
            if there < wanted {
                return Ok(Some(format!("{there} of {wanted} episodes are there")));
            }
        }
    }
    Ok(None)
}

/// Notes what the finished stages of a run from before this was kept started from.
///
/// # Errors
/// When a file cannot be read, or a mark cannot be written.
pub fn fill_in(dir: &RunDir, run: &RunSettings<'_>) -> Result<()> {
    for stage in stages::STAGES {
        if let Some(mut mark) = dir.done(stage.name).filter(|m| m.inputs.is_none()) {
            mark.inputs = Some(inputs(dir, run, stage)?);
            dir.mark(&mark)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stages::reward;
    use apprentice_preference::{Answer, Judgement};

    #[test]
    fn the_reward_is_out_of_date_by_another_ranking_and_not_by_what_it_does_not_learn_from() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config::load(None, &[]).unwrap();
        let dir = RunDir::make(folder.path()).unwrap();
        let run = RunSettings {
            config: &config,
            seed: 1,
        };
        let ranking = |when| {
            let tiers = vec![vec!["a".into()], vec!["b".into()]];
            Judgement::ranking(when, "Ada", 1.0, tiers, None)
        };
        let mut log = JudgementLog::open(dir.path(JUDGEMENTS)).unwrap();
        log.append(&ranking(1)).unwrap();
        let before = inputs(&dir, &run, &reward::STAGE).unwrap();
        let words = Answer::Utterance {
            text: "slower".into(),
            items: Vec::new(),
        };
        log.append(&Judgement::new(2, "Ada", words)).unwrap();
        let after = inputs(&dir, &run, &reward::STAGE).unwrap();
        assert_eq!(before, after);
        log.append(&ranking(3)).unwrap();
        let differences = before.differences(&inputs(&dir, &run, &reward::STAGE).unwrap());
        assert_eq!(differences, ["judgements.jsonl has changed"]);
        std::fs::write(dir.path(JUDGEMENTS), "damaged\n").unwrap();
        let differences = after.differences(&inputs(&dir, &run, &reward::STAGE).unwrap());
        assert_eq!(differences, ["judgements.jsonl has changed"]);
    }
}
