//! The hand: the base policy is aligned to the reward, if the rankings are evidence at all.

use crate::context::Context;
use crate::stages::notes::{judged, open_all};
use crate::stages::policy::{BASE, load};
use crate::stages::reward::{DEMONSTRATION_SCORES, SCORES, Scores};
use anyhow::Result;
use apprentice_align::{AlignReport, align_policy};
use apprentice_policy::Windows;
use serde::{Deserialize, Serialize};

/// The aligned policy's file.
pub const ALIGNED: &str = "policy/aligned.safetensors";
/// How the alignment went.
pub const REPORT: &str = "policy/alignment.json";

/// What became of the policy.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Alignment {
    /// Whether the rankings counted as evidence. If not, the policy is the base policy.
    pub evidence: bool,
    /// How it went; `None` without evidence.
    pub report: Option<AlignReport>,
}

/// Runs the stage.
///
/// # Errors
/// When the policy cannot be aligned.
pub fn run(context: &Context) -> Result<()> {
    let learned = super::reward::load(context)?;
    let limit = context.config.reward.significance;
    let base = load(context, BASE)?;
    if learned.evidence.p_value > limit {
        context.say(&format!(
            "align          the rankings say nothing that holds on rankings kept back (chance of a fluke {:.3}, \
             allowed {limit}): the policy stays as it is",
            learned.evidence.p_value
        ));
        base.save(&context.dir.path(ALIGNED))?;
        return context.dir.write(
            REPORT,
            &Alignment {
                evidence: false,
                report: None,
            },
        );
    }
    let mut sources = vec![(super::rollout::FOLDER, SCORES)];
    if context.config.align.demonstrations {
        sources.push((super::demonstrate::FOLDER, DEMONSTRATION_SCORES));
    }
    let (mut episodes, mut rewards) = (Vec::new(), Vec::new());
    for (folder, file) in sources {
        let notes = judged(context, folder)?;
        let names = notes
            .episodes
            .iter()
            .map(|e| format!("{folder}/{}", e.file));
        episodes.extend(names.zip(open_all(context, folder, &notes)?));
        let scores: Scores = context.dir.read(file)?;
        rewards.extend(scores.episodes.iter().map(|s| s.total));
    }
    let windows = Windows::new(
        episodes.iter().map(|(name, e)| (name.as_str(), e)),
        base.config(),
    )?;
    drop(episodes);
    let bar = context.bar(context.config.align.steps as u64, "align the hand");
    let (aligned, report) = align_policy(
        &base,
        &windows,
        &rewards,
        &context.config.align,
        context.seed.derive("align", 0),
        |p| {
            bar.set_position(p.step as u64);
            bar.set_message(format!(
                "preference loss {:.3}, drift {:.4}",
                p.preference, p.drift
            ));
            !context.stopping()
        },
    )?;
    bar.finish();
    aligned.save(&context.dir.path(ALIGNED))?;
    context.dir.write(
        REPORT,
        &Alignment {
            evidence: true,
            report: Some(report),
        },
    )
}
