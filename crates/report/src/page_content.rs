//! What the page shows beside the figures: curves, scored episodes and film strips.

use super::film_strip::FilmStrip;
use anyhow::Result;
use apprentice_align::AlignReport;
use apprentice_pipeline::context::Context;
use apprentice_pipeline::layout::{
    ALIGNED_EVALUATION, ALIGNMENT, BASE_EVALUATION, HELD_OUT_SCORES, ON_ROBOT, ROLLOUT_SCORES,
    ROLLOUTS, TRAINING_CURVE,
};
use apprentice_pipeline::on_robot::figures::ComparisonFigures;
use apprentice_pipeline::outcomes::{EpisodeOutcome, Outcomes, open_episode};
use apprentice_pipeline::preference::Preference;
use apprentice_pipeline::scores::{Scores, read_reward};
use apprentice_pipeline::stages::align::Alignment;
use apprentice_pipeline::stages::train::TrainingCurve;
use apprentice_pipeline::success::read_labelled;
use apprentice_reward::Score;
use apprentice_sim::Outcome;

/// How an episode ended, as the operator would see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Done the preferred way.
    Preferred,
    /// Done another way.
    Other,
    /// Not done.
    Failed,
    /// Nobody knows.
    Unknown,
}

/// An episode's reward and how it ended.
#[derive(Clone, Debug)]
pub struct ScoredEpisode {
    /// How it ended.
    pub ending: Ending,
    /// What the reward makes of it.
    pub scored: Score,
}

/// Everything the page shows beside the figures.
#[derive(Clone, Debug, Default)]
pub struct PageContent {
    /// Folder of the run, as the user named it.
    pub folder: String,
    /// The options with which the run's settings were named.
    pub named: Vec<String>,
    /// Loss of each training step.
    pub training_loss: Vec<f32>,
    /// Samples the policy was trained on.
    pub samples: usize,
    /// The encoder's loss on comparisons it learnt from, an epoch.
    pub encoder_training: Vec<f64>,
    /// And on those kept back.
    pub encoder_validation: Vec<f64>,
    /// How the alignment went.
    pub alignment: Option<AlignReport>,
    /// The base policy's held-out episodes, which the reward never saw.
    pub held_out: Vec<ScoredEpisode>,
    /// The rollouts with the highest and the lowest reward.
    pub best_and_worst: Vec<FilmStrip>,
    /// The same scene before and after alignment.
    pub before_and_after: Vec<FilmStrip>,
    /// Files for a viewer that exist, below the folder.
    pub recordings: Vec<String>,
    /// Both policies tried on a robot, where they were.
    pub on_robot: Option<ComparisonFigures>,
}

impl PageContent {
    /// Reads what the stages wrote.
    ///
    /// # Errors
    /// When a file is missing or cannot be understood.
    pub fn read(context: &Context) -> Result<Self> {
        let curve: TrainingCurve = context.dir.read(TRAINING_CURVE)?;
        let learned = read_reward(context)?;
        let alignment: Alignment = context.dir.read(ALIGNMENT)?;
        let held_out: Scores = context.dir.read(HELD_OUT_SCORES)?;
        let notes = read_labelled(context, BASE_EVALUATION)?;
        let held_out = notes.episodes.iter().zip(held_out.episodes);
        let preference = Preference::of(&context.config)?;
        Ok(Self {
            folder: context.dir.root().display().to_string(),
            named: context.named.clone(),
            training_loss: curve.loss,
            samples: curve.samples,
            encoder_training: learned.report.training_loss,
            encoder_validation: learned.report.validation_loss,
            alignment: alignment.report,
            held_out: held_out
                .map(|(n, scored)| ScoredEpisode {
                    ending: ending(&preference, n),
                    scored,
                })
                .collect(),
            best_and_worst: best_and_worst(context)?,
            before_and_after: before_and_after(context, &preference, &notes)?,
            recordings: recordings(&context.dir.path("")),
            on_robot: if context.dir.path(ON_ROBOT).exists() {
                Some(context.dir.read(ON_ROBOT)?)
            } else {
                None
            },
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

fn ending(preference: &Preference, note: &EpisodeOutcome) -> Ending {
    match (note.success(), preference.is_preferred(note)) {
        (_, Some(true)) => Ending::Preferred,
        (Some(true), Some(false)) => Ending::Other,
        (Some(false), _) => Ending::Failed,
        _ => Ending::Unknown,
    }
}

/// How an episode ended, in words.
fn told(context: &Context, note: &EpisodeOutcome) -> String {
    let unknown = Outcome::default();
    let outcome = note.outcome.as_ref().unwrap_or(&unknown);
    context.config.task.describe(outcome)
}

fn best_and_worst(context: &Context) -> Result<Vec<FilmStrip>> {
    let notes = read_labelled(context, ROLLOUTS)?;
    let scores: Scores = context.dir.read(ROLLOUT_SCORES)?;
    let mut order: Vec<(&EpisodeOutcome, &Score)> =
        notes.episodes.iter().zip(&scores.episodes).collect();
    // The episode's own name breaks ties, so that the same run shows the same film_strips.
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
            let episode = open_episode(context, ROLLOUTS, note)?;
            let total = format!("{:.3}", scored.total).replace('-', "\u{2212}");
            let title = format!("{title}: {total} \u{b1} {:.3}", scored.uncertainty);
            let caption = format!("{ROLLOUTS}/{}, {}.", note.file, told(context, note));
            FilmStrip::of(&episode, title, caption, scored.per_frame.clone())
        })
        .collect()
}

/// The first held-out scene that alignment turned to the preferred way, or the first of all.
fn before_and_after(
    context: &Context,
    preference: &Preference,
    before: &Outcomes,
) -> Result<Vec<FilmStrip>> {
    let after = read_labelled(context, ALIGNED_EVALUATION)?;
    let preferred = |episode| preference.is_preferred(episode);
    let pairs: Vec<_> = before.episodes.iter().zip(&after.episodes).collect();
    let turned = pairs
        .iter()
        .find(|(b, a)| b.succeeded() && preferred(b) == Some(false) && preferred(a) == Some(true));
    let Some((old, new)) = turned.or(pairs.first()) else {
        return Ok(Vec::new());
    };
    [
        ("Before alignment", BASE_EVALUATION, old),
        ("After alignment, same scene", ALIGNED_EVALUATION, new),
    ]
    .into_iter()
    .map(|(title, folder, note)| {
        let episode = open_episode(context, folder, note)?;
        FilmStrip::of(
            &episode,
            title.to_owned(),
            format!("{folder}/{}, {}.", note.file, told(context, note)),
            Vec::new(),
        )
    })
    .collect()
}
