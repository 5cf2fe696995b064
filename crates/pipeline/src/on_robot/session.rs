//! A robot on which policies are tried, one trial at a time.

use super::counted::Counted;
use super::judging::{Asked, Said, ask, line};
use crate::context::Context;
use crate::lookers_on::LookersOn;
use crate::recording::{Recording, plans, say_figures, show};
use crate::robots::{Robots, describe};
use crate::timing;
use crate::trials::{
    EpisodeFile, Guarding, PolicyIdentity, Purpose, Start, Trial, TrialLog, Verdict,
};
use anyhow::{Context as _, Result};
use apprentice_control::{Agent, ControlError, ControlLoop, record_episodes};
use apprentice_core::Seed;
use apprentice_episode::{Source, Tick};
use apprentice_link::LinkError;
use apprentice_safety::Denial;
use std::io::BufRead;
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// Why a trial was cut short that the user ended while the arm moved.
pub const INTERRUPTED: &str = "stopped on request while the arm moved";

/// A robot, who judges, and the log.
pub struct TrialSession<'a> {
    /// The run.
    pub context: &'a Context,
    /// The robot; the first of them where several are simulated.
    pub robots: Robots,
    /// Every trial of the run.
    pub log: TrialLog,
    /// Folder of the recordings, below the run's.
    pub folder: &'static str,
    /// Policy ticks of a trial.
    pub ticks: u64,
    /// Who says how it went.
    pub asked: Asked,
    /// Where people type.
    pub typed: Box<dyn BufRead>,
}

/// What is to be tried.
pub struct WantedTrial<'a> {
    /// What for.
    pub purpose: Purpose,
    /// Of which comparison; empty for none.
    pub comparison: &'a str,
    /// Which policy.
    pub policy: &'a PolicyIdentity,
    /// From which start.
    pub start: Start,
    /// Its place in its pair.
    pub place: Option<u8>,
    /// What people are told, which must not give the policy away.
    pub what: &'a str,
    /// What a person who sets up scenes is told to do.
    pub scene: &'a str,
}

/// How a trial ended.
#[derive(Debug)]
pub enum TrialEnd {
    /// It is in the log.
    Logged(Box<Trial>),
    /// The user stopped before the arm moved: it does not count.
    Cancelled,
    /// Somebody stopped the arm, or took it away: it is in the log as a failure, and why.
    ArmStopped(String),
    /// Somebody had stopped the arm before it began: it does not count, and why.
    NotBegun(String),
}

