//! Base against aligned policy on a robot: from the same starts, in an order within each pair that is drawn when the
//! comparison begins, and that nobody is shown before the end.

use super::chosen::choose;
use super::figures::ComparisonFigures;
use super::judging::Asked;
use super::session::{INTERRUPTED, TrialEnd, TrialSession, WantedTrial};
use crate::context::Context;
use crate::layout::{ON_ROBOT, TRIAL_EPISODES, TRIALS};
use crate::robots::Robots;
use crate::run_dir::RunDir;
use crate::run_lock::{Activity, take};
use crate::trials::{PolicyRole, Purpose, Start, TrialLog};
use anyhow::{Result, bail};
use apprentice_core::{Seed, sha256_bytes};
use apprentice_policy::PolicyAgent;
use apprentice_statistics::PairedDecision;
use std::hash::{BuildHasher as _, RandomState};
use std::io::BufRead;

/// How to compare.
#[derive(Clone, Debug)]
pub struct ComparisonSettings {
    /// Trials, two a pair.
    pub trials: u64,
    /// Who says how they went.
    pub asked: Asked,
    /// Probability at most of a wrong statement.
    pub error_rate: f64,
    /// The loss of success that is still fine.
    pub margin: f64,
    /// Whether to go on when the test has decided.
    pub all: bool,
}

/// Tries both policies of the run. Goes on after the trials there are.
///
/// # Errors
/// When a policy is missing, the robot fails, or the user or somebody at the arm stops; the trials that ended are kept.
pub fn compare(
    context: &Context,
    settings: &ComparisonSettings,
    typed: Box<dyn BufRead>,
) -> Result<ComparisonFigures> {
    let pairs = settings.trials / 2;
    if pairs == 0 || !settings.trials.is_multiple_of(2) {
        bail!(
            "--trials is {}, allowed: an even number from 2, since each start is tried with both policies",
            settings.trials
        );
    }
    let (base, aligned) = (choose(context, "base")?, choose(context, "aligned")?);
    let rates = (settings.error_rate, settings.margin);
    let name = name(
        context,
        [&base.identity.sha256, &aligned.identity.sha256],
        rates,
    );
    let identities = [base.identity, aligned.identity];
    let mut agents = [
        PolicyAgent::new(base.policy),
        PolicyAgent::new(aligned.policy),
    ];
    let _recording = take(&context.dir, Activity::Recording)?;
    let log = TrialLog::open(&context.dir.path(TRIALS))?;
    let figures =
        |log: &TrialLog| ComparisonFigures::of(&name, log.trials(), rates, settings.trials);
    // Nothing about these figures is said before the end.
    let before = figures(&log)?;
    let mut session = TrialSession {
        context,
        robots: Robots::start(context)?,
        log,
        folder: TRIAL_EPISODES,
        ticks: context.config.evaluate.ticks,
        asked: settings.asked.clone(),
        typed,
    };
    let begun = session.log.trials().iter().any(|t| t.comparison == name);
    let lot = lot(
        &context.dir,
        &name,
        if begun { Some(context.seed) } else { None },
    )?;
    let bar = context.bar(settings.trials, "on the robot");
    let mut decision = before.decision;
    for number in 0..pairs {
        if decision != PairedDecision::Undecided && !settings.all {
            break;
        }
        let seed = context.seed.derive("start on the robot", number).0;
        let aligned_first = lot.derive("order on the robot", number).0 % 2;
        for place in 0..2u8 {
            let which = usize::from((aligned_first + u64::from(place)) % 2 == 1);
            let role = [PolicyRole::Base, PolicyRole::Aligned][which];
            let done =
                session.log.trials().iter().any(|t| {
                    t.comparison == name && t.start.number == number && t.policy.role == role
                });
            if done {
                bar.inc(1);
                continue;
            }
            let what = format!(
                "trial {} of {}",
                2 * number + u64::from(place) + 1,
                2 * pairs
            );
            let scene = if place == 0 {
                format!("set up start {} and note where everything is", number + 1)
            } else {
                format!("put everything back as it was at start {}", number + 1)
            };
            let wanted = WantedTrial {
                purpose: Purpose::Comparison,
                comparison: &name,
                policy: &identities[which],
                start: Start {
                    number,
                    seed,
                    by_person: session.people_set_up(),
                },
                place: Some(place),
                what: &what,
                scene: &scene,
            };
            match session.run(&mut agents[which], &wanted)? {
                TrialEnd::Logged(_) => bar.inc(1),
                TrialEnd::Cancelled => bail!(
                    "stopped on request after {} trials; the same command goes on from there",
                    bar.position()
                ),
                TrialEnd::NotBegun(why) => bail!("{what} has not begun, and is run again: {why}"),
                TrialEnd::ArmStopped(why) if why == INTERRUPTED => {
                    bail!("{why}: {what} counts as a failure; the same command goes on from there")
                }
                TrialEnd::ArmStopped(why) => bail!(
                    "{what} was cut short and counts as a failure: {why}. Once the arm has been seen to (`apprentice \
                     acknowledge`), the same command goes on from there"
                ),
            }
        }
        decision = figures(&session.log)?.decision;
    }
    bar.finish();
    let found = figures(&session.log)?;
    context.dir.write(ON_ROBOT, &found)?;
    Ok(found)
}

/// What decides which policy goes first, pair by pair: drawn by the system when a comparison begins, since who judges
/// could know the run's seed. One that was begun without goes on by `without`.
fn lot(dir: &RunDir, name: &str, without: Option<Seed>) -> Result<Seed> {
    let file = format!("judge/comparison-{name}.json");
    if dir.path(&file).exists() {
        return Ok(Seed(dir.read(&file)?));
    }
    if let Some(seed) = without {
        return Ok(seed);
    }
    // The standard library keys its hashes by the system's random numbers.
    let drawn = RandomState::new().hash_one(name);
    dir.write(&file, &drawn)?;
    Ok(Seed(drawn))
}

/// What the comparison of these two policies goes by: with other policies, starts or rates it is another one.
fn name(context: &Context, policies: [&str; 2], (error_rate, margin): (f64, f64)) -> String {
    let [base, aligned] = policies;
    let all = format!(
        "{base} {aligned} {} {} {error_rate} {margin}",
        context.seed.0, context.config.evaluate.ticks
    );
    let mut name = sha256_bytes(all.as_bytes());
    name.truncate(16);
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_drawn_stays_and_is_another_for_another_comparison() {
        let folder = tempfile::tempdir().unwrap();
        let dir = RunDir::make(folder.path()).unwrap();
        let drawn = lot(&dir, "a", None).unwrap();
        assert_eq!(lot(&dir, "a", Some(Seed(3))).unwrap(), drawn);
        assert_ne!(lot(&dir, "b", None).unwrap(), drawn);
        assert_eq!(lot(&dir, "c", Some(Seed(3))).unwrap(), Seed(3));
    }
}
