//! `apprentice run --policy` and `apprentice evaluate --on-robot`.

use crate::cli::{AskArgs, EvaluateArgs, RunArgs, RunPolicyArgs, VerdictBy};
use anyhow::{Result, bail};
use apprentice_pipeline::config::Config;
use apprentice_pipeline::context::Context;
use apprentice_pipeline::judgements::SIMULATED;
use apprentice_pipeline::next_step::say_next;
use apprentice_pipeline::on_robot::comparison::{ComparisonSettings, compare};
use apprentice_pipeline::on_robot::figures::{ComparisonFigures, in_words};
use apprentice_pipeline::on_robot::judging::Asked;
use apprentice_pipeline::on_robot::work::{WorkSettings, work};
use apprentice_pipeline::run::open_for_round;
use std::io::{BufReader, stdin};

/// Lets a policy drive.
///
/// # Errors
/// As [`work`].
pub fn run(args: &RunArgs, policy: &str, how: &RunPolicyArgs) -> Result<()> {
    let context = open_to_drive(args)?;
    let settings = WorkSettings {
        policy: policy.to_owned(),
        episodes: how.episodes,
        asked: asked(&context.config, how.verdict, &how.ask)?,
    };
    let found = work(&context, &settings, Box::new(BufReader::new(stdin())))?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&found)?);
    } else {
        println!(
            "{} episodes of policy {policy} are in {}; {}",
            found["episodes"],
            found["folder"].as_str().unwrap_or_default(),
            found["ended"].as_str().unwrap_or_default()
        );
    }
    Ok(())
}

/// Tries both policies.
///
/// # Errors
/// As [`compare`].
pub fn evaluate(args: &EvaluateArgs) -> Result<()> {
    let context = open_to_drive(&args.run)?;
    let settings = ComparisonSettings {
        trials: args.trials,
        asked: asked(&context.config, args.verdict.into(), &args.ask)?,
        error_rate: args.error_rate,
        margin: args.margin,
        all: args.all,
    };
    let found = compare(&context, &settings, Box::new(BufReader::new(stdin())))?;
    print(&found, args.run.json)?;
    say_next(&context);
    Ok(())
}

/// Prints a comparison.
///
/// # Errors
/// When it cannot be encoded.
pub fn print(found: &ComparisonFigures, json: bool) -> Result<()> {
    if json {
        println!("{}", serde_json::to_string_pretty(found)?);
        return Ok(());
    }
    let (base, aligned) = (&found.base, &found.aligned);
    println!("                 {:<42} aligned", "base");
    println!("{:<16} {:<42} {}", "done", base.success, aligned.success);
    if found.tells_preferred() {
        println!(
            "the way you like {:<42} {}",
            base.preferred, aligned.preferred
        );
    } else {
        println!("the way you like: nobody told of any trial, so the decision says nothing of it");
    }
    println!(
        "(share, count, Clopper-Pearson 95 % interval, unsure trials counted against it and for it)"
    );
    println!(
        "{} pairs: {} (error rate {}, margin {})",
        found.paired.pairs,
        in_words(found.decision),
        found.error_rate,
        found.margin
    );
    Ok(())
}

/// The run, to drive its robot.
fn open_to_drive(args: &RunArgs) -> Result<Context> {
    open_for_round(&args.options())
}

fn asked(config: &Config, by: VerdictBy, ask: &AskArgs) -> Result<Asked> {
    if ask.who.trim().is_empty() || ask.who == SIMULATED {
        bail!(
            "--who is {:?}, allowed: any name but none and {SIMULATED:?}",
            ask.who
        );
    }
    Ok(match by {
        VerdictBy::Ask => Asked::Person {
            who: ask.who.clone(),
            which: ask.ask_which.clone().or_else(|| Asked::which_of(config)),
        },
        VerdictBy::Robot => Asked::Robot,
        VerdictBy::None => Asked::Nobody,
    })
}
