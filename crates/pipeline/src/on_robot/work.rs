//! A policy at its work on a robot, until told to stop. Where it is the promoted one, the watch over it hears of every
//! episode, and where that goes back to the version before, the work goes on with that one.

use super::chosen::choose;
use super::figures::Tried;
use super::judging::Asked;
use super::session::{TrialEnd, TrialSession, WantedTrial};
use crate::context::Context;
use crate::layout::{TRIALS, WORK_EPISODES};
use crate::robots::Robots;
use crate::run_lock::{Activity, take};
use crate::trials::{Purpose, Start, TrialLog};
use crate::versions::event::Event;
use crate::versions::fresh::FreshEpisode;
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

/// Works. Answers what came of it, for scripts.
///
/// # Errors
/// When the policy does not fit, or robot, recorder or log fail. What was recorded stays.
pub fn work(context: &Context, settings: &WorkSettings, typed: Box<dyn BufRead>) -> Result<Value> {
    let chosen = choose(context, &settings.policy)?;
    let mut identity = chosen.identity;
    let mut agent = PolicyAgent::new(chosen.policy);
    let follows = settings.policy == "current";
    let mut rolled_back = Vec::new();
    if follows && let Some(watch) = Watch::of_current(&context.dir)? {
        rolled_back.extend(watch.overdue()?.map(|event| back(context, &event)));
        if watch.watches_success() && matches!(settings.asked, Asked::Nobody) {
            context.warn(
                "nobody says how episodes went, so a fall of success is not noticed: --verdict ask, or --verdict robot",
            );
        }
    }
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
    let mut done = 0;
    let ended = loop {
        if context.stopping() {
            break "stopped on request".to_owned();
        }
        if settings.episodes.is_some_and(|wanted| done >= wanted) {
            break "all episodes done".to_owned();
        }
        if follows {
            // A person may have promoted another meanwhile, or gone back.
            let now = choose(context, &settings.policy)?;
            if now.identity.sha256 != identity.sha256 {
                context.warn(
                    "another version is the arm's policy now: the next episode is by that one",
                );
                identity = now.identity;
                agent = PolicyAgent::new(now.policy);
            }
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
        // What is watched is a policy, whatever it was called when it was asked for.
        if let Some(trial) = session.log.trials().last()
            && let Some(mut watch) = Watch::of_current(&context.dir)?
            && watch.is_over(&trial.policy.sha256)
            && let Some(event) = watch.finished(FreshEpisode::of_trial(trial))?
        {
            rolled_back.push(back(context, &event));
            if !follows {
                break "the arm's policy, which this is, was taken back".to_owned();
            }
        }
        match end {
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

/// Says that the arm went back by itself, and why.
fn back(context: &Context, event: &Event) -> String {
    let why = event.reason.as_deref();
    let reason = format!(
        "back to version {}: {}",
        event.version,
        why.unwrap_or("the promised bound broke")
    );
    context.warn(&reason);
    reason
}
