//! Every figure of a run, as `report.json` holds them.

use super::artefacts::Artefact;
use super::task_words::TaskWords;
use apprentice_align::ObjectiveTerm;
use apprentice_pipeline::outcomes::GuardCounts;
use apprentice_reward::{Evidence, PanelRow};
use apprentice_statistics::Proportion;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The figures of a run. Two runs with the same seed, device and configuration agree in all of them
/// but `stages` (seconds) and `peak_memory_bytes`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Seed of everything random.
    pub seed: u64,
    /// What was to be done, in words.
    pub task: String,
    /// How the task is spoken of.
    #[serde(skip)]
    pub words: TaskWords,
    /// Where networks computed; `mixed` where stages did on different devices.
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
    /// What else could have been learnt from the same judgements; empty where the panel was not judged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub panel: Vec<PanelRow>,
    /// Each objective's share of the gradient that aligned the policy.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objective_terms: Vec<ObjectiveTerm>,
    /// What the guards of all arms did, over the whole run.
    pub guard: GuardCounts,
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
    /// Judgements of other kinds, which are kept and not learnt from, by kind.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unused: BTreeMap<String, usize>,
    /// Who ranked.
    pub operators: Vec<String>,
    /// What counts as preferred in these figures: a style of the task, or the operator's expression.
    pub prefers: String,
    /// Share of the rankings that were wrong on purpose.
    pub error_rate: f64,
    /// Whether the rankings were in random order on purpose.
    pub shuffle: bool,
}

/// A stage's cost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StageSeconds {
    /// The stage.
    pub name: String,
    /// How long it took, seconds.
    pub seconds: f64,
    /// Where its networks computed; empty where that was not noted.
    #[serde(default)]
    pub device: String,
}

/// How a policy did on the held-out scenes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PolicyFigures {
    /// Task done, of the episodes of which that is known.
    pub success: Proportion,
    /// Done the preferred way, of the episodes in which it was done.
    pub preferred: Proportion,
    /// Done the preferred way, of the episodes of which it is known whether it was done.
    pub preferred_of_all: Proportion,
    /// Episodes of which nobody knows whether it was done, or whether the preferred way.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unknown: u64,
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
    /// Share of triplets (one the operator likes, a better and a worse one) in which the better one is
    /// nearer to the liked one.
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
    /// What is measured.
    pub name: String,
    /// Share of the pairs it orders rightly, 0 to 1.
    pub accuracy: f64,
}

impl Report {
    /// Seconds of all stages together.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.stages.iter().map(|s| s.seconds).sum()
    }
}

/// Whether a count is left out of files.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::report;

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
            "/guard/ticks",
            "/guard/reasons/acceleration",
            "/panel/0/member",
            "/panel/0/heldout_accuracy",
            "/panel/0/likelihood",
            "/objective_terms/0/name",
            "/objective_terms/0/gradient_share",
            "/stages/0/device",
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
}
