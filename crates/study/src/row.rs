//! What a cell comes to.

use crate::cell::Cell;
use anyhow::Result;
use apprentice_pipeline::context::Context;
use apprentice_pipeline::layout::{ALIGNED_EVALUATION, BASE_EVALUATION, REWARD_EXAM};
use apprentice_pipeline::outcomes::{EpisodeOutcome, Outcomes};
use apprentice_pipeline::preference::Preference;
use apprentice_pipeline::reward_exam::RewardExam;
use apprentice_report::Report;
use apprentice_statistics::Proportion;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The figures of a cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Which cell.
    #[serde(flatten)]
    pub cell: Cell,
    /// Rank correlation of the reward of single frames with the truth, where a task measures one at each frame; no
    /// task does so far.
    pub spearman_frame: Option<f64>,
    /// Rank correlation of the reward of whole episodes with the operator's hidden utility, on held-out episodes.
    pub spearman_trajectory: f64,
    /// Share of held-out triplets (liked, better, worse) in which the better one is nearer to the liked one.
    pub triplet_accuracy: f64,
    /// Share of held-out pairs of different utility that the reward orders rightly.
    pub heldout_accuracy: f64,
    /// The best single feature's triplet accuracy, chosen with knowledge of the truth: a control.
    pub best_single_feature: f64,
    /// Of the aligned policy's successes, the share that is done the preferred way; missing where it never succeeds.
    pub preferred: Option<f64>,
    /// Of all its scenes, the share done the preferred way.
    pub preferred_of_all: f64,
    /// Share of scenes in which it succeeds.
    pub success: f64,
    /// The base policy's share of all scenes done the preferred way.
    pub base_preferred_of_all: f64,
    /// The base policy's successes.
    pub base_success: f64,
    /// Scenes.
    pub scenes: u64,
    /// Share of scenes in which the aligned policy's episode has the higher utility than the base policy's; equal
    /// ones count half.
    pub win_rate: f64,
    /// Drift from base to aligned policy.
    pub drift: f64,
    /// Chance of a fluke of the rankings kept back.
    pub p_value: f64,
    /// Agreement of the reward with the rankings kept back.
    pub ranking_accuracy: f64,
    /// Seconds of the stages after the base: rank, reward, align, evaluate.
    pub seconds: f64,
    /// Hash of the settings, to know a row of other settings by.
    pub settings: String,
}

/// A cell that came to no figures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    /// Which cell.
    pub cell: Cell,
    /// The last lines that it said.
    pub error: String,
}

impl Row {
    /// Reads the figures of a cell's finished run; `settings` is their hash, `shared` names the stages of its base.
    ///
    /// # Errors
    /// When a stage has not run.
    pub fn of(cell: &Cell, run: &Context, settings: &str, shared: &[&str]) -> Result<Self> {
        let report = Report::read(run)?;
        let exam: RewardExam = run.dir.read(REWARD_EXAM)?;
        let share = |p: Proportion| (p.n > 0).then(|| p.rate());
        let own = |name: &str| !shared.contains(&name);
        let stages = report.stages.iter().filter(|s| own(&s.name));
        Ok(Self {
            cell: cell.clone(),
            spearman_frame: None,
            spearman_trajectory: exam.spearman_heldout,
            triplet_accuracy: exam.triplet_accuracy_heldout,
            heldout_accuracy: exam.pair_accuracy_heldout,
            best_single_feature: exam.best_single_feature.1,
            preferred: share(report.aligned.preferred),
            preferred_of_all: share(report.aligned.preferred_of_all).unwrap_or(0.0),
            success: share(report.aligned.success).unwrap_or(0.0),
            base_preferred_of_all: share(report.base.preferred_of_all).unwrap_or(0.0),
            base_success: share(report.base.success).unwrap_or(0.0),
            scenes: report.aligned.preferred_of_all.n,
            win_rate: win_rate(run)?,
            drift: report.drift,
            p_value: report.reward.evidence.p_value,
            ranking_accuracy: report.reward.evidence.accuracy,
            seconds: stages.map(|s| s.seconds).sum(),
            settings: settings.to_owned(),
        })
    }
}

/// In how many scenes the aligned policy did better by the operator's utility.
fn win_rate(run: &Context) -> Result<f64> {
    let preference = Preference::of(&run.config)?;
    let base = Outcomes::of(&run.dir, BASE_EVALUATION)?;
    let aligned = Outcomes::of(&run.dir, ALIGNED_EVALUATION)?;
    let before: BTreeMap<u64, &EpisodeOutcome> =
        base.episodes.iter().map(|e| (e.seed, e)).collect();
    let (mut won, mut scenes) = (0.0, 0.0);
    for episode in &aligned.episodes {
        let Some(before) = before.get(&episode.seed) else {
            continue;
        };
        let (before, after) = (preference.utility(before)?, preference.utility(episode)?);
        scenes += 1.0;
        won += if after > before {
            1.0
        } else if after < before {
            0.0
        } else {
            0.5
        };
    }
    Ok(if scenes > 0.0 { won / scenes } else { 0.5 })
}
