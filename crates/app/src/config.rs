//! The configuration of a run: `configs/default.toml`, a file of the user's, and `--set key=value`,
//! each over the one before.

mod limits;
mod renamed;

use anyhow::{Context as _, Result, anyhow, bail};
use apprentice_align::AlignConfig;
use apprentice_encoder::{AlignmentConfig, BackboneKind, ClipConfig, CycleConfig};
use apprentice_link::security::Security;
use apprentice_nn::Precision;
use apprentice_policy::{PolicyConfig, TrainConfig};
use apprentice_reward::RewardConfig;
use apprentice_safety::GuardConfig;
use apprentice_sim::{ExpertConfig, SimConfig};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The built-in configuration, with every key explained.
pub const DEFAULT_TOML: &str = include_str!("../../../configs/default.toml");

/// Everything a run can be told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub run: RunConfig,
    pub robot: RobotConfig,
    pub sim: SimConfig,
    pub expert: ExpertConfig,
    pub guard: GuardConfig,
    pub demonstrations: RecordConfig,
    pub rollouts: RecordConfig,
    #[serde(default)]
    pub inference: InferenceConfig,
    pub policy: PolicyConfig,
    pub train: TrainConfig,
    pub operator: OperatorConfig,
    pub encoder: EncoderConfig,
    pub reward: RewardConfig,
    pub align: AlignConfig,
    pub evaluate: RecordConfig,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunConfig {
    pub task: String,
    pub robots: usize,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RobotConfig {
    pub description: String,
    pub endpoint: String,
    pub keys: String,
    pub security: String,
    #[serde(default)]
    pub operators: String,
    pub image_size: u32,
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

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordConfig {
    pub episodes: usize,
    pub ticks: u64,
}

/// How a trained policy answers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InferenceConfig {
    pub precision: Precision,
    pub thinking: apprentice_runtime::Thinking,
}

/// How the operator of the demo is simulated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OperatorConfig {
    pub prefers: Preferred,
    pub rankings: usize,
    pub error_rate: f64,
    pub shuffle: bool,
}

/// The simulated operator's hidden preference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preferred {
    Handle,
    Rim,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EncoderConfig {
    pub backbone: BackboneKind,
    pub weights: PathBuf,
    #[serde(default)]
    pub input: apprentice_encoder::InputConfig,
    pub clip: ClipConfig,
    pub cycle: CycleConfig,
    pub alignment: AlignmentConfig,
}

impl Config {
    /// Puts the layers together.
    ///
    /// # Errors
    /// Names the file or option, the key, what it is and what is allowed.
    pub fn load(file: Option<&Path>, settings: &[String]) -> Result<Self> {
        let table = toml::from_str(DEFAULT_TOML).context("the built-in configuration")?;
        Self::over(table, file, settings)
    }

    /// This configuration with a file and settings over it.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn changed(&self, file: Option<&Path>, settings: &[String]) -> Result<Self> {
        Self::over(toml::Table::try_from(self)?, file, settings)
    }

    /// A configuration as a run's folder keeps it. Keys that were renamed since are understood, and those that did
    /// not exist yet are the built-in ones.
    ///
    /// # Errors
    /// When it has keys that never existed, or values that are not allowed.
    pub fn stored(value: serde_json::Value, origin: &str) -> Result<Self> {
        let mut over = toml::Table::deserialize(value)?;
        renamed::translate(&mut over, origin)?;
        let mut table = toml::from_str(DEFAULT_TOML).context("the built-in configuration")?;
        overlay(&mut table, over, "", origin)?;
        Self::checked(table)
    }

    fn over(mut table: toml::Table, file: Option<&Path>, settings: &[String]) -> Result<Self> {
        if let Some(file) = file {
            let text = std::fs::read_to_string(file)
                .with_context(|| format!("configuration file {} cannot be read", file.display()))?;
            let over: toml::Table = toml::from_str(&text).map_err(|e| {
                let place = e.span().map_or(String::new(), |s| place_at(&text, s.start));
                anyhow!(
                    "configuration file {} is not valid TOML: {place}{}",
                    file.display(),
                    in_one_line(e.message())
                )
            })?;
            overlay_named(&mut table, over, &file.display().to_string())?;
        }
        for setting in settings {
            let (key, value) = setting.split_once('=').ok_or_else(|| {
                anyhow!(
                    "--set {setting}: expected key=value, for example --set operator.error_rate=0.2"
                )
            })?;
            let value = parse_value(value);
            let over = key.rsplit('.').fold(value, |inner, part| {
                toml::Value::Table(toml::Table::from_iter([(part.trim().to_owned(), inner)]))
            });
            if let toml::Value::Table(over) = over {
                overlay_named(&mut table, over, &format!("--set {setting}"))?;
            }
        }
        Self::checked(table)
    }

    fn checked(table: toml::Table) -> Result<Self> {
        limits::only_finite(&table, "")?;
        let text = toml::to_string(&table)?;
        let config: Self = toml::from_str(&text).map_err(|e| {
            let key = e.span().map_or(String::new(), |s| key_at(&text, s.start));
            anyhow!("configuration: {key}: {}", in_one_line(e.message()))
        })?;
        limits::check(&config)?;
        Ok(config)
    }
}

/// Tables in which keys are names of implementations: which there are, their registry knows.
const KEYED_BY_NAME: [&str; 1] = ["align.objectives"];

