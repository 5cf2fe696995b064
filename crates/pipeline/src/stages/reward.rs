//! Encoder and reward: rankings align the encoder, and every rollout gets a score.

use crate::config::Config;
use crate::context::Context;
use crate::judgements::read_judgements;
use crate::layout::{
    BACKBONE, DEMONSTRATION_SCORES, DEMONSTRATIONS, REWARD, ROLLOUT_SCORES, ROLLOUTS,
};
use crate::outcomes::{by_id, open_all, read_outcomes};
use crate::scores::{Scores, backbone, clips_of, extract, learn_reward, read_reward, score};
use crate::stage::{Output, Stage};
use crate::viewer_file::write_recording;
use crate::work::Work;
use anyhow::Result;
use apprentice_encoder::BackboneKind;
use serde_json::{Value, json};

/// Comparisons (one episode nearer to another than a third) that a ranking of four comes to.
pub const COMPARISONS: usize = 4;

/// The stage.
pub static STAGE: Stage = Stage {
    name: "reward",
    about: "align the encoder to the rankings, learn a reward, and score every rollout",
    command: "reward",
    reads: &["encoder", "reward", "align.demonstrations"],
    amount: None,
    needs: &["demonstrate", "rollouts", "rank"],
    writes: &[
        Output::Computed(REWARD),
        Output::Computed(ROLLOUT_SCORES),
        Output::MaybeComputed(DEMONSTRATION_SCORES),
        Output::MaybeComputed(BACKBONE),
    ],
    drives_robot: false,
    computes: true,
    work,
    run,
    summary,
};

/// Runs the stage.
///
/// # Errors
/// When there are no rankings, or the encoder cannot be trained.
fn run(context: &Context) -> Result<()> {
    let notes = read_outcomes(context, ROLLOUTS)?;
    let episodes = open_all(context, ROLLOUTS, &notes)?;
    // Bad rankings are refused before anything is computed.
    let judgements = read_judgements(context, &notes)?;
    let clips = clips_of(context, &episodes)?;
    let backbone = backbone(context, Some(&clips))?;
    let features = extract(context, &backbone, &clips)?;
    let index = by_id(&notes);
    let bar = context.bar(1000, "align encoder");
    let learned = learn_reward(context, &features, &index, &judgements, |share| {
        bar.set_position((share * 1000.0) as u64);
        !context.stopping()
    })?;
    bar.finish();
    let scores = Scores {
        episodes: score(context, &learned.model, &features)?,
    };
    if context.config.align.demonstrations {
        let shown = read_outcomes(context, DEMONSTRATIONS)?;
        let shown = open_all(context, DEMONSTRATIONS, &shown)?;
        let features = extract(context, &backbone, &clips_of(context, &shown)?)?;
        let scores = Scores {
            episodes: score(context, &learned.model, &features)?,
        };
        context.dir.write(DEMONSTRATION_SCORES, &scores)?;
    }
    context.dir.write(REWARD, &learned)?;
    context.dir.write(ROLLOUT_SCORES, &scores)?;
    write_recording(context, Some(&scores.episodes), false)
}

fn work(config: &Config) -> Vec<Work> {
    let alignment = &config.encoder.alignment;
    // Each fold learns from the rankings of the others, and one model from all of them.
    let comparisons = (COMPARISONS * config.operator.rankings) as f64;
    let kept = comparisons * (1.0 - alignment.validation_share);
    let steps = (kept / alignment.batch as f64).ceil() * alignment.epochs as f64;
    let mut work = vec![
        Work::ReadEpisodes(config.rollouts.amount()),
        Work::EncodedEpisodes(config.rollouts.episodes as u64),
        Work::EncoderSteps((steps * config.reward.folds as f64) as u64),
        Work::ReadEpisodes(config.rollouts.amount()),
        Work::ViewerEpisodes(config.rollouts.amount()),
    ];
    if config.align.demonstrations {
        work.push(Work::ReadEpisodes(config.demonstrations.amount()));
        work.push(Work::EncodedEpisodes(config.demonstrations.episodes as u64));
    }
    if config.encoder.backbone == BackboneKind::Compact {
        work.insert(0, Work::BackboneSteps(config.encoder.cycle.steps as u64));
    }
    work
}

fn summary(context: &Context) -> Result<Value> {
    let learned = read_reward(context)?;
    let allowed = context.config.reward.significance;
    Ok(json!({
        "comparisons": learned.comparisons,
        "preferred": learned.preferred.len(),
        "evidence": learned.evidence,
        "significance": allowed,
        "counts_as_evidence": learned.evidence.p_value <= allowed,
    }))
}
