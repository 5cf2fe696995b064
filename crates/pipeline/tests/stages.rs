//! What every stage of the table keeps to.

#![allow(clippy::unwrap_used)] // A test that fails may say so by panicking.

use apprentice_pipeline::config::Config;
use apprentice_pipeline::freshness::settings;
use apprentice_pipeline::resume::{COMPUTER, COUNTING, PROMOTING, WHEREABOUTS};
use apprentice_pipeline::stages::{STAGES, named, needed};
use std::collections::BTreeSet;

#[test]
fn names_are_unique_and_fit_for_a_file_and_a_command() {
    let mut names = BTreeSet::new();
    for stage in STAGES {
        assert!(names.insert(stage.name), "{} is there twice", stage.name);
        let fits = |c: char| c.is_ascii_lowercase() || c == '-';
        assert!(
            !stage.name.is_empty() && stage.name.chars().all(fits),
            "{:?}: lower-case letters and hyphens only",
            stage.name
        );
        assert!(!stage.about.is_empty() && !stage.command.is_empty());
        println!("stage {} is tried", stage.name);
    }
}

#[test]
fn what_a_stage_needs_comes_before_it() {
    for (place, stage) in STAGES.iter().enumerate() {
        for need in stage.needs {
            let before = STAGES[..place].iter().any(|s| s.name == *need);
            assert!(
                before,
                "{} needs {need}, which is not before it",
                stage.name
            );
        }
        for need in needed(stage) {
            let order: Vec<&str> = needed(stage).iter().map(|s| s.name).collect();
            let own = order.iter().position(|n| *n == need.name);
            for deeper in need.needs {
                assert!(order.iter().position(|n| n == deeper) < own);
            }
        }
    }
}

#[test]
fn no_two_stages_write_the_same() {
    let mut paths: Vec<(&str, &str)> = Vec::new();
    for stage in STAGES {
        for output in stage.writes {
            let path = output.path();
            for (other, owner) in &paths {
                let below = |a: &str, b: &str| a == b || a.starts_with(&format!("{b}/"));
                assert!(
                    !below(path, other) && !below(other, path),
                    "{} writes {path}, and {owner} {other}",
                    stage.name
                );
            }
            let report = ["run.json", "report.json", "report.html", "stages"];
            assert!(!report.contains(&path), "{path} is the run's own");
            paths.push((path, stage.name));
        }
        assert!(!stage.writes.is_empty(), "{} leaves nothing", stage.name);
    }
}

#[test]
fn stages_read_settings_that_exist_and_every_one_that_changes_results_is_read() {
    let keys = settings(&Config::load(None, &[]).unwrap()).unwrap();
    for stage in STAGES {
        for read in stage.reads {
            let section = format!("{read}.");
            assert!(
                keys.keys().any(|k| k == read || k.starts_with(&section)),
                "{} reads {read}, which is no setting",
                stage.name
            );
        }
        if let Some(amount) = stage.amount {
            assert!(stage.reads_setting(amount), "{}", stage.name);
            assert!(keys[amount].is_u64(), "{amount} is no amount");
        }
    }
    for key in keys.keys() {
        let reader = STAGES.iter().find(|s| s.reads_setting(key));
        let of_no_stage = (WHEREABOUTS.iter().chain(&COUNTING).chain(&COMPUTER)).chain(&PROMOTING);
        let somewhere = of_no_stage.into_iter().any(|of_none| of_none == key);
        assert!(
            reader.is_some() != somewhere,
            "{key} is read by {reader:?}, and says where the robot is: {somewhere}"
        );
    }
}

#[test]
fn a_stage_is_found_by_its_name_and_says_what_there_is_to_do() {
    let config = Config::load(None, &[]).unwrap();
    for stage in STAGES {
        assert_eq!(named(stage.name).unwrap().name, stage.name);
        for work in (stage.work)(&config) {
            let words = work.in_words();
            assert!(words.is_empty() || words.contains(' '), "{words}");
        }
    }
    assert!(named("no-such-stage").is_none());
}
