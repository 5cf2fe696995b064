//! The simulator as a robot on the link.
#![allow(clippy::unwrap_used)]

use apprentice_core::JointCommand;
use apprentice_link::{Freshness, LinkError, RobotLink, wire};
use apprentice_robot::RobotDescription;
use apprentice_sim::{ClockMode, SimConfig, SimNode};
use std::{collections::BTreeSet, time::Duration};
use zenoh::Wait as _;

fn start(mode: ClockMode) -> (RobotDescription, SimNode) {
    let description = RobotDescription::embedded("franka_fr3").unwrap();
    let node = SimNode::start(SimConfig::default(), &description, mode, None).unwrap();
    (description, node)
}

fn connect(node: &SimNode) -> RobotLink {
    RobotLink::connect(node.endpoint(), "franka_fr3", Duration::from_secs(5)).unwrap()
}

fn command(sequence: u64, positions: &[f64]) -> JointCommand {
    JointCommand {
        sequence,
        stamp_ns: 0,
        positions: positions.to_vec(),
        gripper_width: 0.02,
    }
}

#[test]
fn lockstep_time_passes_only_when_asked_for_and_repeats() {
    let (description, node) = start(ClockMode::Lockstep);
    let mut link = connect(&node);
    assert!(link.is_lockstep());
    let mut sequence = 0;
    let mut episode = |link: &mut RobotLink| {
        let mut seen = vec![link.reset(7).unwrap()];
        let mut target = description.home.clone();
        for tick in 0..10 {
            target[0] += 0.01;
            sequence += 1;
            link.send(&command(sequence, &target)).unwrap();
            seen.push(link.advance(20_000_000, tick == 9).unwrap());
        }
        seen
    };
    let (a, b) = (episode(&mut link), episode(&mut link));
    for (x, y) in a.iter().zip(&b) {
        assert_eq!(x.state.positions, y.state.positions);
        assert_eq!(x.frames.len(), y.frames.len());
        for (f, g) in x.frames.iter().zip(&y.frames) {
            assert_eq!(f.image, g.image);
        }
    }
    assert_eq!(a[0].frames.len(), 2);
    assert_eq!((a[1].frames.len(), a[10].frames.len()), (0, 2));
    assert_eq!(a[10].state.stamp_ns - a[0].state.stamp_ns, 200_000_000);
    assert!(a[10].state.positions[0] > a[0].state.positions[0] + 0.03);
    assert!(a[10].state.gripper_width < 0.07);
}

#[test]
fn what_is_really_there_is_not_on_the_link() {
    let (_, node) = start(ClockMode::Lockstep);
    let mut config = zenoh::Config::default();
    for (key, value) in [
        ("mode", "\"peer\"".to_owned()),
        ("scouting/multicast/enabled", "false".to_owned()),
        ("listen/endpoints", "[]".to_owned()),
        ("connect/endpoints", format!("[{:?}]", node.endpoint())),
    ] {
        config.insert_json5(key, &value).unwrap();
    }
    let session = zenoh::open(config).wait().unwrap();
    let everything = session.declare_subscriber("**").wait().unwrap();
    let mut link = connect(&node);
    link.reset(1).unwrap();
    let judged = node.judge().scene().mug_pose.translation.vector;
    for sequence in 1..=5 {
        let home = link.description().home.clone();
        link.send(&command(sequence, &home)).unwrap();
        link.advance(20_000_000, true).unwrap();
    }
    let mut keys = BTreeSet::new();
    while let Ok(Some(sample)) = everything.recv_timeout(Duration::from_millis(300)) {
        let key = sample.key_expr().as_str().to_owned();
        let bytes = sample.payload().to_bytes();
        for number in [judged.x, judged.y]
            .iter()
            .flat_map(|v| [v.to_le_bytes().to_vec(), (*v as f32).to_le_bytes().to_vec()])
        {
            assert!(
                !bytes.windows(number.len()).any(|w| w == number.as_slice()),
                "{key}"
            );
        }
        if key.ends_with("/state") {
            // The decoder refuses anything longer than joints and gripper.
            let state = wire::decode_state(&bytes).unwrap();
            assert_eq!((state.positions.len(), state.velocities.len()), (7, 7));
        } else if key.contains("/camera/") {
            assert_eq!(wire::decode_frame(&bytes).unwrap().image.width(), 96);
        }
        keys.insert(key);
    }
    let allowed: BTreeSet<String> = ["state", "camera/front", "camera/wrist"]
        .map(|k| format!("apprentice/franka_fr3/{k}"))
        .into();
    let sent_by_us = "apprentice/franka_fr3/command".to_owned();
    keys.remove(&sent_by_us);
    assert_eq!(keys, allowed);
}

/// Nothing here is about silence.
const PATIENT: Freshness = Freshness {
    state: Duration::from_secs(5),
    frame: Duration::from_secs(5),
};

#[test]
fn real_time_runs_by_itself() {
    let (_, node) = start(ClockMode::RealTime);
    let mut link = connect(&node);
    assert!(!link.is_lockstep());
    let first = link.latest(true, PATIENT).unwrap();
    let mut target = first.state.positions.clone();
    target[6] += 0.2;
    for sequence in 1..=30 {
        link.send(&command(sequence, &target)).unwrap();
        std::thread::sleep(Duration::from_millis(20));
    }
    let later = link.latest(true, PATIENT).unwrap();
    assert!(later.state.stamp_ns > first.state.stamp_ns + 300_000_000);
    assert!(later.state.positions[6] > first.state.positions[6] + 0.1);
    assert!(later.frames[0].sequence > first.frames[0].sequence);
}

#[test]
fn an_arm_nobody_commands_any_more_stops_by_itself() {
    let (description, node) = start(ClockMode::RealTime);
    let mut link = connect(&node);
    link.reset(1).unwrap();
    let mut far = description.home.clone();
    far[0] = 2.5;
    link.send(&command(1, &far)).unwrap();
    let stopped = (0..200).find_map(|_| {
        std::thread::sleep(Duration::from_millis(20));
        let state = link.latest(false, PATIENT).unwrap().state;
        (state.velocities[0] == 0.0 && state.positions[0] > 0.05).then_some(state)
    });
    let stopped = stopped.unwrap();
    assert!(
        stopped.positions[0] < 2.0,
        "it goes on to {} rad",
        stopped.positions[0]
    );
    std::thread::sleep(Duration::from_millis(200));
    let still = link.latest(false, PATIENT).unwrap().state;
    assert_eq!(still.positions, stopped.positions);
    // And it obeys again.
    link.send(&command(2, &description.home)).unwrap();
    let back = (0..200).any(|_| {
        std::thread::sleep(Duration::from_millis(20));
        let state = link.latest(false, PATIENT).unwrap().state;
        state.positions[0] < still.positions[0] - 0.01
    });
    assert!(back);
}

#[test]
fn a_robot_that_is_gone_is_noticed() {
    let (_, node) = start(ClockMode::RealTime);
    let link = connect(&node);
    let within = Freshness {
        state: Duration::from_millis(300),
        frame: Duration::from_secs(5),
    };
    link.latest(true, PATIENT).unwrap();
    drop(node);
    std::thread::sleep(Duration::from_millis(400));
    let error = link.latest(false, within).unwrap_err();
    assert!(matches!(error, LinkError::Stale { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains("apprentice/franka_fr3/state") && text.contains("allowed: 300 ms"));
}
