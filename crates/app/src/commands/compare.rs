//! `apprentice compare`: base and aligned policy side by side.

use crate::cli::RunArgs;
use crate::commands::on_robot;
use anyhow::{Result, bail};
use apprentice_core::sha256_file;
use apprentice_pipeline::context::{Context, stop_on_ctrl_c};
use apprentice_pipeline::evaluation::rates;
use apprentice_pipeline::layout::{ALIGNED_EVALUATION, ALIGNED_POLICY, BASE_EVALUATION, ON_ROBOT};
use apprentice_pipeline::on_robot::figures::ComparisonFigures;
use apprentice_pipeline::outcomes::{Outcomes, open_episode, read_outcomes};
use apprentice_pipeline::run::{open_to_read, serve};
use apprentice_pipeline::stages::evaluate_aligned;
use apprentice_statistics::Proportion;

/// Runs the command.
///
/// # Errors
/// When the run has not been evaluated.
pub fn run(args: &RunArgs) -> Result<()> {
    let mut context = open_to_read(&args.options())?;
    let evaluated = context.dir.done(evaluate_aligned::STAGE.name).is_some();
    if !evaluated && context.dir.path(ON_ROBOT).exists() {
        let found: ComparisonFigures = context.dir.read(ON_ROBOT)?;
        let aligned = sha256_file(&context.dir.path(ALIGNED_POLICY))?;
        if found.aligned.sha256 != aligned {
            bail!(
                "the trials on the robot are of another aligned policy, from before it was aligned again; run \
                 `apprentice evaluate --on-robot --out {}` again",
                context.dir.root().display()
            );
        }
        return on_robot::print(&found, args.json);
    }
    if !evaluated && !context.config.robot.endpoint.is_empty() {
        bail!(
            "both policies have not been tried on the robot yet; run `apprentice evaluate --on-robot --out {}` first",
            context.dir.root().display()
        );
    }
    context.dir.needs(
        evaluate_aligned::STAGE.name,
        evaluate_aligned::STAGE.command,
    )?;
    let [before, after] = [
        read_outcomes(&context, BASE_EVALUATION)?,
        read_outcomes(&context, ALIGNED_EVALUATION)?,
    ];
    let (base, aligned) = (rates(&context, &before)?, rates(&context, &after)?);
    if args.json {
        println!(
            "{}",
            serde_json::to_string_pretty(&serde_json::json!({ "base": base, "aligned": aligned }))?
        );
    } else {
        let show = |p: Proportion| {
            format!(
                "{:.3} ({} of {}, {:.3} to {:.3})",
                p.rate(),
                p.k,
                p.n,
                p.low,
                p.high
            )
        };
        println!("                 {:<38} aligned", "base");
        println!(
            "{:<16} {:<38} {}",
            context.config.task.words().done,
            show(base.success),
            show(aligned.success)
        );
        println!(
            "the way you like {:<38} {}",
            show(base.preferred),
            show(aligned.preferred)
        );
        println!(
            "(share, count, Wilson 95 % interval; the second line counts only what was {})",
            context.config.task.words().done
        );
    }
    if args.view {
        context.stop = stop_on_ctrl_c()?;
        serve(&mut context)?;
        show_first_scene(&context, &before, &after)?;
        context.keep_showing();
    }
    Ok(())
}

/// Shows both policies in the first held-out scene.
fn show_first_scene(context: &Context, before: &Outcomes, after: &Outcomes) -> Result<()> {
    let mut clips = Vec::new();
    for (label, folder, notes) in [
        ("base", BASE_EVALUATION, before),
        ("aligned", ALIGNED_EVALUATION, after),
    ] {
        if let Some(note) = notes.episodes.first() {
            clips.push((label.to_owned(), open_episode(context, folder, note)?));
        }
    }
    if let Some(view) = &context.view {
        view.clips(&clips);
    }
    Ok(())
}
