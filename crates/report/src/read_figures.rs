//! Reads the figures from what the stages wrote.

use super::artefacts::artefacts;
use super::figures::{
    AlignmentFigures, Controls, Labels, PolicyFigures, Report, RewardFigures, SceneChanges,
    SingleFeature, StageSeconds,
};
use super::task_words::TaskWords;
use anyhow::Result;
use apprentice_pipeline::context::{Context, peak_memory_bytes};
use apprentice_pipeline::evaluation::Rates;
use apprentice_pipeline::judgements::{is_ranking, read_judgements};
use apprentice_pipeline::layout::{
    ALIGNED_EVALUATION, ALIGNMENT, BASE_EVALUATION, DEMONSTRATIONS, PANEL, REWARD_EXAM, ROLLOUTS,
};
use apprentice_pipeline::outcomes::{GuardCounts, Outcomes, read_outcomes};
use apprentice_pipeline::preference::Preference;
use apprentice_pipeline::reward_exam::RewardExam;
use apprentice_pipeline::run_dir::StageMark;
use apprentice_pipeline::scores::read_reward;
use apprentice_pipeline::stages::align::Alignment;
use apprentice_pipeline::stages::{STAGES, named};
use apprentice_pipeline::success::read_labelled;
use apprentice_preference::{Judgement, unused};
use apprentice_reward::PanelRow;
use apprentice_statistics::Proportion;

impl Report {
    /// Reads the figures from what the stages wrote.
    ///
    /// # Errors
    /// When a file is missing or cannot be understood.
    pub fn read(context: &Context) -> Result<Self> {
        let config = &context.config;
        let marks: Vec<_> = STAGES
            .iter()
            .filter_map(|stage| context.dir.done(stage.name))
            .collect();
        let memory = marks.iter().map(|m| m.peak_memory_bytes).max().unwrap_or(0);
        let [base, aligned] = [
            read_labelled(context, BASE_EVALUATION)?,
            read_labelled(context, ALIGNED_EVALUATION)?,
        ];
        let alignment: Alignment = context.dir.read(ALIGNMENT)?;
        let exam: RewardExam = context.dir.read(REWARD_EXAM)?;
        let learned = read_reward(context)?;
        let judgements = read_judgements(context, &read_outcomes(context, ROLLOUTS)?)?;
        let recorded = [
            read_outcomes(context, DEMONSTRATIONS)?,
            read_outcomes(context, ROLLOUTS)?,
        ];
        let guards = recorded.iter().chain([&base, &aligned]).map(|j| &j.guard);
        let preference = Preference::of(config)?;
        let style = preference.style(&config.task);
        let style = style.and_then(|s| config.task.styles().get(s));
        Ok(Self {
            seed: context.seed.0,
            task: config.instruction(),
            words: TaskWords::of(&config.task, &preference)
                .shown_in(&config.demonstrations.style_shares),
            device: device(&marks, &context.device_name),
            labels: Labels {
                comparisons: learned.report.comparisons,
                prefers: style
                    .map_or(config.operator.prefers.as_str(), |s| s.name)
                    .to_owned(),
                error_rate: config.operator.error_rate,
                shuffle: config.operator.shuffle,
                ..Labels::of(&judgements, config.reward.learner.uses())
            },
            stages: marks
                .into_iter()
                .map(|m| StageSeconds {
                    name: m.name,
                    seconds: m.seconds,
                    device: m.device,
                })
                .collect(),
            peak_memory_bytes: memory.max(peak_memory_bytes()),
            base: PolicyFigures::of(&preference, &base),
            aligned: PolicyFigures::of(&preference, &aligned),
            scenes: SceneChanges::between(&base, &aligned, &preference),
            drift: alignment.report.as_ref().map_or(0.0, |r| r.drift),
            alignment: AlignmentFigures {
                evidence: alignment.evidence,
                steps: alignment.report.as_ref().map_or(0, |r| r.steps),
                drift_budget: config.align.drift_budget,
                stopped_by_budget: alignment
                    .report
                    .as_ref()
                    .is_some_and(|r| r.stopped_by_budget),
            },
            reward: RewardFigures {
                spearman_heldout: exam.spearman_heldout,
                triplet_accuracy_heldout: exam.triplet_accuracy_heldout,
                pairs_heldout: exam.pairs,
                controls: Controls {
                    majority: exam.majority,
                    best_single_feature: SingleFeature {
                        name: exam.best_single_feature.0,
                        accuracy: exam.best_single_feature.1,
                    },
                },
                evidence: learned.evidence,
                significance: config.reward.significance,
            },
            panel: panel(context)?,
            objective_terms: (alignment.report.as_ref())
                .map_or_else(Vec::new, |r| r.objective_terms.clone()),
            guard: guards.fold(GuardCounts::default(), |mut sum, t| {
                sum += t;
                sum
            }),
            artefacts: artefacts(context.dir.root())?,
        })
    }
}

