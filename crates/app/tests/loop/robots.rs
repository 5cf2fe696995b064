//! `apprentice robot`, and what the robots that come along say of how they are driven.

use crate::program::{apprentice, fail, succeed};
use apprentice_adapter::{physicalai, ros2};
use apprentice_link::session::free_port;
use apprentice_robot::{EMBEDDED, RobotDescription};
use serde_json::Value;
use std::fs;

fn json(arguments: &[&str]) -> Value {
    let text = succeed(apprentice().arg("robot").args(arguments).arg("--json"));
    serde_json::from_str(&text).unwrap()
}

fn joined(numbers: &Value) -> String {
    let numbers = numbers.as_array().unwrap().iter();
    let numbers: Vec<String> = numbers.map(ToString::to_string).collect();
    numbers.join(",")
}

#[test]
fn joints_and_poses_go_back_and_forth() {
    let listed = json(&["list"]);
    let names: Vec<&str> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, EMBEDDED);
    for name in EMBEDDED {
        let home = RobotDescription::embedded(name).unwrap().home;
        let there = json(&["fk", name, "--joints", &joined(&serde_json::json!(home))]);
        assert_eq!(there["frame"], "tool in base");
        assert!(there["clearance_m"].as_f64().unwrap() > 0.01);
        let back = json(&["ik", name, "--pose", &joined(&there["pose"])]);
        assert!(back["position_error_m"].as_f64().unwrap() < 1e-6, "{back}");
        assert!(
            back["orientation_error_rad"].as_f64().unwrap() < 1e-6,
            "{back}"
        );
        let again = json(&["fk", name, "--joints", &joined(&back["joints"])]);
        let pairs = again["pose"].as_array().unwrap().iter();
        for (a, b) in pairs.zip(there["pose"].as_array().unwrap()).take(3) {
            assert!((a.as_f64().unwrap() - b.as_f64().unwrap()).abs() < 1e-6);
        }
    }
    // The same in words: metres, radians and the frame.
    let said = succeed(apprentice().args([
        "robot",
        "fk",
        "ur5e",
        "--joints",
        "-0.1,-1.5,1.5,-1.5,-1.5,0",
    ]));
    assert!(
        said.contains("base frame") && said.contains(" m, quaternion"),
        "{said}"
    );
    let said = succeed(apprentice().args(["robot", "ik", "ur5e", "--pose", "0.45,0,0.3,1,0,0,0"]));
    assert!(said.contains("(rad)"), "{said}");
}

#[test]
fn joints_that_slide_are_told_in_metres() {
    let said = succeed(apprentice().args(["robot", "check", "tests/peers/fetch"]));
    let joints: Vec<&str> = said.lines().filter(|l| l.starts_with("joint ")).collect();
    assert_eq!(joints.len(), 3, "{said}");
    assert!(
        joints[0].contains("x: 1.1 to 1.5 m, home 1.3; 0.5 m/s, 4 m/s^2"),
        "{said}"
    );
    assert!(joints.iter().all(|l| !l.contains("rad")), "{said}");
    let checked = json(&["check", "tests/peers/fetch"]);
    assert_eq!(checked["joints"][2]["unit"], "m");
    assert_eq!(checked["joints"][2]["effort_unit"], "N");
    let turning = succeed(apprentice().args(["robot", "check", "so101"]));
    assert!(turning.contains("rad/s^2, jerk 400 rad/s^3"), "{turning}");
}

#[test]
fn a_driver_is_told_what_to_answer_and_one_that_is_not_there_is_named() {
    let folder = "robots/examples/planar_arm";
    let printed = succeed(apprentice().args(["robot", "describe", folder]));
    let told = RobotDescription::parse(&printed, "printed").unwrap();
    let kinematics = told.kinematics.as_ref().unwrap();
    assert_eq!((kinematics.frames.len(), told.capsules.len()), (2, 2));
    let found = json(&["describe", folder]);
    assert_eq!(found["toml"], printed.as_str());
    assert_eq!(found["description"]["joints"][1]["name"], "elbow");
    let nobody = format!("tcp/127.0.0.1:{}", free_port().unwrap());
    let live = ["robot", "check", folder, "--live", &nobody];
    let line = fail(apprentice().args(live));
    assert!(
        line.contains(&nobody) && line.contains("planar_arm"),
        "{line}"
    );
    let line = fail(apprentice().args(["robot", "check", "ur5e", "--live", &nobody]));
    assert!(line.contains("adapter") && line.contains("ros2"), "{line}");
}

