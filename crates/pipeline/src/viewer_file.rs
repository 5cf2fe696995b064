//! The run's recording for the viewer, `run.rrd`: the rollouts, and what became of them.

use crate::context::Context;
use crate::layout::{ALIGNED_EVALUATION, ROLLOUTS, VIEWER_FILE};
use crate::outcomes::{open_episode, read_outcomes};
use crate::robots::describe;
use anyhow::{Result, bail};
use apprentice_reward::Scored;
use apprentice_studio::Studio;
use std::fs;

/// Episodes of the aligned policy that are in it.
pub const ALIGNED_SHOWN: usize = 12;

/// Writes the rollouts to `run.rrd`, with their rewards where there are any, and after them the first
/// dozen episodes of the aligned policy's evaluation if asked for.
///
/// # Errors
/// When an episode cannot be read or the file cannot be written.
pub fn write_recording(context: &Context, scores: Option<&[Scored]>, aligned: bool) -> Result<()> {
    let part = context.dir.path(".run.rrd.part");
    let studio = Studio::to_file(&part, &describe(context)?)?;
    let show = |folder: &str, most: usize, scores: Option<&[Scored]>| -> Result<()> {
        let notes = read_outcomes(context, folder)?;
        for (i, note) in notes.episodes.iter().enumerate().take(most) {
            let episode = open_episode(context, folder, note)?;
            let curve = scores
                .and_then(|s| s.get(i))
                .map(|s| spread(&s.moments, episode.ticks.len()));
            studio.episode(&episode, format!("{folder} {i:03}"), curve.as_deref());
        }
        Ok(())
    };
    show(ROLLOUTS, usize::MAX, scores)?;
    if aligned {
        show(ALIGNED_EVALUATION, ALIGNED_SHOWN, None)?;
    }
    let shown = studio.finish()?;
    if shown.refused > 0 {
        bail!(
            "rerun refused {} of the episodes for {}; what was recorded is unharmed",
            shown.refused,
            context.dir.path(VIEWER_FILE).display()
        );
    }
    fs::rename(part, context.dir.path(VIEWER_FILE))?;
    Ok(())
}

/// `values`, evenly spread over an episode, at each of its ticks.
fn spread(values: &[f64], ticks: usize) -> Vec<f64> {
    let last = values.len().saturating_sub(1);
    (0..ticks)
        .filter_map(|t| values.get((t * last + ticks / 2) / ticks.saturating_sub(1).max(1)))
        .copied()
        .collect()
}
