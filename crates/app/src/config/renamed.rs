//! Keys that had other names before: they are still understood, and what they are called now is said.

use anyhow::{Result, bail};
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
    // (old, new)
    renamed("guard.lead_limit", "guard.following_error_rad"),
];

/// Moves values of old keys to where they belong now. Answers what to tell the user.
///
/// # Errors
/// When `table` gives a key by its old and by its new name.
pub fn translate(table: &mut Table, origin: &str) -> Result<Vec<String>> {
    translate_by(RENAMED, table, origin)
}

fn translate_by(renamed: &[Renamed], table: &mut Table, origin: &str) -> Result<Vec<String>> {
    let mut notes = Vec::new();
    for Renamed { old, new, convert } in renamed {
        let Some(value) = take(table, old) else {
            continue;
        };
        if !put(table, new, convert(value)) {
            bail!("{origin}: {old} is called {new} now, and both are given; leave {old} away");
        }
        notes.push(format!("{origin}: {old} is called {new} now"));
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
    fn a_key_under_both_names_is_refused() {
        let error = translated("[policy]\nexecute = 8\nn_action_steps = 4\n").unwrap_err();
        assert!(error.to_string().contains("both are given"), "{error}");
    }

    #[test]
    fn every_new_key_is_one_and_no_old_one_is() {
        let defaults: Table = toml::from_str(crate::config::DEFAULT_TOML).unwrap();
        for Renamed { old, new, .. } in RENAMED {
            assert!(take(&mut defaults.clone(), new).is_some(), "{new}");
            assert!(take(&mut defaults.clone(), old).is_none(), "{old}");
        }
    }
}
