//! Recording a set of episodes in simulated cells, with the judge's notes kept apart from them.

use crate::context::Context;
use crate::stages::cells::{Cells, describe};
use anyhow::Result;
use apprentice_core::Seed;
use apprentice_episode::{CameraInfo, Catalog, Episode, EpisodeId, EpisodeMeta, Source};
use apprentice_runtime::{Agent, EpisodePlan, GuardTotals, record_episodes};
use apprentice_sim::{Grasp, Outcome};
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

/// One episode and its outcome.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct JudgedEpisode {
    /// The episode.
    pub id: EpisodeId,
    /// Its file's name.
    pub file: String,
    /// Its seed.
    pub seed: u64,
    /// How it ended.
    pub outcome: Outcome,
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
        self.outcome.success && self.outcome.grasp == Some(grasp)
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
/// When cells, agent or recorder fail; what was recorded stays and is recorded anew on resuming.
pub fn record(
    context: &Context,
    cells: &mut Cells,
    agent: &mut dyn Agent,
    recording: &Recording<'_>,
) -> Result<Judged> {
    let folder = context.dir.path(recording.folder);
    fs::create_dir_all(&folder)?;
    let before = cells.totals();
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
    for plan in &plans {
        // Left by a run that was stopped: the same seeds give the same episodes again.
        let _ = fs::remove_file(&plan.path);
    }
    let bar = context.bar(plans.len() as u64, recording.what);
    let mut judged = Judged::default();
    let mut picked = 0u64;
    let nodes = &cells.nodes;
    record_episodes(&mut cells.loops, agent, &plans, recording.ticks, |done| {
        let outcome = nodes[done.robot].judge().outcome();
        picked += u64::from(outcome.success);
        judged.episodes.push(JudgedEpisode {
            id: done.entry.id.clone(),
            file: done.entry.file.clone(),
            seed: plans[done.plan].seed.0,
            outcome,
        });
        bar.inc(1);
        bar.set_message(format!("{picked} picked up"));
        !context.stopping()
    })?;
    bar.finish();
    let after = cells.totals();
    judged.guard = Totals {
        commands: after.commands - before.commands,
        refusals: after.refusals - before.refusals,
        violations: after.violations - before.violations,
    };
    Catalog::rebuild(&folder)?;
    context.dir.write(
        &format!("judge/{}.json", recording.folder.replace('/', "-")),
        &judged,
    )?;
    Ok(judged)
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
