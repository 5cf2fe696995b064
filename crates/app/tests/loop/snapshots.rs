//! What the program says of itself. `UPDATE_SNAPSHOTS=1` writes the files anew.

use crate::program::{apprentice, repository, succeed};
use std::fs;

fn matches(name: &str, text: &str) {
    let path = repository()
        .join("crates/app/tests/loop/snapshots")
        .join(name);
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
    }
    let wanted = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        text,
        wanted,
        "{} (UPDATE_SNAPSHOTS=1 takes the new text)",
        path.display()
    );
}

#[test]
fn help() {
    let mut all = String::new();
    for command in [
        &[][..],
        &["demo"],
        &["sim"],
        &["takeover"],
        &["stop"],
        &["acknowledge"],
        &["record"],
        &["record", "demonstrations"],
        &["record", "rollouts"],
        &["train"],
        &["rank"],
        &["studio"],
        &["judge"],
        &["judge", "success"],
        &["reward"],
        &["align"],
        &["evaluate"],
        &["compare"],
        &["tournament"],
        &["report"],
        &["robot"],
        &["robot", "list"],
        &["robot", "check"],
        &["robot", "fk"],
        &["robot", "ik"],
        &["weights", "get"],
        &["import", "rlds"],
        &["doctor"],
    ] {
        let text = succeed(apprentice().args(command).arg("-h"));
        let text: Vec<&str> = text.lines().map(str::trim_end).collect();
        all += &format!(
            "$ apprentice {} -h\n{}\n\n",
            command.join(" "),
            text.join("\n")
        );
    }
    matches("help.txt", &all);
}

#[test]
fn every_setting_with_its_default() {
    let text = fs::read_to_string(repository().join("configs/default.toml")).unwrap();
    let mut section = String::new();
    let mut keys = String::new();
    for line in text
        .lines()
        .filter(|l| !l.starts_with('#') && !l.is_empty())
    {
        if line.starts_with('[') {
            section = line.trim_matches(['[', ']']).to_owned();
        } else {
            keys += &format!("{section}.{line}\n");
        }
    }
    matches("settings.txt", &keys);
}
