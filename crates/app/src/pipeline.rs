//! The loop, stage by stage.

use crate::cli::{DeviceArg, RunArgs};
use crate::config::Config;
use crate::context::Context;
use crate::run_dir::{RunDir, RunInfo};
use crate::stages;
use anyhow::{Result, anyhow};
use apprentice_core::Seed;
use apprentice_nn::open_device;
use apprentice_studio::Studio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Stages in order, with the command that runs each.
pub const STAGES: [(&str, &str); 8] = [
    ("demonstrate", "record demonstrations"),
    ("train", "train"),
    ("rollouts", "record rollouts"),
    ("rank", "rank"),
    ("reward", "reward"),
    ("align", "align"),
    ("evaluate-base", "evaluate"),
    ("evaluate-aligned", "evaluate"),
];

/// Opens the run a command names to run `stage` (`None`: every stage that is left), or starts it. A
/// run that exists keeps the settings that the command does not name.
///
/// # Errors
/// When settings are wrong or differ from those of finished stages, or the device does not work.
pub fn open(args: &RunArgs, stage: Option<&str>) -> Result<Context> {
    let (file, set) = (args.config.as_deref(), &args.set);
    let named = args.device.map(|d| d.name().to_owned());
    let info = if args.out.join("run.json").exists() {
        let (_, found) = RunDir::open(&args.out)?;
        RunInfo::new(
            args.seed.unwrap_or(found.seed),
            named.unwrap_or(found.device),
            found.config.changed(file, set)?,
        )
    } else {
        let device = named.unwrap_or_else(|| DeviceArg::Flex.name().to_owned());
        RunInfo::new(args.seed.unwrap_or(0), device, Config::load(file, set)?)
    };
    // Nothing is written before all this works.
    let device = DeviceArg::named(&info.device).ok_or_else(|| {
        anyhow!(
            "run folder names device {:?}, known: flex, cuda, wgpu",
            info.device
        )
    })?;
    let device = open_device(device.into())?;
    stages::cells::describe_in(&info.config)?;
    stages::reward::check_weights(&info.config)?;
    let dir = RunDir::start(&args.out, &info, stage)?;
    let stop = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&stop);
    ctrlc::set_handler(move || {
        if seen.swap(true, Ordering::Relaxed) {
            // Asked twice: leave at once; every file on disk is whole or marked as unfinished.
            std::process::exit(130);
        }
        eprintln!(
            "\nstopping after this step; what is recorded stays (Ctrl-C again to leave at once)"
        );
    })?;
    let mut context = Context {
        dir,
        config: info.config,
        seed: Seed(info.seed),
        device,
        stop,
        view: None,
        quiet: args.json,
    };
    if args.view {
        let studio = Studio::live(&stages::cells::describe(&context)?)?;
        context.say(&format!(
            "watch at {}",
            studio.url().unwrap_or("(nowhere: nothing is served)")
        ));
        context.view = Some(studio);
    }
    Ok(context)
}

/// Runs one stage, after those before it have run.
///
/// # Errors
/// When a stage before it is missing, or its own.
pub fn run_stage(context: &Context, name: &str) -> Result<()> {
    for (stage, command) in STAGES.iter().take_while(|(stage, _)| *stage != name) {
        // The base policy may be evaluated without rankings.
        if name == "evaluate-base" && !matches!(*stage, "demonstrate" | "train") {
            continue;
        }
        context.dir.needs(stage, command)?;
    }
    context.stage(name, || match name {
        "demonstrate" => stages::demonstrate::run(context),
        "train" => stages::policy::run(context),
        "rollouts" => stages::rollout::run(context),
        "rank" => stages::rank::run(context),
        "reward" => stages::reward::run(context),
        "align" => stages::align::run(context),
        "evaluate-base" => stages::evaluate::run_base(context),
        "evaluate-aligned" => {
            stages::evaluate::run_aligned(context)?;
            stages::evaluate::examine_reward(context)
        }
        _ => Err(anyhow!("there is no stage {name}")),
    })
}

/// Runs every stage that has not run.
///
/// # Errors
/// The first stage's error.
pub fn run_all(context: &Context) -> Result<()> {
    STAGES
        .iter()
        .try_for_each(|(stage, _)| run_stage(context, stage))
}
