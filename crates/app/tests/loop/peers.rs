//! A robot that someone else simulates, in Python, on the other side of the link. These checks need
//! Python packages: where they are asked for (`-- --ignored needs_python`) they are installed into a virtual environment below
//! `target`, without it the checks are skipped and say so.

use crate::program::{apprentice, fail, repository, succeed};
use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Python with the peers' packages.
fn python() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("peers");
    let requirements = repository().join("tests/peers/requirements.txt");
    apprentice_peers::python(&folder, &requirements, None).unwrap()
}

/// The peer, stopped when it goes out of scope.
struct Peer(Child);

impl Drop for Peer {
    fn drop(&mut self) {
        // It ends when its input does, after it has written its last note.
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

fn start(python: &Path, endpoint: &str, log: &Path) -> Peer {
    let mut child = Command::new(python)
        .arg(repository().join("tests/peers/pusht/robot.py"))
        .arg(endpoint)
        .arg(log)
        .env("SDL_VIDEODRIVER", "dummy")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut said = BufReader::new(child.stdout.take().unwrap());
    said.read_line(&mut line).unwrap();
    assert!(line.starts_with("serving pusht"), "{line}");
    Peer(child)
}

/// Mean distance of disc and T at the end, as a share of that at the beginning.
fn left(log: &Path) -> (usize, f64) {
    let text = std::fs::read_to_string(log).unwrap();
    let notes: Vec<Value> = text
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    let mean = |key: &str| {
        let all = notes.iter().map(|n| n[key].as_f64().unwrap());
        all.sum::<f64>() / notes.len() as f64
    };
    (notes.len(), mean("last") / mean("first"))
}

#[test]
#[ignore = "beside Python programs, which it installs below target: `-- --ignored needs_python`"]
fn needs_python_pusht_in_python_is_recorded_learnt_and_driven() {
    let python = python();
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let endpoint = "tcp/127.0.0.1:7613";
    let connected = format!("robot.endpoint={endpoint}");
    let shown = folder.path().join("shown.jsonl");
    {
        let _peer = start(&python, endpoint, &shown);
        succeed(
            apprentice()
                .args(["record", "demonstrations", "--seed", "1", "--json"])
                .args([
                    "--config",
                    "tests/peers/pusht/run.toml",
                    "--set",
                    &connected,
                ])
                .arg("--out")
                .arg(&out),
        );
    }
    let (episodes, by_hand) = left(&shown);
    assert_eq!(episodes, 40);
    assert!(
        by_hand < 0.5,
        "the demonstrator leaves {by_hand} of the way"
    );

    succeed(apprentice().args(["train", "--json", "--out"]).arg(&out));
    let driven = folder.path().join("driven.jsonl");
    {
        let _peer = start(&python, endpoint, &driven);
        succeed(
            apprentice()
                .args(["record", "rollouts", "--json", "--out"])
                .arg(&out),
        );
        // Nobody but a simulator of ours knows what success is.
        let line = fail(apprentice().args(["evaluate", "--out"]).arg(&out));
        assert!(line.contains("judged by the simulator"), "{line}");
    }
    let (episodes, by_policy) = left(&driven);
    println!(
        "of the way to the T, the demonstrator leaves {by_hand:.2}, the policy {by_policy:.2}"
    );
    assert_eq!(episodes, 16);
    // Standing still leaves 1; the policy sees the T only through the camera.
    assert!(by_policy < 0.6, "the policy leaves {by_policy} of the way");

    let nobody = folder.path().join("nobody");
    let line = fail(
        apprentice()
            .args(["record", "demonstrations", "--out"])
            .arg(nobody)
            .args(["--set", "robot.endpoint=tcp/127.0.0.1:7614"]),
    );
    assert!(line.contains("tcp/127.0.0.1:7614"), "{line}");
}
