//! From an unknown robot, its driver running, to a policy that is aligned, evaluated and promoted on it: a Fetch of
//! gymnasium-robotics in a Python process of its own, which grasps by friction, and alone knows whether the block lies
//! on a mat and on which. Each command is the one that the command before printed.

mod course;
mod robot;

use crate::program::repository;
use course::{Course, Size};
use std::path::Path;

/// The smallest that still shows that it works: minutes on two cores.
const SMALL: Size = Size {
    real_time: false,
    demonstrations: 40,
    training_steps: 900,
    rollouts: 32,
    trials: 12,
    settings: &[],
};

/// What the figures are measured at: most of an hour, since the robot's time is ours.
const FULL: Size = Size {
    real_time: true,
    demonstrations: 100,
    training_steps: 2000,
    rollouts: 80,
    trials: 60,
    settings: &[],
};

#[test]
#[ignore = "beside Python programs, which it installs below target: `-- --ignored needs_python`"]
fn needs_python_fetch_from_unknown_to_promoted_in_lockstep() {
    let folder = tempfile::tempdir().unwrap();
    let found = Course::new(folder.path(), 7615, &SMALL).run();
    println!("{found}");
    found.check();
}

#[test]
#[ignore = "an hour in real time; keeps its run in target/fetch: `-- --ignored --nocapture takes_an_hour`"]
fn takes_an_hour_fetch_from_unknown_to_promoted_in_real_time() {
    let folder = repository().join("target/fetch");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let found = Course::new(Path::new(&folder), 7616, &FULL).run();
    println!("{found}");
    found.check();
}
