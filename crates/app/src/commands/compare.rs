//! `apprentice compare`: base and aligned policy side by side.

use crate::cli::RunArgs;
use crate::pipeline;
use crate::stages::evaluate::{ALIGNED_FOLDER, BASE_FOLDER, rates};
use crate::stages::scenes::judged;
use anyhow::Result;
use apprentice_core::Proportion;

/// Runs the command.
///
/// # Errors
/// When the run has not been evaluated.
pub fn run(args: &RunArgs) -> Result<()> {
    let context = pipeline::open(args, None)?;
    context.dir.needs("evaluate-aligned", "evaluate")?;
    let base = rates(&context, &judged(&context, BASE_FOLDER)?);
    let aligned = rates(&context, &judged(&context, ALIGNED_FOLDER)?);
    if args.json {
        println!(
            "{}",
            serde_json::to_string_pretty(&serde_json::json!({ "base": base, "aligned": aligned }))?
        );
        return Ok(());
    }
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
    Ok(())
}
