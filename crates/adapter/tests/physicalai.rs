//! A physicalai owner, simulated: what is sent to it, and what is refused.
#![allow(clippy::unwrap_used, clippy::panic)] // A test that fails may say so by panicking.

#[path = "ros2/stand_in.rs"]
#[allow(dead_code)]
mod stand_in;

use apprentice_adapter::connect;
use apprentice_adapter::physicalai::layout::{self, Action, Array, Metadata, Sensors, State};
use apprentice_core::JointCommand;
use apprentice_link::Freshness;
use apprentice_link::security::Security;
use apprentice_robot::RobotDescription;
use stand_in::{Driver, Router, until};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use zenoh::Wait as _;

const FRESH: Freshness = Freshness {
    state: Duration::from_millis(500),
    frame: Duration::from_millis(500),
};

fn robot() -> RobotDescription {
    let mut robot = stand_in::robot(
        "kind = 'physicalai'\nrobot = 'left'\nunit = 'degree'\n[joint_names]\nfr3_joint1 = 'pan'\nfr3_joint2 = 'lift'\n[gripper]\njoint = 'gripper'\nat_closed = 0.0\nper_metre = 1250.0",
    );
    robot.joints.truncate(2);
    robot.home.truncate(2);
    robot
}

/// Answers who it is, in a version that may be changed.
fn owner(router: &Router, version: &Arc<Mutex<u64>>) -> zenoh::query::Queryable<()> {
    let asked = Arc::clone(version);
    router
        .session
        .declare_queryable("physicalai/robot/left/metadata")
        .callback(move |query| {
            let metadata = Metadata {
                protocol_version: *asked.lock().unwrap(),
                name: "left".into(),
                joint_names: ["lift", "gripper", "pan"].into_iter().collect(),
            };
            let bytes = layout::encode(&metadata).unwrap();
            query.reply(query.key_expr().clone(), bytes).wait().unwrap();
        })
        .wait()
        .unwrap()
}

/// Publishes a state, degrees.
fn say(router: &Router, numbers: [f32; 3], seconds: f64) {
    let bytes = |numbers: [f32; 3]| numbers.map(f32::to_le_bytes).concat();
    let (positions, speeds) = (bytes(numbers), bytes([180.0, 0.0, 0.0]));
    let array = |data| Array {
        dtype: "float32",
        shape: Array::doubles(&[0; 24]).shape,
        is_array: true,
        data,
    };
    let state = State {
        joint_positions: array(&positions),
        state: array(&positions),
        timestamp: seconds,
        sensor_data: Some(Sensors {
            velocities: Some(array(&speeds)),
        }),
    };
    let put = router.session.put(
        "physicalai/robot/left/state",
        layout::encode(&state).unwrap(),
    );
    put.wait().unwrap();
}

#[test]
fn actions_are_in_the_owners_order_and_units() {
    let router = Arc::new(Router::open());
    let answer = Arc::new(Mutex::new(2));
    let _metadata = owner(&router, &answer);
    let connect = || {
        connect::connect(
            robot(),
            &router.endpoint,
            &Security::LoopbackOnly,
            Duration::from_secs(2),
        )
    };
    let error = connect().err().unwrap().to_string();
    assert!(error.contains("version 2"), "{error}");
    *answer.lock().unwrap() = 1;
    let mut arm = connect().unwrap();
    let error = arm.engage().unwrap_err().to_string();
    assert!(error.contains("nothing came"), "{error}");

    let began = Instant::now();
    let publisher = Arc::clone(&router);
    let _driver = Driver::start(move || {
        say(
            &publisher,
            [90.0, 50.0, -45.0],
            began.elapsed().as_secs_f64(),
        );
    });
    until("a state", || arm.latest(false, FRESH).is_ok());
    let error = arm.engage().unwrap_err().to_string();
    assert!(error.contains("nobody takes actions"), "{error}");
    let (kept, _subscriber) = router.keep("physicalai/robot/left/action");
    arm.engage().unwrap();
    let state = arm.latest(false, FRESH).unwrap().state;
    let quarter = std::f64::consts::FRAC_PI_2;
    assert!(
        (state.positions[1] - quarter).abs() < 1e-9
            && (state.positions[0] + quarter / 2.0).abs() < 1e-9
    );
    assert!((state.velocities[1] - 2.0 * quarter).abs() < 1e-9);
    assert!((state.gripper_width - 0.04).abs() < 1e-9);
    let command = JointCommand {
        sequence: 1,
        stamp_ns: 1,
        positions: vec![quarter / 2.0, -quarter],
        gripper_width: 0.08,
    };
    until("an action", || {
        arm.send(&command).unwrap();
        !kept.lock().unwrap().is_empty()
    });
    let bytes = kept.lock().unwrap()[0].0.clone();
    let action: Action = layout::decode(&bytes).unwrap();
    let numbers = action.action.list(3).unwrap();
    assert!(
        numbers
            .iter()
            .zip([-90.0, 100.0, 45.0])
            .all(|(a, b)| (a - b).abs() < 1e-9),
        "{numbers:?}"
    );
    assert_eq!(action.goal_time, 0.02);
    arm.disengage().unwrap();
    assert!(arm.send(&command).is_err());
}

#[test]
fn somebody_else_who_says_where_the_arm_is_is_not_believed() {
    let router = Arc::new(Router::open());
    let _metadata = owner(&router, &Arc::new(Mutex::new(1)));
    let (_kept, _subscriber) = router.keep("physicalai/robot/left/action");
    let mut arm = connect::connect(
        robot(),
        &router.endpoint,
        &Security::LoopbackOnly,
        Duration::from_secs(2),
    )
    .unwrap();
    let began = Instant::now();
    let says = |numbers: [f32; 3]| {
        let publisher = Arc::clone(&router);
        Driver::start(move || say(&publisher, numbers, began.elapsed().as_secs_f64()))
    };
    let truth = says([90.0, 50.0, -45.0]);
    let zeros = says([0.0; 3]);
    let error = arm.engage().unwrap_err().to_string();
    assert!(error.contains("in disagreement"), "{error}");
    drop(zeros);
    arm.engage().unwrap();
    let _zeros = says([0.0; 3]);
    let quarter = std::f64::consts::FRAC_PI_2;
    for _ in 0..50 {
        let seen = arm.latest(false, FRESH).unwrap().state.positions;
        assert!((seen[1] - quarter).abs() < 1e-9, "{seen:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
    drop(truth);
    let error = (0..100).find_map(|_| {
        std::thread::sleep(Duration::from_millis(20));
        arm.latest(false, FRESH).err()
    });
    let error = error.unwrap().to_string();
    assert!(
        error.contains("faster than the arm") && error.contains("a second program"),
        "{error}"
    );
}

#[test]
fn errors_speak_of_the_owner_and_its_settings() {
    let connect = |endpoint: &str, timeout| {
        let arm = connect::connect(robot(), endpoint, &Security::LoopbackOnly, timeout);
        arm.err().unwrap().to_string()
    };
    let nobody = connect("tcp/127.0.0.1:1", Duration::from_millis(300));
    let router = Router::open();
    let silent = connect(&router.endpoint, Duration::from_millis(300));
    for (error, begins, names) in [
        (nobody, "physicalai: no zenoh session at", "`mode`"),
        (
            silent,
            "physicalai: nothing came from robot left",
            "`robot`",
        ),
    ] {
        assert!(
            error.starts_with(begins) && error.contains(names),
            "{error}"
        );
        for no in ["PROTOCOL", "apprentice sim", ".rs:"] {
            assert!(!error.contains(no), "{error}");
        }
    }
}
