//! Recording a set of episodes, with their outcomes kept apart from them.

use crate::context::Context;
use crate::episode_verdict::RobotWitness;
use crate::layout::{outcomes_file, unfinished_outcomes_file};
use crate::lookers_on::LookersOn;
use crate::outcomes::{EpisodeOutcome, GuardCounts, Outcomes};
use crate::resume_recording::{Wanted, resume};
use crate::robots::{Robots, describe};
use crate::timing;
use anyhow::{Result, bail};
use apprentice_control::{
    Agent, ControlError, ControlLoop, EpisodePlan, RealTimeStats, record_episodes,
};
use apprentice_core::Seed;
use apprentice_episode::{CameraInfo, Catalog, EpisodeMeta, Source, Tick};
use std::fs;
use std::sync::{Mutex, PoisonError};

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

/// Records a set of episodes and writes their outcomes beside them. What is recorded of it already stands; anything
/// else in the folder is moved aside.
///
/// # Errors
/// When robots, agent or recorder fail, or the user stops; whole groups stay, and resuming goes on
/// after them.
pub fn record(
    context: &Context,
    robots: &mut Robots,
    agent: &mut dyn Agent,
    recording: &Recording<'_>,
) -> Result<Outcomes> {
    let folder = context.dir.path(recording.folder);
    let plans = plans(context, recording)?;
    let unfinished = unfinished_outcomes_file(recording.folder);
    let group = robots.loops.len();
    let mut list = resume(
        &context.dir,
        &Wanted {
            folder: recording.folder,
            plans: &plans,
            ticks: recording.ticks,
            group,
            simulated: !robots.nodes.is_empty(),
        },
    )?;
    let todo = list.missing(&plans);
    let done = context.config.task.words().done;
    let bar = context.bar(plans.len() as u64, recording.what);
    bar.set_position((plans.len() - todo.len()) as u64);
    let mut witness = RobotWitness::default();
    let mut succeeded = list.episodes.iter().filter(|e| e.succeeded()).count();
    for group in todo.chunks(group.max(1)) {
        let before: Vec<_> = robots.loops.iter().map(ControlLoop::totals).collect();
        let nodes = &robots.nodes;
        let lookers_on = LookersOn::of(robots, group, context.dir.root(), false);
        let counted = Mutex::new(vec![GuardCounts::default(); robots.loops.len()]);
        let watch = |robot: usize, tick: &Tick| {
            let mut counts = counted.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(counts) = counts.get_mut(robot) {
                counts.add_tick(&tick.guard_interventions);
            }
            drop(counts);
            lookers_on.tell(robot, tick);
            show(context, recording.what, robot, tick);
        };
        if !robots.loops.iter().all(ControlLoop::sets_up_scenes) {
            ask_for_scene(context, recording.what)?;
        }
        let mut recorded = Vec::new();
        let figures = record_episodes(
            &mut robots.loops,
            agent,
            group,
            recording.ticks,
            context.config.inference.chunking,
            &watch,
            |finished| {
                let outcome = EpisodeOutcome {
                    id: finished.entry.id.clone(),
                    file: finished.entry.file.clone(),
                    seed: group[finished.plan].seed.0,
                    outcome: nodes
                        .get(finished.robot)
                        .map(|n| n.ground_truth().outcome()),
                    guard: None,
                    added: false,
                };
                succeeded += usize::from(outcome.succeeded());
                recorded.push((finished.robot, outcome));
                bar.inc(1);
                if !nodes.is_empty() {
                    bar.set_message(format!("{succeeded} {done}"));
                }
                true
            },
        );
        let figures = match figures {
            Err(ControlError::Stopped) if context.stopping() => bail!(
                "stopped on request: {} of {} episodes are recorded, the one under way is not; the same command goes on \
                 from there",
                list.episodes.len(),
                plans.len()
            ),
            figures => figures?,
        };
        say_figures(context, &figures);
        timing::add(context, recording.folder, &figures)?;
        let mut counted = counted.into_inner().unwrap_or_else(PoisonError::into_inner);
        for ((counts, before), robot) in counted.iter_mut().zip(before).zip(&robots.loops) {
            counts.add_counts(before, robot.totals());
            list.guard += counts;
        }
        for (robot, mut outcome) in recorded {
            outcome.guard = counted.get(robot).cloned();
            // The arm was given back: now a real robot may be asked.
            if let (None, Some(control)) = (&outcome.outcome, robots.loops.get(robot)) {
                outcome.outcome = witness.outcome(context, control, outcome.seed);
                succeeded += usize::from(outcome.succeeded());
                if outcome.success().is_some() {
                    bar.set_message(format!("{succeeded} {done}"));
                }
            }
            list.episodes.push(outcome);
        }
        list.put_in_order(&plans);
        context.dir.write(&unfinished, &list)?;
        if context.stopping() {
            bail!(
                "stopped on request after {} of {} episodes; the same command goes on from there",
                list.episodes.len(),
                plans.len()
            );
        }
    }
    bar.finish();
    Catalog::rebuild(&folder)?;
    context.dir.write(&outcomes_file(recording.folder), &list)?;
    // Left where it cannot be removed: it says the same as the list.
    let _ = fs::remove_file(context.dir.path(&unfinished));
    Ok(list)
}

