//! `apprentice stop` and `apprentice acknowledge`: a person stops an arm, and says that it has been seen to.

use crate::cli::{AcknowledgeArgs, ArmArgs};
use anyhow::{Context as _, Result, bail};
use apprentice_link::RobotLink;
use apprentice_link::security::{Role, Security};
use apprentice_link::wire::Status;
use apprentice_pipeline::context::start_for;
use apprentice_safety::gate::Stop;
use apprentice_safety::{Phase, Service};
use std::io::{BufRead as _, IsTerminal as _, Write as _, stdin, stdout};
use std::time::{Duration, Instant};

/// How long the robot may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long it may take to say how it stands: it does once a second.
const STATUS: Duration = Duration::from_secs(3);

/// Stops the arm.
///
/// # Errors
/// When it does not answer: then its own emergency stop is what is left.
pub fn stop(args: &ArmArgs) -> Result<()> {
    let link = connect(args)?;
    link.serve(Service::Stop)
        .context("the arm has not confirmed the stop; use its emergency stop if it moves")?;
    report_status(&link, args, |s| {
        matches!(s.phase, Phase::Stopped | Phase::Faulted)
    })
}

/// Acknowledges a stop, once a person has said that the arm is clear.
///
/// # Errors
/// When nobody says so, or the robot does not answer.
pub fn acknowledge(args: &AcknowledgeArgs) -> Result<()> {
    let link = connect(&args.arm)?;
    let status = status(&link, |_| true)?;
    if status.stop == Stop::None {
        return print_status(
            &args.arm,
            &status,
            "nobody has stopped it: there is nothing to acknowledge",
        );
    }
    if !args.yes {
        ask(&args.arm.reach.robot)?;
    }
    // The stop that was looked at: one that came while the person was asked stays.
    link.serve_knowing(Service::Acknowledge, status.stops)
        .context("it was stopped again meanwhile, or does not answer")?;
    report_status(&link, &args.arm, |s| s.stop == Stop::None)
}

fn connect(args: &ArmArgs) -> Result<RobotLink> {
    let security = Security::from_settings(&args.reach.security, &args.reach.keys)?;
    start_for(&security)?;
    RobotLink::connect_as(
        Role::Operator,
        &args.reach.endpoint,
        &args.reach.robot,
        &security,
        PATIENCE,
    )
    .with_context(|| {
        format!(
            "robot {} is not reached; use its emergency stop if it moves",
            args.reach.robot
        )
    })
}

/// A person says that nobody is in the way.
fn ask(robot: &str) -> Result<()> {
    if !stdin().is_terminal() {
        bail!(
            "a person has to say that {robot} is clear: run this at a terminal, or with --yes once it has been looked at"
        );
    }
    print!(
        "{robot} was stopped. Have the arm and its surroundings been looked at, and are they clear? [y/N] "
    );
    stdout().flush()?;
    let mut answer = String::new();
    stdin().lock().read_line(&mut answer)?;
    if matches!(answer.trim(), "y" | "Y" | "yes") {
        Ok(())
    } else {
        bail!("{robot} stays stopped");
    }
}

/// How the arm stands once `stands` holds, or as it said last.
fn status(link: &RobotLink, stands: impl Fn(&Status) -> bool) -> Result<Status> {
    let deadline = Instant::now() + STATUS;
    loop {
        match link.status() {
            Some(status) if stands(&status) || Instant::now() > deadline => return Ok(status),
            None if Instant::now() > deadline => {
                bail!("the robot does not say how it stands; see whether its driver runs")
            }
            _ => std::thread::sleep(Duration::from_millis(10)),
        }
    }
}

fn report_status(link: &RobotLink, args: &ArmArgs, stands: impl Fn(&Status) -> bool) -> Result<()> {
    let status = status(link, stands)?;
    let next = match (status.stop, status.phase) {
        (Stop::Person, _) => {
            "it stays until `apprentice acknowledge`, then its next owner may move it"
        }
        (Stop::Owner, _) => {
            "it stays until its owner enables it on purpose or, once that one has gone as a run does now, until `apprentice acknowledge`"
        }
        (Stop::None, Phase::Faulted) => "it reports a fault: see to it, then recover",
        (Stop::None, _) => "its next owner may move it",
    };
    print_status(args, &status, next)
}

fn print_status(args: &ArmArgs, status: &Status, next: &str) -> Result<()> {
    let stop = match status.stop {
        Stop::None => "none",
        Stop::Owner => "owner",
        Stop::Person => "person",
    };
    if args.json {
        let shown = serde_json::json!({
            "robot": args.reach.robot, "phase": status.phase.name(), "stop": stop, "stops": status.stops,
            "owner": (status.owner != 0).then(|| format!("{:08x}", status.owner)),
        });
        println!("{shown}");
    } else {
        println!("{} is {}: {next}", args.reach.robot, status.phase.name());
    }
    Ok(())
}
