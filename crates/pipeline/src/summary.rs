//! What recording stages came to, for scripts.

use crate::context::Context;
use crate::evaluation::rates;
use crate::outcomes::read_outcomes;
use anyhow::Result;
use apprentice_core::Proportion;
use apprentice_sim::Grasp;
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
    // Nobody judges what a person shows on a robot of their own.
    if notes.episodes.iter().all(|e| e.outcome.is_some()) {
        let count = |grasp| notes.episodes.iter().filter(|e| e.picked(grasp)).count();
        let success = notes.episodes.iter().filter(|e| e.succeeded()).count();
        value["success"] = serde_json::to_value(Proportion::new(success as u64, all))?;
        value["by_handle"] = count(Grasp::Handle).into();
        value["by_rim"] = count(Grasp::Rim).into();
    }
    Ok(value)
}

/// Of a folder of held-out episodes.
///
/// # Errors
/// When it has not been recorded.
pub fn evaluated(context: &Context, folder: &str) -> Result<Value> {
    let notes = read_outcomes(context, folder)?;
    let rates = rates(context, &notes);
    Ok(json!({
        "folder": context.dir.path(folder),
        "episodes": notes.episodes.len(),
        "success": rates.success,
        "preferred": rates.preferred,
        "guard": notes.guard,
    }))
}
