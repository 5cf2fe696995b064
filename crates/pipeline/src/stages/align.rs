//! The base policy is aligned to the reward, if the rankings are evidence at all.

use crate::config::Config;
use crate::context::Context;
use crate::evidence_words::evidence_in_words;
use crate::judgements::{is_ranking, read_judgements};
use crate::layout::{
    ALIGNED_POLICY, ALIGNMENT, DEMONSTRATION_SCORES, DEMONSTRATIONS, ROLLOUT_SCORES, ROLLOUTS,
};
use crate::learning_share::LearningShare;
use crate::outcomes::{open_all, read_outcomes};
use crate::policies::load_diffusion;
use crate::scores::{Scores, read_reward};
use crate::stage::{Output, Stage};
use crate::start_policy::{StartPolicy, StartedFrom};
use crate::versions::keeping::keep_aligned;
use crate::work::Work;
use anyhow::Result;
use apprentice_align::{AlignConfig, AlignReport, align_policy};
use apprentice_policy::Windows;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What became of the policy.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Alignment {
    /// Whether the rankings counted as evidence. If not, there is no aligned policy, and the base policy stays.
    pub evidence: bool,
    /// How it went; `None` without evidence.
    pub report: Option<AlignReport>,
    /// The policy that was aligned; `None` in files from before, where it was the base policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<StartedFrom>,
}

/// The stage.
pub static STAGE: Stage = Stage {
    name: "align",
    about: "align the policy to the reward",
    command: "align",
    reads: &["align", "reward.significance", "inference"],
    amount: None,
    needs: &["demonstrate", "train", "rollouts", "reward"],
    writes: &[
        // Only where the rankings are evidence.
        Output::MaybeComputed(ALIGNED_POLICY),
        Output::Computed(ALIGNMENT),
    ],
    drives_robot: false,
    computes: true,
    work,
    run,
    summary,
};

fn work(config: &Config) -> Vec<Work> {
    let mut work = vec![
        Work::ReadEpisodes(config.rollouts.amount()),
        Work::AlignmentSteps(config.align.steps as u64),
    ];
    if config.align.demonstrations {
        work.push(Work::ReadEpisodes(config.demonstrations.amount()));
    }
    work
}

fn run(context: &Context) -> Result<()> {
    let learned = read_reward(context)?;
    let limit = context.config.reward.significance;
    let mut share = LearningShare::of(context)?;
    let start = StartPolicy::of(context)?;
    let base = load_diffusion(context, &start.file)?;
    start.keep(context, &base)?;
    if learned.evidence.p_value > limit {
        context.say(&format!(
            "align          the policy stays as it is: {}",
            too_thin(context)?
        ));
        // One of before would look as if it came of these rankings.
        let before = context.dir.path(ALIGNED_POLICY);
        if start.file != ALIGNED_POLICY && before.exists() {
            std::fs::remove_file(before)?;
        }
        return context.dir.write(
            ALIGNMENT,
            &Alignment {
                evidence: false,
                report: None,
                start: Some(start.described()),
            },
        );
    }
    let mut sources = vec![(ROLLOUTS, ROLLOUT_SCORES)];
    if context.config.align.demonstrations {
        sources.push((DEMONSTRATIONS, DEMONSTRATION_SCORES));
    }
    let (mut episodes, mut rewards) = (Vec::new(), Vec::new());
    for (folder, file) in sources {
        let notes = read_outcomes(context, folder)?;
        let names = notes
            .episodes
            .iter()
            .map(|e| format!("{folder}/{}", e.file));
        episodes.extend(names.zip(open_all(context, folder, &notes)?));
        let scores: Scores = context.dir.read(file)?;
        rewards.extend(scores.episodes.iter().map(|s| s.total));
    }
    let windows = Windows::new(
        episodes.iter().map(|(name, e)| (name.as_str(), e)),
        base.config(),
    )?;
    drop(episodes);
    let bar = context.bar(context.config.align.steps as u64, "align the policy");
    let mut too_much = Ok(());
    let aligned = align_policy(
        &base,
        &windows,
        &rewards,
        &context.config.align,
        context.seed.derive("align", 0),
        |p| {
            bar.set_position(p.step as u64);
            bar.set_message(format!(
                "preference loss {:.3}, drift {:.4}",
                p.loss, p.drift
            ));
            too_much = share.keep(context);
            too_much.is_ok() && !context.stopping()
        },
    );
    too_much?;
    let (aligned, report) = aligned?;
    bar.finish();
    if let Some(words) = left_at_once(&report, &context.config.align) {
        context.warn(&words);
    }
    aligned.save(&context.dir.path(ALIGNED_POLICY))?;
    keep_aligned(context, Some(&start.described().sha256), Some(&report))?;
    context.dir.write(
        ALIGNMENT,
        &Alignment {
            evidence: true,
            report: Some(report),
            start: Some(start.described()),
        },
    )
}

