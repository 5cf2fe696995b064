//! `apprentice study`: a grid is worked off, taken up, and told.

use crate::program::{apprentice, fail, repository, succeed};
use serde_json::Value;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

/// The settings of `configs/tiny.toml` as a grid has them.
fn tiny_settings() -> String {
    fn flatten(table: &toml::Table, path: &str, into: &mut String) {
        for (key, value) in table {
            let key = format!("{path}{key}");
            match value {
                toml::Value::Table(inner) => flatten(inner, &format!("{key}."), into),
                value => writeln!(into, "  '{key}={value}',").unwrap(),
            }
        }
    }
    let text = fs::read_to_string(repository().join("configs/tiny.toml")).unwrap();
    let mut settings = String::new();
    flatten(&toml::from_str(&text).unwrap(), "", &mut settings);
    settings
}

/// One task and seed, two encoders, and, where `fails`, more rankings than there are rollouts for.
fn grid(file: &Path, fails: bool) {
    let labels = if fails { "[2, 3]" } else { "[2]" };
    let settings = tiny_settings();
    let text = format!(
        "set = [\n{settings}]\n[tasks.mug]\n[encoders.compact]\nreference = true\n[encoders.random]\nset = \
         ['encoder.cycle.initialisation=random']\n[rewards.transport]\n[objectives.both]\n[operators.shuffled]\n\
         [[blocks]]\nlabels = {labels}\nseeds = [4]\n"
    );
    fs::write(file, text).unwrap();
}

fn study(out: &Path, grid: &Path, more: &[&str]) -> Command {
    let mut command = apprentice();
    command.arg("study").arg("--grid").arg(grid);
    command.arg("--out").arg(out).args(more);
    command
}

/// The rows of a study, without how long they took.
fn rows(out: &Path) -> Vec<Value> {
    let text = fs::read(out.join("study.json")).unwrap();
    let mut rows: Vec<Value> = serde_json::from_slice(&text).unwrap();
    for row in &mut rows {
        assert!(row["seconds"].as_f64().unwrap() > 0.0, "{row}");
        row.as_object_mut().unwrap().remove("seconds");
    }
    rows
}

#[test]
fn a_study_gives_a_row_a_cell_and_is_taken_up_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let (out, file) = (folder.path().join("study"), folder.path().join("grid.toml"));
    grid(&file, false);
    succeed(&mut study(&out, &file, &["--jobs", "2"]));
    let first = rows(&out);
    assert_eq!(first.len(), 2);
    for key in [
        "task",
        "encoder",
        "reward",
        "objective",
        "operator",
        "labels",
        "seed",
        "spearman_frame",
        "spearman_trajectory",
        "triplet_accuracy",
        "heldout_accuracy",
        "preferred",
        "success",
        "win_rate",
        "drift",
    ] {
        assert!(
            first[0].get(key).is_some(),
            "{key} is missing: {}",
            first[0]
        );
    }
    let page = fs::read_to_string(out.join("study.html")).unwrap();
    assert!(page.contains("2 of 2 cells done"), "{page}");
    // Episodes of finished cells are not kept; what they share is.
    assert_eq!(fs::read_dir(out.join("cells")).unwrap().count(), 0);
    let base = fs::read_dir(out.join("bases"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap();

    let refused = fail(&mut study(&out, &file, &[]));
    assert!(refused.contains("--resume"), "{refused}");

    // A row that is lost is the same when it is made again, and nothing else is run.
    let trained = fs::metadata(base.path().join("policy/base.safetensors")).unwrap();
    fs::remove_file(out.join("rows/mug-random-transport-both-shuffled-2-4.json")).unwrap();
    let kept = out.join("rows/mug-compact-transport-both-shuffled-2-4.json");
    let before = fs::metadata(&kept).unwrap().modified().unwrap();
    succeed(&mut study(&out, &file, &["--resume"]));
    assert_eq!(rows(&out), first);
    assert_eq!(fs::metadata(&kept).unwrap().modified().unwrap(), before);
    let now = fs::metadata(base.path().join("policy/base.safetensors")).unwrap();
    assert_eq!(now.modified().unwrap(), trained.modified().unwrap());

    // A cell that fails is named with its reason, and the others have their rows.
    grid(&file, true);
    let failed = fail(&mut study(&out, &file, &["--resume"]));
    assert!(failed.contains("2 of 4 cells failed"), "{failed}");
    assert_eq!(rows(&out), first);
    let text = fs::read_to_string(out.join("study.md")).unwrap();
    assert!(text.contains("2 of 4 cells done, 2 failed"), "{text}");
    assert!(
        text.contains("needs 12 rollouts, but rollouts.episodes is 8"),
        "{text}"
    );
}