/// [`overlay`] of what a user gave, who is told which keys have other names now.
fn overlay_named(table: &mut toml::Table, mut over: toml::Table, origin: &str) -> Result<()> {
    for note in renamed::translate(&mut over, origin)? {
        eprintln!("note: {note}");
    }
    overlay(table, over, "", origin)
}

/// Lays `over` on `table`, refusing keys that `table` does not have. Of a table with a `kind`, another kind replaces
/// all, and which keys it may have is checked where the kind is known.
fn overlay(table: &mut toml::Table, over: toml::Table, path: &str, origin: &str) -> Result<()> {
    let kind = |t: &toml::Table| t.get("kind").cloned();
    if let Some(wanted) = kind(&over).filter(|_| table.contains_key("kind"))
        && kind(table).as_ref() != Some(&wanted)
    {
        table.clear();
        table.insert("kind".into(), wanted);
    }
    let open = table.contains_key("kind") || KEYED_BY_NAME.iter().any(|k| path.starts_with(k));
    for (key, value) in over {
        let full = if path.is_empty() {
            key.clone()
        } else {
            format!("{path}.{key}")
        };
        let known: Vec<String> = table.keys().cloned().collect();
        match (table.get_mut(&key), value) {
            (None, value) if open => {
                table.insert(key, value);
            }
            (None, _) => bail!(
                "{origin}: there is no setting {full}; {} has {}",
                if path.is_empty() {
                    "the configuration"
                } else {
                    path
                },
                known.join(", ")
            ),
            (Some(toml::Value::Table(inner)), toml::Value::Table(value)) => {
                overlay(inner, value, &full, origin)?
            }
            (Some(toml::Value::Table(_)), value) => {
                bail!("{origin}: {full} is a section, not a value (got {value})")
            }
            (Some(slot), value) => *slot = fitting(slot, value),
        }
    }
    Ok(())
}

/// The key, with its sections, at a place in a TOML text.
fn key_at(text: &str, place: usize) -> String {
    let before = text.get(..place).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |i| i + 1);
    let line = text[line_start..].lines().next().unwrap_or("");
    let key = line.split('=').next().unwrap_or("").trim();
    let section = before
        .lines()
        .rev()
        .find_map(|l| l.strip_prefix('[')?.strip_suffix(']'));
    match section {
        Some(section) if !key.starts_with('[') => format!("{section}.{key}"),
        _ => key.trim_matches(['[', ']']).to_owned(),
    }
}

/// Line and column of a place in a text, both from 1: `line 1, column 7: `.
fn place_at(text: &str, place: usize) -> String {
    let before = text.get(..place).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    format!("line {line}, column {column}: ")
}

fn in_one_line(message: &str) -> String {
    let words: Vec<&str> = message.split_whitespace().collect();
    words.join(" ")
}

/// A whole number given where the default has a fraction is meant as one.
fn fitting(slot: &toml::Value, value: toml::Value) -> toml::Value {
    match (slot, value) {
        (toml::Value::Float(_), toml::Value::Integer(i)) => toml::Value::Float(i as f64),
        (_, value) => value,
    }
}

/// A value as TOML would read it; what TOML cannot read is a string.
fn parse_value(text: &str) -> toml::Value {
    let line = format!("value = {text}");
    toml::from_str::<toml::Table>(&line)
        .ok()
        .and_then(|mut t| t.remove("value"))
        .unwrap_or_else(|| toml::Value::String(text.to_owned()))
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
        assert_eq!(config.expert, ExpertConfig::default());
        assert_eq!(config.guard, GuardConfig::default());
        assert_eq!(config.policy, PolicyConfig::default());
        assert_eq!(config.train, TrainConfig::default());
        assert_eq!(config.align, AlignConfig::default());
        assert_eq!(config.reward, RewardConfig::default());
        assert_eq!(config.encoder.alignment, AlignmentConfig::default());
        assert_eq!(config.encoder.cycle, CycleConfig::default());
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
        assert_eq!(backbone.encoder.backbone, BackboneKind::EfficientnetLite0);
        let error = Config::load(None, &["operator.eror_rate=0.2".into()])
            .unwrap_err()
            .to_string();
        assert_eq!(
            error,
            "--set operator.eror_rate=0.2: there is no setting operator.eror_rate; operator has \
             error_rate, prefers, rankings, shuffle"
        );
        assert!(
            Config::load(None, &["operator.error_rate=2".into()])
                .unwrap_err()
                .to_string()
                .contains("allowed: 0 to 1")
        );
    }

    #[test]
    fn a_table_with_a_kind_takes_the_keys_of_its_kind_and_another_kind_replaces_all() {
        let lay = |over: &str| {
            let mut table = toml::from_str("[task]\nkind = 'mug'\nlift_m = 0.1\n").unwrap();
            overlay(&mut table, toml::from_str(over).unwrap(), "", "mine.toml").unwrap();
            table
        };
        let table = |text: &str| toml::from_str::<toml::Table>(text).unwrap();
        let more = lay("task.spin = 2\n");
        assert_eq!(
            more,
            table("[task]\nkind = 'mug'\nlift_m = 0.1\nspin = 2\n")
        );
        let other = lay("[task]\nreach_m = 0.3\nkind = 'reach'\n");
        assert_eq!(other, table("[task]\nkind = 'reach'\nreach_m = 0.3\n"));
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
