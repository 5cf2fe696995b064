//! Recording a set of episodes in simulated cells, with the judge's notes kept apart from them.

use crate::context::Context;
use crate::stages::cells::{Cells, describe};
use anyhow::{Result, bail};
use apprentice_core::Seed;
use apprentice_episode::{CameraInfo, Catalog, Episode, EpisodeId, EpisodeMeta, Source, Tick};
use apprentice_reward::Scored;
use apprentice_runtime::{Agent, EpisodePlan, GuardTotals, record_episodes};
use apprentice_sim::{Grasp, Outcome};
use apprentice_studio::Studio;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;

/// What the simulator's judge says of the episodes of a folder. Known to the simulated operator and
/// to the evaluation; no policy or reward reads it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Judged {
    /// For each episode, in order of recording.
    pub episodes: Vec<JudgedEpisode>,
    /// What the guards did.
    pub guard: Totals,
}

/// The rollouts as a rerun recording.
pub const RECORDING: &str = "run.rrd";

/// One episode and its outcome.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct JudgedEpisode {
    /// The episode.
    pub id: EpisodeId,
    /// Its file's name.
    pub file: String,
    /// Its seed.
    pub seed: u64,
    /// How it ended, where a simulator's judge knows.
    pub outcome: Option<Outcome>,
}

/// Guard counts as they are kept on disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    pub commands: u64,
    pub refusals: u64,
    pub violations: u64,
}

impl From<GuardTotals> for Totals {
    fn from(t: GuardTotals) -> Self {
        Self {
            commands: t.commands,
            refusals: t.refusals,
            violations: t.violations,
        }
    }
}

impl JudgedEpisode {
    /// Whether the mug was picked up in this way.
    #[must_use]
    pub fn picked(&self, grasp: Grasp) -> bool {
        self.succeeded() && self.grasp() == Some(grasp)
    }

    /// Whether the mug was picked up, as far as anyone knows.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        self.outcome.as_ref().is_some_and(|o| o.success)
    }

    /// How the mug was held, as far as anyone knows.
    #[must_use]
    pub fn grasp(&self) -> Option<Grasp> {
        self.outcome.as_ref().and_then(|o| o.grasp)
    }
}

/// A set of episodes to record.
pub struct Recording<'a> {
    /// Folder below the run's.
    pub folder: &'a str,
    /// What the progress bar says.
    pub what: &'a str,
    /// Who acts, as written into the episodes.
    pub source: Source,
    /// SHA-256 of the policy that acts.
    pub policy: Option<String>,
    /// Seeds of the scenes, one an episode.
    pub seeds: Vec<Seed>,
    /// Policy ticks of an episode.
    pub ticks: u64,
}

/// Records a set of episodes and writes the judge's notes beside them.
///
/// # Errors
/// When cells, agent or recorder fail, or the user stops; whole groups stay, and resuming goes on
/// after them.
pub fn record(
    context: &Context,
    cells: &mut Cells,
    agent: &mut dyn Agent,
    recording: &Recording<'_>,
) -> Result<Judged> {
    let folder = context.dir.path(recording.folder);
    fs::create_dir_all(&folder)?;
    let mut meta = episode_meta(context, recording)?;
    let plans: Vec<EpisodePlan> = recording
        .seeds
        .iter()
        .enumerate()
        .map(|(i, &seed)| {
            meta.seed = seed.0;
            EpisodePlan {
                path: folder.join(format!("episode-{i:04}.mcap")),
                meta: meta.clone(),
                seed,
            }
        })
        .collect();
    let name = recording.folder.replace('/', "-");
    let unfinished = format!("judge/{name}.unfinished.json");
    let mut judged = resumable(context, &unfinished, &plans, cells.loops.len());
    let todo = &plans[judged.episodes.len()..];
    for plan in todo {
        // Left half-way by a run that was stopped: the same seeds give the same episodes again.
        let _ = fs::remove_file(&plan.path);
    }
    let bar = context.bar(plans.len() as u64, recording.what);
    bar.set_position(judged.episodes.len() as u64);
    let mut picked = judged.episodes.iter().filter(|e| e.succeeded()).count();
    let live = |robot: usize, tick: &Tick| {
        if let (0, Some(view)) = (robot, &context.view) {
            if tick.index == 0 {
                view.begin_episode(recording.what);
            }
            view.observation(tick.index, &tick.observation);
            view.action(tick.index, &tick.action);
        }
    };
    for group in todo.chunks(cells.loops.len()) {
        let before = cells.totals();
        let nodes = &cells.nodes;
        record_episodes(
            &mut cells.loops,
            agent,
            group,
            recording.ticks,
            &live,
            |done| {
                let note = JudgedEpisode {
                    id: done.entry.id.clone(),
                    file: done.entry.file.clone(),
                    seed: group[done.plan].seed.0,
                    outcome: nodes.get(done.robot).map(|n| n.judge().outcome()),
                };
                picked += usize::from(note.succeeded());
                judged.episodes.push(note);
                bar.inc(1);
                if !nodes.is_empty() {
                    bar.set_message(format!("{picked} picked up"));
                }
                true
            },
        )?;
        let after = cells.totals();
        judged.guard.commands += after.commands - before.commands;
        judged.guard.refusals += after.refusals - before.refusals;
        judged.guard.violations += after.violations - before.violations;
        context.dir.write(&unfinished, &judged)?;
        if context.stopping() {
            bail!(
                "stopped on request after {} of {} episodes; the same command goes on from there",
                judged.episodes.len(),
                plans.len()
            );
        }
    }
    bar.finish();
    Catalog::rebuild(&folder)?;
    context.dir.write(&format!("judge/{name}.json"), &judged)?;
    let _ = fs::remove_file(context.dir.path(&unfinished));
    Ok(judged)
}

