//! What settings may be. Crates check the sections that are theirs; the rest is checked here.

use super::{Config, RecordConfig};
use crate::preference::Preference;
use anyhow::{Result, bail};
use std::fmt::Display;
use std::ops::RangeInclusive;

/// Checks every section.
///
/// # Errors
/// Names the first key that is out of range, what it is and what is allowed.
pub fn check(config: &Config) -> Result<()> {
    config.sim.validate()?;
    config.task.validate()?;
    config.guard.validate()?;
    config.policy.validate()?;
    config.train.validate()?;
    config.encoder.validate()?;
    config.reward.validate()?;
    config.align.validate()?;
    config.promotion.validate()?;
    run(config)?;
    compute(config)?;
    let shown = RecordConfig {
        episodes: config.demonstrations.episodes,
        ticks: config.demonstrations.ticks,
    };
    recorded("demonstrations", &shown)?;
    let styles: Vec<&str> = config.task.styles().iter().map(|s| s.name).collect();
    config.demonstrations.validate(&styles)?;
    recorded("rollouts", &config.rollouts)?;
    operator(config)?;
    recorded("evaluate", &config.evaluate)
}

/// Refuses numbers that are none, wherever they are: TOML can write `nan` and `inf`.
///
/// # Errors
/// Names the first key with one.
pub fn only_finite(table: &toml::Table, path: &str) -> Result<()> {
    for (key, value) in table {
        let full = if path.is_empty() {
            key.clone()
        } else {
            format!("{path}.{key}")
        };
        finite(&full, value)?;
    }
    Ok(())
}

fn finite(key: &str, value: &toml::Value) -> Result<()> {
    match value {
        toml::Value::Float(number) if !number.is_finite() => {
            bail!("{key} is {number}, allowed: finite numbers")
        }
        toml::Value::Array(values) => values.iter().try_for_each(|v| finite(key, v)),
        toml::Value::Table(table) => only_finite(table, key),
        _ => Ok(()),
    }
}

fn run(config: &Config) -> Result<()> {
    within("run.robots", config.run.robots, 1..=64, "robots at a time")?;
    let robot = &config.robot;
    if robot.description.trim().is_empty() {
        bail!(
            "robot.description is empty, allowed: franka_fr3, another of `apprentice robot list`, or a folder with a robot.toml of your own"
        );
    }
    if !robot.endpoint.is_empty() && !robot.endpoint.contains('/') {
        bail!(
            "robot.endpoint is {:?}, allowed: PROTOCOL/ADDRESS such as tcp/192.168.1.20:7447, or empty for simulated \
             robots",
            robot.endpoint
        );
    }
    if !robot.operators.is_empty() && (robot.endpoint.is_empty() || !robot.operators.contains('/'))
    {
        bail!(
            "robot.operators is {:?}, allowed: PROTOCOL/ADDRESS such as tcp/127.0.0.1:7448 beside a robot.endpoint, or empty",
            robot.operators
        );
    }
    robot.security()?;
    within("robot.image_size", robot.image_size, 32..=224, "pixels")?;
    within(
        "inference.chunking.latency_ms",
        config.inference.chunking.latency_ms as usize,
        0..=2000,
        "milliseconds",
    )
}

fn compute(config: &Config) -> Result<()> {
    within(
        "compute.threads",
        config.compute.threads,
        0..=1024,
        "threads",
    )?;
    let share = config.compute.gpu_memory_share;
    if share > 0.0 && share <= 1.0 {
        return Ok(());
    }
    bail!("compute.gpu_memory_share is {share}, allowed: above 0, up to 1")
}

fn recorded(section: &str, record: &RecordConfig) -> Result<()> {
    within(
        &format!("{section}.episodes"),
        record.episodes,
        1..=100_000,
        "episodes",
    )?;
    within(
        &format!("{section}.ticks"),
        record.ticks,
        1..=100_000,
        "policy ticks",
    )
}

fn operator(config: &Config) -> Result<()> {
    let operator = &config.operator;
    Preference::of(config)?;
    within(
        "operator.rankings",
        operator.rankings,
        1..=25_000,
        "rankings of four episodes",
    )?;
    within(
        "operator.error_rate",
        operator.error_rate,
        0.0..=1.0,
        "as a share of the rankings that are wrong",
    )
}

fn within<T: PartialOrd + Display>(
    key: &str,
    got: T,
    allowed: RangeInclusive<T>,
    unit: &str,
) -> Result<()> {
    if allowed.contains(&got) {
        return Ok(());
    }
    bail!(
        "{key} is {got}, allowed: {} to {} {unit}",
        allowed.start(),
        allowed.end()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_is_refused_with_key_value_and_what_is_allowed() {
        for (setting, parts) in [
            ("run.robots=0", ["run.robots is 0", "1 to 64"]),
            ("robot.image_size=500", ["is 500", "32 to 224 pixels"]),
            (
                "robot.description=\"\"",
                ["robot.description", "robot.toml"],
            ),
            ("robot.endpoint=127.0.0.1:7447", ["127.0.0.1:7447", "tcp/"]),
            (
                "robot.operators=tcp/127.0.0.1:7448",
                ["robot.operators", "beside a robot.endpoint"],
            ),
            (
                "demonstrations.episodes=0",
                ["episodes is 0", "1 to 100000"],
            ),
            ("compute.threads=2000", ["threads is 2000", "0 to 1024"]),
            (
                "compute.gpu_memory_share=0",
                ["gpu_memory_share is 0", "above 0"],
            ),
            ("reward.round_weight=2", ["round_weight is 2", "0 to 1"]),
            ("rollouts.ticks=0", ["rollouts.ticks is 0", "policy ticks"]),
            ("evaluate.episodes=0", ["evaluate.episodes", "1 to"]),
            ("operator.rankings=0", ["operator.rankings is 0", "1 to"]),
            ("operator.error_rate=2", ["error_rate is 2", "0 to 1"]),
            ("operator.error_rate=nan", ["error_rate is NaN", "finite"]),
            (
                "robot.image_size=nan",
                ["robot.image_size is NaN", "finite"],
            ),
            (
                "operator.prefers=success +",
                ["operator.prefers", "the end"],
            ),
            ("operator.prefers=sucess", ["sucess", "success"]),
            ("task.kind=juggle", ["juggle", "pick_up"]),
            (
                "task.expert.rate_hz=0",
                ["task.expert.rate_hz is 0", "0.1 to 1000"],
            ),
            (
                "align.learning_rate=inf",
                ["learning_rate is inf", "finite"],
            ),
            ("sim.supersample=9", ["supersample", "9"]),
        ] {
            let error = Config::load(None, &[setting.to_owned()]).unwrap_err();
            let error = format!("{error:#}");
            for part in parts {
                assert!(error.contains(part), "{setting}: {part}: {error}");
            }
            assert_eq!(error.lines().count(), 1, "{error}");
        }
    }
}
