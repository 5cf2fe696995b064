//! Every figure of a run, as `report.json` holds them.

use super::artefacts::{Artefact, artefacts};
use crate::context::{Context, peak_memory_bytes};
use crate::pipeline::STAGES;
use crate::stages::align::{Alignment, REPORT as ALIGNMENT};
use crate::stages::demonstrate::FOLDER as DEMONSTRATIONS;
use crate::stages::evaluate::{ALIGNED_FOLDER, BASE_FOLDER, REWARD_EXAM, RewardExam, rates};
use crate::stages::rank::{LOG, preferred_grasp};
use crate::stages::rollout::FOLDER as ROLLOUTS;
use crate::stages::scenes::{Judged, Totals, judged};
use anyhow::Result;
use apprentice_core::Proportion;
use apprentice_preference::{Judgement, JudgementLog};
use apprentice_reward::Evidence;
use apprentice_sim::Grasp;
use serde::{Deserialize, Serialize};

/// The figures of a run. Two runs with the same seed, device and configuration agree in all of them
/// but `stages` (seconds) and `peak_memory_bytes`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Seed of everything random.
    pub seed: u64,
    /// The task, in words.
    pub task: String,
    /// Where networks computed.
    pub device: String,
    /// What the operator was asked for and gave.
    pub labels: Labels,
    /// What each stage took, in order.
    pub stages: Vec<StageSeconds>,
    /// Most memory resident at any time, bytes; 0 where the system does not say.
    pub peak_memory_bytes: u64,
    /// The policy that imitates all demonstrations, on held-out scenes.
    pub base: PolicyFigures,
    /// The policy after alignment, on the same scenes.
    pub aligned: PolicyFigures,
    /// What became of each held-out scene.
    pub scenes: SceneChanges,
    /// Mean squared change of the predicted noise from base to aligned policy.
    pub drift: f64,
    /// How the alignment went.
    pub alignment: AlignmentFigures,
    /// What is known of the reward.
    pub reward: RewardFigures,
    /// What the guards of all arms did, over the whole run.
    pub guard: Totals,
    /// Files that the same seed, device and configuration give bit for bit, sorted by path.
    pub artefacts: Vec<Artefact>,
}

/// The operator's part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Labels {
    /// Rankings given (skipped ones not counted).
    pub rankings: usize,
    /// Groups that were shown and skipped.
    pub skipped: usize,
    /// Comparisons the rankings come to.
    pub comparisons: usize,
    /// Who ranked.
    pub operators: Vec<String>,
    /// What counts as preferred in these figures: `handle` or `rim`.
    pub prefers: String,
    /// Share of the rankings that were wrong on purpose.
    pub error_rate: f64,
    /// Whether the rankings were in random order on purpose.
    pub shuffle: bool,
}

/// A stage's cost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StageSeconds {
    pub name: String,
    pub seconds: f64,
}

/// How a policy did on the held-out scenes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PolicyFigures {
    /// Mug picked up, of all episodes.
    pub success: Proportion,
    /// Picked up the preferred way, of the episodes in which it was picked up.
    pub preferred: Proportion,
    /// Picked up the preferred way, of all episodes.
    pub preferred_of_all: Proportion,
}

/// Held-out scenes in which base and aligned policy end differently.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SceneChanges {
    /// Preferred way only after alignment.
    pub gained: usize,
    /// Preferred way only before.
    pub lost: usize,
    /// Preferred way both times.
    pub kept: usize,
    /// Preferred way neither time.
    pub never: usize,
}

/// How the alignment went.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlignmentFigures {
    /// Whether the rankings counted as evidence; if not, the policy is the base policy.
    pub evidence: bool,
    /// Optimiser steps.
    pub steps: usize,
    /// Drift allowed.
    pub drift_budget: f64,
    /// Whether the budget ended the alignment.
    pub stopped_by_budget: bool,
}

/// What is known of the reward.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RewardFigures {
    /// Rank correlation with the hidden preference on episodes the reward never saw.
    pub spearman_heldout: f64,
    /// Share of pairs of such episodes put in the right order.
    pub triplet_accuracy_heldout: f64,
    /// Pairs counted.
    pub pairs_heldout: usize,
    /// What does without a reward.
    pub controls: Controls,
    /// Agreement with rankings kept back, and the chance of a fluke.
    pub evidence: Evidence,
    /// Largest chance of a fluke at which rankings count as evidence.
    pub significance: f64,
}

