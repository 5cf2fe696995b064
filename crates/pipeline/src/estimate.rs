//! What a run is going to do and about how long it takes: each kind of work is tried for a moment on this machine, with
//! the run's own settings, and the time is multiplied by the amount.

use crate::config::Config;
use crate::context::Context;
use crate::freshness::{lacks, out_of_date};
use crate::layout::BASE_POLICY;
use crate::outcomes::{Outcomes, open_all};
use crate::policies::{load, load_diffusion};
use crate::recording::{Recording, record};
use crate::robots::{Robots, describe};
use crate::run_dir::RunDir;
use crate::scores::{clips_of, encoder, extract, learn_reward};
use crate::stages::STAGES;
use crate::stages::demonstrate::ExpertAgent;
use crate::stages::reward::COMPARISONS;
use crate::work::{Episodes, Work};
use anyhow::Result;
use apprentice_align::align_policy;
use apprentice_core::Seed;
use apprentice_encoder::WeightsSource;
use apprentice_episode::{Episode, EpisodeId, Source};
use apprentice_policy::{PolicyAgent, Windows};
use apprentice_preference::Judgement;

use apprentice_studio::Studio;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

/// Policy ticks of the short and of the long episodes that are tried: from their difference follows the time of a tick,
/// without what starting and ending an episode takes.
const TICKS: [u64; 2] = [2, 18];
/// Episodes of a ranking.
const RANKED: usize = 4;
/// Optimiser steps that are tried; the first is not counted, since it allocates.
const STEPS: usize = 4;

/// Time of an episode: what it takes whatever its length, and more for each tick. Seconds, for as many episodes at once
/// as there are robots.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct EpisodeTime {
    fixed: f64,
    tick: f64,
}

/// Seconds for one of each kind of work.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Speeds {
    robots: u64,
    expert: EpisodeTime,
    policy: EpisodeTime,
    read_tick: f64,
    viewer_tick: f64,
    encoded_episode: f64,
    training_step: f64,
    backbone_step: f64,
    encoder_step: f64,
    alignment_step: f64,
}

impl Speeds {
    /// Seconds that some work takes.
    #[must_use]
    pub fn seconds(&self, work: Work) -> f64 {
        let recorded = |time: EpisodeTime, episodes: Episodes| {
            let groups = episodes.count.div_ceil(self.robots.max(1));
            groups as f64 * (time.fixed + time.tick * episodes.ticks as f64)
        };
        let ticks = |e: Episodes| (e.count * e.ticks) as f64;
        match work {
            Work::ExpertEpisodes(e) => recorded(self.expert, e),
            Work::PolicyEpisodes(e) => recorded(self.policy, e),
            Work::ReadEpisodes(e) => self.read_tick * ticks(e),
            Work::ViewerEpisodes(e) => self.viewer_tick * ticks(e),
            Work::EncodedEpisodes(n) => self.encoded_episode * n as f64,
            Work::TrainingSteps(n) => self.training_step * n as f64,
            Work::BackboneSteps(n) => self.backbone_step * n as f64,
            Work::EncoderSteps(n) => self.encoder_step * n as f64,
            Work::AlignmentSteps(n) => self.alignment_step * n as f64,
            Work::Rankings(_) => 0.0,
        }
    }

    /// Tries every kind of work for a moment, in a folder beside the run's that is taken away again.
    ///
    /// # Errors
    /// When something cannot be tried.
    pub fn measure(context: &Context) -> Result<Self> {
        let folder = context.dir.path(".estimate");
        let measured = Probe::new(context, &folder).and_then(|trial| trial.speeds());
        // Left where it cannot be removed: the next trial uses it again.
        let _ = std::fs::remove_dir_all(&folder);
        measured
    }
}

/// A run of its own, to try things in.
struct Probe {
    context: Context,
}

impl Probe {
    fn new(context: &Context, folder: &std::path::Path) -> Result<Self> {
        let _ = std::fs::remove_dir_all(folder);
        let mut config = context.config.clone();
        config.train.steps = STEPS;
        config.train.warmup_steps = 1;
        config.align.steps = STEPS;
        config.align.warmup_steps = 1;
        config.align.smallest_gap = 0.0;
        config.encoder.cycle.steps = STEPS;
        config.reward.folds = 2;
        config.reward.permutations = 19;
        config.reward.significance = 1.0;
        Ok(Self {
            context: Context {
                dir: RunDir::make(folder)?,
                config,
                seed: context.seed.derive("estimate", 0),
                device: context.device.clone(),
                device_name: context.device_name.clone(),
                stop: std::sync::Arc::clone(&context.stop),
                view: None,
                quiet: true,
                named: Vec::new(),
            },
        })
    }

