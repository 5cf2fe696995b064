//! The policies of a run: read from their files, and at work.

use crate::context::Context;
use crate::layout::{ALIGNED_POLICY, ALIGNMENT, BASE_POLICY, START_POLICY};
use crate::outcomes::Outcomes;
use crate::recording::{Recording, record};
use crate::robots::Robots;
use anyhow::{Context as _, Result};
use apprentice_core::{Seed, sha256_file};
use apprentice_episode::Source;
use apprentice_nn::Precision;
use apprentice_policy::{DiffusionPolicy, Policy, PolicyAgent, load_policy};
use std::any::Any;

/// Loads a policy of the run.
///
/// # Errors
/// When it is missing or damaged.
pub fn load(context: &Context, file: &str) -> Result<Box<dyn Policy>> {
    let precision = context.config.inference.precision;
    let policy =
        load_policy(&context.dir.path(file), &context.device)?.with_precision(precision)?;
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

/// Loads a diffusion policy of the run.
///
/// # Errors
/// When it is missing, damaged or of another kind.
pub fn load_diffusion(context: &Context, file: &str) -> Result<DiffusionPolicy> {
    let policy: Box<dyn Any> = load(context, file)?;
    policy.downcast().map(|policy| *policy).ok().with_context(|| {
        format!("{file} is no diffusion policy, and only those are aligned; train with policy.kind = \"diffusion\"")
    })
}

/// The file of the policy after alignment: where the rankings were no evidence, of the one it would have started from.
///
/// # Errors
/// When nothing has been aligned yet.
pub fn aligned_policy(context: &Context) -> Result<&'static str> {
    let alignment: serde_json::Value = context.dir.read(ALIGNMENT)?;
    let evidence = alignment["evidence"].as_bool() == Some(true);
    let started_from = alignment["start"]["name"].as_str().unwrap_or("base");
    Ok(match (evidence, started_from) {
        (true, _) => ALIGNED_POLICY,
        (false, "base") => BASE_POLICY,
        (false, _) => START_POLICY,
    })
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
