//! What holds of every robot that comes with Apprentice: a new one is a folder, a line in `src/shipped.rs`, and
//! passes here.
#![allow(clippy::unwrap_used)]

use apprentice_robot::{
    DifferentialIk, EMBEDDED, Kinematics, RobotDescription, RobotFolder, SelfDistance, Survey,
};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn robots() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../robots")
}

#[test]
fn every_folder_is_shipped() {
    let folders: BTreeSet<String> = std::fs::read_dir(robots())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("robot.toml").is_file())
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    let shipped: BTreeSet<String> = EMBEDDED.iter().map(|&name| name.to_owned()).collect();
    assert_eq!(
        folders, shipped,
        "a folder below robots, a line in shipped.rs"
    );
    assert_eq!(shipped.len(), EMBEDDED.len(), "one of them is listed twice");
}

#[test]
fn each_loads_by_its_name_and_from_its_folder_alike() {
    for name in EMBEDDED {
        let embedded = RobotDescription::embedded(name).unwrap();
        let loaded = RobotDescription::load(&robots().join(name)).unwrap();
        assert_eq!(embedded.name, name);
        assert_eq!(embedded, loaded, "{name}");
        // As it goes over the link.
        let text = embedded.to_toml().unwrap();
        assert_eq!(RobotDescription::parse(&text, name), Ok(embedded), "{name}");
        assert!(RobotFolder::open(name).unwrap().unused.is_empty(), "{name}");
        println!("tried robot {name}");
    }
}

#[test]
fn each_rests_at_home_within_limits_that_can_be_kept() {
    for name in EMBEDDED {
        let robot = RobotDescription::embedded(name).unwrap();
        assert_eq!(robot.home.len(), robot.joints.len(), "{name}");
        for (joint, at) in robot.joints.iter().zip(&robot.home) {
            let [low, high] = joint.position;
            assert!(low < *at && *at < high, "{name}: {}", joint.name);
            assert!(joint.velocity > 0.0 && joint.acceleration > 0.0, "{name}");
        }
        assert!(robot.control_hz >= robot.policy_hz, "{name}");
    }
}

#[test]
fn each_moves_as_its_urdf_says_and_keeps_clear_of_itself_at_home() {
    for name in EMBEDDED {
        let folder = RobotFolder::open(name).unwrap();
        let robot = &folder.description;
        let kinematics = Kinematics::new(robot).unwrap();
        assert_eq!(kinematics.len(), robot.joints.len(), "{name}");
        let tool = kinematics.tool_pose(&robot.home);
        assert!(tool.translation.vector.iter().all(|v| v.is_finite()));
        // A step towards where it is leads nowhere else.
        let ik = DifferentialIk::new(robot).unwrap();
        let step = ik.step(&robot.home, &tool, 1.0 / robot.control_hz);
        for (to, from) in step.iter().zip(&robot.home) {
            assert!((to - from).abs() < 1e-6, "{name}: {to} from {from}");
        }
        assert!(folder.urdf.is_some(), "{name}: capsules come from its URDF");
        let survey = Survey::of(&folder).unwrap();
        assert_ne!(survey.home_in_workspace, Some(false), "{name}");
        assert!(SelfDistance::new(robot).unwrap().clearance(&robot.home) > 0.01);
    }
}

#[test]
fn each_says_where_its_numbers_are_from() {
    let table = std::fs::read_to_string(robots().join("README.md")).unwrap();
    let named = table
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    for name in named {
        assert!(EMBEDDED.contains(&name), "robots/README.md: {name}");
    }
    for name in EMBEDDED {
        let folder = robots().join(name);
        let readme = std::fs::read_to_string(folder.join("README.md")).unwrap();
        assert!(readme.contains("| what | value | source |"), "{name}");
        let rows = readme.lines().filter(|line| line.starts_with("| "));
        for row in rows.clone().skip(1) {
            let source = row.split('|').nth(3).unwrap_or_default();
            assert!(!source.trim().is_empty(), "{name}: no source of {row}");
        }
        assert!(rows.count() > 5, "{name}");
    }
}
