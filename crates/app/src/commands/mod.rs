//! What each command does.

mod by_person;
mod camera;
mod compare;
mod doctor;
mod import;
mod import_trial;
mod judge;
mod keys;
mod on_robot;
mod preferences;
mod promotion;
mod rank;
mod raw_terminal;
mod robot;
mod robot_live;
mod round;
mod sim;
mod stop;
mod studio;
mod study;
mod takeover;
mod tournament;
mod utc;

use crate::cli::{Cli, Command, RecordCommand, RunArgs, WeightsCommand};
use anyhow::{Context as _, Result};
use apprentice_pipeline::context::Context;
use apprentice_pipeline::estimate::say_plan;
use apprentice_pipeline::layout::ALIGNMENT;
use apprentice_pipeline::next_step::say_next;
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
        Command::Camera(args) => camera::run(&args),
        Command::Stop(args) => stop::stop(&args),
        Command::Acknowledge(args) => stop::acknowledge(&args),
        Command::Record(RecordCommand::Demonstrations(args)) if args.person.is_given() => {
            by_person::run(&args)
        }
        Command::Record(RecordCommand::Demonstrations(args)) => {
            one(&args.run, &[&demonstrate::STAGE])
        }
        Command::Record(RecordCommand::Rollouts(args)) if args.round.policy.is_some() => {
            round::run(&args.run, &args.round)
        }
        Command::Record(RecordCommand::Rollouts(args)) => one(&args.run, &[&rollouts::STAGE]),
        Command::Run(args) => {
            if let Some(policy) = &args.how.policy {
                return on_robot::run(&args.run, policy, &args.how);
            }
            let stage = args.stage.as_deref().and_then(named);
            let stage = stage.context("there is no such stage")?;
            one(&args.run, &[stage])
        }
        Command::Train(args) => one(&args, &[&train::STAGE]),
        Command::Rank(args) if args.simulated => one(&args.run, &[&ranking::STAGE]),
        Command::Rank(args) => rank::run(&args),
        Command::Studio(args) => studio::run(&args),
        Command::Judge(args) => judge::run(&args),
        Command::Reward(args) => one(&args, &[&reward::STAGE]),
        Command::Align(args) => one(&args, &[&align::STAGE]),
        Command::Evaluate(args) if args.on_robot => on_robot::evaluate(&args),
        Command::Evaluate(args) => one(
            &args.run,
            &[&evaluate_base::STAGE, &evaluate_aligned::STAGE],
        ),
        Command::Promote(args) => promotion::promote(&args),
        Command::Rollback(args) => promotion::rollback(&args),
        Command::History(args) => promotion::history(&args),
        Command::Compare(args) => compare::run(&args),
        Command::Preferences(command) => preferences::run(&command),
        Command::Tournament(args) => tournament::run(&args),
        Command::Study(args) => study::run(&args),
        Command::Report(args) => {
            let context = open_to_read(&args.options())?;
            if args.view {
                context.warn("a report shows nothing live; open report.html, or run.rrd in rerun");
            }
            if apprentice_report::on_robot::is_of_an_arm(&context) {
                return finish_on_robot(&context, &args);
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
    if stages.iter().any(|s| s.name == demonstrate::STAGE.name) {
        robot_live::check_before_recording(&context)?;
    }
    for stage in stages {
        if stage.name == evaluate_aligned::STAGE.name
            && context.dir.done(align::STAGE.name).is_none()
        {
            context.say("there is no aligned policy yet (apprentice align); the base policy alone was tried");
            break;
        }
        run_stage(&context, stage)?;
    }
    print_results(&context, args, stages)
}

/// What stages came to, for scripts; then goes on showing what there is to see.
fn print_results(context: &Context, args: &RunArgs, stages: &[&'static Stage]) -> Result<()> {
    if args.json {
        let mut results = Vec::new();
        for stage in stages {
            if let Some(mark) = context.dir.done(stage.name) {
                let mut value = serde_json::to_value(&mark)?;
                if let Some(mark) = value.as_object_mut() {
                    // What it started from is for resuming.
                    mark.remove("inputs");
                }
                value["result"] = (stage.summary)(context)?;
                results.push(value);
            }
        }
        println!("{}", serde_json::to_string_pretty(&results)?);
    }
    say_next(context);
    context.keep_showing();
    if stages.iter().any(|stage| stage.name == align::STAGE.name) {
        let alignment: align::Alignment = context.dir.read(ALIGNMENT)?;
        if !alignment.evidence {
            return Err(NotAligned(align::too_thin(context)?).into());
        }
    }
    Ok(())
}

/// The rankings were no evidence, so there is no aligned policy: a result of its own, with an exit code of its own.
#[derive(Debug)]
pub struct NotAligned(String);

impl NotAligned {
    /// Exit code of the program: neither done (0) nor failed (1), nor called wrongly (2).
    pub const EXIT_CODE: u8 = 3;
}

impl std::fmt::Display for NotAligned {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "there is no aligned policy: {}", self.0)
    }
}

impl std::error::Error for NotAligned {}

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

fn finish_on_robot(context: &Context, args: &RunArgs) -> Result<()> {
    let written = apprentice_report::on_robot::write_of_an_arm(context)?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&written)?);
    } else {
        on_robot::print(&written.trials, false)?;
        println!(
            "the report is {}",
            context.dir.path("report.html").display()
        );
    }
    Ok(())
}
