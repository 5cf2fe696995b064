//! The configuration of a run: `configs/default.toml`, a file of the user's, and `--set key=value`,
//! each over the one before.

mod compute;
mod demonstrations;
mod layers;
mod limits;
mod promotion;
mod renamed;

pub use compute::{ComputeConfig, ComputePriority};
pub use demonstrations::DemonstrationsConfig;
pub use promotion::PromotionConfig;

use crate::work::Episodes;
use anyhow::{Context as _, Result};
use apprentice_align::AlignConfig;
use apprentice_encoder::EncoderConfig;
use apprentice_link::security::Security;
use apprentice_nn::Precision;
use apprentice_policy::{PolicyConfig, TrainConfig};
use apprentice_reward::RewardConfig;
use apprentice_safety::GuardConfig;
use apprentice_sim::{SimConfig, TaskKind};
use serde::{Deserialize, Serialize};

/// The built-in configuration, with every key explained.
pub const DEFAULT_TOML: &str = include_str!("../../../configs/default.toml");

/// Everything a run can be told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// What is to be done, and by how many.
    pub run: RunConfig,
    /// The robot.
    pub robot: RobotConfig,
    /// The simulated robots.
    pub sim: SimConfig,
    /// What the simulated robots do.
    pub task: TaskKind,
    /// The guard.
    pub guard: GuardConfig,
    /// How much is demonstrated.
    pub demonstrations: DemonstrationsConfig,
    /// How much the base policy is watched.
    pub rollouts: RecordConfig,
    /// How a trained policy answers.
    #[serde(default)]
    pub inference: InferenceConfig,
    /// What learning may take of the computer.
    pub compute: ComputeConfig,
    /// The diffusion policy.
    pub policy: PolicyConfig,
    /// Its training.
    pub train: TrainConfig,
    /// The operator.
    pub operator: OperatorConfig,
    /// The encoder.
    pub encoder: EncoderConfig,
    /// The reward.
    pub reward: RewardConfig,
    /// The alignment of the policy.
    pub align: AlignConfig,
    /// How much is evaluated.
    pub evaluate: RecordConfig,
    /// What a policy has to show before it becomes the arm's.
    #[serde(default)]
    pub promotion: PromotionConfig,
}

/// What is to be done, and by how many.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunConfig {
    /// What is to be done, in words; empty for the task's own.
    pub instruction: String,
    /// Simulated robots at a time.
    pub robots: usize,
}

/// Which robot, and how to get there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RobotConfig {
    /// Name or folder of the robot's description.
    pub description: String,
    /// Where the robot is; empty for simulated ones.
    pub endpoint: String,
    /// Folder of this machine's keys.
    pub keys: String,
    /// `off` to do without keys.
    pub security: String,
    /// Where operators' devices connect to; empty: where the robot is.
    #[serde(default)]
    pub operators: String,
    /// Height and width of the simulated cameras' pictures, pixels.
    pub image_size: u32,
}

impl RecordConfig {
    /// As an amount of work.
    #[must_use]
    pub fn amount(&self) -> Episodes {
        Episodes {
            count: self.episodes as u64,
            ticks: self.ticks,
        }
    }
}

impl RobotConfig {
    /// How the link to the robot is protected.
    ///
    /// # Errors
    /// When the settings contradict each other.
    pub fn security(&self) -> Result<Security> {
        Security::from_settings(&self.security, &self.keys).context("robot.security and robot.keys")
    }
}

/// How many episodes of which length.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordConfig {
    /// Episodes.
    pub episodes: usize,
    /// Policy ticks of each.
    pub ticks: u64,
}

/// How a trained policy answers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InferenceConfig {
    /// Bits of the U-Net's numbers.
    pub precision: Precision,
    /// How a robot moves on while its policy computes.
    #[serde(alias = "thinking")]
    pub chunking: apprentice_control::ChunkingConfig,
}

/// How the operator of the demo is simulated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperatorConfig {
    /// What the simulated operator prefers: an expression over facts of the task.
    pub prefers: String,
    /// Utility from which on a success counts as preferred.
    pub preferred_from: f64,
    /// Rankings of four.
    pub rankings: usize,
    /// Share of the rankings that are wrong, 0 to 1.
    pub error_rate: f64,
    /// Whether to rank in random order.
    pub shuffle: bool,
    /// Whether what was said of earlier rounds is taken back before a later one is ranked.
    pub takes_back: bool,
}

