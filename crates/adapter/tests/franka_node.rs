//! Our side of franka-node beside a simulated node.

#![allow(clippy::unwrap_used)]

mod person;
#[path = "franka_node/stand_in.rs"]
mod stand_in;

use apprentice_adapter::franka_node::wire::Phase;
use apprentice_adapter::franka_node::{FrankaNode, connect};
use apprentice_core::{CameraFrame, Image, JointCommand};
use apprentice_link::security::Security;
use apprentice_link::{Arm, Freshness, OperatorAccess, wire as native};
use apprentice_robot::{Control, RobotDescription};
use stand_in::listener::free_endpoint;
use stand_in::{ARM, Lacks, StandIn};
use std::time::{Duration, Instant};
use zenoh::Wait as _;

const TIMEOUT: Duration = Duration::from_secs(3);
const FRESH: Freshness = Freshness {
    state: Duration::from_millis(200),
    frame: Duration::from_millis(500),
};

fn robot(gripper: bool, cameras: usize) -> RobotDescription {
    let mut robot = RobotDescription::embedded("franka_fr3").unwrap();
    robot.control_hz = 100.0;
    robot.cameras.truncate(cameras);
    robot.gripper = robot.gripper.filter(|_| gripper);
    robot
}

fn attach(node: &StandIn, robot: RobotDescription, more: &str) -> FrankaNode {
    let table = format!("kind = 'franka_node'\narm = '{ARM}'\n{more}");
    FrankaNode::connect(
        robot,
        &table.parse().unwrap(),
        &node.endpoint,
        &Security::LoopbackOnly,
        TIMEOUT,
    )
    .unwrap()
}

fn command(arm: &FrankaNode, change: f64) -> JointCommand {
    let mut positions = arm.latest(false, FRESH).unwrap().state.positions;
    positions[0] += change;
    JointCommand {
        sequence: 0,
        stamp_ns: 77,
        positions,
        gripper_width: 0.05,
    }
}

#[test]
fn an_arm_is_engaged_follows_and_is_given_back() {
    let node = StandIn::start(Lacks::default());
    let table = format!("kind = 'franka_node'\narm = '{ARM}'");
    let mut arm = connect(
        robot(false, 0),
        &table.parse().unwrap(),
        &node.endpoint,
        &Security::LoopbackOnly,
        TIMEOUT,
    )
    .unwrap();
    let held = JointCommand {
        sequence: 1,
        stamp_ns: 1,
        positions: vec![0.0; 7],
        gripper_width: 0.0,
    };
    assert!(
        arm.send(&held)
            .unwrap_err()
            .to_string()
            .contains("not engaged")
    );
    arm.engage().unwrap();
    assert_eq!(node.lock().state.phase, Phase::Active);
    arm.engage().unwrap();
    for i in 1..=20_u32 {
        let mut positions = arm.latest(false, FRESH).unwrap().state.positions;
        positions[0] = f64::from(i) * 0.01;
        let command = JointCommand {
            sequence: 0,
            stamp_ns: i.into(),
            positions,
            gripper_width: 0.0,
        };
        arm.send(&command).unwrap();
        std::thread::sleep(Duration::from_millis(10));
    }
    node.until("accepted 20", |it| it.state.accepted == 20);
    assert_eq!(node.lock().state.refused, 0);
    assert_eq!(node.lock().state.accepted_stamp_ns, 20);
    std::thread::sleep(Duration::from_millis(30));
    let seen = arm.latest(false, FRESH).unwrap().state;
    assert!((seen.positions[0] - 0.2).abs() < 1e-12);
    let node_state = node.lock().state.clone();
    assert_eq!(seen.efforts, Some(node_state.tau_ext.to_vec()));
    assert_eq!(seen.external_wrench, Some(node_state.o_f_ext_k));
    arm.disengage().unwrap();
    arm.disengage().unwrap();
    assert_eq!(node.lock().state.client_id, 0);
    node.until("lost the lease", |it| it.leases_lost == 1);
    // And again, with the same arm.
    arm.engage().unwrap();
    assert_eq!(node.lock().state.phase, Phase::Active);
}