/// Answers that need no learning.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Controls {
    /// Pair accuracy of always answering the same.
    pub majority: f64,
    /// The one number that orders pairs best, chosen with knowledge of the truth.
    pub best_single_feature: SingleFeature,
}

/// A number taken from an episode, and its pair accuracy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SingleFeature {
    pub name: String,
    pub accuracy: f64,
}

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
        let log = JudgementLog::open(context.dir.path(LOG))?;
        let recorded = [judged(context, DEMONSTRATIONS)?, judged(context, ROLLOUTS)?];
        let guards = recorded.iter().chain([&base, &aligned]).map(|j| &j.guard);
        let grasp = preferred_grasp(config.operator.prefers);
        Ok(Self {
            seed: context.seed.0,
            task: config.run.task.clone(),
            device: context
                .dir
                .read::<crate::run_dir::RunInfo>("run.json")?
                .device,
            labels: Labels {
                comparisons: learned.comparisons,
                prefers: if grasp == Grasp::Rim { "rim" } else { "handle" }.to_owned(),
                error_rate: config.operator.error_rate,
                shuffle: config.operator.shuffle,
                ..Labels::of(log.judgements())
            },
            stages: marks
                .into_iter()
                .map(|m| StageSeconds {
                    name: m.name,
                    seconds: m.seconds,
                })
                .collect(),
            peak_memory_bytes: memory.max(peak_memory_bytes()),
            base: PolicyFigures::of(context, &base),
            aligned: PolicyFigures::of(context, &aligned),
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
            guard: guards.fold(Totals::default(), |sum, t| Totals {
                commands: sum.commands + t.commands,
                refusals: sum.refusals + t.refusals,
                violations: sum.violations + t.violations,
            }),
            artefacts: artefacts(context.dir.root())?,
        })
    }

    /// Seconds of all stages together.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.stages.iter().map(|s| s.seconds).sum()
    }
}

impl Labels {
    fn of(judgements: &[Judgement]) -> Self {
        let skipped = judgements.iter().filter(|j| j.skipped).count();
        let mut operators: Vec<String> = judgements.iter().map(|j| j.who.clone()).collect();
        operators.sort();
        operators.dedup();
        Self {
            rankings: judgements.len() - skipped,
            skipped,
            comparisons: 0,
            operators,
            prefers: String::new(),
            error_rate: 0.0,
            shuffle: false,
        }
    }
}

impl PolicyFigures {
    fn of(context: &Context, notes: &Judged) -> Self {
        let rates = rates(context, notes);
        Self {
            success: rates.success,
            preferred: rates.preferred,
            preferred_of_all: Proportion::new(rates.preferred.k, rates.success.n),
        }
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
    use crate::report::sample::{note, report};

    #[test]
    fn the_json_has_every_promised_key() {
        let json = serde_json::to_value(report()).unwrap();
        for key in [
            "/seed",
            "/task",
            "/device",
            "/labels/rankings",
            "/stages/0/name",
            "/stages/0/seconds",
            "/peak_memory_bytes",
            "/drift",
            "/reward/spearman_heldout",
            "/reward/triplet_accuracy_heldout",
            "/reward/controls/majority",
            "/reward/controls/best_single_feature/name",
            "/reward/controls/best_single_feature/accuracy",
            "/reward/evidence/accuracy",
            "/reward/evidence/pairs",
            "/reward/evidence/p_value",
            "/guard/commands",
            "/guard/refusals",
            "/guard/violations",
            "/artefacts/0/path",
            "/artefacts/0/sha256",
        ] {
            assert!(json.pointer(key).is_some(), "{key} is missing");
        }
        for policy in ["base", "aligned"] {
            for rate in ["success", "preferred"] {
                for part in ["k", "n", "low", "high"] {
                    assert!(
                        json[policy][rate][part].is_number(),
                        "{policy}.{rate}.{part}"
                    );
                }
            }
        }
        let back: Report = serde_json::from_value(json).unwrap();
        assert_eq!(back, report());
    }

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
    fn skipped_groups_are_not_rankings() {
        let shown = vec!["a".into(), "b".into()];
        let ranked = Judgement::new(0, "Ada", 1.0, vec![shown.clone()], None);
        let labels = Labels::of(&[ranked, Judgement::skip(0, "Ada", shown, None)]);
        assert_eq!(
            (labels.rankings, labels.skipped, labels.operators.len()),
            (1, 1, 1)
        );
    }
}