impl Config {
    /// What is to be done, in words, as it is written into every episode.
    #[must_use]
    pub fn instruction(&self) -> String {
        match self.run.instruction.trim() {
            "" => self.task.words().instruction.to_owned(),
            instruction => instruction.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_of_the_default_is_explained() {
        let mut explained = false;
        for line in DEFAULT_TOML.lines() {
            if line.starts_with('#') {
                explained = true;
            } else if line.contains('=') {
                assert!(explained || line.contains(" # "), "no comment for: {line}");
                explained = false;
            } else {
                explained = false;
            }
        }
    }

    #[test]
    fn the_libraries_defaults_are_those_of_the_file() {
        let config = Config::load(None, &[]).unwrap();
        assert_eq!(config.sim, SimConfig::default());
        assert_eq!(config.task, TaskKind::default());
        assert_eq!(config.guard, GuardConfig::default());
        assert_eq!(config.policy, PolicyConfig::default());
        assert_eq!(config.train, TrainConfig::default());
        assert_eq!(config.align, AlignConfig::default());
        assert_eq!(config.reward, RewardConfig::default());
        assert_eq!(config.encoder, EncoderConfig::default());
    }

    #[test]
    fn the_reward_of_rapl_is_explained_with_its_defaults() {
        let text = include_str!("../../../configs/rapl.toml");
        let table: toml::Table = toml::from_str(text).unwrap();
        let learner = serde_json::to_value(&table["reward"]["learner"]).unwrap();
        let learner: apprentice_reward::Learner = serde_json::from_value(learner).unwrap();
        let named = apprentice_reward::Learner::named("optimal_transport").unwrap();
        assert_eq!(learner, named);
        let written = serde_json::to_value(&named).unwrap();
        for key in written.as_object().unwrap().keys() {
            assert!(text.contains(key.as_str()), "{key}");
        }
    }

    #[test]
    fn settings_reach_their_key_and_unknown_ones_are_refused() {
        let config = Config::load(
            None,
            &[
                "operator.error_rate=0.2".into(),
                "operator.shuffle=true".into(),
            ],
        )
        .unwrap();
        assert!(config.operator.shuffle && (config.operator.error_rate - 0.2).abs() < 1e-12);
        let backbone = Config::load(None, &["encoder.backbone=efficientnet-lite0".into()]).unwrap();
        assert_eq!(backbone.encoder.backbone.name(), "efficientnet-lite0");
        let error = Config::load(None, &["operator.eror_rate=0.2".into()])
            .unwrap_err()
            .to_string();
        assert_eq!(
            error,
            "--set operator.eror_rate=0.2: there is no setting operator.eror_rate; operator has \
             error_rate, preferred_from, prefers, rankings, shuffle, takes_back"
        );
        assert!(
            Config::load(None, &["operator.error_rate=2".into()])
                .unwrap_err()
                .to_string()
                .contains("allowed: 0 to 1")
        );
    }

    #[test]
    fn what_a_run_kept_is_read_and_new_keys_are_the_built_in_ones() {
        let config = Config::load(None, &["train.steps=7".into()]).unwrap();
        let mut value = serde_json::to_value(&config).unwrap();
        value["train"].as_object_mut().unwrap().remove("batch");
        assert_eq!(Config::stored(value.clone(), "run.json").unwrap(), config);
        value["train"]["batsch"] = 3.into();
        let error = Config::stored(value, "run.json").unwrap_err().to_string();
        assert!(error.contains("no setting train.batsch"), "{error}");
    }

    #[test]
    fn a_file_that_is_no_toml_is_refused_in_one_line_with_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mine.toml");
        std::fs::write(&file, "[run]\nrobots = 3\n[train\nsteps = 3\n").unwrap();
        let error = Config::load(Some(&file), &[]).unwrap_err().to_string();
        assert!(
            error.contains("mine.toml is not valid TOML: line 3, column "),
            "{error}"
        );
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}