/// A person sets up the scene, and says when the arm may move.
fn ask_for_scene(context: &Context, what: &str) -> Result<()> {
    context.warn(&format!(
        "{what}: set up the next scene. When you press Enter the arm moves to its home posture, then begins \
         (Ctrl-C and Enter end)"
    ));
    let mut line = String::new();
    if std::io::stdin().read_line(&mut line)? == 0 {
        bail!("nobody is there to set up scenes: standard input has ended");
    }
    if context.stopping() {
        bail!("stopped on request, before the arm moved; the same command goes on from there");
    }
    Ok(())
}

/// What robots that moved while their agent thought were like.
pub(crate) fn say_figures(context: &Context, figures: &RealTimeStats) {
    if figures.decisions == 0 {
        return;
    }
    let mut line = format!(
        "{} decisions, the slowest {:.0} ms; {} ticks without one; largest step of the action {:.3}",
        figures.decisions, figures.slowest_ms, figures.starved, figures.largest_jump
    );
    if !figures.lateness_us.is_empty() {
        line += &format!(
            "; control ticks late by {:.0} us (p50), {:.0} us (p99)",
            figures.lateness(0.5),
            figures.lateness(0.99)
        );
    }
    context.say(&line);
}

/// Shows the first robot's tick on the page, if there is one.
pub(crate) fn show(context: &Context, what: &str, robot: usize, tick: &Tick) {
    if let (0, Some(view)) = (robot, &context.view) {
        if tick.index == 0 {
            view.begin_episode(what);
        }
        view.observation(tick.index, &tick.observation);
        view.action(tick.index, &tick.action);
        view.guarded(tick);
    }
}

/// The episodes of a recording, in order.
pub(crate) fn plans(context: &Context, recording: &Recording<'_>) -> Result<Vec<EpisodePlan>> {
    let folder = context.dir.path(recording.folder);
    let meta = episode_meta(context, recording)?;
    let plan = |(i, &seed): (usize, &Seed)| {
        let mut meta = meta.clone();
        meta.seed = seed.0;
        EpisodePlan {
            path: folder.join(format!("episode-{i:04}.mcap")),
            meta,
            seed,
        }
    };
    Ok(recording.seeds.iter().enumerate().map(plan).collect())
}

/// What episodes of a recording say of themselves; the seed is still to be filled in.
pub(crate) fn episode_meta(context: &Context, recording: &Recording<'_>) -> Result<EpisodeMeta> {
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
    let mut meta = EpisodeMeta::new(
        context.config.instruction(),
        description.name.clone(),
        recording.source,
        cameras,
        description.action_space().name(),
        description.action_dim(),
        description.policy_hz,
    );
    meta.policy.clone_from(&recording.policy);
    meta.robot_description_sha256 = Some(apprentice_core::sha256_bytes(
        description.to_toml()?.as_bytes(),
    ));
    Ok(meta)
}
