//! `apprentice record rollouts --policy`: a further round of rollouts, by any policy.

use crate::cli::{RoundArgs, RunArgs};
use anyhow::Result;
use apprentice_core::sha256_file;
use apprentice_pipeline::context::{Context, peak_memory_bytes};
use apprentice_pipeline::on_robot::chosen::check_fits;
use apprentice_pipeline::outcomes::read_outcomes;
use apprentice_pipeline::rounds::{folder, record_round};
use apprentice_pipeline::run::open_for_round;
use apprentice_pipeline::start_policy::policy_file;
use apprentice_pipeline::timing;
use serde_json::{Value, json};

/// Runs the command.
///
/// # Errors
/// When the first rollouts have not been recorded, there is no such policy, or recording fails.
pub fn run(run: &RunArgs, round: &RoundArgs) -> Result<()> {
    let name = round.policy.as_deref().unwrap_or("current");
    let context = open_for_round(&run.options())?;
    context.dir.needs("rollouts", "record rollouts")?;
    let policy = policy_file(&context, name)?;
    check_fits(&context, &policy)?;
    let number = record_round(&context, &policy, round.episodes.map(|n| n as usize))?;
    let root = context.dir.root().display();
    if run.json {
        let said = described(&context, number, &policy)?;
        println!("{}", serde_json::to_string_pretty(&said)?);
    } else {
        context.say(&format!(
            "round {number} is in {}; next: apprentice rank --out {root}",
            context.dir.path(&folder(number)).display()
        ));
    }
    context.keep_showing();
    Ok(())
}

fn described(context: &Context, number: usize, policy: &str) -> Result<Value> {
    let folder = folder(number);
    let list = read_outcomes(context, &folder)?;
    let timing = timing::of(&context.dir, &folder);
    let file = context.dir.path(policy);
    Ok(json!({
        "round": number,
        "folder": context.dir.path(&folder),
        "policy": { "file": file, "sha256": sha256_file(&file)? },
        "episodes": list.episodes.len(),
        "succeeded": list.episodes.iter().filter(|e| e.succeeded()).count(),
        "control": {
            "ticks": timing.ticks(),
            "late_p50_us": timing.lateness_us(0.5),
            "late_p99_us": timing.lateness_us(0.99),
            "late_most_us": timing.lateness_us(1.0),
            "ticks_late_by_1_ms": timing.later_than_us(1000),
            "late_actions": timing.late_actions,
            "decisions": timing.decisions,
            "slowest_decision_ms": timing.slowest_ms,
        },
        "peak_memory_bytes": peak_memory_bytes(),
    }))
}
