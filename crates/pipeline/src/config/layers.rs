//! Putting a configuration together: the built-in one, a file of the user's, `--set key=value`, or what a run kept.

use super::{Config, DEFAULT_TOML, limits, renamed};
use anyhow::{Context as _, Result, anyhow, bail};
use serde::Deserialize as _;
use std::path::Path;

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
        overlay(&mut table, over, "", origin, false)?;
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
    overlay(table, over, "", origin, false)
}

/// Lays `over` on `table`, refusing keys that `table` does not have. Of a table with a `kind`, another kind replaces
/// all, and which keys it may have, and tables in it (`of_a_kind`), is checked where the kind is known.
fn overlay(
    table: &mut toml::Table,
    over: toml::Table,
    path: &str,
    origin: &str,
    of_a_kind: bool,
) -> Result<()> {
    let kind = |t: &toml::Table| t.get("kind").cloned();
    if let Some(wanted) = kind(&over).filter(|_| table.contains_key("kind"))
        && kind(table).as_ref() != Some(&wanted)
    {
        table.clear();
        table.insert("kind".into(), wanted);
    }
    let of_a_kind = of_a_kind || table.contains_key("kind");
    let open = of_a_kind || KEYED_BY_NAME.iter().any(|k| path.starts_with(k));
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
                overlay(inner, value, &full, origin, of_a_kind)?
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
    fn settings_of_learner_and_objectives_are_found_by_old_and_new_keys() {
        let load = |settings: &[&str]| {
            let settings: Vec<String> = settings.iter().map(|&s| s.to_owned()).collect();
            Config::load(None, &settings)
        };
        let old = [
            "reward.preferred=3",
            "encoder.alignment.epochs=7",
            "encoder.alignment.transport.epsilon=0.2",
            "reward.transport.metric=euclidean",
            "align.winner_imitation=0",
        ];
        let new = [
            "reward.learner.preferred=3",
            "reward.learner.alignment.epochs=7",
            "reward.learner.alignment.optimal_transport.epsilon=0.2",
            "reward.learner.scoring.metric=euclidean",
            "align.objectives.winner_imitation.weight=0",
        ];
        assert_eq!(load(&old).unwrap(), load(&new).unwrap());
        let changed = load(&new).unwrap();
        assert_eq!(changed.changed(None, &[]).unwrap(), changed);
        let refused = load(&["align.objectives.alchemy.weight=1"]).unwrap_err();
        let refused = format!("{refused:#}");
        assert!(
            refused.contains("align.objectives.alchemy") && refused.contains("diffusion_dpo"),
            "{refused}"
        );
    }

    #[test]
    fn an_encoder_may_have_settings_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mine.toml");
        let text = "[encoder.backbone]\nkind = 'resnet18'\nweights = 'mine.pth'\ninput.size = 64\n";
        std::fs::write(&file, text).unwrap();
        let config = Config::load(Some(&file), &[]).unwrap();
        let weights = |e: &dyn apprentice_encoder::Encoder| format!("{:?}", e.weights());
        let weights = config.encoder.with_encoder(weights);
        assert!(weights.contains("mine.pth"), "{weights}");
        assert_eq!(config.changed(None, &[]).unwrap(), config);
        std::fs::write(&file, text.replace("input.size", "inputs.size")).unwrap();
        let refused = format!("{:#}", Config::load(Some(&file), &[]).unwrap_err());
        assert!(refused.contains("`inputs`"), "{refused}");
    }

    #[test]
    fn a_table_with_a_kind_takes_the_keys_of_its_kind_and_another_kind_replaces_all() {
        let lay = |over: &str| {
            let mut table = toml::from_str("[task]\nkind = 'lift'\nlift_m = 0.1\n").unwrap();
            overlay(
                &mut table,
                toml::from_str(over).unwrap(),
                "",
                "mine.toml",
                false,
            )
            .unwrap();
            table
        };
        let table = |text: &str| toml::from_str::<toml::Table>(text).unwrap();
        let more = lay("task.spin = 2\n");
        assert_eq!(
            more,
            table("[task]\nkind = 'lift'\nlift_m = 0.1\nspin = 2\n")
        );
        let other = lay("[task]\nreach_m = 0.3\nkind = 'reach'\n");
        assert_eq!(other, table("[task]\nkind = 'reach'\nreach_m = 0.3\n"));
    }
}
