//! The base policy: imitation of all demonstrations.

use crate::config::Config;
use crate::context::Context;
use crate::layout::{BASE_POLICY, DEMONSTRATIONS, TRAINING_CURVE};
use crate::learning_share::LearningShare;
use crate::outcomes::{open_all, read_outcomes};
use crate::stage::{Output, Stage};
use crate::work::Work;
use anyhow::Result;
use apprentice_policy::Windows;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Steps over which the last loss is averaged.
const LOSSES: usize = 20;

/// How training went.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TrainingCurve {
    /// Loss of each step.
    pub loss: Vec<f32>,
    /// Samples there were.
    pub samples: usize,
}

/// The stage.
pub static STAGE: Stage = Stage {
    name: "train",
    about: "train the diffusion policy on all demonstrations",
    command: "train",
    reads: &["policy", "train"],
    amount: None,
    needs: &["demonstrate"],
    writes: &[
        Output::Computed(BASE_POLICY),
        Output::Computed(TRAINING_CURVE),
    ],
    drives_robot: false,
    computes: true,
    work,
    run,
    summary,
};

fn work(config: &Config) -> Vec<Work> {
    vec![
        Work::ReadEpisodes(config.demonstrations.amount()),
        Work::TrainingSteps(config.train.steps as u64),
    ]
}

fn run(context: &Context) -> Result<()> {
    let notes = read_outcomes(context, DEMONSTRATIONS)?;
    let episodes = open_all(context, DEMONSTRATIONS, &notes)?;
    let named = notes
        .episodes
        .iter()
        .map(|e| e.file.as_str())
        .zip(&episodes);
    let windows = Windows::new(named, &context.config.policy)?;
    drop(episodes);
    let bar = context.bar(context.config.train.steps as u64, "train");
    let mut share = LearningShare::of(context)?;
    let mut too_much = Ok(());
    let mut curve = TrainingCurve {
        loss: Vec::new(),
        samples: windows.samples().len(),
    };
    let policy = context.config.policy.train(
        &windows,
        &context.config.train,
        context.seed.derive("policy", 0),
        &context.device,
        &mut |p| {
            curve.loss.push(p.loss);
            let recent = &curve.loss[curve.loss.len().saturating_sub(20)..];
            bar.set_position(p.step as u64);
            bar.set_message(format!(
                "loss {:.4}",
                recent.iter().sum::<f32>() / recent.len() as f32
            ));
            too_much = share.keep(context);
            too_much.is_ok() && !context.stopping()
        },
    );
    too_much?;
    let policy = policy?;
    bar.finish();
    policy.save(&context.dir.path(BASE_POLICY))?;
    context.dir.write(TRAINING_CURVE, &curve)
}

fn summary(context: &Context) -> Result<Value> {
    let curve: TrainingCurve = context.dir.read(TRAINING_CURVE)?;
    let last = &curve.loss[curve.loss.len().saturating_sub(LOSSES)..];
    Ok(json!({
        "samples": curve.samples,
        "steps": curve.loss.len(),
        "first_loss": curve.loss.first(),
        "last_loss": last.iter().sum::<f32>() / last.len().max(1) as f32,
    }))
}
