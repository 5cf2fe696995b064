//! Trials of a run, with what the robot alone knows of each.

use super::person::PREFERRED;
use super::robot::Scene;
use serde_json::Value;
use std::path::Path;

/// A trial, as the robot saw it.
#[derive(Clone, Copy, Debug)]
pub struct Trial {
    /// Whether the aligned policy was tried; otherwise the base policy.
    pub aligned: bool,
    /// From which start.
    pub start: u64,
    /// Whether the task was done.
    pub success: bool,
    /// Whether it was done the preferred way.
    pub preferred: bool,
}

/// The trials of the run in `out`. The robot's verdict names its scene, and nothing of the side.
pub fn trials(out: &Path, scenes: &[(u64, Scene)]) -> Vec<Trial> {
    let log = std::fs::read_to_string(out.join("trials.jsonl")).unwrap();
    let with = |line: &str| {
        let trial: Value = serde_json::from_str(line).unwrap();
        let number = trial["facts"]["scene"].as_f64().expect("a scene's number") as usize;
        let (seed, scene) = &scenes[number];
        assert_eq!(trial["start"]["seed"].as_u64(), Some(*seed), "{trial}");
        // What our side holds for success is what the robot said, and of the side it holds nothing.
        assert_eq!(trial["success"] == "yes", scene.success, "{trial}");
        Trial {
            aligned: trial["policy"]["role"] == "aligned",
            start: trial["start"]["number"].as_u64().unwrap(),
            success: scene.success,
            preferred: scene.success && scene.side == PREFERRED,
        }
    };
    log.lines().map(with).collect()
}
