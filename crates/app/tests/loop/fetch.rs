//! From an unknown robot, its driver running, to a policy that is aligned, evaluated and promoted on it: a Fetch of
//! gymnasium-robotics in a Python process of its own, which grasps by friction, and alone knows whether the block lies
//! on a mat and on which. Each command is the one that the command before printed.

mod course;
mod figures;
mod person;
mod robot;

use crate::program::repository;
use course::{Course, Size};

/// The smallest that still shows that it works: minutes on two cores.
const SMALL: Size = Size {
    real_time: false,
    settings: &[
        "demonstrations.episodes=40",
        "train.steps=800",
        "rollouts.episodes=32",
        "operator.rankings=8",
        "align.steps=300",
        // What so few trials can show.
        "promotion.bad_limit=0.5",
        "promotion.margin=0.6",
    ],
    trials: 24,
};

/// What the figures are measured at: an hour, since time passes by itself.
const FULL: Size = Size {
    real_time: true,
    settings: &[],
    trials: 300,
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
    let found = Course::new(&folder, 7616, &FULL).run();
    println!("{found}");
    found.check();
}
