//! The base policy: imitation of all demonstrations.

use crate::context::Context;
use crate::stages::notes::{judged, open_all};
use anyhow::Result;
use apprentice_nn::Precision;
use apprentice_policy::{DiffusionPolicy, Windows, train};
use serde::{Deserialize, Serialize};

/// The base policy's file.
pub const BASE: &str = "policy/base.safetensors";

/// How training went.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TrainingCurve {
    /// Loss of each step.
    pub loss: Vec<f32>,
    /// Samples there were.
    pub samples: usize,
}

/// Runs the stage.
///
/// # Errors
/// When there are no demonstrations or training fails.
pub fn run(context: &Context) -> Result<()> {
    let notes = judged(context, super::demonstrate::FOLDER)?;
    let episodes = open_all(context, super::demonstrate::FOLDER, &notes)?;
    let named = notes
        .episodes
        .iter()
        .map(|e| e.file.as_str())
        .zip(&episodes);
    let windows = Windows::new(named, &context.config.policy)?;
    drop(episodes);
    let bar = context.bar(context.config.train.steps as u64, "train");
    let mut curve = TrainingCurve {
        loss: Vec::new(),
        samples: windows.samples().len(),
    };
    let policy = train(
        &windows,
        &context.config.policy,
        &context.config.train,
        context.seed.derive("policy", 0),
        &context.device,
        |p| {
            curve.loss.push(p.loss);
            let recent = &curve.loss[curve.loss.len().saturating_sub(20)..];
            bar.set_position(p.step as u64);
            bar.set_message(format!(
                "loss {:.4}",
                recent.iter().sum::<f32>() / recent.len() as f32
            ));
            !context.stopping()
        },
    )?;
    bar.finish();
    policy.save(&context.dir.path(BASE))?;
    context.dir.write("policy/base-training.json", &curve)
}

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