#[test]
fn two_cannot_have_one_arm() {
    let node = StandIn::start(Lacks::default());
    let mut first = attach(&node, robot(false, 0), "client_id = 7");
    let mut second = attach(&node, robot(false, 0), "");
    first.engage().unwrap();
    let error = second.engage().unwrap_err().to_string();
    assert!(
        error.contains("held by 7") && error.contains("release"),
        "{error}"
    );
    let error = second.send(&command(&second, 0.0)).unwrap_err().to_string();
    assert!(error.contains("not engaged"), "{error}");
    first.send(&command(&first, 0.01)).unwrap();
    first.disengage().unwrap();
    second.engage().unwrap();
    assert_eq!(node.lock().state.client_id, second.client_id());
}

#[test]
fn a_broken_topology_is_not_armed() {
    let silent = StandIn::start(Lacks {
        state: true,
        ..Lacks::default()
    });
    let mut arm = attach(&silent, robot(false, 0), "");
    let start = Instant::now();
    let error = arm.engage().unwrap_err().to_string();
    assert!(
        error.contains("franka/arm1/state") && error.contains("1000 ms"),
        "{error}"
    );
    assert!(start.elapsed() < Duration::from_millis(1500));

    let deaf = StandIn::start(Lacks {
        target: true,
        ..Lacks::default()
    });
    let mut arm = attach(&deaf, robot(false, 0), "");
    let error = arm.engage().unwrap_err().to_string();
    assert!(
        error.contains("franka/arm1/target") && error.contains("nobody listens"),
        "{error}"
    );
    assert_eq!(deaf.lock().state.phase, Phase::Idle);
    assert!(deaf.lock().alive.is_empty());
}

#[test]
fn lost_control_is_told_and_recovered_only_when_asked() {
    let node = StandIn::start(Lacks::default());
    let mut arm = attach(&node, robot(false, 0), "");
    arm.engage().unwrap();
    arm.send(&command(&arm, 0.01)).unwrap();
    {
        let mut it = node.lock();
        it.state.phase = Phase::Faulted;
        it.state.has_errors = true;
        it.state.robot_mode = apprentice_adapter::franka_node::wire::RobotMode::Reflex;
    }
    std::thread::sleep(Duration::from_millis(50));
    let error = arm.send(&command(&arm, 0.01)).unwrap_err().to_string();
    for said in ["faulted", "held by us", "reflex", "with errors"] {
        assert!(error.contains(said), "{error}");
    }
    let error = arm.engage().unwrap_err().to_string();
    assert!(
        error.contains("not allowed in faulted") && error.contains("recover"),
        "{error}"
    );
    drop(arm);
    node.until("free", |it| it.alive.is_empty());
    node.lock().state.phase = Phase::Faulted;
    let mut arm = attach(&node, robot(false, 0), "recover = true");
    arm.engage().unwrap();
    assert_eq!(node.lock().state.phase, Phase::Active);
}

#[test]
fn an_arm_that_is_dropped_loses_its_lease_and_stops() {
    let node = StandIn::start(Lacks::default());
    let mut arm = attach(&node, robot(false, 0), "");
    arm.engage().unwrap();
    let start = Instant::now();
    drop(arm);
    node.until("lost the lease", |it| it.leases_lost == 1);
    println!(
        "lease gone {:.1} ms after the drop",
        start.elapsed().as_secs_f64() * 1e3
    );
    assert_eq!(node.lock().state.phase, Phase::Idle);
}

#[test]
fn silence_of_ours_holds_and_then_ends_the_session() {
    let node = StandIn::start(Lacks::default());
    let mut arm = attach(&node, robot(false, 0), "");
    arm.engage().unwrap();
    arm.send(&command(&arm, 0.01)).unwrap();
    node.until("holding", |it| it.state.holding);
    node.until("stopped", |it| it.state.phase == Phase::Idle);
    std::thread::sleep(Duration::from_millis(50));
    let error = arm.send(&command(&arm, 0.01)).unwrap_err().to_string();
    assert!(error.contains("it is idle"), "{error}");
    arm.disengage().unwrap();
}