/// The notes of a recording that was stopped, as far as they are of these plans, their files are
/// there and groups are whole.
fn resumable(context: &Context, file: &str, plans: &[EpisodePlan], group: usize) -> Judged {
    let Ok(mut notes) = context.dir.read::<Judged>(file) else {
        return Judged::default();
    };
    let good = notes
        .episodes
        .iter()
        .zip(plans)
        .take_while(|(note, plan)| note.seed == plan.seed.0 && plan.path.exists())
        .count();
    if good < notes.episodes.len() || !good.is_multiple_of(group) {
        notes = Judged::default();
    }
    notes
}

/// Writes a folder's episodes to `run.rrd`, with their rewards where there are any.
///
/// # Errors
/// When an episode cannot be read or the file cannot be written.
pub fn write_recording(context: &Context, folder: &str, scores: Option<&[Scored]>) -> Result<()> {
    let notes = judged(context, folder)?;
    let dir = context.dir.path(folder);
    let part = context.dir.path(".run.rrd.part");
    let studio = Studio::to_file(&part, &describe(context)?)?;
    for (i, note) in notes.episodes.iter().enumerate() {
        let episode = Episode::open(dir.join(&note.file))?;
        let curve = scores
            .and_then(|s| s.get(i))
            .map(|s| spread(&s.moments, episode.ticks.len()));
        studio.episode(&episode, format!("{folder} {i:03}"), curve.as_deref());
    }
    studio.finish()?;
    fs::rename(part, context.dir.path(RECORDING))?;
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

/// The judge's notes on a folder.
///
/// # Errors
/// When it has not been recorded.
pub fn judged(context: &Context, folder: &str) -> Result<Judged> {
    context
        .dir
        .read(&format!("judge/{}.json", folder.replace('/', "-")))
}

/// Opens the episodes of a folder in order of recording.
///
/// # Errors
/// When one cannot be read.
pub fn open_all(context: &Context, folder: &str, judged: &Judged) -> Result<Vec<Episode>> {
    use rayon::prelude::*;
    let dir = context.dir.path(folder);
    judged
        .episodes
        .par_iter()
        .map(|e| Ok(Episode::open(dir.join(&e.file))?))
        .collect()
}

/// Index of each episode by id.
#[must_use]
pub fn by_id(judged: &Judged) -> BTreeMap<EpisodeId, usize> {
    judged
        .episodes
        .iter()
        .enumerate()
        .map(|(i, e)| (e.id.clone(), i))
        .collect()
}

fn episode_meta(context: &Context, recording: &Recording<'_>) -> Result<EpisodeMeta> {
    let description = describe(context)?;
    let cameras = description
        .cameras
        .iter()
        .map(|c| CameraInfo {
            name: c.name.clone(),
            width: c.width,
            height: c.height,
        })
        .collect();
    let kind = if description.is_cartesian() {
        "cartesian_pose_and_opening"
    } else {
        "joint_positions"
    };
    let mut meta = EpisodeMeta::new(
        context.config.run.task.clone(),
        description.name.clone(),
        recording.source,
        cameras,
        kind,
        description.action_dim(),
        description.policy_hz,
    );
    meta.policy.clone_from(&recording.policy);
    meta.robot_description_sha256 = Some(apprentice_core::sha256_bytes(
        description.to_toml()?.as_bytes(),
    ));
    Ok(meta)
}
