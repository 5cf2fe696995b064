//! What keeps the house in order: data flows one way, names say what is inside.

// A test that cannot read its own house should stop.
#![allow(clippy::unwrap_used)]

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Each crate may use only those before it.
const ORDER: [&str; 28] = [
    "core",
    "statistics",
    "robot",
    "safety",
    "link",
    "adapter",
    "sim",
    "episode",
    "camera",
    "control",
    "preference",
    "kernels",
    "nn",
    "networks",
    "optimal-transport",
    "encoder",
    "reward",
    "labels",
    "query",
    "policy",
    "align",
    "studio",
    "pipeline",
    "report",
    "study",
    "page",
    "app",
    "loop-tests",
];
/// What the arm's safety hangs on is built without machine learning: the crates up to this one.
const LAST_WITHOUT_LEARNING: &str = "control";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_path_buf()
}

fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

fn short(name: &str) -> &str {
    if name == "apprentice" {
        "app"
    } else {
        name.strip_prefix("apprentice-").unwrap_or(name)
    }
}

/// For each package id, its name and those of the packages it is built with.
fn graph(metadata: &Value) -> BTreeMap<String, (String, Vec<String>)> {
    let names: BTreeMap<&str, &str> = metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| (p["id"].as_str().unwrap(), p["name"].as_str().unwrap()))
        .collect();
    metadata["resolve"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| {
            let id = node["id"].as_str().unwrap();
            let built_with = node["deps"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|d| {
                    d["dep_kinds"]
                        .as_array()
                        .unwrap()
                        .iter()
                        .any(|k| k["kind"].is_null())
                })
                .map(|d| d["pkg"].as_str().unwrap().to_owned())
                .collect();
            (id.to_owned(), (names[id].to_owned(), built_with))
        })
        .collect()
}

/// Names of the workspace's members below `crates`.
fn members(metadata: &Value) -> Vec<String> {
    let members = metadata["workspace_members"].as_array().unwrap();
    let below = root().join("crates");
    metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|p| members.contains(&p["id"]))
        .filter(|p| Path::new(p["manifest_path"].as_str().unwrap()).starts_with(&below))
        .map(|p| p["name"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn every_crate_has_its_place() {
    let metadata = metadata();
    let members = members(&metadata);
    for name in &members {
        assert!(
            ORDER.contains(&short(name)),
            "crate {name} has no place in the order {ORDER:?}; say what it may depend on"
        );
    }
    // The tests themselves come last and lie elsewhere.
    assert_eq!(members.len(), ORDER.len() - 1);
}

#[test]
fn crates_depend_only_on_earlier_ones() {
    let graph = graph(&metadata());
    let place = |name: &str| ORDER.iter().position(|n| *n == short(name));
    let mut seen = 0;
    for (name, built_with) in graph.values() {
        let Some(mine) = place(name) else { continue };
        seen += 1;
        for dependency in built_with {
            let dependency = &graph[dependency].0;
            if let Some(other) = place(dependency) {
                assert!(
                    other < mine,
                    "{name} depends on {dependency}, which comes after it in {ORDER:?}"
                );
            }
        }
    }
    assert_eq!(
        seen,
        ORDER.len(),
        "a crate is missing from the order, or the order names one that is gone"
    );
}

#[test]
fn link_guard_and_simulator_are_built_without_machine_learning() {
    let graph = graph(&metadata());
    let last = ORDER.iter().position(|n| *n == LAST_WITHOUT_LEARNING);
    for wanted in &ORDER[..=last.unwrap()] {
        let start = graph
            .iter()
            .find(|(_, (name, _))| short(name) == *wanted)
            .unwrap()
            .0;
        let (mut queue, mut seen) = (vec![start.clone()], BTreeSet::new());
        while let Some(id) = queue.pop() {
            let (name, built_with) = &graph[&id];
            assert!(!name.starts_with("burn"), "{wanted} is built with {name}");
            queue.extend(
                built_with
                    .iter()
                    .filter(|d| seen.insert((*d).clone()))
                    .cloned(),
            );
        }
    }
}

#[test]
fn files_say_what_is_inside_and_are_not_too_long() {
    let mut folders = vec![
        root().join("crates"),
        root().join("tools"),
        root().join("tests"),
    ];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                files += 1;
                let name = path.file_stem().unwrap().to_str().unwrap();
                let vague = [
                    "util", "utils", "common", "base", "helper", "helpers", "misc", "types",
                ];
                assert!(!vague.contains(&name), "{} says nothing", path.display());
                let lines = std::fs::read_to_string(&path).unwrap().lines().count();
                assert!(
                    lines <= 500,
                    "{} has {lines} lines; split it by concept (500 allowed)",
                    path.display()
                );
            }
        }
    }
    assert!(files > 50);
}

#[test]
fn the_glossary_has_one_row_a_term() {
    let text = std::fs::read_to_string(root().join("crates/GLOSSARY.md")).unwrap();
    let mut terms = BTreeSet::new();
    for row in text.lines().filter(|l| l.starts_with("| ")) {
        let term = row.split('|').nth(1).unwrap().trim().to_lowercase();
        assert!(
            term == "term" || terms.insert(term.clone()),
            "{term:?} has several rows in crates/GLOSSARY.md"
        );
    }
    assert!(terms.len() > 100);
}

#[test]
fn every_library_shows_an_example_and_denies_what_is_undocumented() {
    let mut libraries = 0;
    for entry in std::fs::read_dir(root().join("crates")).unwrap() {
        let file = entry.unwrap().path().join("src/lib.rs");
        if !file.exists() {
            continue;
        }
        libraries += 1;
        let text = std::fs::read_to_string(&file).unwrap();
        let file = file.display();
        assert!(text.contains("#![deny(missing_docs)]"), "{file}");
        assert!(
            text.lines().any(|l| l == "//! ```"),
            "{file} shows no example that is run"
        );
    }
    assert_eq!(
        libraries,
        ORDER.len() - 2,
        "all crates but the program and the tests"
    );
}
