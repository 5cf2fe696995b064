//! What somebody recorded is never lost, whatever is asked for next.

use crate::program::{apprentice, succeed};
use std::fs;
use std::path::Path;
use std::process::Command;

fn demonstrate(out: &Path) -> Command {
    let mut command = apprentice();
    command
        .args(["record", "demonstrations", "--seed", "3"])
        .args(["--config", "configs/tiny.toml", "--json", "--out"])
        .arg(out);
    command
}

/// The episodes in a folder, name and content.
fn episodes(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e == "mcap"))
        .map(|p| {
            let name = p.file_name().unwrap().to_string_lossy().into_owned();
            (name, fs::read(p).unwrap())
        })
        .collect();
    found.sort();
    found
}

#[test]
fn demonstrations_outlive_lost_marks_and_changed_settings() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let (there, aside) = (out.join("demonstrations"), out.join("demonstrations.old-1"));
    succeed(&mut demonstrate(&out));
    let four = episodes(&there);
    assert_eq!(four.len(), 4);

    // Its mark is lost or damaged: what is there stands.
    for damage in ["", "{\"name\": \"demon"] {
        fs::write(out.join("stages/demonstrate.json"), damage).unwrap();
        succeed(&mut demonstrate(&out));
        assert_eq!(episodes(&there), four);
    }
    // More of the same: recording goes on after them.
    let more = ["--set", "demonstrations.episodes=6"];
    succeed(demonstrate(&out).args(more));
    assert_eq!(episodes(&there)[..4], four);
    assert_eq!(episodes(&there).len(), 6);
    assert!(!aside.exists());
    // Fewer: they are recorded afresh, and the others kept.
    let fewer = ["--set", "demonstrations.episodes=2"];
    let six = episodes(&there);
    succeed(demonstrate(&out).args(fewer));
    assert_eq!(episodes(&there).len(), 2);
    assert_eq!(episodes(&aside), six);
    // Others: likewise.
    let two = episodes(&there);
    let slower = ["--set", "expert.speed_m_s=0.1"];
    succeed(demonstrate(&out).args(fewer).args(slower));
    assert_ne!(episodes(&there), two);
    assert_eq!(episodes(&out.join("demonstrations.old-2")), two);
}