impl TrialSession<'_> {
    /// Whether a person sets up the scenes.
    #[must_use]
    pub fn people_set_up(&self) -> bool {
        !self.robots.loops.iter().all(ControlLoop::sets_up_scenes)
    }

    /// Runs one trial, asks how it went, and logs it.
    ///
    /// # Errors
    /// When robot, agent or recorder fail, nobody says how it went, or the log cannot be written. The trial then does
    /// not count.
    pub fn run(&mut self, agent: &mut dyn Agent, wanted: &WantedTrial<'_>) -> Result<TrialEnd> {
        let context = self.context;
        if self.people_set_up() {
            context.warn(&format!(
                "{}: {}. When you press Enter the arm moves to its home posture, then begins (Ctrl-C and Enter end)",
                wanted.what, wanted.scene
            ));
            line(self.typed.as_mut())?;
        }
        if context.stopping() {
            return Ok(TrialEnd::Cancelled);
        }
        let recording = Recording {
            folder: self.folder,
            what: wanted.what,
            source: Source::Policy,
            policy: Some(wanted.policy.sha256.clone()),
            seeds: vec![Seed(wanted.start.seed)],
            ticks: self.ticks,
        };
        let mut plan = plans(context, &recording)?
            .pop()
            .context("one seed makes one plan")?;
        let file = format!("trial-{:04}.mcap", self.log.trials().len());
        let path = context.dir.path(self.folder);
        std::fs::create_dir_all(&path)
            .with_context(|| format!("{} cannot be made", path.display()))?;
        // What a trial that did not count left.
        context.dir.set_aside(&format!("{}/{file}", self.folder))?;
        plan.path = path.join(&file);
        let matters = &context.config.promotion.interventions;
        let first_second = describe(context)?.policy_hz.ceil() as u64;
        // Whoever judges does not know which policy acts.
        let lookers_on = LookersOn::of(&self.robots, [&plan], context.dir.root(), true);
        let counted = Mutex::new(Counted::default());
        let watch = |robot: usize, tick: &Tick| {
            let mut counts = counted.lock().unwrap_or_else(PoisonError::into_inner);
            counts.add(tick, matters, first_second);
            drop(counts);
            lookers_on.tell(robot, tick);
            show(context, wanted.what, robot, tick);
        };
        let mut entry = None;
        let one = self.robots.loops.len().min(1);
        let ran = record_episodes(
            &mut self.robots.loops[..one],
            agent,
            std::slice::from_ref(&plan),
            self.ticks,
            context.config.inference.chunking,
            &watch,
            |finished| {
                entry = Some(finished.entry.clone());
                true
            },
        );
        let counted = counted.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut guarding = Guarding {
            ticks: counted.ticks.ticks,
            interventions: counted.mattered,
            reasons: counted.ticks.reasons,
            takeovers: counted.takeovers,
            ..Guarding::default()
        };
        let stopped = match ran {
            Ok(figures) => {
                say_figures(context, &figures);
                timing::add(context, self.folder, &figures)?;
                None
            }
            Err(ControlError::Link(refused @ LinkError::Refused { .. })) if is_a_stop(&refused) => {
                return Ok(TrialEnd::NotBegun(refused.to_string()));
            }
            Err(error @ ControlError::Link(_)) if error.is_control_lost() => {
                guarding.stops = 1;
                Some(error.to_string())
            }
            // Why a person wants the end while the arm moves, nobody knows.
            Err(ControlError::Stopped) if context.stopping() && guarding.ticks > 0 => {
                guarding.stops = 1;
                Some(INTERRUPTED.to_owned())
            }
            Err(_) if context.stopping() => return Ok(TrialEnd::Cancelled),
            Err(error) => return Err(error.into()),
        };
        let (said, unanswered) = if stopped.is_some() {
            (Said::nothing(Verdict::No), None)
        } else {
            let (asked, seed) = (&self.asked, wanted.start.seed);
            match ask(context, asked, &self.robots, seed, self.typed.as_mut()) {
                Ok(said) => (said, None),
                // It was driven: what nobody said of it is unsure, and it is not driven again.
                Err(why) => (Said::nothing(Verdict::Unsure), Some(why)),
            }
        };
        guarding.drops = said.drops;
        let trial = self.log.append(Trial {
            number: 0,
            purpose: wanted.purpose,
            comparison: wanted.comparison.to_owned(),
            policy: wanted.policy.clone(),
            start: wanted.start,
            place: wanted.place,
            success: said.success,
            preferred: said.preferred,
            judge: said.judge,
            facts: said.facts,
            guarding,
            reward: None,
            episode: entry.map(|entry| EpisodeFile {
                id: entry.id,
                folder: self.folder.to_owned(),
                file: entry.file,
            }),
            at_unix_ms: now_unix_ms(),
        })?;
        if let Some(why) = unanswered {
            return Err(why.context(format!("{} is in the log as unsure", wanted.what)));
        }
        Ok(match stopped {
            Some(why) => TrialEnd::ArmStopped(why),
            None => TrialEnd::Logged(Box::new(trial.clone())),
        })
    }
}

/// Whether the arm refuses since it was stopped.
fn is_a_stop(error: &LinkError) -> bool {
    matches!(error, LinkError::Refused { reason, .. } if reason.starts_with(Denial::Stopped.name()))
}

/// The time, milliseconds since 1970.
fn now_unix_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.as_millis() as u64)
}
