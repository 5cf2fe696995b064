//! An episode that begins while nobody has the arm, since a person let go of it, waits.

use crate::homing::Follower;
use crate::small_fr3;
use apprentice_control::{ControlError, ControlLoop};
use apprentice_link::security::{Role, Security};
use apprentice_link::session::{Connection, Participant};
use apprentice_link::{
    Arm as _, OperatorAccess, OperatorLink, RobotLink, RobotServer, TakeoverInbox,
};
use apprentice_robot::{Control, RobotDescription};
use apprentice_safety::{ControlAuthority, GuardConfig};
use apprentice_sim::{ClockMode, SimConfig, SimNode, TaskKind};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(10);

fn until(what: &str, mut so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !so() {
        assert!(begun.elapsed() < PATIENCE, "waited for {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Takes the arm and lets go of it.
fn takes_and_lets_go(device: &mut OperatorLink, inbox: &TakeoverInbox) {
    until("the device", || {
        inbox.devices() == 1 && device.has_listener()
    });
    until("the person", || {
        device.send(true, false, &[]).unwrap();
        inbox.decide().0 == ControlAuthority::Human
    });
    until("letting go", || {
        device.send(false, false, &[]).unwrap();
        inbox.decide().0 == ControlAuthority::Nobody
    });
}

fn hands_back(device: &mut OperatorLink, inbox: &TakeoverInbox) {
    until("the hand-back", || {
        device.send(false, true, &[]).unwrap();
        inbox.decide().0 == ControlAuthority::Policy
    });
}

/// An arm away from home that goes there by itself, with a device of a person's; where it is.
struct Away {
    control: ControlLoop,
    device: OperatorLink,
    inbox: TakeoverInbox,
    at: Arc<Mutex<Vec<f64>>>,
    _server: RobotServer,
}

fn away() -> Away {
    let mut robot = RobotDescription::embedded("franka_fr3").unwrap();
    robot.cameras.clear();
    robot.control = Control::Joint;
    // Stands for the robot towards the device; the arm itself is one that only people set up.
    let server = RobotServer::open(&robot, None, false).unwrap();
    let participant = Participant {
        role: Role::Guest,
        connection: Connection::Join,
        robot: "",
        endpoint: server.endpoint(),
    };
    let session = participant.open(&Security::LoopbackOnly, PATIENCE).unwrap();
    let inbox = TakeoverInbox::open(&session, &robot.name).unwrap();
    let inbox = inbox.with_silence(Duration::from_secs(60));
    let device = OperatorLink::connect(server.endpoint(), &robot.name, PATIENCE).unwrap();
    let mut start = robot.home.clone();
    start[0] += 0.5;
    let at = Arc::new(Mutex::new(start));
    let arm = Follower {
        robot,
        at: Arc::clone(&at),
        began: Instant::now(),
    };
    let mut control = ControlLoop::new(Box::new(arm), GuardConfig::default()).unwrap();
    control.listen_to(inbox.clone());
    Away {
        control,
        device,
        inbox,
        at,
        _server: server,
    }
}

#[test]
fn an_arm_that_a_person_let_go_of_stays_until_it_is_handed_back() {
    let mut away = away();
    takes_and_lets_go(&mut away.device, &away.inbox);
    let before = away.at.lock().unwrap().clone();
    let mut control = away.control;
    let beginning = std::thread::spawn(move || {
        let seen = control.reset(1).unwrap();
        (seen, control)
    });
    std::thread::sleep(Duration::from_millis(700));
    assert!(!beginning.is_finished());
    assert_eq!(
        *away.at.lock().unwrap(),
        before,
        "the arm restarted by itself"
    );
    hands_back(&mut away.device, &away.inbox);
    let (seen, control) = beginning.join().unwrap();
    assert!((seen.state.positions[0] - control.description().home[0]).abs() < 1e-3);
}

#[test]
fn a_run_can_be_ended_while_it_waits() {
    let mut away = away();
    takes_and_lets_go(&mut away.device, &away.inbox);
    let before = away.at.lock().unwrap().clone();
    let stop = Arc::new(AtomicBool::new(false));
    away.control.end_when(Arc::clone(&stop));
    let mut control = away.control;
    let beginning = std::thread::spawn(move || control.reset(1).err());
    std::thread::sleep(Duration::from_millis(300));
    assert!(!beginning.is_finished());
    stop.store(true, Relaxed);
    until("the end", || beginning.is_finished());
    let ended = beginning.join().unwrap();
    assert!(matches!(ended, Some(ControlError::Stopped)), "{ended:?}");
    assert_eq!(*away.at.lock().unwrap(), before);
}

/// A robot that sets up scenes: its first episode is the policy's, one after a person let go waits.
#[test]
fn a_robot_in_lockstep_waits_too() {
    let robot = small_fr3();
    let node = SimNode::start(
        SimConfig::default(),
        TaskKind::default(),
        &robot,
        ClockMode::Lockstep,
        None,
    )
    .unwrap();
    let link = RobotLink::connect(node.endpoint(), &robot.name, PATIENCE).unwrap();
    let inbox = link.takeover(OperatorAccess::Shared).unwrap();
    let inbox = inbox.with_silence(Duration::from_secs(60));
    let mut device = OperatorLink::connect(node.endpoint(), &robot.name, PATIENCE).unwrap();
    let mut control = ControlLoop::new(Box::new(link), GuardConfig::default()).unwrap();
    control.listen_to(inbox.clone());
    let first = control.reset(1).unwrap();
    control.release().unwrap();
    takes_and_lets_go(&mut device, &inbox);
    let beginning = std::thread::spawn(move || control.reset(1).unwrap());
    std::thread::sleep(Duration::from_millis(300));
    assert!(!beginning.is_finished());
    hands_back(&mut device, &inbox);
    let seen = beginning.join().unwrap();
    let apart = seen.state.positions.iter().zip(&first.state.positions);
    let apart = apart.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(apart < 1e-3, "it moved by {apart} rad while nobody had it");
    assert_eq!(seen.frames.len(), first.frames.len());
}