fn panel(context: &Context) -> Result<Vec<PanelRow>> {
    match context.dir.path(PANEL).exists() {
        true => context.dir.read(PANEL),
        false => Ok(Vec::new()),
    }
}

/// Where the networks of these stages computed: a device, or `mixed`. Marks that do not say so were
/// made on the `run`'s.
fn device(marks: &[StageMark], run: &str) -> String {
    let mut names: Vec<&str> = marks
        .iter()
        .filter(|m| named(&m.name).is_none_or(|stage| stage.computes))
        .map(|m| if m.device.is_empty() { run } else { &m.device })
        .collect();
    names.dedup();
    match names[..] {
        [] => run.to_owned(),
        [one] => one.to_owned(),
        _ => "mixed".to_owned(),
    }
}

impl Labels {
    /// Of judgements, from which a learner learns that uses these kinds.
    fn of(judgements: &[Judgement], used: &[&str]) -> Self {
        let rankings: Vec<&Judgement> = judgements.iter().filter(|j| is_ranking(j)).collect();
        let skipped = rankings.iter().filter(|j| j.skipped).count();
        let mut operators: Vec<String> = rankings.iter().map(|j| j.who.clone()).collect();
        operators.sort();
        operators.dedup();
        Self {
            rankings: rankings.len() - skipped,
            skipped,
            comparisons: 0,
            unused: unused(judgements, used),
            operators,
            prefers: String::new(),
            error_rate: 0.0,
            shuffle: false,
        }
    }
}

impl PolicyFigures {
    fn of(preference: &Preference, outcomes: &Outcomes) -> Self {
        let rates = Rates::of(preference, outcomes);
        Self {
            success: rates.success,
            preferred: rates.preferred,
            preferred_of_all: Proportion::new(rates.preferred.k, rates.success.n),
            unknown: rates.unknown,
        }
    }
}

impl SceneChanges {
    /// Compares two evaluations of the same seeds. Scenes whose end nobody knows, once or twice, are left out.
    #[must_use]
    pub fn between(base: &Outcomes, aligned: &Outcomes, preference: &Preference) -> Self {
        let mut changes = Self::default();
        for (before, after) in base
            .episodes
            .iter()
            .zip(&aligned.episodes)
            .filter(|(b, a)| b.seed == a.seed)
        {
            let preferred = |episode| preference.is_preferred(episode);
            match (preferred(before), preferred(after)) {
                (Some(false), Some(true)) => changes.gained += 1,
                (Some(true), Some(false)) => changes.lost += 1,
                (Some(true), Some(true)) => changes.kept += 1,
                (Some(false), Some(false)) => changes.never += 1,
                (None, _) | (_, None) => {}
            }
        }
        changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::ended;
    use apprentice_pipeline::config::Config;
    use apprentice_preference::{Answer, RANKING};

    #[test]
    fn scenes_are_compared_by_seed() {
        let base = Outcomes {
            episodes: vec![ended(1, Some(1)), ended(2, Some(0))],
            ..Outcomes::default()
        };
        let aligned = Outcomes {
            episodes: vec![ended(1, Some(0)), ended(2, None)],
            ..Outcomes::default()
        };
        let preference = Preference::of(&Config::load(None, &[]).unwrap()).unwrap();
        let changes = SceneChanges::between(&base, &aligned, &preference);
        assert_eq!(
            changes,
            SceneChanges {
                gained: 1,
                lost: 1,
                kept: 0,
                never: 0
            }
        );
    }

    #[test]
    fn the_device_is_where_stages_ran_not_the_last_one_named() {
        let mark = |name: &str, device: &str| StageMark {
            name: name.into(),
            seconds: 1.0,
            peak_memory_bytes: 1,
            device: device.into(),
            inputs: None,
        };
        let shown = mark("demonstrate", "cpu");
        let trained = [shown.clone(), mark("train", "cuda"), mark("align", "cuda")];
        assert_eq!(device(&trained, "cpu"), "cuda");
        let moved = [shown, mark("train", "cuda"), mark("align", "cpu")];
        assert_eq!(device(&moved, "cpu"), "mixed");
        assert_eq!(device(&[mark("train", "")], "cpu"), "cpu");
    }

    #[test]
    fn skipped_groups_are_not_rankings() {
        let shown = vec!["a".into(), "b".into()];
        let ranked = Judgement::ranking(0, "Ada", 1.0, vec![shown.clone()], None);
        let text = Answer::Utterance {
            text: "slower".into(),
            items: Vec::new(),
        };
        let judgements = [
            ranked,
            Judgement::skip(0, "Ada", shown, None),
            Judgement::new(0, "Bob", text),
        ];
        let labels = Labels::of(&judgements, &[RANKING]);
        assert_eq!(
            (labels.rankings, labels.skipped, labels.operators.len()),
            (1, 1, 1)
        );
        assert_eq!(labels.unused, [("utterance".to_owned(), 1)].into());
    }
}