#[test]
fn what_cannot_be_read_or_repeats_itself_is_not_taken_for_a_state() {
    let node = StandIn::start(Lacks::default());
    let mut arm = attach(&node, robot(false, 0), "");
    arm.engage().unwrap();
    let command = command(&arm, 0.0);
    // The node goes on, the arm's own clock does not.
    node.lock().running = false;
    for _ in 0..40 {
        arm.send(&command).unwrap();
        std::thread::sleep(Duration::from_millis(10));
    }
    let error = arm.latest(false, FRESH).unwrap_err().to_string();
    assert!(
        error.contains("nothing new on franka/arm1/state"),
        "{error}"
    );
    node.lock().running = true;
    std::thread::sleep(Duration::from_millis(40));
    for garbage in [vec![], vec![1; 473], vec![2; 474], vec![255; 9000]] {
        let bytes = garbage.len().min(475);
        // A few end nothing; when nothing else comes it is said.
        node.lock().garbage = Some(garbage);
        std::thread::sleep(Duration::from_millis(40));
        arm.latest(false, FRESH).unwrap();
        std::thread::sleep(Duration::from_millis(250));
        let error = arm.latest(false, FRESH).unwrap_err().to_string();
        assert!(
            error.contains("nothing that can be used") && error.contains("unreadable"),
            "{bytes}: {error}"
        );
        node.lock().garbage = None;
        std::thread::sleep(Duration::from_millis(40));
        arm.latest(false, FRESH).unwrap();
    }
    node.lock().garbage = None;
    std::thread::sleep(Duration::from_millis(40));
    arm.latest(false, FRESH).unwrap();
}

#[test]
fn somebody_else_who_says_where_the_arm_is_is_not_believed() {
    let node = StandIn::start(Lacks::default());
    let mut arm = attach(&node, robot(false, 0), "");
    let lies = {
        let mut elsewhere = node.lock().state.q;
        elsewhere[1] += 1.0;
        [[0.0; 7], elsewhere]
    };
    let lie = |q: [f64; 7]| {
        let state = apprentice_adapter::franka_node::wire::State {
            q,
            ..node.lock().state.clone()
        };
        let bytes = apprentice_adapter::franka_node::wire::encode_state(&state);
        node.session
            .put(format!("franka/{ARM}/state"), bytes)
            .wait()
            .unwrap();
        std::thread::sleep(Duration::from_millis(10));
    };
    // In the beginning nobody knows who is right.
    let error = std::thread::scope(|scope| {
        let lying = scope.spawn(|| (0..150).for_each(|_| lie(lies[1])));
        let error = arm.engage().unwrap_err().to_string();
        lying.join().unwrap();
        error
    });
    assert!(error.contains("in disagreement"), "{error}");
    assert_eq!(node.lock().state.client_id, 0);
    arm.engage().unwrap();
    let truth = arm.latest(false, FRESH).unwrap().state.positions;
    for q in lies {
        for _ in 0..40 {
            lie(q);
            assert_eq!(arm.latest(false, FRESH).unwrap().state.positions, truth);
        }
    }
    // And when nobody else says anything.
    node.lock().garbage = Some(Vec::new());
    let error = (0..100).find_map(|_| {
        lie(lies[1]);
        arm.latest(false, FRESH).err()
    });
    let error = error.unwrap().to_string();
    assert!(error.contains("faster than the arm"), "{error}");
}

#[test]
fn commands_that_cannot_be_are_not_sent() {
    let node = StandIn::start(Lacks::default());
    let mut arm = attach(&node, robot(false, 0), "");
    arm.engage().unwrap();
    let mut bad = command(&arm, f64::NAN);
    let error = arm.send(&bad).unwrap_err().to_string();
    assert!(
        error.contains("joint 1") && error.contains("not finite"),
        "{error}"
    );
    bad.positions = vec![0.0; 6];
    let error = arm.send(&bad).unwrap_err().to_string();
    assert!(error.contains("6 joints"), "{error}");
    std::thread::sleep(Duration::from_millis(50));
    let it = node.lock();
    assert_eq!((it.state.accepted, it.state.refused), (0, 0));
}

#[test]
fn the_gripper_is_asked_for_what_is_new_and_its_loss_is_told() {
    let node = StandIn::start(Lacks::default());
    let mut arm = attach(&node, robot(true, 0), "grasp_force_n = 20.0");
    // It takes a few states until one is believed.
    let patient = Freshness {
        state: TIMEOUT,
        frame: TIMEOUT,
    };
    arm.latest(false, patient).unwrap();
    assert!((arm.latest(false, FRESH).unwrap().state.gripper_width - 0.05).abs() < 1e-12);
    arm.engage().unwrap();
    let mut command = command(&arm, 0.0);
    for (width, ticks) in [(0.05, 5), (0.08, 30), (0.03, 30)] {
        command.gripper_width = width;
        for _ in 0..ticks {
            arm.send(&command).unwrap();
            std::thread::sleep(Duration::from_millis(10));
        }
    }
    let asked: Vec<_> = node
        .lock()
        .gripper_targets
        .iter()
        .map(|t| (t.sequence, t.width_m, t.grasp, t.force_n))
        .collect();
    assert_eq!(
        asked,
        [(1, 0.08, false, 0.0), (2, 0.03, true, 20.0)],
        "{asked:?}"
    );
    node.lock().gripper.fault = true;
    std::thread::sleep(Duration::from_millis(50));
    let error = arm.latest(false, FRESH).unwrap_err().to_string();
    assert!(error.contains("lost the gripper"), "{error}");

    let without = StandIn::start(Lacks {
        gripper: true,
        ..Lacks::default()
    });
    let arm = attach(&without, robot(true, 0), "");
    let error = arm.latest(false, FRESH).unwrap_err().to_string();
    assert!(error.contains("franka/arm1/gripper/state"), "{error}");
}