    fn speeds(&self) -> Result<Speeds> {
        let context = &self.context;
        let mut robots = Robots::start(context)?;
        let mut speeds = Speeds {
            robots: robots.loops.len() as u64,
            ..Speeds::default()
        };
        let mut agent = ExpertAgent::new(context, &robots)?;
        let mut list = Outcomes::default();
        speeds.expert = self.episode_time(|ticks| {
            let recording = Recording {
                folder: if ticks == TICKS[0] { "short" } else { "long" },
                what: "try",
                source: Source::Expert,
                policy: None,
                seeds: self.seeds(),
                ticks,
            };
            list = record(context, &mut robots, &mut agent, &recording)?;
            Ok(())
        })?;
        drop(robots);

        let ticks = (TICKS[1] * list.episodes.len() as u64) as f64;
        let mut episodes = Vec::new();
        speeds.read_tick = seconds(|| {
            episodes = open_all(context, "long", &list)?;
            Ok(())
        })? / ticks;
        speeds.viewer_tick = seconds(|| self.write_for_viewer(&episodes))? / ticks;
        self.try_policy(&list, &episodes, &mut speeds)?;
        self.try_encoder(&list, &episodes, &mut speeds)?;
        Ok(speeds)
    }

    /// One episode a robot, and as many as a ranking has at least.
    fn seeds(&self) -> Vec<Seed> {
        (0..self.context.config.run.robots.max(RANKED) as u64)
            .map(|i| self.context.seed.derive("try", i))
            .collect()
    }

    /// Tries episodes of both lengths.
    fn episode_time(&self, mut record: impl FnMut(u64) -> Result<()>) -> Result<EpisodeTime> {
        let groups = self.seeds().len().div_ceil(self.context.config.run.robots) as f64;
        let short = seconds(|| record(TICKS[0]))? / groups;
        let long = seconds(|| record(TICKS[1]))? / groups;
        let tick = (long - short).max(0.0) / (TICKS[1] - TICKS[0]) as f64;
        Ok(EpisodeTime {
            fixed: (short - tick * TICKS[0] as f64).max(0.0),
            tick,
        })
    }

    fn write_for_viewer(&self, episodes: &[Episode]) -> Result<()> {
        let context = &self.context;
        let studio = Studio::to_file(context.dir.path("try.rrd"), &describe(context)?)?;
        for episode in episodes {
            studio.episode(episode, "try", None);
        }
        studio.finish()?;
        Ok(())
    }

    fn try_policy(&self, list: &Outcomes, episodes: &[Episode], speeds: &mut Speeds) -> Result<()> {
        let context = &self.context;
        let config = &context.config;
        let named = list.episodes.iter().map(|e| e.file.as_str()).zip(episodes);
        let windows = Windows::new(named, &config.policy)?;
        let mut steps = Steps::default();
        let policy = config.policy.train(
            &windows,
            &config.train,
            context.seed,
            &context.device,
            &mut |_| steps.next(),
        )?;
        speeds.training_step = steps.seconds();
        policy.save(&context.dir.path(BASE_POLICY))?;
        let policy = load_diffusion(context, BASE_POLICY)?;
        let rewards: Vec<f64> = (0..episodes.len()).map(|i| i as f64).collect();
        let mut steps = Steps::default();
        align_policy(
            &policy,
            &windows,
            &rewards,
            &config.align,
            context.seed,
            |_| steps.next(),
        )?;
        speeds.alignment_step = steps.seconds();
        let mut robots = Robots::start(context)?;
        let mut agent = PolicyAgent::new(load(context, BASE_POLICY)?);
        speeds.policy = self.episode_time(|ticks| {
            let recording = Recording {
                folder: if ticks == TICKS[0] {
                    "shorter"
                } else {
                    "longer"
                },
                what: "try",
                source: Source::Policy,
                policy: None,
                seeds: self.seeds(),
                ticks,
            };
            record(context, &mut robots, &mut agent, &recording)?;
            Ok(())
        })?;
        Ok(())
    }

    fn try_encoder(
        &self,
        list: &Outcomes,
        episodes: &[Episode],
        speeds: &mut Speeds,
    ) -> Result<()> {
        let context = &self.context;
        let config = &context.config;
        let clips = clips_of(context, episodes)?;
        config.encoder.with_encoder(|encoder| -> Result<()> {
            if let WeightsSource::Training { .. } = encoder.weights() {
                let mut steps = Steps::default();
                let file = context.dir.path("tried.safetensors");
                encoder.train(&clips, context.seed, &context.device, &file, &mut |_, _| {
                    steps.next()
                })?;
                speeds.backbone_step = steps.seconds();
            }
            Ok(())
        })?;
        let encoder = encoder(context, Some(&clips))?;
        let mut features = Vec::new();
        let all = seconds(|| {
            features = extract(context, &encoder, &clips)?;
            Ok(())
        })?;
        speeds.encoded_episode = all / clips.len().max(1) as f64;
        let ids: Vec<EpisodeId> = (list.episodes.iter().take(RANKED))
            .map(|e| e.id.clone())
            .collect();
        let index = ids.iter().cloned().zip(0..).collect();
        let places: Vec<Vec<EpisodeId>> = ids.into_iter().map(|id| vec![id]).collect();
        let judgements = [0, 1].map(|_| Judgement::ranking(0, "try", 1.0, places.clone(), None));
        let learning = seconds(|| {
            learn_reward(context, &features, &index, (&judgements, None), |_| true)?;
            Ok(())
        })?;
        // Two folds with one ranking each and a model with both, each a step or more an epoch.
        let steps = |comparisons| config.reward.learner.steps(comparisons) as f64;
        speeds.encoder_step = learning / (2.0 * steps(COMPARISONS) + steps(2 * COMPARISONS));
        Ok(())
    }
}

