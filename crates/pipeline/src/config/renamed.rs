//! Keys that had other names before: they are still understood, and what they are called now is said.

use anyhow::{Result, bail};
use apprentice_sim::{Fact, TaskKind};
use toml::{Table, Value};

/// A key that is called otherwise now.
struct Renamed {
    old: &'static str,
    new: &'static str,
    /// What its value has become.
    convert: fn(Value) -> Value,
}

const fn renamed(old: &'static str, new: &'static str) -> Renamed {
    Renamed {
        old,
        new,
        convert: |value| value,
    }
}

/// Every key that was renamed, a line each.
const RENAMED: &[Renamed] = &[
    renamed("guard.lead_limit", "guard.following_error_rad"),
    renamed("policy.execute", "policy.n_action_steps"),
    renamed("train.noise_draws", "train.noise_samples"),
    renamed("train.checkpointing", "train.gradient_checkpointing"),
    renamed("train.largest_weight", "train.max_loss_weight"),
    renamed("align.largest_weight", "align.max_loss_weight"),
    renamed("inference.thinking", "inference.chunking"),
    renamed("encoder.alignment", "reward.learner.alignment"),
    renamed(
        "reward.learner.alignment.transport",
        "reward.learner.alignment.optimal_transport",
    ),
    renamed("reward.preferred", "reward.learner.preferred"),
    renamed("reward.preferred_rule", "reward.learner.preferred_rule"),
    renamed("reward.transform", "reward.learner.transform"),
    renamed("reward.square_scale", "reward.learner.square_scale"),
    renamed("reward.transport", "reward.learner.scoring"),
    renamed(
        "align.beta_per_number",
        "align.objectives.diffusion_dpo.beta_per_number",
    ),
    renamed(
        "align.winner_imitation",
        "align.objectives.winner_imitation.weight",
    ),
    Renamed {
        old: "run.task",
        new: "run.instruction",
        convert: own_instruction,
    },
    renamed("sim.mug_x_m", "task.mug_x_m"),
    renamed("sim.mug_y_m", "task.mug_y_m"),
    renamed("sim.handle_direction_deg", "task.handle_direction_deg"),
    renamed("sim.handle_spread_deg", "task.handle_spread_deg"),
    renamed("sim.success_lift_m", "task.success_lift_m"),
    renamed("expert.lift_m", "task.lift_m"),
    renamed("expert", "task.expert"),
    Renamed {
        old: "operator.prefers",
        new: "operator.prefers",
        convert: style_as_expression,
    },
];

/// What the first task says of itself goes without saying.
fn own_instruction(value: Value) -> Value {
    let own = TaskKind::default().words().instruction;
    if value.as_str() == Some(own) {
        Value::String(String::new())
    } else {
        value
    }
}

/// The name of a style stood here once: it is preferred to other successes.
fn style_as_expression(value: Value) -> Value {
    let tasks = TaskKind::all();
    let mut styles = tasks.iter().flat_map(|task| task.styles());
    match styles.find(|style| value.as_str() == Some(style.name)) {
        Some(style) => {
            let facts = style.facts.iter().filter_map(|(name, fact)| match fact {
                Fact::Name(value) => Some(format!("{name} == {value}")),
                Fact::Number(_) => None,
            });
            let shown = facts.collect::<Vec<_>>().join(" and ");
            Value::String(format!("success * (1 + ({shown}))"))
        }
        None => value,
    }
}

/// Moves values of old keys to where they belong now. Answers what to tell the user.
///
/// # Errors
/// When `table` gives a key by its old and by its new name.
pub fn translate(table: &mut Table, origin: &str) -> Result<Vec<String>> {
    let mut notes = translate_by(RENAMED, table, origin)?;
    notes.extend(name_the_learner(table, origin));
    Ok(notes)
}

/// Settings that only one way to learn a reward has, and which was the default once: who gives one means that one.
const OF_OPTIMAL_TRANSPORT: [&str; 6] = [
    "preferred",
    "preferred_rule",
    "transform",
    "square_scale",
    "scoring",
    "alignment",
];

fn name_the_learner(table: &mut Table, origin: &str) -> Option<String> {
    let learner = table.get_mut("reward")?.as_table_mut()?;
    let learner = learner.get_mut("learner")?.as_table_mut()?;
    let given = OF_OPTIMAL_TRANSPORT
        .iter()
        .find(|key| learner.contains_key(**key))?;
    if learner.contains_key("kind") {
        return None;
    }
    learner.insert("kind".into(), "optimal_transport".into());
    Some(format!(
        "{origin}: reward.learner.{given} is a setting of reward.learner.kind = \"optimal_transport\", which is taken"
    ))
}

