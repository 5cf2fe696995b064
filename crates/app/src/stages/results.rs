//! What a stage came to, for scripts.

use crate::context::Context;
use crate::stages::align::{Alignment, REPORT as ALIGNMENT};
use crate::stages::evaluate::{ALIGNED_FOLDER, BASE_FOLDER, REWARD_EXAM, RewardExam, rates};
use crate::stages::notes::judged;
use crate::stages::policy::TrainingCurve;
use crate::stages::{demonstrate, rank, rollout};
use anyhow::Result;
use apprentice_core::Proportion;
use apprentice_preference::unused;
use apprentice_sim::Grasp;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Steps over which a training loss is averaged.
const LOSSES: usize = 20;

/// The figures of a stage that has run; nothing for a stage that is unknown.
///
/// # Errors
/// When a file of the stage is missing or cannot be understood.
pub fn result(context: &Context, stage: &str) -> Result<Value> {
    match stage {
        "demonstrate" => recorded(context, demonstrate::FOLDER),
        "train" => trained(context),
        "rollouts" => recorded(context, rollout::FOLDER),
        "rank" => ranked(context),
        "reward" => rewarded(context),
        "align" => aligned(context),
        "evaluate-base" => evaluated(context, BASE_FOLDER),
        "evaluate-aligned" => {
            let mut value = evaluated(context, ALIGNED_FOLDER)?;
            let exam: RewardExam = context.dir.read(REWARD_EXAM)?;
            value["reward"] = serde_json::to_value(exam)?;
            Ok(value)
        }
        _ => Ok(Value::Null),
    }
}

fn recorded(context: &Context, folder: &str) -> Result<Value> {
    let notes = judged(context, folder)?;
    let all = notes.episodes.len() as u64;
    let mut value = json!({
        "folder": context.dir.path(folder), "episodes": all, "guard": notes.guard,
    });
    // What happens on a robot of one's own is not measured; whoever watched may have labelled it.
    if notes.episodes.iter().all(|e| e.outcome.is_some()) {
        let count = |grasp| notes.episodes.iter().filter(|e| e.picked(grasp)).count();
        let success = notes.episodes.iter().filter(|e| e.succeeded()).count();
        value["success"] = serde_json::to_value(Proportion::new(success as u64, all))?;
        value["by_handle"] = count(Grasp::Handle).into();
        value["by_rim"] = count(Grasp::Rim).into();
    } else {
        let success = rates(context, &notes)?.success;
        if success.n > 0 {
            value["success"] = serde_json::to_value(success)?;
        }
    }
    Ok(value)
}

fn trained(context: &Context) -> Result<Value> {
    let curve: TrainingCurve = context.dir.read("policy/base-training.json")?;
    let last = &curve.loss[curve.loss.len().saturating_sub(LOSSES)..];
    Ok(json!({
        "samples": curve.samples,
        "steps": curve.loss.len(),
        "first_loss": curve.loss.first(),
        "last_loss": last.iter().sum::<f32>() / last.len().max(1) as f32,
    }))
}

fn ranked(context: &Context) -> Result<Value> {
    let mut judgements = rank::said(context, &judged(context, rollout::FOLDER)?)?;
    judgements.retain(rank::is_ranking);
    let skipped = judgements.iter().filter(|j| j.skipped).count();
    let who: BTreeSet<&str> = judgements.iter().map(|j| j.who.as_str()).collect();
    Ok(json!({
        "rankings": judgements.len() - skipped, "skipped": skipped, "operators": who,
        "log": context.dir.path(rank::LOG),
    }))
}

fn rewarded(context: &Context) -> Result<Value> {
    let learned = super::reward::load(context)?;
    let judgements = rank::said(context, &judged(context, rollout::FOLDER)?)?;
    let allowed = context.config.reward.significance;
    Ok(json!({
        "comparisons": learned.report.comparisons,
        "unused": unused(&judgements, context.config.reward.learner.uses()),
        "preferred": learned.report.preferred.len(),
        "evidence": learned.evidence,
        "significance": allowed,
        "counts_as_evidence": learned.evidence.p_value <= allowed,
    }))
}

fn aligned(context: &Context) -> Result<Value> {
    let alignment: Alignment = context.dir.read(ALIGNMENT)?;
    let report = alignment.report.as_ref();
    Ok(json!({
        "evidence": alignment.evidence,
        "steps": report.map_or(0, |r| r.steps),
        "pairs": report.map_or(0, |r| r.pairs),
        "drift": report.map_or(0.0, |r| r.drift),
        "drift_budget": context.config.align.drift_budget,
        "stopped_by_budget": report.is_some_and(|r| r.stopped_by_budget),
    }))
}

fn evaluated(context: &Context, folder: &str) -> Result<Value> {
    let notes = judged(context, folder)?;
    let rates = rates(context, &notes)?;
    Ok(json!({
        "folder": context.dir.path(folder),
        "episodes": notes.episodes.len(),
        "success": rates.success,
        "preferred": rates.preferred,
        "guard": notes.guard,
    }))
}
