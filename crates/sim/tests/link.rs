//! The simulator as a robot on the link.
#![allow(clippy::unwrap_used)]

use apprentice_core::JointCommand;
use apprentice_link::{Arm as _, Freshness, LinkError, RobotLink, wire};
use apprentice_robot::RobotDescription;
use apprentice_safety::Phase;
use apprentice_sim::{ClockMode, SimConfig, SimNode, TaskKind, tasks::pick_up_mug::MUG};
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};
use zenoh::Wait as _;

fn start(mode: ClockMode) -> (RobotDescription, SimNode) {
    let description = RobotDescription::embedded("franka_fr3").unwrap();
    let node = SimNode::start(
        SimConfig::default(),
        TaskKind::default(),
        &description,
        mode,
        None,
    )
    .unwrap();
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
        link.engage().unwrap();
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
        ("mode", "\"client\"".to_owned()),
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
    link.engage().unwrap();
    let judged = node.ground_truth().scene().pose(MUG).translation.vector;
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
        } else if key.ends_with("/status") {
            wire::decode_status(&bytes).unwrap();
        } else if key.ends_with("/event") {
            let what = wire::decode_event(&bytes).unwrap().what;
            assert!(what.contains("by client"), "{what}");
        } else if key.contains("/camera/") {
            assert_eq!(wire::decode_frame(&bytes).unwrap().image.width(), 96);
        }
        keys.insert(key);
    }
    let allowed: BTreeSet<String> = ["state", "status", "event", "camera/front", "camera/wrist"]
        .map(|k| format!("apprentice/franka_fr3/{k}"))
        .into();
    let sent_by_us = format!("apprentice/franka_fr3/command/{:08x}", link.client());
    assert!(keys.remove(&sent_by_us));
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
    link.engage().unwrap();
    let mut target = first.state.positions.clone();
    for sequence in 1..=30 {
        target[6] = (target[6] + 0.02).min(first.state.positions[6] + 0.2);
        link.send(&command(sequence, &target)).unwrap();
        std::thread::sleep(Duration::from_millis(20));
    }
    let later = link.latest(true, PATIENT).unwrap();
    assert!(later.state.stamp_ns > first.state.stamp_ns + 300_000_000);
    assert!(later.state.positions[6] > first.state.positions[6] + 0.1);
    assert!(later.frames[0].sequence > first.frames[0].sequence);
}

/// The phase the robot says it is in, once it is this one; the time that took.
fn comes_to(link: &RobotLink, phase: Phase) -> Duration {
    let begun = Instant::now();
    while link.status().is_none_or(|s| s.phase != phase) {
        assert!(
            begun.elapsed() < Duration::from_secs(5),
            "{:?}",
            link.status()
        );
        std::thread::sleep(Duration::from_millis(2));
    }
    begun.elapsed()
}

#[test]
fn an_arm_nobody_commands_any_more_holds_then_stops_until_it_is_enabled() {
    let (description, node) = start(ClockMode::RealTime);
    let mut link = connect(&node);
    link.reset(1).unwrap();
    link.engage().unwrap();
    let mut target = description.home.clone();
    let mut sequence = 0;
    let mut send = |link: &mut RobotLink, target: &[f64]| {
        sequence += 1;
        link.send(&command(sequence, target))
    };
    for _ in 0..10 {
        target[0] += 0.02;
        send(&mut link, &target).unwrap();
        std::thread::sleep(Duration::from_millis(20));
    }
    let held = comes_to(&link, Phase::Holding);
    assert!(held > Duration::from_millis(100), "it held after {held:?}");
    // The servos settle within half a second.
    std::thread::sleep(Duration::from_millis(500));
    let still = link.latest(false, PATIENT).unwrap().state;
    std::thread::sleep(Duration::from_millis(100));
    let later = link.latest(false, PATIENT).unwrap().state;
    assert_eq!(still.positions, later.positions);
    // The next command goes on, and so it does until silence has been long.
    send(&mut link, &target).unwrap();
    comes_to(&link, Phase::Active);
    comes_to(&link, Phase::Stopped);
    let error = send(&mut link, &target).unwrap_err();
    assert!(matches!(error, LinkError::ControlLost { .. }), "{error}");
    link.engage().unwrap();
    for _ in 0..10 {
        target[0] -= 0.02;
        send(&mut link, &target).unwrap();
        std::thread::sleep(Duration::from_millis(20));
    }
    let back = link.latest(false, PATIENT).unwrap().state;
    assert!(back.positions[0] < still.positions[0] - 0.05);
    let status = link.status().unwrap();
    assert_eq!(status.denials.total(), 0, "{:?}", status.denials);
}

#[test]
fn jumps_and_strangers_are_refused_and_counted() {
    let (_, node) = start(ClockMode::RealTime);
    let mut link = connect(&node);
    let mut stranger = connect(&node);
    let start = link.reset(2).unwrap().state.positions;
    link.engage().unwrap();
    let error = stranger.engage().unwrap_err().to_string();
    assert!(
        error.contains("owned: the arm belongs to another client"),
        "{error}"
    );
    let mut far = start.clone();
    far[0] += 1.0;
    for sequence in 1..=10 {
        link.send(&command(sequence, &far)).unwrap();
        // A stranger who does not ask but sends.
        stranger.send(&command(100 + sequence, &start)).unwrap();
        std::thread::sleep(Duration::from_millis(10));
    }
    comes_to(&link, Phase::Holding);
    // Counts are published once a second.
    std::thread::sleep(Duration::from_millis(1100));
    let status = link.status().unwrap();
    let counts: Vec<_> = status.denials.named().filter(|(_, n)| *n > 0).collect();
    assert_eq!(counts, [("owned", 1), ("not_owner", 10), ("step", 10)]);
    let here = link.latest(false, PATIENT).unwrap().state;
    let moved = here
        .positions
        .iter()
        .zip(&start)
        .map(|(a, b)| (a - b).abs());
    assert!(moved.fold(0.0, f64::max) < 1e-3, "{:?}", here.positions);
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
