//! Encoder and reward: a reward is learnt from what was said, and every rollout gets a score.

use crate::config::Config;
use crate::context::Context;
use crate::evidence_words::evidence_in_words;
use crate::judgements::{is_ranking, read_judgements};
use crate::layout::{
    BACKBONE, DEMONSTRATION_SCORES, DEMONSTRATIONS, PANEL, REWARD, ROLLOUT_SCORES, ROLLOUTS,
};
use crate::learning_share::LearningShare;
use crate::outcomes::{by_id, open_all, read_outcomes};
use crate::reward_panel::judge_panel;
use crate::scores::{Scores, clips_of, encoder, extract, learn_reward, read_reward, score};
use crate::stage::{Output, Stage};
use crate::viewer_file::write_recording;
use crate::wishes::Wishes;
use crate::work::Work;
use anyhow::{Result, bail};
use apprentice_encoder::WeightsSource;
use apprentice_preference::{is_wish, unused, unused_sentence};
use apprentice_reward::{JudgedClips, PanelRow};
use serde_json::{Value, json};

/// Comparisons (one episode nearer to another than a third) that a ranking of four comes to.
pub const COMPARISONS: usize = 4;

/// The stage.
pub static STAGE: Stage = Stage {
    name: "reward",
    about: "learn a reward from the rankings, and score every rollout",
    command: "reward",
    reads: &["encoder", "reward", "align.demonstrations"],
    amount: None,
    needs: &["demonstrate", "rollouts", "rank"],
    writes: &[
        Output::Computed(REWARD),
        Output::Computed(ROLLOUT_SCORES),
        Output::MaybeComputed(DEMONSTRATION_SCORES),
        Output::MaybeComputed(BACKBONE),
        Output::MaybeComputed(PANEL),
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
    let said = read_judgements(context, &notes)?;
    let weight = context.config.reward.round_weight;
    let wishes = Wishes::of(&said, &notes, weight);
    if let Some(sentence) = wishes.sentence(weight) {
        context.say(&sentence);
    }
    let judgements = &wishes.judgements;
    if wishes.taken_back > 0 && !judgements.iter().any(is_wish) {
        bail!(
            "every wish was taken back, and nothing is left to learn a reward from; say anew how things should be: \
             apprentice rank --out {}",
            context.dir.root().display()
        );
    }
    let unused = unused(judgements, context.config.reward.learner.uses());
    if let Some(sentence) = unused_sentence(&unused) {
        context.say(&sentence);
    }
    let clips = clips_of(context, &episodes)?;
    let encoder = encoder(context, Some(&clips))?;
    let features = extract(context, &encoder, &clips)?;
    let index = by_id(&notes);
    let bar = context.bar(1000, "learn reward");
    let judged = (judgements.as_slice(), wishes.examiners.as_ref());
    let mut share = LearningShare::of(context)?;
    let mut too_much = Ok(());
    let learned = learn_reward(context, &features, &index, judged, |done| {
        bar.set_position((done * 1000.0) as u64);
        too_much = share.keep(context);
        too_much.is_ok() && !context.stopping()
    });
    too_much?;
    let learned = learned?;
    bar.finish();
    if learned.report.folds_share_clips {
        context.warn(
            "most rankings hang together by episodes that they share, so that those kept back are about episodes that were \
             learnt from: the evidence is too favourable",
        );
    }
    let scores = Scores {
        episodes: score(context, &learned, &features)?,
    };
    if context.config.align.demonstrations {
        let shown = read_outcomes(context, DEMONSTRATIONS)?;
        let shown = open_all(context, DEMONSTRATIONS, &shown)?;
        let features = extract(context, &encoder, &clips_of(context, &shown)?)?;
        let scores = Scores {
            episodes: score(context, &learned, &features)?,
        };
        context.dir.write(DEMONSTRATION_SCORES, &scores)?;
    }
    context.dir.write(REWARD, &learned.store()?)?;
    if context.config.reward.panel {
        let judged = JudgedClips {
            examiners: wishes.examiners.as_ref(),
            ..JudgedClips::new(&features, &index, judgements)
        };
        if let Some(words) = better_member(&judge_panel(context, &clips, &judged)?) {
            context.say(&format!("reward         {words}"));
        }
    } else if context.dir.path(PANEL).exists() {
        // One of before would look as if it were of these judgements.
        std::fs::remove_file(context.dir.path(PANEL))?;
    }
    context.dir.write(ROLLOUT_SCORES, &scores)?;
    let rankings = judgements.iter().filter(|j| is_ranking(j) && !j.skipped);
    let limit = context.config.reward.significance;
    context.say(&format!(
        "reward         {}",
        evidence_in_words(&learned.evidence, rankings.count(), limit)
    ));
    write_recording(context, Some(&scores.episodes), false)
}

/// Says which member of the panel did better than the one that is used, if one did by more than little.
fn better_member(rows: &[PanelRow]) -> Option<String> {
    let (used, others) = rows.split_first()?;
    let best = others
        .iter()
        .filter(|row| row.heldout_accuracy.is_some())
        .max_by(|a, b| {
            a.heldout_accuracy
                .unwrap_or(0.0)
                .total_cmp(&b.heldout_accuracy.unwrap_or(0.0))
        })?;
    let (ours, theirs) = (used.heldout_accuracy?, best.heldout_accuracy?);
    (theirs > ours + 0.05).then(|| {
        format!(
            "of the panel, {} is right in {:.0} % of the pairs kept back, {} in {:.0} %: with so few it may be luck; see the report",
            best.member,
            100.0 * theirs,
            used.member,
            100.0 * ours
        )
    })
}

fn work(config: &Config) -> Vec<Work> {
    // Each fold learns from the rankings of the others, and one model from all of them.
    let comparisons = COMPARISONS * config.operator.rankings;
    let steps = config.reward.learner.steps(comparisons);
    let mut work = vec![
        Work::ReadEpisodes(config.rollouts.amount()),
        Work::EncodedEpisodes(config.rollouts.episodes as u64),
        Work::EncoderSteps((steps * config.reward.folds) as u64),
        Work::ReadEpisodes(config.rollouts.amount()),
        Work::ViewerEpisodes(config.rollouts.amount()),
    ];
    if config.align.demonstrations {
        work.push(Work::ReadEpisodes(config.demonstrations.amount()));
        work.push(Work::EncodedEpisodes(config.demonstrations.episodes as u64));
    }
    config.encoder.with_encoder(|encoder| {
        if let WeightsSource::Training { steps } = encoder.weights() {
            work.insert(0, Work::BackboneSteps(steps as u64));
        }
    });
    work
}

fn summary(context: &Context) -> Result<Value> {
    let learned = read_reward(context)?;
    let notes = read_outcomes(context, ROLLOUTS)?;
    let said = read_judgements(context, &notes)?;
    let wishes = Wishes::of(&said, &notes, context.config.reward.round_weight);
    let allowed = context.config.reward.significance;
    Ok(json!({
        "comparisons": learned.report.comparisons,
        "taken_back": wishes.taken_back,
        "of_earlier_rounds": wishes.older,
        "unused": unused(&wishes.judgements, context.config.reward.learner.uses()),
        "preferred": learned.report.preferred.len(),
        "evidence": learned.evidence,
        "significance": allowed,
        "counts_as_evidence": learned.evidence.p_value <= allowed,
    }))
}
