//! What recording stages came to, for scripts.

use crate::context::Context;
use crate::evaluation::rates;
use crate::outcomes::read_outcomes;
use crate::success::SuccessLabels;
use anyhow::Result;
use apprentice_sim::Outcome;
use apprentice_statistics::Proportion;
use serde_json::{Value, json};

/// Of a folder of demonstrations or rollouts.
///
/// # Errors
/// When it has not been recorded.
pub fn recorded(context: &Context, folder: &str) -> Result<Value> {
    let notes = read_outcomes(context, folder)?;
    let all = notes.episodes.len() as u64;
    let mut value = json!({
        "folder": context.dir.path(folder), "episodes": all, "guard": notes.guard,
    });
    // Nobody may know how an episode of a robot of one's own ended; whoever watched may have labelled it.
    let labelled = SuccessLabels::read(context)?.applied(&notes);
    let known = labelled
        .episodes
        .iter()
        .filter(|e| e.success().is_some())
        .count() as u64;
    if known > 0 || all == 0 {
        let success = labelled.episodes.iter().filter(|e| e.succeeded()).count();
        value["success"] = serde_json::to_value(Proportion::new(success as u64, known))?;
    }
    let task = &context.config.task;
    // Neither a label nor a robot's verdict has to tell how it was done.
    let tells = |outcome: &Outcome| {
        let mut facts = task.styles().iter().flat_map(|style| style.facts);
        facts.any(|(name, _)| outcome.facts.get(name).is_some())
    };
    let outcomes = || notes.episodes.iter().filter_map(|e| e.outcome.as_ref());
    if all == 0 || outcomes().any(|outcome| outcome.success.is_some() && tells(outcome)) {
        let styles: Vec<Option<usize>> = notes
            .episodes
            .iter()
            .map(|e| task.style_of(e.outcome.as_ref()?))
            .collect();
        for (index, style) in task.styles().iter().enumerate() {
            let count = styles.iter().filter(|s| **s == Some(index)).count();
            value[format!("by_{}", style.name)] = count.into();
        }
    }
    if known < all {
        value["success_unknown"] = (all - known).into();
    }
    Ok(value)
}

/// Of a folder of held-out episodes.
///
/// # Errors
/// When it has not been recorded.
pub fn evaluated(context: &Context, folder: &str) -> Result<Value> {
    let notes = read_outcomes(context, folder)?;
    let rates = rates(context, &notes)?;
    let mut value = json!({
        "folder": context.dir.path(folder),
        "episodes": notes.episodes.len(),
        "success": rates.success,
        "preferred": rates.preferred,
        "guard": notes.guard,
    });
    if rates.unknown > 0 {
        value["success_unknown"] = rates.unknown.into();
    }
    Ok(value)
}
