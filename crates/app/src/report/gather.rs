//! Reads the figures from what the stages wrote.

use super::artefacts::artefacts;
use super::figures::{
    AlignmentFigures, Controls, Labels, PolicyFigures, Report, RewardFigures, SceneChanges,
    SingleFeature, StageSeconds,
};
use crate::context::{Context, peak_memory_bytes};
use crate::pipeline::STAGES;
use crate::run_dir::StageMark;
use crate::stages::align::{Alignment, REPORT as ALIGNMENT};
use crate::stages::demonstrate::FOLDER as DEMONSTRATIONS;
use crate::stages::evaluate::{ALIGNED_FOLDER, BASE_FOLDER, REWARD_EXAM, RewardExam, rates};
use crate::stages::notes::{Judged, Totals, judged};
use crate::stages::rank::{is_ranking, preferred_grasp, said};
use crate::stages::rollout::FOLDER as ROLLOUTS;
use anyhow::Result;
use apprentice_core::Proportion;
use apprentice_preference::{Judgement, unused};
use apprentice_sim::Grasp;

impl Report {
    /// Reads the figures from what the stages wrote.
    ///
    /// # Errors
    /// When a file is missing or cannot be understood.
    pub fn gather(context: &Context) -> Result<Self> {
        let config = &context.config;
        let marks: Vec<_> = STAGES
            .iter()
            .filter_map(|(stage, _)| context.dir.done(stage))
            .collect();
        let memory = marks.iter().map(|m| m.peak_memory_bytes).max().unwrap_or(0);
        let [base, aligned] = [
            judged(context, BASE_FOLDER)?,
            judged(context, ALIGNED_FOLDER)?,
        ];
        let alignment: Alignment = context.dir.read(ALIGNMENT)?;
        let exam: RewardExam = context.dir.read(REWARD_EXAM)?;
        let learned = crate::stages::reward::load(context)?;
        let judgements = said(context, &judged(context, ROLLOUTS)?)?;
        let recorded = [judged(context, DEMONSTRATIONS)?, judged(context, ROLLOUTS)?];
        let guards = recorded.iter().chain([&base, &aligned]).map(|j| &j.guard);
        let grasp = preferred_grasp(config.operator.prefers);
        Ok(Self {
            seed: context.seed.0,
            task: config.run.task.clone(),
            device: device(&marks, &context.device_name),
            labels: Labels {
                comparisons: learned.report.comparisons,
                prefers: if grasp == Grasp::Rim { "rim" } else { "handle" }.to_owned(),
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
            base: PolicyFigures::of(context, &base)?,
            aligned: PolicyFigures::of(context, &aligned)?,
            scenes: SceneChanges::between(&base, &aligned, grasp),
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
            guard: guards.fold(Totals::default(), |mut sum, t| {
                sum += t;
                sum
            }),
            artefacts: artefacts(context.dir.root())?,
        })
    }
}

/// Where the networks of these stages computed: a device, or `mixed`. Marks that do not say so were
/// made on the `run`'s.
fn device(marks: &[StageMark], run: &str) -> String {
    let mut names: Vec<&str> = marks
        .iter()
        // Neither has a network in it.
        .filter(|m| !["demonstrate", "rank"].contains(&m.name.as_str()))
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
    fn of(context: &Context, notes: &Judged) -> Result<Self> {
        let rates = rates(context, notes)?;
        Ok(Self {
            success: rates.success,
            preferred: rates.preferred,
            preferred_of_all: Proportion::new(rates.preferred.k, rates.success.n),
        })
    }
}

impl SceneChanges {
    /// Compares two evaluations of the same seeds.
    #[must_use]
    pub fn between(base: &Judged, aligned: &Judged, grasp: Grasp) -> Self {
        let mut changes = Self::default();
        for (before, after) in base
            .episodes
            .iter()
            .zip(&aligned.episodes)
            .filter(|(b, a)| b.seed == a.seed)
        {
            match (before.picked(grasp), after.picked(grasp)) {
                (false, true) => changes.gained += 1,
                (true, false) => changes.lost += 1,
                (true, true) => changes.kept += 1,
                (false, false) => changes.never += 1,
            }
        }
        changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::note;
    use apprentice_preference::Answer;

    #[test]
    fn scenes_are_compared_by_seed() {
        let base = Judged {
            episodes: vec![note(1, Some(Grasp::Rim)), note(2, Some(Grasp::Handle))],
            ..Judged::default()
        };
        let aligned = Judged {
            episodes: vec![note(1, Some(Grasp::Handle)), note(2, None)],
            ..Judged::default()
        };
        let changes = SceneChanges::between(&base, &aligned, Grasp::Handle);
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
        };
        let shown = mark("demonstrate", "flex");
        let trained = [shown.clone(), mark("train", "cuda"), mark("align", "cuda")];
        assert_eq!(device(&trained, "flex"), "cuda");
        let moved = [shown, mark("train", "cuda"), mark("align", "flex")];
        assert_eq!(device(&moved, "flex"), "mixed");
        assert_eq!(device(&[mark("train", "")], "flex"), "flex");
    }

    #[test]
    fn skipped_groups_are_not_rankings() {
        let shown = vec!["a".into(), "b".into()];
        let ranked = Judgement::ranking(0, "Ada", 1.0, vec![shown.clone()], None);
        let text = Answer::Utterance {
            text: "slower".into(),
            items: Vec::new(),
        };
        let labels = Labels::of(
            &[
                ranked,
                Judgement::skip(0, "Ada", shown, None),
                Judgement::new(0, "Bob", text),
            ],
            &["ranking"],
        );
        assert_eq!(
            (labels.rankings, labels.skipped, labels.operators.len()),
            (1, 1, 1)
        );
        assert_eq!(labels.unused, [("utterance".to_owned(), 1)].into());
    }
}
