//! Where things lie in a run's folder. Paths are below the folder, with forward slashes.

/// Recorded demonstrations.
pub const DEMONSTRATIONS: &str = "demonstrations";
/// Rollouts of the base policy.
pub const ROLLOUTS: &str = "rollouts";
/// Policies that are known by a name; others are by their file.
pub const NAMED_POLICIES: [&str; 3] = ["base", "aligned", "current"];
/// The base policy.
pub const BASE_POLICY: &str = "policy/base.safetensors";
/// How its training went.
pub const TRAINING_CURVE: &str = "policy/base-training.json";
/// The operator's judgements.
pub const JUDGEMENTS: &str = "judgements.jsonl";
/// Questions that were chosen one by one, before they are answered.
pub const ASKED: &str = "asked.jsonl";
/// What people said while the robot ran, until its episode is there.
pub const MOMENTS: &str = "moments.jsonl";
/// The compact backbone's weights; not there with a pretrained one.
pub const BACKBONE: &str = "encoder/backbone.safetensors";
/// The learnt reward.
pub const REWARD: &str = "reward/reward.json";
/// What else could have been learnt from the judgements; only where the panel is judged.
pub const PANEL: &str = "reward/panel.json";
/// The rollouts' rewards.
pub const ROLLOUT_SCORES: &str = "reward/rollouts.json";
/// The demonstrations' rewards; only where they take part in the alignment.
pub const DEMONSTRATION_SCORES: &str = "reward/demonstrations.json";
/// The policy that the alignment started from, where that is not the base policy.
pub const START_POLICY: &str = "policy/start.safetensors";
/// The aligned policy.
pub const ALIGNED_POLICY: &str = "policy/aligned.safetensors";
/// How the alignment went.
pub const ALIGNMENT: &str = "policy/alignment.json";
/// The base policy's held-out episodes.
pub const BASE_EVALUATION: &str = "evaluation/base";
/// The aligned policy's.
pub const ALIGNED_EVALUATION: &str = "evaluation/aligned";
/// How well the reward agrees with the hidden preference.
pub const REWARD_EXAM: &str = "evaluation/reward.json";
/// The reward's scores of the base policy's held-out episodes.
pub const HELD_OUT_SCORES: &str = "evaluation/scores.json";
/// The record of every trial of a policy on a robot.
pub const TRIALS: &str = "trials.jsonl";
/// What the comparison of base and aligned policy on the robot came to.
pub const ON_ROBOT: &str = "evaluation/on-robot.json";
/// Episodes of trials that compare two policies.
pub const TRIAL_EPISODES: &str = "trials";
/// Episodes of a policy at its work.
pub const WORK_EPISODES: &str = "work";
/// The recording for the viewer. Several stages write it anew, and nothing reads it.
pub const VIEWER_FILE: &str = "run.rrd";

/// Where the outcomes of a folder's episodes are kept, apart from them.
#[must_use]
pub fn outcomes_file(folder: &str) -> String {
    format!("judge/{}.json", folder.replace('/', "-"))
}

/// The same while the folder is being recorded.
#[must_use]
pub fn unfinished_outcomes_file(folder: &str) -> String {
    outcomes_file(folder).replace(".json", ".unfinished.json")
}
