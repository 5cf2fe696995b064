//! The policies of a run: read from their files, and at work.

use crate::context::Context;
use crate::outcomes::Outcomes;
use crate::recording::{Recording, record};
use crate::robots::Robots;
use anyhow::Result;
use apprentice_core::{Seed, sha256_file};
use apprentice_episode::Source;
use apprentice_nn::Precision;
use apprentice_policy::DiffusionPolicy;
use apprentice_runtime::PolicyAgent;

/// Loads a policy of the run.
///
/// # Errors
/// When it is missing or damaged.
pub fn load(context: &Context, file: &str) -> Result<DiffusionPolicy> {
    let precision = context.config.inference.precision;
    let policy =
        DiffusionPolicy::load(&context.dir.path(file), &context.device)?.in_precision(precision)?;
    if precision != Precision::F32 {
        let (mean, most) = policy.precision_error(16, context.seed.derive("precision", 0))?;
        context.say(&format!(
            "{file} answers in {}: chunks are {mean:.1e} of each number's range from those of 32 bits, at \
             most {most:.1e}",
            precision.name()
        ));
    }
    Ok(policy)
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
) -> Result<Outcomes> {
    let mut agent = PolicyAgent::new(load(context, policy)?);
    let mut robots = Robots::start(context)?;
    let recording = Recording {
        folder,
        what,
        source: Source::Policy,
        policy: Some(sha256_file(&context.dir.path(policy))?),
        seeds,
        ticks,
    };
    record(context, &mut robots, &mut agent, &recording)
}
