//! Our side against others' code: rosbags for layouts and hashes, eclipse-zenoh for a ROS robot, physicalai's
//! own owner. These checks need Python packages: where they are asked for (`-- --ignored needs_python`) they are installed into a virtual
//! environment below `target`, without it the checks are skipped and say so.
#![allow(clippy::unwrap_used, clippy::panic)] // A test that fails may say so by panicking.

#[path = "peers/layouts.rs"]
mod layouts;
#[path = "ros2/stand_in.rs"]
#[allow(dead_code)]
mod stand_in;

use apprentice_adapter::physicalai::{PhysicalAiArm, owner_endpoint};
use apprentice_adapter::ros2::Ros2Arm;
use apprentice_core::JointCommand;
use apprentice_link::security::Security;
use apprentice_link::{Arm as _, Freshness};
use apprentice_robot::{Camera, Mount, RobotDescription};

use serde_json::{Value, json};
use stand_in::{Router, command, robot, until};
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration as Span, Instant};

const FRESH: Freshness = Freshness {
    state: Span::from_millis(1000),
    frame: Span::from_millis(2000),
};

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers")
}

/// Python with the peers' packages.
fn python() -> PathBuf {
    static SETTING_UP: Mutex<()> = Mutex::new(());
    let _one = SETTING_UP.lock();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("adapter-peers");
    let whole = scripts().join("requirements.txt");
    // What physicalai needs for models, vision and other robots is left out.
    let bare = scripts().join("requirements-bare.txt");
    apprentice_peers::python(&folder, &whole, Some(&bare)).unwrap()
}

/// A peer that runs until it is asked for its report.
struct Peer {
    child: Child,
    said: BufReader<ChildStdout>,
}

impl Peer {
    fn start(python: &Path, script: &str, arguments: &[&str]) -> Self {
        let mut child = Command::new(python)
            .arg(scripts().join(script))
            .args(arguments)
            .env("PYTHONPATH", scripts())
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        assert_eq!(line.trim(), "ready");
        Self { child, said }
    }

