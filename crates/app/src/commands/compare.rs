//! `apprentice compare`: base and aligned policy side by side.

use crate::cli::RunArgs;
use crate::context::{Context, stop_on_ctrl_c};
use crate::pipeline;
use crate::stages::evaluate::{ALIGNED_FOLDER, BASE_FOLDER, rates};
use crate::stages::notes::{Judged, judged, open_noted};
use anyhow::Result;
use apprentice_core::Proportion;

/// Runs the command.
///
/// # Errors
/// When the run has not been evaluated.
pub fn run(args: &RunArgs) -> Result<()> {
    let mut context = pipeline::look(args)?;
    context.dir.needs("evaluate-aligned", "evaluate")?;
    let [before, after] = [
        judged(&context, BASE_FOLDER)?,
        judged(&context, ALIGNED_FOLDER)?,
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
            "picked up        {:<38} {}",
            show(base.success),
            show(aligned.success)
        );
        println!(
            "the way you like {:<38} {}",
            show(base.preferred),
            show(aligned.preferred)
        );
        println!(
            "(share, count, Wilson 95 % interval; the second line counts episodes that picked it up)"
        );
    }
    if args.view {
        context.stop = stop_on_ctrl_c()?;
        pipeline::serve(&mut context)?;
        show_first_scene(&context, &before, &after)?;
        context.keep_showing();
    }
    Ok(())
}

/// Shows both policies in the first held-out scene.
fn show_first_scene(context: &Context, before: &Judged, after: &Judged) -> Result<()> {
    let mut clips = Vec::new();
    for (label, folder, notes) in [
        ("base", BASE_FOLDER, before),
        ("aligned", ALIGNED_FOLDER, after),
    ] {
        if let Some(note) = notes.episodes.first() {
            clips.push((label.to_owned(), open_noted(context, folder, note)?));
        }
    }
    if let Some(view) = &context.view {
        view.clips(&clips);
    }
    Ok(())
}