#[test]
fn a_folder_is_checked_and_drawn() {
    let place = tempfile::tempdir().unwrap();
    let drawn = place.path().join("robot.rrd");
    for robot in ["robots/so101", "kinova_gen3"] {
        let found = json(&["check", robot, "--rrd", drawn.to_str().unwrap()]);
        assert!(
            found["urdf"]["position_m"].as_f64().unwrap() < 1e-9,
            "{found}"
        );
        let poses = found["poses"].as_array().unwrap();
        assert!(poses[1].as_u64().unwrap() >= 990, "{found}");
        let bytes = fs::read(&drawn).unwrap();
        assert_eq!(&bytes[..3], b"RRF");
        let text = String::from_utf8_lossy(&bytes);
        for entity in [
            "/world/capsules/",
            "/world/joints/",
            "/world/workspace",
            "/world/tool/cameras/wrist",
            "/findings",
        ] {
            assert!(text.contains(entity), "{entity}");
        }
    }
    // One of a user's own, with limits its URDF does not allow.
    let folder = place.path().join("mine");
    fs::create_dir(&folder).unwrap();
    for file in ["robot.toml", "robot.urdf"] {
        let from = crate::program::repository().join("robots/xarm6").join(file);
        let text = fs::read_to_string(from).unwrap();
        fs::write(
            folder.join(file),
            text.replacen("velocity = 1.57", "velocity = 4.0", 1),
        )
        .unwrap();
    }
    let said = succeed(apprentice().args(["robot", "check"]).arg(&folder));
    assert!(
        said.contains("joint1 may turn at 4 rad/s, the URDF allows 3.14"),
        "{said}"
    );
    fs::remove_file(folder.join("robot.urdf")).unwrap();
    let line = fail(apprentice().args(["robot", "check"]).arg(&folder));
    assert!(line.contains("robot.urdf"), "{line}");
}

#[test]
fn what_is_no_robot_no_joint_and_no_pose_is_refused_in_one_line() {
    for (arguments, words) in [
        (&["check", "nobody"][..], &["nobody", "xarm7"][..]),
        (
            &["fk", "xarm6", "--joints", "0,0,0"],
            &["--joints", "6 finite numbers", "rad"],
        ),
        (
            &["fk", "xarm6", "--joints", "0,0,0,0,0,nan"],
            &["--joints", "NaN"],
        ),
        (
            &["ik", "ur5e", "--pose", "0.4,0,0.3"],
            &["--pose", "3 numbers", "qw"],
        ),
        (
            &["ik", "ur5e", "--pose", "0.4,0,0.3,0,0,0,0"],
            &["quaternion", "length 0"],
        ),
        (
            &["ik", "ur5e", "--pose", "4,0,0.3,1,0,0,0"],
            &["ur5e", "within reach", "m and"],
        ),
    ] {
        let line = fail(apprentice().arg("robot").args(arguments));
        assert!(words.iter().all(|w| line.contains(w)), "{line}");
    }
}

#[test]
fn adapters_take_what_our_robots_say_of_them() {
    let mut kinds = Vec::new();
    for name in EMBEDDED {
        let robot = RobotDescription::embedded(name).unwrap();
        let Some(table) = &robot.adapter else {
            continue;
        };
        let kind = table["kind"].as_str().unwrap();
        match kind {
            "ros2" => drop(ros2::Settings::read(table, &robot).unwrap()),
            "physicalai" => drop(physicalai::Settings::read(table, &robot).unwrap()),
            other => panic!("{name}: {other}"),
        }
        kinds.push(kind.to_owned());
    }
    assert_eq!(kinds.iter().filter(|k| *k == "ros2").count(), 4);
    assert!(kinds.contains(&"physicalai".to_owned()));
}
