//! A policy drives a simulated robot that is another process, in real time, and only with the right keys.

use crate::program::{apprentice, fail, succeed, tiny_demo};
use apprentice_link::session::free_port;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// `apprentice sim`, ended when it goes out of scope.
struct Simulated(Child);

impl Drop for Simulated {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn simulate(endpoint: &str, keys: &Path) -> Simulated {
    let mut child = apprentice()
        .args(["sim", "--listen", endpoint, "--set"])
        .arg(format!("robot.keys={}", keys.display()))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut said = BufReader::new(child.stdout.take().unwrap());
    said.read_line(&mut line).unwrap();
    let simulated = Simulated(child);
    assert!(line.starts_with("simulated franka_fr3 on tls/"), "{line}");
    simulated
}

fn record(run: &Path, endpoint: &str, keys: &Path) -> Command {
    let mut command = apprentice();
    command
        .args(["record", "rollouts", "--out"])
        .arg(run)
        .args(["--set", "rollouts.episodes=2", "--set", "rollouts.ticks=40"])
        .arg("--set")
        .arg(format!("robot.endpoint={endpoint}"))
        .arg("--set")
        .arg(format!("robot.keys={}", keys.display()));
    command
}

#[test]
fn a_policy_drives_a_robot_elsewhere_with_keys() {
    let folder = tempfile::tempdir().unwrap();
    let [run, keys, others] = ["run", "keys", "others"].map(|n| folder.path().join(n));
    succeed(&mut tiny_demo(&run, 5));
    for made in [&keys, &others] {
        succeed(
            apprentice()
                .arg("keys")
                .arg(made)
                .args(["--robot", "franka_fr3"]),
        );
    }
    let endpoint = format!("tls/127.0.0.1:{}", free_port().unwrap());
    let _robot = simulate(&endpoint, &keys);
    let output = record(&run, &endpoint, &keys).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let figures: Vec<&str> = said
        .lines()
        .filter(|l| l.contains("control ticks late"))
        .collect();
    assert_eq!(figures.len(), 2, "{said}");
    println!("{}", figures.join("\n"));
    assert!(run.join("rollouts/episode-0001.mcap").exists());
    let refused = fail(&mut record(&run, &endpoint, &others));
    assert!(refused.contains("no zenoh session at tls/"), "{refused}");
}
