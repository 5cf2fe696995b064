//! What somebody recorded is never lost, whatever is asked for next.

use crate::program::{apprentice, fail, succeed, tiny_demo};
use apprentice_pipeline::stages::STAGES;
use serde_json::Value;
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

/// What a command says beside its result.
fn told(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{command:?} failed:\n{told}");
    told
}

fn stage(out: &Path, name: &str) -> Command {
    let mut command = apprentice();
    command.args(["run", name, "--json", "--out"]).arg(out);
    command
}

fn mark(out: &Path, name: &str) -> Value {
    let bytes = fs::read(out.join(format!("stages/{name}.json"))).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

#[test]
fn an_episode_that_is_deleted_or_added_moves_no_other_and_what_depends_on_it_runs_again() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let there = out.join("demonstrations");
    succeed(&mut demonstrate(&out));
    succeed(&mut stage(&out, "train"));
    let four = episodes(&there);
    let trained = mark(&out, "train");
    assert!(
        told(&mut stage(&out, "train")).is_empty(),
        "nothing changed"
    );
    assert_eq!(mark(&out, "train"), trained);

    // Deleted: the policy learns anew from those that are left.
    fs::remove_file(there.join("episode-0001.mcap")).unwrap();
    let said = told(&mut stage(&out, "train"));
    for part in [
        "demonstrations/episode-0001.mcap is gone; the others stay",
        "stage train runs again: demonstrations has changed",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let without = mark(&out, "train");
    assert_ne!(without["inputs"], trained["inputs"]);
    // Only what is missing is recorded.
    let said = told(&mut demonstrate(&out));
    assert!(said.contains("3 of 4 episodes are there"), "{said}");
    assert_eq!(
        episodes(&there),
        four,
        "the same seed gives the same episode"
    );
    assert!(!out.join("demonstrations.old-1").exists());
    let list: Value =
        serde_json::from_slice(&fs::read(out.join("judge/demonstrations.json")).unwrap()).unwrap();
    assert_eq!(list["guard"]["ticks"], 4 * 12);
    assert_eq!(list["guard"]["commands"], 4 * 12 * 5);
    assert_eq!(list["episodes"][1]["file"], "episode-0001.mcap");

    // Added: it takes part, and stays where more are recorded.
    let mut other = apprentice();
    other.args(["record", "demonstrations", "--seed", "4", "--json"]);
    other.args(["--config", "configs/tiny.toml", "--out"]);
    let elsewhere = folder.path().join("another run");
    succeed(other.arg(&elsewhere));
    let taken = elsewhere.join("demonstrations/episode-0003.mcap");
    fs::copy(taken, there.join("mine.mcap")).unwrap();
    // A copy of one that is there would count twice.
    fs::copy(there.join("episode-0003.mcap"), there.join("copy.mcap")).unwrap();
    let said = told(&mut stage(&out, "train"));
    assert!(
        said.contains("demonstrations/mine.mcap was put there")
            && said.contains("demonstrations/copy.mcap is a copy")
            && said.contains("stage train runs again: demonstrations has changed"),
        "{said}"
    );
    succeed(demonstrate(&out).args(["--set", "demonstrations.episodes=6"]));
    fs::remove_file(there.join("copy.mcap")).unwrap();
    let seven = episodes(&there);
    assert_eq!((seven.len(), &seven[..4]), (7, &four[..]));
    assert!(there.join("mine.mcap").exists() && !out.join("demonstrations.old-1").exists());
}

#[test]
fn a_finished_run_stands_until_something_it_started_from_changes() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let first = told(&mut tiny_demo(&out, 9));
    // It says what it is going to do, and all of it.
    for stage in STAGES {
        assert!(first.contains(&format!("\n  {}", stage.name)), "{first}");
    }
    assert!(first.contains("4 training steps") && first.contains("in all on this machine"));
    assert!(!out.join(".estimate").exists());
    // Every stage says what it came to, by its name.
    for name in STAGES.iter().map(|s| s.name) {
        let shown: Value = serde_json::from_str(&succeed(&mut stage(&out, name))).unwrap();
        assert!(shown[0]["result"].is_object(), "{name}: {shown}");
    }

    // Marks from before said nothing of what stages started from: they stand, and say it from now on.
    for name in STAGES.iter().map(|s| s.name) {
        let mut old = mark(&out, name);
        assert!(old.as_object_mut().unwrap().remove("inputs").is_some());
        old["device"] = "flex".into();
        fs::write(out.join(format!("stages/{name}.json")), old.to_string()).unwrap();
    }
    let again = told(&mut tiny_demo(&out, 9));
    assert_eq!(
        again.matches("done before (").count(),
        STAGES.len(),
        "{again}"
    );
    assert!(mark(&out, "align")["inputs"]["files"]["reward/reward.json"].is_string());
    let report = fs::read_to_string(out.join("report.json")).unwrap();
    assert!(!report.contains("flex"), "the processor is called cpu");

    // Another judgement: the reward is out of date, and nothing is built on it until it is learnt anew.
    let log = out.join("judgements.jsonl");
    let judgements = fs::read_to_string(&log).unwrap();
    let fewer: Vec<&str> = judgements.lines().take(1).collect();
    fs::write(&log, fewer.join("\n") + "\n").unwrap();
    let line = fail(&mut stage(&out, "align"));
    for part in [
        "stage reward",
        "out of date: judgements.jsonl has changed",
        "apprentice reward --out",
    ] {
        assert!(line.contains(part), "{part}: {line}");
    }
    let said = told(apprentice().args(["report", "--json", "--out"]).arg(&out));
    assert!(said.contains("stage reward is out of date"), "{said}");
    let evaluated = mark(&out, "evaluate-base");
    fs::write(&log, &judgements).unwrap();
    fs::remove_file(out.join("policy/aligned.safetensors")).unwrap();
    let said = told(tiny_demo(&out, 9).arg("--json"));
    assert!(
        said.contains("stage align runs again: policy/aligned.safetensors is gone"),
        "{said}"
    );
    // The same policy comes out, so what was tried with it stands.
    assert!(!said.contains("stage evaluate"), "{said}");
    assert_eq!(mark(&out, "evaluate-base"), evaluated);
}
