//! The loop end to end.

use crate::program::{apprentice, succeed, tiny_demo};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

fn report(dir: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(dir.join("report.json")).unwrap()).unwrap()
}

#[test]
fn the_loop_runs_and_the_same_seed_gives_the_same_files() {
    let folder = tempfile::tempdir().unwrap();
    let [first, second, other] = ["first", "second", "other"].map(|n| folder.path().join(n));
    let screen = succeed(&mut tiny_demo(&first, 3));
    assert!(screen.contains("report.html"), "{screen}");
    succeed(&mut tiny_demo(&second, 3));
    succeed(&mut tiny_demo(&other, 4));
    let (a, b, c) = (report(&first), report(&second), report(&other));
    assert_eq!(a["artefacts"], b["artefacts"]);
    assert_ne!(a["artefacts"], c["artefacts"]);
    for key in ["base", "aligned", "drift", "reward", "guard", "labels"] {
        assert_eq!(a[key], b[key], "{key}");
    }
    for pointer in [
        "/seed",
        "/task",
        "/device",
        "/labels/rankings",
        "/stages/0/name",
        "/stages/0/seconds",
        "/peak_memory_bytes",
        "/base/success/k",
        "/base/preferred/low",
        "/aligned/success/n",
        "/aligned/preferred/high",
        "/drift",
        "/reward/spearman_heldout",
        "/reward/triplet_accuracy_heldout",
        "/reward/controls/majority",
        "/reward/controls/best_single_feature",
        "/guard/commands",
        "/guard/violations",
        "/guard/ticks",
        "/stages/1/device",
        "/artefacts/0/path",
        "/artefacts/0/sha256",
    ] {
        assert!(
            a.pointer(pointer).is_some_and(|v| !v.is_null()),
            "{pointer}"
        );
    }
    assert_eq!(a["seed"], 3);
    assert_eq!(a["labels"]["rankings"], 2);
    assert_eq!(a["aligned"]["success"]["n"], 4);
    assert_eq!(a["guard"]["violations"], 0);
    assert_eq!(a["guard"]["ticks"], 4 * 12 + 8 * 10 + 8 * 10);
    let reasons = a["guard"]["reasons"].as_object().unwrap();
    assert!(!reasons.is_empty(), "the guard changes commands");
    assert_eq!(a["device"], "cpu");
    // 4 demonstrations of 12 ticks, 8 rollouts and 2 x 4 evaluations of 10, 5 commands a tick.
    assert_eq!(a["guard"]["commands"], (4 * 12 + 8 * 10 + 8 * 10) * 5);
    for file in [
        "report.html",
        "run.rrd",
        "judgements.jsonl",
        "demonstrations/index.json",
    ] {
        assert!(first.join(file).metadata().unwrap().len() > 0, "{file}");
    }
}

#[test]
fn stages_run_one_by_one_give_what_the_demo_gives() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, steps) = (folder.path().join("whole"), folder.path().join("steps"));
    succeed(&mut tiny_demo(&whole, 5));
    let mut first = apprentice();
    first.args(["record", "demonstrations", "--seed", "5"]);
    succeed(
        first
            .args(["--config", "configs/tiny.toml", "--json", "--out"])
            .arg(&steps),
    );
    let recording = || steps.join("run.rrd").metadata().unwrap().len();
    let mut before_alignment = 0;
    for (stage, figures) in [
        (
            &["train"][..],
            &["/0/result/steps", "/0/result/last_loss"][..],
        ),
        (
            &["record", "rollouts"],
            &["/0/result/episodes", "/0/result/success/low"],
        ),
        (&["rank", "--simulated"], &["/0/result/rankings"]),
        (
            &["reward"],
            &["/0/result/evidence/p_value", "/0/result/evidence/accuracy"],
        ),
        (&["align"], &["/0/result/drift", "/0/result/steps"]),
        (
            &["evaluate"],
            &[
                "/0/result/success/high",
                "/1/result/preferred/low",
                "/1/result/reward/spearman_heldout",
                "/1/device",
            ],
        ),
    ] {
        if stage == ["align"] {
            before_alignment = recording();
        }
        let marks = succeed(
            apprentice()
                .args(stage)
                .args(["--json", "--out"])
                .arg(&steps),
        );
        let marks: Value = serde_json::from_str(&marks).unwrap();
        assert!(marks[0]["seconds"].as_f64().unwrap() > 0.0);
        for figure in figures {
            let found = marks.pointer(figure).is_some_and(|v| !v.is_null());
            assert!(found, "{stage:?} does not say {figure}: {marks}");
        }
    }
    // The aligned policy's episodes are in it as well.
    assert!(recording() > before_alignment);
    let compared = succeed(
        apprentice()
            .args(["compare", "--json", "--out"])
            .arg(&steps),
    );
    let compared: Value = serde_json::from_str(&compared).unwrap();
    let printed = succeed(apprentice().args(["report", "--json", "--out"]).arg(&steps));
    let printed: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(printed["artefacts"], report(&whole)["artefacts"]);
    assert_eq!(compared["base"]["success"], printed["base"]["success"]);
}

#[test]
fn a_stopped_demo_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, stopped) = (folder.path().join("whole"), folder.path().join("stopped"));
    succeed(&mut tiny_demo(&whole, 6));
    let mut interruptions = 0;
    // Stopped once while it demonstrates and once while it watches the policy.
    for sign in [
        "demonstrations/episode-0000.mcap",
        "rollouts/episode-0001.mcap",
    ] {
        let mut child = tiny_demo(&stopped, 6)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let patience = Instant::now() + Duration::from_secs(120);
        while !stopped.join(sign).exists() && child.try_wait().unwrap().is_none() {
            assert!(Instant::now() < patience, "{sign} never came");
            std::thread::sleep(Duration::from_millis(1));
        }
        let interrupted = Command::new("kill")
            .args(["-INT", &child.id().to_string()])
            .status()
            .unwrap();
        let output = child.wait_with_output().unwrap();
        if interrupted.success() && !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(said.contains("stopped on request"), "{said}");
            interruptions += 1;
        }
    }
    assert!(
        interruptions > 0,
        "the demo was over before it could be stopped"
    );
    succeed(&mut tiny_demo(&stopped, 6));
    assert_eq!(report(&whole)["artefacts"], report(&stopped)["artefacts"]);
}
