//! A run, from its folder to its last stage.

use crate::config::Config;
use crate::context::{Context, peak_memory_bytes, start_for, stop_on_ctrl_c};
use crate::device;
use crate::folder_changes::FolderChanges;
use crate::found::in_one_line;
use crate::freshness::{inputs, lacks, out_of_date};
use crate::inputs::Inputs;
use crate::judgements::{check_amounts, drop_rankings, who_ranked};
use crate::layout::ROLLOUTS;
use crate::learning_share;
use crate::outcomes::Outcomes;
use crate::resume::start;
use crate::robots::{describe, describe_in};
use crate::run_dir::{RunDir, RunInfo, StageMark};
use crate::run_lock::take_for;
use crate::scores::check_weights;
use crate::stage::{Output, Stage};
use crate::stages::{STAGES, demonstrate, needed};
use anyhow::{Result, bail};
use apprentice_core::Seed;
use apprentice_studio::Studio;
use burn::tensor::Device;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

/// Which run, and how.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Folder of the run.
    pub folder: PathBuf,
    /// Its seed; the run's own, or 0, without.
    pub seed: Option<u64>,
    /// Where networks compute, by name; where they did before, or the processor, without.
    pub device: Option<String>,
    /// A configuration file, over the run's settings or the built-in ones.
    pub config: Option<PathBuf>,
    /// Single settings over that, `key=value`.
    pub set: Vec<String>,
    /// Nothing but the result on standard output.
    pub quiet: bool,
    /// Whether robots at work are shown on a page.
    pub view: bool,
}

impl Options {
    /// What names the settings, after what named them `before`.
    fn naming(&self, mut before: Vec<String>) -> Vec<String> {
        let file = self
            .config
            .iter()
            .map(|f| ("--config", f.display().to_string()));
        let set = self.set.iter().map(|s| ("--set", s.clone()));
        for (option, value) in file.chain(set) {
            let there = before.chunks(2).any(|pair| pair == [option, &value]);
            if !there {
                before.extend([option.to_owned(), value]);
            }
        }
        before
    }
}

/// Opens the run that `options` name to run `stage` (`None`: every stage that is left), or starts it. A run that exists
/// keeps the settings that are not named.
///
/// # Errors
/// When settings are wrong or differ from those of finished stages, or the device does not work.
pub fn open(options: &Options, stage: Option<&Stage>) -> Result<Context> {
    open_for(options, stage, stage.is_none())
}

/// Opens the run that `options` name to record a further round in it. Whatever stage has run stands, wherever the robot
/// is by now.
///
/// # Errors
/// As [`open`].
pub fn open_for_round(options: &Options) -> Result<Context> {
    open_for(options, None, false)
}

/// Opens a run; `ranks` where the simulated operator is going to.
fn open_for(options: &Options, stage: Option<&Stage>, ranks: bool) -> Result<Context> {
    let (file, set) = (options.config.as_deref(), &options.set);
    let named = options.device.clone();
    let (mut demonstrated, mut ranked) = (false, false);
    let mut before = Vec::new();
    let mut info = if options.folder.join("run.json").exists() {
        let (dir, found) = RunDir::open(&options.folder)?;
        ranked = dir.done("rank").is_some();
        demonstrated = dir.done(demonstrate::STAGE.name).is_some();
        before = found.named;
        RunInfo::new(
            options.seed.unwrap_or(found.seed),
            named.unwrap_or(found.device),
            found.config.changed(file, set)?,
        )
    } else {
        let device = named.unwrap_or_else(|| device::CPU.to_owned());
        RunInfo::new(options.seed.unwrap_or(0), device, Config::load(file, set)?)
    };
    info.named = options.naming(before);
    // Nothing is written before all this works.
    start_for(&info.config.robot.security()?)?;
    let device = device::open(&info.device)?;
    info.config.inference.precision.check(&device)?;
    let robot = describe_in(&info.config)?;
    check_weights(&info.config)?;
    let effort = info.config.encoder.channels.effort;
    if effort > 0.0 && info.config.robot.endpoint.is_empty() {
        bail!(
            "encoder.channels.effort is {effort}, but the simulated robot gives no joint efforts; allowed: 0"
        );
    }
    let endpoint = &info.config.robot.endpoint;
    if ranks && !ranked && !endpoint.is_empty() {
        bail!(
            "all stages at once are for simulation, where the simulated operator ranks and the simulator judges; with the \
             robot at {endpoint} begin with `apprentice record demonstrations`, and go on with what each command prints"
        );
    }
    if ranks && !demonstrated {
        demonstrate::check_expert(&robot)?;
    }
    if ranks && !ranked {
        // Said now and not after an hour of training.
        check_amounts(&info.config)?;
    }
    let dir = start(&options.folder, &info, stage)?;
    let mut context = Context {
        dir,
        config: info.config,
        seed: Seed(info.seed),
        device,
        device_name: info.device,
        stop: stop_on_ctrl_c()?,
        view: None,
        quiet: options.quiet,
        named: info.named,
    };
    if let Some(stage) = stage {
        learning_share::apply(&context, stage)?;
    }
    if options.view {
        serve(&mut context)?;
    }
    Ok(context)
}