    /// Ends it; what it says then.
    fn end(&mut self) -> String {
        drop(self.child.stdin.take());
        let mut rest = String::new();
        self.said.read_to_string(&mut rest).unwrap();
        assert!(self.child.wait().unwrap().success());
        rest
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // Only where a check failed it still runs.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// What a ROS robot in Python was sent and saw, and what we saw of it.
fn drive(
    python: &Path,
    form: &str,
    settings: &str,
    topic: &str,
    of: &str,
    with_hand: bool,
) -> Value {
    let router = Router::open();
    let action = "/hand/gripper_cmd";
    let hand = format!(
        "[gripper]\nkind = 'action'\naction = '{action}'\njoint = 'finger'\nper_metre = 0.5\nmax_effort = 20.0"
    );
    let cameras = "[cameras.front]\ntopic = '/front/image_raw'\n[cameras.wrist]\ntopic = '/wrist/image_raw/compressed'\ncompressed = true";
    let mut robot = robot(&format!(
        "kind = 'ros2'\nkeys = '{form}'\n[command]\ntopic = '{topic}'\n{settings}\n{cameras}\n{}",
        if with_hand { &hand } else { "" }
    ));
    if !with_hand {
        robot.gripper = None;
    }
    robot.cameras = ["front", "wrist"].map(camera).into();
    let mut names: Vec<_> = robot.joints.iter().map(|j| j.name.clone()).collect();
    let mut positions = robot.home.clone();
    names.reverse();
    positions.reverse();
    names.insert(3, "finger".into());
    positions.insert(3, 0.02);
    let told = json!({
        "endpoint": router.endpoint, "form": form, "names": names, "positions": positions,
        "command": [topic, of], "action": with_hand.then_some(action),
    });
    let mut peer = Peer::start(python, "ros_robot.py", &[&told.to_string()]);
    let table = robot.adapter.clone().unwrap();
    let mut arm = Ros2Arm::connect(
        robot.clone(),
        &table,
        &router.endpoint,
        &Security::LoopbackOnly,
        Span::from_secs(5),
    )
    .unwrap();
    let began = Instant::now();
    arm.engage().unwrap();
    let engaged = began.elapsed();
    let observation = arm.latest(true, FRESH).unwrap();
    assert_eq!(observation.state.positions, robot.home);
    assert_eq!(observation.state.velocities, [0.25; 7]);
    assert_eq!(
        observation.state.gripper_width,
        if with_hand { 0.04 } else { 0.0 }
    );
    // 16x12 pixels: the middle 12x12, as 6x6.
    assert_eq!(observation.frames[0].image.rgb(), [200, 100, 50].repeat(36));
    let near = |got: &u8, want: u8| got.abs_diff(want) <= 3;
    let jpeg = observation.frames[1].image.rgb().chunks(3);
    assert!({ jpeg }.all(|p| near(&p[0], 40) && near(&p[1], 80) && near(&p[2], 160)));
    if arm.takes_paths() {
        for _ in 0..50 {
            let path: Vec<_> = (0..10)
                .map(|i| command(&robot, i, i as f64 * 1e-3, 0.05))
                .collect();
            arm.send_path(&path).unwrap();
            std::thread::sleep(Span::from_millis(2));
        }
    } else {
        for i in 1..=50 {
            arm.send(&command(&robot, i, i as f64 * 1e-4, 0.05))
                .unwrap();
            std::thread::sleep(Span::from_millis(2));
        }
    }
    if with_hand {
        until("the gripper", || arm.gripper_report().unwrap().ended == 1);
        assert_eq!(arm.gripper_report().unwrap().problem, None);
    }
    std::thread::sleep(Span::from_millis(200));
    let seen: Value = serde_json::from_str(&peer.end()).unwrap();
    assert_eq!(seen["problems"], json!([]));
    assert!(
        seen["commands"]
            .as_array()
            .unwrap()
            .iter()
            .all(|c| c["same_bytes"] == true)
    );
    println!(
        "{form} {topic}: engaged in {engaged:?}, {} commands there the same bytes, {} goals, {} tokens seen",
        seen["commands"].as_array().unwrap().len(),
        seen["goals"].as_array().unwrap().len(),
        seen["tokens"].as_array().unwrap().len()
    );
    seen
}

fn camera(name: &str) -> Camera {
    Camera {
        name: name.into(),
        mount: Mount::World,
        position: [1.0, 0.0, 0.0],
        target: [0.0; 3],
        up: [0.0, 0.0, 1.0],
        vertical_fov_deg: 40.0,
        frozen_after_s: None,
        width: 6,
        height: 6,
    }
}

/// Tokens that hold all of these.
fn has_token(seen: &Value, parts: &[&str]) -> bool {
    let tokens = seen["tokens"].as_array().unwrap();
    tokens
        .iter()
        .any(|t| parts.iter().all(|p| t.as_str().unwrap().contains(p)))
}

#[test]
#[ignore = "beside Python programs, which it installs below target: `-- --ignored needs_python`"]
fn needs_python_a_ros_robot_in_python_is_driven_over_rmw_zenoh() {
    let python = python();
    let of = "std_msgs/msg/Float64MultiArray";
    let seen = drive(
        &python,
        "rmw_zenoh",
        "kind = 'forward_command'",
        "/fwd/commands",
        of,
        true,
    );
    let commands = seen["commands"].as_array().unwrap();
    assert_eq!(commands.len(), 50);
    let home = RobotDescription::embedded("franka_fr3").unwrap().home;
    for (i, command) in commands.iter().enumerate() {
        let wanted = home.iter().map(|q| q + (i + 1) as f64 * 1e-4);
        let got = command["numbers"].as_array().unwrap();
        assert_eq!(got.len(), home.len());
        // JSON is read to a unit in the last place only.
        let near = |(got, wanted): (&Value, f64)| (got.as_f64().unwrap() - wanted).abs() < 1e-12;
        assert!(got.iter().zip(wanted).all(near), "{got:?}");
        // The key as Python makes it of rosbags' hash.
        assert_eq!(command["key"], seen["key"]);
        let beside = &command["attachment"];
        assert_eq!(
            [&beside["bytes"], &beside["sequence"], &beside["length"]],
            [&json!(33), &json!(i + 1), &json!(16)]
        );
        let gids = seen["gids"].as_object().unwrap();
        let ours = gids
            .iter()
            .find(|(t, _)| t.contains("/MP/") && t.contains("%fwd%commands"))
            .unwrap();
        assert_eq!(beside["gid"], *ours.1, "by Python's own XXH3 of our token");
    }
    assert_eq!(seen["goals"], json!([[0.025, 20.0]]));
    for asked in seen["asked"].as_array().unwrap() {
        assert_eq!(asked["attachment"]["bytes"], 33);
    }
    for parts in [
        &["/NN/%/%/apprentice"][..],
        &[
            "/MS/",
            "%joint_states",
            "sensor_msgs::msg::dds_::JointState_/RIHS01_a13ee3a3",
        ],
        &["/MS/", "%front%image_raw", "::Image_/"],
        &["/MS/", "%wrist%image_raw%compressed", "::CompressedImage_/"],
        &["/MP/", "%fwd%commands"],
        &["/SC/", "%hand%gripper_cmd%_action%send_goal"],
        &["/SC/", "%hand%gripper_cmd%_action%get_result"],
        &["/SC/", "%hand%gripper_cmd%_action%cancel_goal"],
    ] {
        assert!(has_token(&seen, parts), "{parts:?}: {}", seen["tokens"]);
    }
}

#[test]
#[ignore = "beside Python programs, which it installs below target: `-- --ignored needs_python`"]
fn needs_python_a_ros_robot_in_python_is_driven_behind_a_dds_bridge() {
    let python = python();
    let of = "trajectory_msgs/msg/JointTrajectory";
    let seen = drive(
        &python,
        "ros2dds",
        "kind = 'joint_trajectory'",
        "/jtc/joint_trajectory",
        of,
        true,
    );
    let commands = seen["commands"].as_array().unwrap();
    assert_eq!(commands.len(), 50);
    for command in commands {
        assert_eq!(command["key"], "jtc/joint_trajectory");
        assert_eq!(command["attachment"], Value::Null);
        let (times, points) = (
            command["numbers"][1].as_array().unwrap(),
            command["numbers"][2].as_array().unwrap(),
        );
        assert_eq!((times.len(), points.len()), (10, 10));
        assert!((times[9].as_f64().unwrap() - 0.2).abs() < 1e-9);
    }
    assert_eq!(seen["goals"], json!([[0.025, 20.0]]));
    for parts in [
        &["/@ros2_lv/MP/jtc§joint_trajectory/trajectory_msgs§msg§JointTrajectory/:1:0:0,1"][..],
        &["/@ros2_lv/MS/joint_states/sensor_msgs§msg§JointState/:0:0:0,5"],
        &["/@ros2_lv/AC/hand§gripper_cmd/control_msgs§action§GripperCommand"],
    ] {
        assert!(has_token(&seen, parts), "{parts:?}: {}", seen["tokens"]);
    }
}

#[test]
#[ignore = "beside Python programs, which it installs below target: `-- --ignored needs_python`"]
fn needs_python_moveit_servo_in_python_is_told_speeds() {
    let python = python();
    let twist = "kind = 'servo_twist'\nframe = 'fr3_link0'";
    let seen = drive(
        &python,
        "rmw_zenoh",
        twist,
        "/servo/twist",
        "geometry_msgs/msg/TwistStamped",
        false,
    );
    let commands = seen["commands"].as_array().unwrap();
    assert_eq!(commands.len(), 50);
    assert!(
        commands
            .iter()
            .all(|c| c["numbers"][0] == "fr3_link0"
                && c["numbers"][1].as_array().unwrap().len() == 6)
    );
    let jog = "kind = 'servo_joint_jog'\nframe = 'fr3_link0'";
    let seen = drive(
        &python,
        "rmw_zenoh",
        jog,
        "/servo/jog",
        "control_msgs/msg/JointJog",
        false,
    );
    let commands = seen["commands"].as_array().unwrap();
    assert_eq!(commands.len(), 50);
    assert!(
        commands
            .iter()
            .all(|c| c["key"] == seen["key"] && c["numbers"][1].as_array().unwrap().len() == 7)
    );
}

#[test]
#[ignore = "beside Python programs, which it installs below target: `-- --ignored needs_python`"]
fn needs_python_a_robot_that_physicalai_owns_is_driven() {
    let python = python();
    let folder = tempfile::tempdir().unwrap();
    // A name of this run's own: the owner's port is made of it.
    let name = format!("apprentice-{}", std::process::id());
    let mut peer = Peer::start(
        &python,
        "physicalai_owner.py",
        &[&name, folder.path().to_str().unwrap()],
    );
    let mut robot = robot(&format!(
        "kind = 'physicalai'\nrobot = '{name}'\nunit = 'degree'\n[joint_names]\nfr3_joint1 = 'pan'\nfr3_joint2 = 'lift'\nfr3_joint3 = 'elbow'\n[gripper]\njoint = 'gripper'\nat_closed = 0.0\nper_metre = 1250.0"
    ));
    robot.joints.truncate(3);
    robot.home.truncate(3);
    let table = robot.adapter.clone().unwrap();
    let mut arm = PhysicalAiArm::connect(
        robot,
        &table,
        &owner_endpoint(&name),
        &Security::LoopbackOnly,
        Span::from_secs(10),
    )
    .unwrap();
    arm.engage().unwrap();
    let state = arm.latest(false, FRESH).unwrap().state;
    let degrees: Vec<f64> = state.positions.iter().map(|q| q.to_degrees()).collect();
    assert!(
        degrees
            .iter()
            .zip([10.0, -20.0, 30.0])
            .all(|(a, b)| (a - b).abs() < 1e-5),
        "{degrees:?}"
    );
    assert!(
        (state.velocities[2].to_degrees() - 3.0).abs() < 1e-6,
        "{:?}",
        state.velocities
    );
    assert!((state.gripper_width - 0.04).abs() < 1e-9);
    let began = Instant::now();
    let mut trips = 0;
    for i in 1..=20 {
        let target = JointCommand {
            sequence: i,
            stamp_ns: i,
            positions: [i as f64, -20.0, 30.0].map(f64::to_radians).into(),
            gripper_width: 0.01,
        };
        // Actions may be lost on the way: what counts is that the newest gets there.
        until("the joints", || {
            arm.send(&target).unwrap();
            std::thread::sleep(Span::from_millis(5));
            let state = arm.latest(false, FRESH).unwrap().state;
            (state.positions[0].to_degrees() - i as f64).abs() < 1e-5
        });
        trips += 1;
    }
    let each = began.elapsed() / trips;
    arm.disengage().unwrap();
    drop(arm);
    peer.end();
    let note: Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("owner.json")).unwrap()).unwrap();
    assert_eq!(note["reason"], "shutdown");
    let actions = note["actions"].as_array().unwrap();
    let last = actions.last().unwrap();
    let numbers: Vec<f64> = last["action"]
        .as_array()
        .unwrap()
        .iter()
        .map(|v| v.as_f64().unwrap())
        .collect();
    assert!(
        numbers
            .iter()
            .zip([20.0, -20.0, 30.0, 12.5])
            .all(|(a, b)| (a - b).abs() < 1e-9),
        "{numbers:?}"
    );
    assert_eq!(last["goal_time"], 0.02);
    println!(
        "physicalai: {trips} targets met, {each:?} each, {} actions taken",
        actions.len()
    );
}