#[test]
fn frames_come_from_the_keys_that_are_named() {
    let node = StandIn::start(Lacks::default());
    let more = "[cameras]\nfront = 'lab/front'";
    let arm = attach(&node, robot(false, 1), more);
    let patient = Freshness {
        state: TIMEOUT,
        frame: TIMEOUT,
    };
    arm.latest(false, patient).unwrap();
    let error = arm.latest(true, FRESH).unwrap_err().to_string();
    assert!(error.contains("lab/front"), "{error}");
    let frame = CameraFrame {
        sequence: 3,
        stamp_ns: 4,
        image: Image::new(96, 96, vec![7; 96 * 96 * 3]).unwrap(),
    };
    let put = |bytes: Vec<u8>| {
        node.session.put("lab/front", bytes).wait().unwrap();
        std::thread::sleep(Duration::from_millis(40));
    };
    put(native::encode_frame(&frame));
    assert_eq!(arm.latest(true, FRESH).unwrap().frames, vec![frame]);
    put(vec![1, 2, 3]);
    // It is left out, and said once the last one is too old.
    assert!(arm.latest(true, FRESH).is_ok());
    std::thread::sleep(Duration::from_millis(500));
    let error = arm.latest(true, FRESH).unwrap_err().to_string();
    assert!(
        error.contains("lab/front") && error.contains("27676"),
        "{error}"
    );
}

#[test]
fn an_endpoint_where_nothing_listens_is_named() {
    let table = format!("kind = 'franka_node'\narm = '{ARM}'");
    let error = FrankaNode::connect(
        robot(false, 0),
        &table.parse().unwrap(),
        "tcp/127.0.0.1:9",
        &Security::LoopbackOnly,
        Duration::from_millis(300),
    )
    .err()
    .unwrap()
    .to_string();
    let begins = "franka-node: no zenoh session at tcp/127.0.0.1:9: ";
    assert!(error.starts_with(begins), "{error}");
    for no in ["PROTOCOL", "apprentice sim", ".rs:"] {
        assert!(!error.contains(no), "{error}");
    }
}

#[test]
fn a_person_takes_the_arm_where_its_driver_listens_and_hands_it_back() {
    let node = StandIn::start(Lacks::default());
    let mut robot = robot(false, 0);
    robot.control = Control::Joint;
    robot.home.clone_from(&node.lock().state.q.to_vec());
    // Who may do what on that network is somebody else's business.
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("zenoh.json5");
    std::fs::write(&config, "{}").unwrap();
    let arm = attach(&node, robot, &format!("zenoh_config = {config:?}"));
    let refused = arm.takeover(OperatorAccess::Shared).err().unwrap();
    assert!(refused.to_string().contains("robot.operators"), "{refused}");
    let endpoint = free_endpoint();
    let access = OperatorAccess::Own {
        endpoint: &endpoint,
        security: &Security::LoopbackOnly,
    };
    let told = || node.lock().state.target[0];
    person::takes_over(Box::new(arm), access, &endpoint, &told);
    assert_eq!(node.lock().state.refused, 0);
}

#[test]
fn a_person_takes_the_arm_by_its_node_and_hands_it_back() {
    let node = StandIn::start(Lacks::default());
    let mut robot = robot(false, 0);
    robot.control = Control::Joint;
    robot.home.clone_from(&node.lock().state.q.to_vec());
    let arm = attach(&node, robot, "");
    let told = || node.lock().state.target[0];
    person::takes_over(Box::new(arm), OperatorAccess::Shared, &node.endpoint, &told);
}