/// When optimiser steps ended.
#[derive(Default)]
struct Steps(Vec<Instant>);

impl Steps {
    /// A step has ended; more are wanted.
    fn next(&mut self) -> bool {
        self.0.push(Instant::now());
        true
    }

    /// Seconds of a step.
    fn seconds(&self) -> f64 {
        match (self.0.first(), self.0.last()) {
            (Some(first), Some(last)) if self.0.len() > 1 => {
                (*last - *first).as_secs_f64() / (self.0.len() - 1) as f64
            }
            _ => 0.0,
        }
    }
}

fn seconds(work: impl FnOnce() -> Result<()>) -> Result<f64> {
    let started = Instant::now();
    work()?;
    Ok(started.elapsed().as_secs_f64())
}

/// Says which stages are going to run, what each has to do, and about how long it takes here.
///
/// # Errors
/// When what the run holds already cannot be read.
pub fn say_plan(context: &Context) -> Result<()> {
    // Nothing moves a robot only to see how long it takes.
    let simulated = context.config.robot.endpoint.is_empty();
    let measured = simulated.then(|| Speeds::measure(context)).transpose();
    let speeds = measured.unwrap_or_else(|error| {
        context.warn(&format!("how long it takes cannot be told: {error:#}"));
        None
    });
    let (dir, run_settings) = (&context.dir, context.run_settings());
    let mut lines = format!("In {}:\n", dir.root().display());
    let mut all = 0.0;
    for stage in STAGES {
        let stands = match dir.done(stage.name) {
            Some(mark) => {
                out_of_date(dir, &run_settings, stage, &mark)?.is_empty()
                    && lacks(dir, &run_settings, stage)?.is_none()
            }
            None => false,
        };
        if stands {
            let _ = writeln!(lines, "  {:<17} done before", stage.name);
            continue;
        }
        let (amounts, seconds) = amounts(stage.work, &context.config, speeds.as_ref());
        all += seconds;
        let time = if speeds.is_some() {
            about(seconds)
        } else {
            String::new()
        };
        let _ = writeln!(lines, "  {:<17} {amounts:<88} {time}", stage.name);
    }
    if speeds.is_some() {
        let _ = write!(
            lines,
            "  {} in all on this machine, estimated from a short trial of each",
            about(all)
        );
    }
    context.say(lines.trim_end());
    Ok(())
}

/// What there is to do, in words, and how many seconds it takes.
fn amounts(
    work: fn(&Config) -> Vec<Work>,
    config: &Config,
    speeds: Option<&Speeds>,
) -> (String, f64) {
    let work = work(config);
    let seconds = speeds.map_or(0.0, |s| work.iter().map(|w| s.seconds(*w)).sum());
    let words: Vec<String> = work
        .iter()
        .map(|w| w.in_words())
        .filter(|w| !w.is_empty())
        .collect();
    (words.join(", "), seconds)
}

/// A time that is only roughly known, in words.
fn about(seconds: f64) -> String {
    let time = Duration::from_secs_f64(seconds.clamp(0.0, 1e9));
    match time.as_secs() {
        _ if seconds < 0.05 => "a moment".to_owned(),
        0..1 => "about a second or less".to_owned(),
        1..90 => format!("about {} s", seconds.round()),
        90..5400 => format!("about {} min", (seconds / 60.0).round()),
        _ => format!("about {:.1} h", seconds / 3600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_follows_from_amount_and_speed() {
        let speeds = Speeds {
            robots: 4,
            expert: EpisodeTime {
                fixed: 1.0,
                tick: 0.1,
            },
            training_step: 0.05,
            ..Speeds::default()
        };
        // Ten episodes are three groups of four robots.
        let shown = Work::ExpertEpisodes(Episodes {
            count: 10,
            ticks: 20,
        });
        assert!((speeds.seconds(shown) - 9.0).abs() < 1e-9);
        let config = Config::load(None, &["train.steps=200".into()]).unwrap();
        let (words, seconds) = amounts(
            |c| vec![Work::TrainingSteps(c.train.steps as u64)],
            &config,
            Some(&speeds),
        );
        assert_eq!((words.as_str(), seconds), ("200 training steps", 10.0));
    }

    #[test]
    fn times_are_said_roughly() {
        let said = [0.0, 0.2, 12.4, 158.0, 9000.0].map(about);
        assert_eq!(
            said,
            [
                "a moment",
                "about a second or less",
                "about 12 s",
                "about 3 min",
                "about 2.5 h"
            ]
        );
    }

    #[test]
    fn every_stage_with_networks_or_robots_has_an_amount() {
        let config = Config::load(None, &[]).unwrap();
        for stage in STAGES.iter().filter(|s| s.computes || s.drives_robot) {
            assert_ne!((stage.work)(&config), [], "{}", stage.name);
        }
    }
}