fn translate_by(renamed: &[Renamed], table: &mut Table, origin: &str) -> Result<Vec<String>> {
    let mut notes = Vec::new();
    for Renamed { old, new, convert } in renamed {
        let Some(value) = take(table, old) else {
            continue;
        };
        let said = value.to_string();
        let value = convert(value);
        if old == new && value.to_string() != said {
            notes.push(format!("{origin}: {old} = {said} is written {value} now"));
        }
        if !put(table, new, value) {
            bail!("{origin}: {old} is called {new} now, and both are given; leave {old} away");
        }
        if old != new {
            notes.push(format!("{origin}: {old} is called {new} now"));
        }
    }
    Ok(notes)
}

fn take(table: &mut Table, path: &str) -> Option<Value> {
    match path.split_once('.') {
        None => table.remove(path),
        Some((section, rest)) => {
            let inner = table.get_mut(section)?.as_table_mut()?;
            let value = take(inner, rest)?;
            if inner.is_empty() {
                table.remove(section);
            }
            Some(value)
        }
    }
}

/// Whether there was room for it.
fn put(table: &mut Table, path: &str, value: Value) -> bool {
    match path.split_once('.') {
        None => {
            let free = !table.contains_key(path);
            if free {
                table.insert(path.to_owned(), value);
            }
            free
        }
        Some((section, rest)) => table
            .entry(section)
            .or_insert_with(|| Value::Table(Table::new()))
            .as_table_mut()
            .is_some_and(|inner| put(inner, rest, value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &[Renamed] = &[
        renamed("policy.execute", "policy.n_action_steps"),
        Renamed {
            old: "operator.count",
            new: "judge.sizes.count",
            convert: |value| Value::Array(vec![value]),
        },
    ];

    fn translated(text: &str) -> Result<(Table, Vec<String>)> {
        let mut table = toml::from_str(text)?;
        let notes = translate_by(SAMPLE, &mut table, "mine.toml")?;
        Ok((table, notes))
    }

    #[test]
    fn old_keys_move_and_are_named() {
        let text = "[policy]\nexecute = 8\nhorizon = 16\n[operator]\ncount = 3\n";
        let (table, notes) = translated(text).unwrap();
        let wanted = "[policy]\nn_action_steps = 8\nhorizon = 16\n[judge.sizes]\ncount = [3]\n";
        assert_eq!(table, toml::from_str(wanted).unwrap());
        assert_eq!(
            notes[0],
            "mine.toml: policy.execute is called policy.n_action_steps now"
        );
        assert_eq!(notes.len(), 2);
    }

    #[test]
    fn a_task_has_its_settings_and_a_preference_is_an_expression() {
        let old = "[run]\ntask = 'pick up the cup'\n[sim]\nmug_x_m = [0.4, 0.5]\nstep_us = 1000\n[expert]\n\
                   lift_m = 0.3\nrate_hz = 5.0\n[operator]\nprefers = 'rim'\n";
        let mut table = toml::from_str(old).unwrap();
        let notes = translate(&mut table, "mine.toml").unwrap();
        let new = "[run]\ninstruction = 'pick up the cup'\n[sim]\nstep_us = 1000\n[task]\nmug_x_m = [0.4, 0.5]\n\
                   lift_m = 0.3\n[task.expert]\nrate_hz = 5.0\n[operator]\n\
                   prefers = 'success * (1 + (grasp == rim))'\n";
        assert_eq!(table, toml::from_str(new).unwrap());
        assert_eq!(notes.len(), 5, "{notes:?}");
        let last = notes.last().unwrap();
        assert!(
            last.contains("operator.prefers = \"rim\" is written"),
            "{last}"
        );
        // What is an expression already stays as it is, and nothing is said.
        let again = translate(&mut table, "mine.toml").unwrap();
        assert_eq!(again, Vec::<String>::new());
        assert_eq!(table, toml::from_str(new).unwrap());
    }

    #[test]
    fn a_key_under_both_names_is_refused() {
        let error = translated("[policy]\nexecute = 8\nn_action_steps = 4\n").unwrap_err();
        assert!(error.to_string().contains("both are given"), "{error}");
    }

    #[test]
    fn every_new_key_is_one_and_no_old_one_is() {
        let mut defaults: Table = toml::from_str(crate::config::DEFAULT_TOML).unwrap();
        let rapl: Table = toml::from_str(include_str!("../../../../configs/rapl.toml")).unwrap();
        let learner = rapl["reward"]["learner"].clone();
        let reward = defaults["reward"].as_table_mut().unwrap();
        reward.insert("learner".into(), learner);
        for Renamed { old, new, .. } in RENAMED {
            assert!(take(&mut defaults.clone(), new).is_some(), "{new}");
            assert!(
                old == new || take(&mut defaults.clone(), old).is_none(),
                "{old}"
            );
        }
    }
}
