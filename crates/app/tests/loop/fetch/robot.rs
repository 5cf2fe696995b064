//! The Fetch in its process, and what it alone knows of its scenes.

use crate::program::repository;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Where the robot's folder lies, from the repository's root.
pub const FOLDER: &str = "tests/peers/fetch";

/// The driver, ended when this goes out of scope.
pub struct Robot {
    child: Child,
    scenes: PathBuf,
}

/// How a scene ended.
#[derive(Clone, Debug)]
pub struct Scene {
    /// Whether the block lies on a mat.
    pub success: bool,
    /// On which: `left`, `right` or `none`.
    pub side: String,
}

impl Robot {
    /// Starts it, and waits until it serves; its scenes go to a file in `folder`.
    pub fn start(folder: &Path, endpoint: &str, real_time: bool) -> Self {
        let venv = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fetch");
        let here = repository().join(FOLDER);
        let python = apprentice_peers::python(&venv, &here.join("requirements.txt"), None).unwrap();
        let scenes = folder.join("scenes.jsonl");
        let mut child = Command::new(python)
            .arg(here.join("robot.py"))
            .arg(endpoint)
            .arg(&scenes)
            .args(real_time.then_some("--real-time"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(child.stdout.take().unwrap());
        let serves = |line: &String| line.starts_with("serving fetch");
        assert!(said.lines().map_while(Result::ok).any(|line| serves(&line)));
        Self { child, scenes }
    }

    /// Every scene so far, in order, with its seed.
    pub fn scenes(&self) -> Vec<(u64, Scene)> {
        let text = std::fs::read_to_string(&self.scenes).unwrap_or_default();
        let read = |line: &str| {
            let value: Value = serde_json::from_str(line).unwrap();
            let scene = Scene {
                success: value["success"].as_bool().unwrap(),
                side: value["side"].as_str().unwrap().to_owned(),
            };
            (value["seed"].as_u64().unwrap(), scene)
        };
        text.lines().map(read).collect()
    }

    /// The last scene of each seed.
    pub fn by_seed(&self) -> BTreeMap<u64, Scene> {
        self.scenes().into_iter().collect()
    }
}

impl Drop for Robot {
    fn drop(&mut self) {
        // It ends when its input does.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
