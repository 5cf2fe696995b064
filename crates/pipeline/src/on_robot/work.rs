//! A policy at its work on a robot, until told to stop. Where it is the promoted one, the watch over it hears of every
//! episode, and where that goes back to the version before, the work goes on with that one.

use super::chosen::choose;
use super::figures::Tried;
use super::judging::Asked;
use super::session::{INTERRUPTED, TrialEnd, TrialSession, WantedTrial};
use crate::context::Context;
use crate::layout::{TRIALS, WORK_EPISODES};
use crate::robots::Robots;
use crate::run_lock::{Activity, take};
use crate::trials::{Purpose, Start, TrialLog};
use crate::versions::fresh::FreshEpisode;
use crate::versions::store::History;
use crate::versions::watch::Watch;
use anyhow::Result;
use apprentice_policy::PolicyAgent;
use serde_json::{Value, json};
use std::io::BufRead;

/// How to work.
#[derive(Clone, Debug)]
pub struct WorkSettings {
    /// `base`, `aligned`, `current` or a file.
    pub policy: String,
    /// Episodes; until told to stop without.
    pub episodes: Option<u64>,
    /// Who says how they went.
    pub asked: Asked,
}

/// Whether the arm's policy is another than the one of this content.
fn is_outdated(context: &Context, sha256: &str) -> Result<bool> {
    let history = History::of(&context.dir)?;
    Ok(history.current()?.is_some_and(|v| v.sha256 != sha256))
}

/// Works. Answers what came of it, for scripts.
///
/// # Errors
/// When the policy does not fit, or robot, recorder or log fail. What was recorded stays.
pub fn work(context: &Context, settings: &WorkSettings, typed: Box<dyn BufRead>) -> Result<Value> {
    let mut chosen = choose(context, &settings.policy)?;
    let mut identity = chosen.identity;
    let mut agent = PolicyAgent::new(chosen.policy);
    let current = settings.policy == "current";
    let mut warned = false;
    let _recording = take(&context.dir, Activity::Recording)?;
    let log = TrialLog::open(&context.dir.path(TRIALS))?;
    let before = log.trials().len();
    let mut number = log
        .trials()
        .iter()
        .filter(|t| t.purpose == Purpose::Work)
        .count() as u64;
    let mut session = TrialSession {
        context,
        robots: Robots::start(context)?,
        log,
        folder: WORK_EPISODES,
        ticks: context.config.rollouts.ticks,
        asked: settings.asked.clone(),
        typed,
    };
    let (mut done, mut rolled_back) = (0, Vec::new());
    let ended = loop {
        if context.stopping() {
            break "stopped on request".to_owned();
        }
        if settings.episodes.is_some_and(|wanted| done >= wanted) {
            break "all episodes done".to_owned();
        }
        // A person may have promoted another, or gone back, since the last episode.
        if current && is_outdated(context, &identity.sha256)? {
            chosen = choose(context, &settings.policy)?;
            identity = chosen.identity;
            agent = PolicyAgent::new(chosen.policy);
            context.say("the arm's policy was changed meanwhile: this one drives from now on");
        }
        let what = format!("episode {}", done + 1);
        let wanted = WantedTrial {
            purpose: Purpose::Work,
            comparison: "",
            policy: &identity,
            start: Start {
                number,
                seed: context.seed.derive("work", number).0,
                by_person: session.people_set_up(),
            },
            place: None,
            what: &what,
            scene: "set up the next scene",
        };
        let end = session.run(&mut agent, &wanted)?;
        if matches!(end, TrialEnd::Cancelled) {
            break "stopped on request".to_owned();
        }
        if let TrialEnd::NotBegun(why) = end {
            break format!("the arm was stopped: {why}");
        }
        done += 1;
        number += 1;
        if let Some(trial) = session.log.trials().last()
            && let Some(mut watch) = Watch::of_current(&context.dir)?
            && watch.watches(&trial.policy.sha256)
        {
            let episode = FreshEpisode::of_trial(trial);
            if episode.success.is_none() && !warned {
                warned = true;
                context.warn(
                    "nobody says whether the task was done, so a fall of success is not noticed; --verdict ask or \
                     --verdict robot lets the watch see it",
                );
            }
            if let Some(event) = watch.finished(episode)? {
                let reason = format!(
                    "back to version {}: {}",
                    event.version,
                    event
                        .reason
                        .as_deref()
                        .unwrap_or("the promised bound broke")
                );
                context.warn(&reason);
                rolled_back.push(reason.clone());
                if !current {
                    break reason;
                }
                chosen = choose(context, &settings.policy)?;
                identity = chosen.identity;
                agent = PolicyAgent::new(chosen.policy);
            }
        }
        match end {
            TrialEnd::ArmStopped(why) if why == INTERRUPTED => {
                break "stopped on request".to_owned();
            }
            TrialEnd::ArmStopped(why) => {
                context.warn(&format!("{what} was cut short: {why}"));
                break format!("the arm was stopped: {why}");
            }
            TrialEnd::Logged(_) | TrialEnd::Cancelled | TrialEnd::NotBegun(_) => {
                context.say(&format!("{what} is recorded"));
            }
        }
    };
    let trials = session.log.trials().get(before..).unwrap_or_default();
    Ok(json!({
        "policy": settings.policy,
        "sha256": identity.sha256,
        "folder": context.dir.path(WORK_EPISODES),
        "episodes": done,
        "tried": Tried::of(trials.iter()),
        "rolled_back": rolled_back,
        "ended": ended,
    }))
}
