//! `apprentice robot describe`, which prints what a driver answers with, and `apprentice robot check --live`, which
//! tests one that runs.

use crate::cli::{DescribeArgs, LiveArgs};
use anyhow::{Context as _, Result, bail};
use apprentice_link::live_check::{Finding, Permission, Verdict, check_driver};
use apprentice_link::security::Security;
use apprentice_pipeline::context::{Context, start_for};
use apprentice_pipeline::layout::DEMONSTRATIONS;
use apprentice_pipeline::robots::describe as describe_robot;
use apprentice_pipeline::shell_word::shell_word;
use apprentice_robot::{RobotDescription, RobotFolder};
use serde_json::json;
use std::io::{BufRead as _, IsTerminal as _, Write as _, stderr, stdin};

/// Prints the flattened description: kinematics and capsules of the URDF filled in.
///
/// # Errors
/// When the robot is not valid.
pub fn describe(args: &DescribeArgs) -> Result<()> {
    let description = RobotFolder::open(&args.robot)?.description;
    let toml = description.to_toml()?;
    if args.json {
        let value = json!({ "robot": description.name, "description": description, "toml": toml });
        println!("{}", serde_json::to_string_pretty(&value)?);
    } else {
        print!("{toml}");
    }
    Ok(())
}

/// Tests the driver that runs at `endpoint`, and prints what was found.
///
/// # Errors
/// When nobody answers there, or something is not as the protocol says.
pub fn check(robot: &str, endpoint: &str, args: &LiveArgs, as_json: bool) -> Result<()> {
    let wanted = RobotFolder::open(robot)?.description;
    let adapter = wanted.adapter.as_ref().and_then(|a| a.get("kind"));
    if let Some(kind) = adapter {
        bail!(
            "{} is driven through an adapter ({kind}): --live tests drivers on the native link, robots/PROTOCOL.md",
            wanted.name
        );
    }
    let security = Security::from_settings(&args.security, &args.keys)?;
    start_for(&security)?;
    let permission = Permission {
        moves: args.moves || (!as_json && may_move(&wanted)?),
        resets: args.reset,
    };
    let found = check_driver(&wanted, endpoint, &security, permission)
        .with_context(|| format!("the driver of {} at {endpoint} is not tested", wanted.name))?;
    let count = |verdict| found.iter().filter(|f| f.verdict == verdict).count();
    let failed = count(Verdict::Fail);
    if as_json {
        let rows: Vec<_> = found.iter().map(row).collect();
        let value = json!({
            "robot": wanted.name, "endpoint": endpoint, "moved": permission.moves, "passed": failed == 0,
            "findings": rows,
        });
        println!("{}", serde_json::to_string_pretty(&value)?);
    } else {
        found
            .iter()
            .for_each(|finding| println!("{}", line(finding)));
        println!(
            "{} pass, {failed} fail, {} not tried",
            count(Verdict::Pass),
            count(Verdict::NotTried)
        );
    }
    if failed > 0 {
        bail!(
            "{failed} of {} things are not as robots/PROTOCOL.md says; each is named above with what to do",
            found.len()
        );
    }
    if !as_json {
        println!(
            "next: apprentice record demonstrations --out runs/{} --set {} --set {}",
            wanted.name,
            shell_word(&format!("robot.description={robot}")),
            shell_word(&format!("robot.endpoint={endpoint}"))
        );
    }
    Ok(())
}

/// Tests the driver of a run's robot, without moving its arm, before the first demonstration is recorded; prints what was
/// found. What is not as the protocol says is named, and whoever records decides whether that matters.
///
/// # Errors
/// When the robot's keys cannot be used.
pub fn check_before_recording(context: &Context) -> Result<()> {
    let robot = &context.config.robot;
    let wanted = describe_robot(context)?;
    if robot.endpoint.is_empty()
        || wanted.adapter.is_some()
        || context.dir.path(DEMONSTRATIONS).exists()
    {
        return Ok(());
    }
    let (name, endpoint) = (&wanted.name, &robot.endpoint);
    let permission = Permission::default();
    let found = match check_driver(&wanted, endpoint, &robot.security()?, permission) {
        Ok(found) => found,
        Err(error) => {
            context.warn(&format!(
                "the driver of {name} at {endpoint} was not tested: {error}"
            ));
            return Ok(());
        }
    };
    let count = |verdict| found.iter().filter(|f| f.verdict == verdict).count();
    for finding in found.iter().filter(|f| f.verdict == Verdict::Fail) {
        context.warn(&line(finding));
    }
    context.say(&format!(
        "the driver of {name} was tested against robots/PROTOCOL.md, its arm at rest: {} pass, {} fail, {} not tried; \
         `apprentice robot check {} --live {} --move` names each, and moves the arm",
        count(Verdict::Pass),
        count(Verdict::Fail),
        count(Verdict::NotTried),
        shell_word(&robot.description),
        shell_word(endpoint)
    ));
    Ok(())
}

/// Asks whether the arm may move, where somebody can be asked.
fn may_move(robot: &RobotDescription) -> Result<bool> {
    if !stdin().is_terminal() {
        return Ok(false);
    }
    eprint!(
        "May {} be enabled and moved by millimetres (further if it obeys what it has to refuse), and is everybody clear of it? [y/N] ",
        robot.name
    );
    stderr().flush()?;
    let mut answer = String::new();
    stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

fn row(finding: &Finding) -> serde_json::Value {
    json!({
        "what": finding.what, "verdict": finding.verdict.name(), "got": finding.got,
        "allowed": finding.allowed, "advice": finding.advice,
    })
}

fn line(finding: &Finding) -> String {
    let mut line = format!(
        "{:<9} {}: {}",
        finding.verdict.name(),
        finding.what,
        finding.got
    );
    if !finding.allowed.is_empty() {
        line += &format!(" (allowed: {})", finding.allowed);
    }
    if !finding.advice.is_empty() {
        line += &format!("; {}", finding.advice);
    }
    line
}