/// Opens the run a command names to read it: nothing is written, and nothing computes.
///
/// # Errors
/// When it is not a run folder, or the command names other settings than the run's.
pub fn open_to_read(options: &Options) -> Result<Context> {
    let (dir, info) = RunDir::open(&options.folder)?;
    let wanted = info
        .config
        .changed(options.config.as_deref(), &options.set)?;
    if wanted != info.config || options.seed.is_some_and(|s| s != info.seed) {
        bail!(
            "run folder {} was made with other settings, and this command only reads it; leave --seed, --config and \
             --set away, or run the stage they are for",
            dir.root().display()
        );
    }
    for output in STAGES.iter().flat_map(|s| s.writes) {
        if let Output::Episodes {
            folder,
            may_be_added_to,
        } = output
            && let Ok(list) = Outcomes::of(&dir, folder)
        {
            let changes = FolderChanges::of(&dir, folder, &list, *may_be_added_to)?;
            for note in changes.notes(folder) {
                eprintln!("note: {note}, once the stages run again");
            }
        }
    }
    Ok(Context {
        dir,
        config: info.config,
        seed: Seed(info.seed),
        device: Device::flex(),
        device_name: info.device,
        stop: Arc::new(AtomicBool::new(false)),
        view: None,
        quiet: options.quiet,
        named: info.named,
    })
}

/// Serves a page that shows what happens.
///
/// # Errors
/// When nothing can be served.
pub fn serve(context: &mut Context) -> Result<()> {
    let studio = Studio::live(&describe(context)?)?;
    context.say(&format!(
        "watch at {}",
        studio.url().unwrap_or("(nowhere: nothing is served)")
    ));
    context.view = Some(studio);
    Ok(())
}

/// Runs one stage unless what it wrote before still stands, after those it needs have run.
///
/// # Errors
/// When a stage it needs is missing or out of date, its own, or that the user stopped the run.
pub fn run_stage(context: &Context, stage: &Stage) -> Result<()> {
    run_stage_by(context, stage, &stage.run)
}

/// [`run_stage`], its work done in another way, such as by a person.
///
/// # Errors
/// As [`run_stage`].
pub fn run_stage_by(
    context: &Context,
    stage: &Stage,
    work: &dyn Fn(&Context) -> Result<()>,
) -> Result<()> {
    let dir = &context.dir;
    let _at_work = take_for(dir, stage)?;
    for need in needed(stage) {
        dir.needs(need.name, need.command)?;
        if let Some(mark) = dir.done(need.name) {
            let why = out_of_date(dir, &context.run_settings(), need, &mark)?;
            if !why.is_empty() {
                bail!(
                    "stage {} of {} is out of date: {}; run `apprentice {} --out {}` again first",
                    need.name,
                    dir.root().display(),
                    why.join("; "),
                    need.command,
                    dir.root().display()
                );
            }
        }
    }
    if let Some(mark) = dir.done(stage.name) {
        let Some(why) = must_run_again(context, stage, &mark)? else {
            context.say(&format!(
                "{:<14} done before ({:.0} s)",
                stage.name, mark.seconds
            ));
            return Ok(());
        };
        context.warn(&format!("stage {} runs again: {why}", stage.name));
        dir.forget(stage.name)?;
    }
    if context.stopping() {
        bail!("stopped on request; the same command resumes the run");
    }
    let started = Instant::now();
    let inputs = inputs(dir, &context.run_settings(), stage)?;
    work(context)?;
    let seconds = started.elapsed().as_secs_f64();
    mark(context, stage, seconds, inputs)?;
    // On a line of its own, so that it is there without a terminal, too.
    let found = in_one_line(&(stage.summary)(context)?);
    context.say(&format!("{:<14} {seconds:.1} s: {found}", stage.name));
    Ok(())
}

/// Why a finished stage has to run again; `None` where it need not. Answers that are about something that has changed
/// are moved aside; recordings are looked through when the stage runs, and those that still fit stay.
fn must_run_again(context: &Context, stage: &Stage, mark: &StageMark) -> Result<Option<String>> {
    let (dir, run_settings) = (&context.dir, context.run_settings());
    let why = out_of_date(dir, &run_settings, stage, mark)?;
    if why.is_empty() {
        return lacks(dir, &run_settings, stage);
    }
    for output in stage.writes {
        if let Output::Judgements(path) = output {
            if let Some(person) = who_ranked(dir)? {
                bail!(
                    "stage {} is out of date ({}), and {} holds rankings by {person}, which nothing simulated replaces; \
                     `apprentice {} --out {}` goes on from those whose episodes are still there",
                    stage.name,
                    why.join("; "),
                    dir.path(path).display(),
                    stage.command,
                    dir.root().display()
                );
            }
            // Those of earlier rounds stand: what a wish was then is not changed by what came after.
            drop_rankings(dir, Outcomes::of(dir, ROLLOUTS).ok().as_ref())?;
        }
    }
    Ok(Some(why.join("; ")))
}

/// Marks a stage as done that started from `inputs`.
///
/// # Errors
/// When the mark cannot be written.
pub fn mark(context: &Context, stage: &Stage, seconds: f64, inputs: Inputs) -> Result<()> {
    context.dir.mark(&StageMark {
        name: stage.name.into(),
        seconds,
        peak_memory_bytes: peak_memory_bytes(),
        device: context.device_name.clone(),
        inputs: Some(inputs),
    })
}

/// Runs every stage that has not run, or is out of date.
///
/// # Errors
/// The first stage's error.
pub fn run_all(context: &Context) -> Result<()> {
    STAGES
        .iter()
        .try_for_each(|stage| run_stage(context, stage))
}
