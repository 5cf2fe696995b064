//! What each command does.

mod compare;
mod doctor;
mod judge;
mod keys;
mod rank;
mod rlds;
mod rlds_trial;
mod robot;
mod sim;
mod stop;
mod takeover;

use crate::cli::{Cli, Command, ImportCommand, RecordWhat, RunArgs, WeightsCommand};
use crate::context::Context;
use crate::{pipeline, report, stages};
use anyhow::Result;

/// Runs a command.
///
/// # Errors
/// One clear line on what went wrong.
pub fn run(cli: Cli) -> Result<()> {
    match cli.command {
        Command::Demo(args) => {
            let context = pipeline::open(&args, None)?;
            pipeline::run_all(&context)?;
            finish(&context, &args)?;
            context.keep_showing();
            Ok(())
        }
        Command::Sim(args) => sim::run(&args),
        Command::Takeover(args) => takeover::run(&args),
        Command::Stop(args) => stop::stop(&args),
        Command::Acknowledge(args) => stop::acknowledge(&args),
        Command::Record(args) => match args.what {
            RecordWhat::Demonstrations => one(&args.run, &["demonstrate"]),
            RecordWhat::Rollouts => one(&args.run, &["rollouts"]),
        },
        Command::Train(args) => one(&args, &["train"]),
        Command::Rank(args) if args.simulated => one(&args.run, &["rank"]),
        Command::Rank(args) => rank::run(&args),
        Command::Judge(args) => judge::run(&args),
        Command::Reward(args) => one(&args, &["reward"]),
        Command::Align(args) => one(&args, &["align"]),
        Command::Evaluate(args) => one(&args, &["evaluate-base", "evaluate-aligned"]),
        Command::Compare(args) => compare::run(&args),
        Command::Report(args) => {
            let context = pipeline::look(&args)?;
            if args.view {
                context.warn("a report shows nothing live; open report.html, or run.rrd in rerun");
            }
            finish(&context, &args)
        }
        Command::Robot(command) => robot::run(&command),
        Command::Weights(WeightsCommand::Get {
            name,
            from,
            to,
            json,
        }) => {
            let folder = to.unwrap_or_else(stages::reward::weights_folder);
            let path = apprentice_weights::fetch(&name, &folder, from.as_deref())?;
            if json {
                println!("{}", serde_json::json!({ "name": name, "path": path }));
            } else {
                println!("{name} is at {}", path.display());
            }
            Ok(())
        }
        Command::Import(ImportCommand::Rlds(args)) => rlds::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Keys(args) => keys::run(&args),
    }
}

fn one(args: &RunArgs, names: &[&str]) -> Result<()> {
    let context = pipeline::open(args, names.first().copied())?;
    for stage in names {
        if *stage == "evaluate-aligned" && context.dir.done("align").is_none() {
            context.say("there is no aligned policy yet (apprentice align); the base policy alone was tried");
            break;
        }
        pipeline::run_stage(&context, stage)?;
    }
    if args.json {
        let mut said = Vec::new();
        for mark in names.iter().filter_map(|s| context.dir.done(s)) {
            let mut value = serde_json::to_value(&mark)?;
            value["result"] = stages::results::result(&context, &mark.name)?;
            said.push(value);
        }
        println!("{}", serde_json::to_string_pretty(&said)?);
    }
    context.keep_showing();
    Ok(())
}

fn finish(context: &Context, args: &RunArgs) -> Result<()> {
    let written = report::write(context)?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&written)?);
    } else {
        println!("{}", report::last_screen(&written, context.dir.root()));
    }
    Ok(())
}
