//! What each command does.

mod compare;
mod doctor;
mod import;
mod import_trial;
mod judge;
mod keys;
mod rank;
mod robot;
mod robot_live;
mod round;
mod sim;
mod stop;
mod studio;
mod takeover;

use crate::cli::{Cli, Command, RecordWhat, RunArgs, WeightsCommand};
use anyhow::{Context as _, Result};
use apprentice_pipeline::context::Context;
use apprentice_pipeline::estimate::say_plan;
use apprentice_pipeline::run::{open, open_to_read, run_all, run_stage};
use apprentice_pipeline::scores::weights_folder;
use apprentice_pipeline::stage::Stage;
use apprentice_pipeline::stages::{
    align, demonstrate, evaluate_aligned, evaluate_base, named, rank as ranking, reward, rollouts,
    train,
};

/// Runs a command.
///
/// # Errors
/// One clear line on what went wrong.
pub fn run(cli: Cli) -> Result<()> {
    match cli.command {
        Command::Demo(args) => {
            let context = open(&args.options(), None)?;
            if !args.json {
                say_plan(&context)?;
            }
            run_all(&context)?;
            finish(&context, &args)?;
            context.keep_showing();
            Ok(())
        }
        Command::Sim(args) => sim::run(&args),
        Command::Takeover(args) => takeover::run(&args),
        Command::Stop(args) => stop::stop(&args),
        Command::Acknowledge(args) => stop::acknowledge(&args),
        Command::Record(args) => match args.what {
            what if args.round.policy.is_some() => round::run(what, &args.run, &args.round),
            RecordWhat::Demonstrations => one(&args.run, &[&demonstrate::STAGE]),
            RecordWhat::Rollouts => one(&args.run, &[&rollouts::STAGE]),
        },
        Command::Run(args) => {
            let stage = named(&args.stage).context("there is no such stage")?;
            one(&args.run, &[stage])
        }
        Command::Train(args) => one(&args, &[&train::STAGE]),
        Command::Rank(args) if args.simulated => one(&args.run, &[&ranking::STAGE]),
        Command::Rank(args) => rank::run(&args),
        Command::Studio(args) => studio::run(&args),
        Command::Judge(args) => judge::run(&args),
        Command::Reward(args) => one(&args, &[&reward::STAGE]),
        Command::Align(args) => one(&args, &[&align::STAGE]),
        Command::Evaluate(args) => one(&args, &[&evaluate_base::STAGE, &evaluate_aligned::STAGE]),
        Command::Compare(args) => compare::run(&args),
        Command::Report(args) => {
            let context = open_to_read(&args.options())?;
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
            let folder = to.unwrap_or_else(weights_folder);
            let path = apprentice_networks::fetch(&name, &folder, from.as_deref())?;
            if json {
                println!("{}", serde_json::json!({ "name": name, "path": path }));
            } else {
                println!("{name} is at {}", path.display());
            }
            Ok(())
        }
        Command::Import(args) => import::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Keys(args) => keys::run(&args),
    }
}

/// Runs these stages and no others.
fn one(args: &RunArgs, stages: &[&'static Stage]) -> Result<()> {
    let context = open(&args.options(), stages.first().copied())?;
    for stage in stages {
        if stage.name == evaluate_aligned::STAGE.name
            && context.dir.done(align::STAGE.name).is_none()
        {
            context.say("there is no aligned policy yet (apprentice align); the base policy alone was tried");
            break;
        }
        run_stage(&context, stage)?;
    }
    if args.json {
        let mut results = Vec::new();
        for stage in stages {
            if let Some(mark) = context.dir.done(stage.name) {
                let mut value = serde_json::to_value(&mark)?;
                if let Some(mark) = value.as_object_mut() {
                    // What it started from is for resuming.
                    mark.remove("inputs");
                }
                value["result"] = (stage.summary)(&context)?;
                results.push(value);
            }
        }
        println!("{}", serde_json::to_string_pretty(&results)?);
    }
    context.keep_showing();
    Ok(())
}

fn finish(context: &Context, args: &RunArgs) -> Result<()> {
    let written = apprentice_report::write(context)?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&written)?);
    } else {
        println!(
            "{}",
            apprentice_report::terminal_summary(&written, context.dir.root(), &context.named)
        );
    }
    Ok(())
}