/// What to do where the drift was beyond its budget when it was first measured, so that the policy stays as it was.
fn left_at_once(report: &AlignReport, config: &AlignConfig) -> Option<String> {
    let [(step, .., drift)] = report.curve[..] else {
        return None;
    };
    report.stopped_by_budget.then(|| {
        format!(
            "the policy stays as it was: when its drift was first measured, after {step} steps, it was {drift:.3}, more than \
             align.drift_budget = {}; set a smaller align.learning_rate (it is {}) or align.drift_every (it is {})",
            config.drift_budget, config.learning_rate, config.drift_every
        )
    })
}

/// How thin the evidence of the rankings is, and how many more would do.
///
/// # Errors
/// When there is no reward.
pub fn too_thin(context: &Context) -> Result<String> {
    let learned = read_reward(context)?;
    let judgements = read_judgements(context, &read_outcomes(context, ROLLOUTS)?)?;
    let rankings = judgements.iter().filter(|j| is_ranking(j) && !j.skipped);
    let limit = context.config.reward.significance;
    Ok(evidence_in_words(
        &learned.evidence,
        rankings.count(),
        limit,
    ))
}

/// Each objective's share of the gradient, by its name.
fn gradient_shares(report: &AlignReport) -> Value {
    let terms = report.objective_terms.iter();
    terms
        .map(|term| (term.name.clone(), term.gradient_share))
        .collect()
}

fn summary(context: &Context) -> Result<Value> {
    let alignment: Alignment = context.dir.read(ALIGNMENT)?;
    let report = alignment.report.as_ref();
    Ok(json!({
        "evidence": alignment.evidence,
        "start": alignment.start,
        "steps": report.map_or(0, |r| r.steps),
        "pairs": report.map_or(0, |r| r.pairs),
        "drift": report.map_or(0.0, |r| r.drift),
        "drift_budget": context.config.align.drift_budget,
        "gradient_shares": report.map_or_else(Value::default, gradient_shares),
        "modes_moved": report.and_then(|r| r.sampled).map(|s| s.modes_moved),
        "stopped_by_budget": report.is_some_and(|r| r.stopped_by_budget),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_that_could_not_move_is_said_to_be_as_it_was() {
        let config = AlignConfig::default();
        let report = |curve: &[(usize, f32, f32, f64)], stopped_by_budget| AlignReport {
            steps: curve.last().map_or(0, |c| c.0),
            pairs: 1,
            facts: std::collections::BTreeMap::new(),
            drift: 0.0,
            noise_drift: None,
            sampled: None,
            objective_terms: Vec::new(),
            drift_budget: config.drift_budget,
            stopped_by_budget,
            curve: curve.to_vec(),
        };
        let (near, far) = ((20, 0.1, 1.0, 0.05), (40, 0.1, 1.0, 0.3));
        let words = left_at_once(&report(&[far], true), &config).unwrap();
        assert!(
            words.contains("after 40 steps, it was 0.300") && words.contains("align.learning_rate"),
            "{words}"
        );
        assert_eq!(left_at_once(&report(&[near, far], true), &config), None);
        assert_eq!(left_at_once(&report(&[near], false), &config), None);
    }
}
