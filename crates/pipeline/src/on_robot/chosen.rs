//! Which policy is to drive, and whether it fits the robot.

use crate::context::Context;
use crate::layout::{ALIGNED_POLICY, BASE_POLICY};
use crate::policies::load;
use crate::robots::describe;
use crate::trials::{PolicyIdentity, PolicyRole};
use crate::versions::store::{History, current_policy};
use anyhow::{Context as _, Result, bail};
use apprentice_core::{RobotState, sha256_file};
use apprentice_policy::{DiffusionPolicy, Policy};
use apprentice_robot::RobotDescription;
use apprentice_robot::proprioception::proprioception;
use std::any::Any;
use std::path::Path;

/// A policy that was asked for by name or file, loaded.
#[derive(Debug)]
pub struct ChosenPolicy {
    /// What it is.
    pub identity: PolicyIdentity,
    /// Its file: below the run's folder, or from the root.
    pub file: String,
    /// Ready to decide.
    pub policy: Box<dyn Policy>,
}

/// Loads the policy called `base`, `aligned`, `current` (the one promoted last) or that of a file.
///
/// # Errors
/// When there is none, its file is damaged, or it was made for another robot.
pub fn choose(context: &Context, name: &str) -> Result<ChosenPolicy> {
    let (role, file) = locate(context, name)?;
    let path = context.dir.path(&file);
    let sha256 = sha256_file(&path)?;
    let policy = load(context, &file)?;
    let robot = describe(context)?;
    fits(policy.as_ref(), &robot).with_context(|| {
        format!(
            "policy {} does not fit robot {}",
            path.display(),
            robot.name
        )
    })?;
    let history = History::of(&context.dir)?;
    let version = history.with_content(&sha256).map(|v| u64::from(v.number));
    Ok(ChosenPolicy {
        identity: PolicyIdentity {
            role,
            sha256,
            version,
        },
        file,
        policy,
    })
}

/// Whether the policy in this file, below the run's folder or from the root, was made for the run's robot.
///
/// # Errors
/// When it was made for another, or its file is damaged.
pub fn check_fits(context: &Context, file: &str) -> Result<()> {
    let robot = describe(context)?;
    fits(load(context, file)?.as_ref(), &robot)
        .with_context(|| format!("policy {file} does not fit robot {}", robot.name))
}

fn locate(context: &Context, name: &str) -> Result<(PolicyRole, String)> {
    let dir = &context.dir;
    match name {
        "base" => {
            dir.needs("train", "train")?;
            Ok((PolicyRole::Base, BASE_POLICY.to_owned()))
        }
        "aligned" => {
            dir.needs("align", "align")?;
            Ok((PolicyRole::Aligned, ALIGNED_POLICY.to_owned()))
        }
        "current" => match current_policy(dir)? {
            Some(file) => Ok((PolicyRole::Current, file)),
            None => bail!(
                "no policy of {} has been promoted; `apprentice promote --out {}` does, or name one: base, aligned \
                 or a file",
                dir.root().display(),
                dir.root().display()
            ),
        },
        file if Path::new(file).is_file() => {
            let whole = std::path::absolute(file)?;
            let text = whole.to_str();
            let text = text.with_context(|| format!("{file:?} is no path in UTF-8"))?;
            Ok((PolicyRole::File, text.to_owned()))
        }
        other => bail!(
            "--policy is {other:?}, and there is no such file; allowed: base, aligned, current, or the file of a policy \
             (.safetensors)"
        ),
    }
}

/// Whether a policy was made for such a robot.
fn fits(policy: &dyn Policy, robot: &RobotDescription) -> Result<()> {
    let (got, wanted) = (policy.action_space(), robot.action_space());
    if got != wanted {
        bail!(
            "its actions are {}, the robot's {}; train one on this robot's demonstrations",
            got.name(),
            wanted.name()
        );
    }
    let any: &dyn Any = policy;
    let Some(policy) = any.downcast_ref::<DiffusionPolicy>() else {
        return Ok(());
    };
    let (seen, acted) = policy.normalizers();
    let home = RobotState {
        sequence: 0,
        stamp_ns: 0,
        positions: robot.home.clone(),
        velocities: vec![0.0; robot.home.len()],
        gripper_width: 0.0,
        efforts: None,
        external_wrench: None,
    };
    for (what, got, wanted) in [
        ("cameras", policy.cameras(), robot.cameras.len()),
        ("numbers of an action", acted.dim(), robot.action_dim()),
        (
            "numbers of proprioception",
            seen.dim(),
            proprioception(robot, &home).len(),
        ),
    ] {
        if got != wanted {
            bail!(
                "it was made for {got} {what}, the robot has {wanted}; train one on this robot's demonstrations"
            );
        }
    }
    Ok(())
}
