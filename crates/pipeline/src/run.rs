//! The loop, stage by stage.

use crate::cli::{DeviceArg, RunArgs};
use crate::config::Config;
use crate::context::{Context, start_for, stop_on_ctrl_c};
use crate::run_dir::{RunDir, RunInfo};
use crate::stages;
use anyhow::{Result, anyhow, bail};
use apprentice_core::Seed;
use apprentice_nn::open_device;
use apprentice_studio::Studio;
use burn::tensor::Device;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

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
    let mut ranked = false;
    let info = if args.out.join("run.json").exists() {
        let (dir, found) = RunDir::open(&args.out)?;
        ranked = dir.done("rank").is_some();
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
    start_for(&info.config.robot.security()?)?;
    let device = DeviceArg::named(&info.device).ok_or_else(|| {
        anyhow!(
            "run folder names device {:?}, known: flex, cuda, wgpu",
            info.device
        )
    })?;
    let device = open_device(device.into())?;
    info.config.inference.precision.check(&device)?;
    stages::cells::describe_in(&info.config)?;
    stages::reward::check_weights(&info.config)?;
    if stage.is_none() && !ranked {
        // Said now and not after an hour of training.
        stages::rank::check_amounts(&info.config)?;
    }
    let dir = RunDir::start(&args.out, &info, stage)?;
    let mut context = Context {
        dir,
        config: info.config,
        seed: Seed(info.seed),
        device,
        device_name: info.device,
        stop: stop_on_ctrl_c()?,
        view: None,
        quiet: args.json,
    };
    if args.view {
        serve(&mut context)?;
    }
    Ok(context)
}

/// Opens the run a command names to read it: nothing is written, and nothing computes.
///
/// # Errors
/// When it is not a run folder, or the command names other settings than the run's.
pub fn look(args: &RunArgs) -> Result<Context> {
    let (dir, info) = RunDir::open(&args.out)?;
    let wanted = info.config.changed(args.config.as_deref(), &args.set)?;
    if wanted != info.config || args.seed.is_some_and(|s| s != info.seed) {
        bail!(
            "run folder {} was made with other settings, and this command only reads it; leave --seed, --config and \
             --set away, or run the stage they are for",
            dir.root().display()
        );
    }
    Ok(Context {
        dir,
        config: info.config,
        seed: Seed(info.seed),
        device: Device::flex(),
        device_name: info.device,
        stop: Arc::new(AtomicBool::new(false)),
        view: None,
        quiet: args.json,
    })
}

/// Serves a page that shows what happens.
///
/// # Errors
/// When nothing can be served.
pub fn serve(context: &mut Context) -> Result<()> {
    let studio = Studio::live(&stages::cells::describe(context)?)?;
    context.say(&format!(
        "watch at {}",
        studio.url().unwrap_or("(nowhere: nothing is served)")
    ));
    context.view = Some(studio);
    Ok(())
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
            stages::evaluate::examine_reward(context)?;
            stages::evaluate::record_for_viewer(context)
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
