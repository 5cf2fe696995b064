//! What the page shows beside the figures: curves, scored episodes and film strips.

use super::film::Film;
use crate::context::Context;
use crate::stages::align::{Alignment, REPORT as ALIGNMENT};
use crate::stages::evaluate::{ALIGNED_FOLDER, BASE_FOLDER, HELD_OUT_SCORES};
use crate::stages::notes::{Judged, JudgedEpisode, judged, open_noted};
use crate::stages::policy::TrainingCurve;
use crate::stages::rank::{hidden_utility, preferred_grasp};
use crate::stages::reward::{SCORES, Scores};
use crate::stages::rollout::FOLDER as ROLLOUTS;
use anyhow::Result;
use apprentice_align::AlignReport;
use apprentice_reward::Scored;
use apprentice_sim::Grasp;

/// How an episode ended, as the operator would see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Picked up the preferred way.
    Preferred,
    /// Picked up another way.
    Other,
    /// Not picked up.
    Failed,
}

/// An episode's reward and how it ended.
#[derive(Clone, Debug)]
pub struct ScoredEpisode {
    /// How it ended.
    pub ending: Ending,
    /// What the reward makes of it.
    pub scored: Scored,
}

/// Everything the page shows beside the figures.
#[derive(Clone, Debug, Default)]
pub struct Material {
    /// Folder of the run, as the user named it.
    pub folder: String,
    /// Loss of each training step.
    pub training_loss: Vec<f32>,
    /// Samples the policy was trained on.
    pub samples: usize,
    /// The eye's loss on comparisons it learnt from, an epoch.
    pub eye_training: Vec<f64>,
    /// And on those kept back.
    pub eye_validation: Vec<f64>,
    /// How the alignment went.
    pub alignment: Option<AlignReport>,
    /// The base policy's held-out episodes, which the reward never saw.
    pub held_out: Vec<ScoredEpisode>,
    /// The rollouts with the highest and the lowest reward.
    pub best_and_worst: Vec<Film>,
    /// The same scene before and after alignment.
    pub before_and_after: Vec<Film>,
    /// Files for a viewer that exist, below the folder.
    pub recordings: Vec<String>,
}

impl Material {
    /// Reads what the stages wrote.
    ///
    /// # Errors
    /// When a file is missing or cannot be understood.
    pub fn gather(context: &Context) -> Result<Self> {
        let curve: TrainingCurve = context.dir.read("policy/base-training.json")?;
        let learned = crate::stages::reward::load(context)?;
        let alignment: Alignment = context.dir.read(ALIGNMENT)?;
        let held_out: Scores = context.dir.read(HELD_OUT_SCORES)?;
        let notes = judged(context, BASE_FOLDER)?;
        let held_out = notes.episodes.iter().zip(held_out.episodes);
        Ok(Self {
            folder: context.dir.root().display().to_string(),
            training_loss: curve.loss,
            samples: curve.samples,
            eye_training: learned.training_loss,
            eye_validation: learned.validation_loss,
            alignment: alignment.report,
            held_out: held_out
                .map(|(n, scored)| ScoredEpisode {
                    ending: ending(context, n),
                    scored,
                })
                .collect(),
            best_and_worst: best_and_worst(context)?,
            before_and_after: before_and_after(context, &notes)?,
            recordings: recordings(&context.dir.path("")),
        })
    }
}

/// Recordings for the viewer directly in a run's folder, by name.
#[must_use]
pub fn recordings(folder: &std::path::Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .map(|e| e.file_name().to_string_lossy().into_owned())
        .collect();
    names.retain(|n| n.ends_with(".rrd"));
    names.sort();
    names
}

fn ending(context: &Context, note: &JudgedEpisode) -> Ending {
    match hidden_utility(note, context.config.operator.prefers) {
        u if u >= 2.0 => Ending::Preferred,
        u if u >= 1.0 => Ending::Other,
        _ => Ending::Failed,
    }
}

/// How an episode ended, in words.
fn told(note: &JudgedEpisode) -> &'static str {
    match (note.succeeded(), note.grasp()) {
        (true, Some(Grasp::Handle)) => "picked up by the handle",
        (true, Some(Grasp::Rim)) => "picked up by the rim",
        (true, _) => "picked up around the body",
        (false, _) => "not picked up",
    }
}

fn best_and_worst(context: &Context) -> Result<Vec<Film>> {
    let notes = judged(context, ROLLOUTS)?;
    let scores: Scores = context.dir.read(SCORES)?;
    let mut order: Vec<(&JudgedEpisode, &Scored)> =
        notes.episodes.iter().zip(&scores.episodes).collect();
    // The episode's own name breaks ties, so that the same run shows the same films.
    order.sort_by(|a, b| {
        b.1.total
            .total_cmp(&a.1.total)
            .then_with(|| a.0.file.cmp(&b.0.file))
    });
    let ends = [
        ("Highest reward", order.first()),
        ("Lowest reward", order.last()),
    ];
    ends.into_iter()
        .filter_map(|(title, found)| found.map(|found| (title, found)))
        .map(|(title, (note, scored))| {
            let episode = open_noted(context, ROLLOUTS, note)?;
            let total = format!("{:.3}", scored.total).replace('-', "\u{2212}");
            let title = format!("{title}: {total} \u{b1} {:.3}", scored.uncertainty);
            let caption = format!("{ROLLOUTS}/{}, {}.", note.file, told(note));
            Film::of(&episode, title, caption, scored.moments.clone())
        })
        .collect()
}

/// The first held-out scene that alignment turned to the preferred way, or the first of all.
fn before_and_after(context: &Context, before: &Judged) -> Result<Vec<Film>> {
    let after = judged(context, ALIGNED_FOLDER)?;
    let grasp = preferred_grasp(context.config.operator.prefers);
    let pairs: Vec<_> = before.episodes.iter().zip(&after.episodes).collect();
    let turned = pairs
        .iter()
        .find(|(b, a)| b.succeeded() && !b.picked(grasp) && a.picked(grasp));
    let Some((old, new)) = turned.or(pairs.first()) else {
        return Ok(Vec::new());
    };
    [
        ("Before alignment", BASE_FOLDER, old),
        ("After alignment, same scene", ALIGNED_FOLDER, new),
    ]
    .into_iter()
    .map(|(title, folder, note)| {
        let episode = open_noted(context, folder, note)?;
        Film::of(
            &episode,
            title.to_owned(),
            format!("{folder}/{}, {}.", note.file, told(note)),
            Vec::new(),
        )
    })
    .collect()
}
