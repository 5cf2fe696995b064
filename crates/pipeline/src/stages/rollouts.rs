//! Rollouts of the base policy: what the operator sees and ranks.

use crate::context::Context;
use crate::stages::cells::Cells;
use crate::stages::notes::Judged;
use crate::stages::policy::{BASE, load};
use crate::stages::scenes::{Recording, record};
use crate::stages::viewer_file::write_recording;
use anyhow::Result;
use apprentice_core::{Seed, sha256_file};
use apprentice_episode::Source;
use apprentice_runtime::PolicyAgent;

/// Where rollouts are recorded.
pub const FOLDER: &str = "rollouts";

/// Runs the stage.
///
/// # Errors
/// When recording fails.
pub fn run(context: &Context) -> Result<()> {
    let config = &context.config.rollouts;
    let seeds = (0..config.episodes as u64)
        .map(|i| context.seed.derive("rollout", i))
        .collect();
    watch_policy(context, BASE, FOLDER, "rollouts", seeds, config.ticks)?;
    write_recording(context, None, false)
}

/// Records a policy at work on the given scenes.
///
/// # Errors
/// When policy or recording fails.
pub fn watch_policy(
    context: &Context,
    policy: &str,
    folder: &str,
    what: &str,
    seeds: Vec<Seed>,
    ticks: u64,
) -> Result<Judged> {
    let mut agent = PolicyAgent::new(load(context, policy)?);
    let mut cells = Cells::start(context)?;
    let recording = Recording {
        folder,
        what,
        source: Source::Policy,
        policy: Some(sha256_file(&context.dir.path(policy))?),
        seeds,
        ticks,
    };
    record(context, &mut cells, &mut agent, &recording)
}
