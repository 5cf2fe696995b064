//! Joint states that are not the arm's, or not true.

use crate::stand_in::{Driver, Router, now_ns, robot, until};
use crate::{FRESH, GRIPPER, STATES, connect, driver, refusal, state, state_at};
use apprentice_adapter::cdr::{self, Float64MultiArray, Header, JointState, Numbers, Time};
use apprentice_adapter::ros2::Ros2Arm;
use apprentice_control::{ControlError, ControlLoop};
use apprentice_link::{Arm as _, LinkError};
use apprentice_robot::{Control, RobotDescription};
use apprentice_safety::GuardConfig;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

const LIAR: [u8; 16] = [7; 16];

fn forward_robot() -> RobotDescription {
    let mut robot = robot(&format!(
        "kind = 'ros2'\n[command]\nkind = 'forward_command'\ntopic = '/fwd/commands'\n{GRIPPER}"
    ));
    robot.control = Control::Joint;
    robot
}

fn message(names: &[&str], positions: &[f64], velocities: &[f64]) -> JointState {
    JointState {
        header: Header {
            stamp: Time::from_ns(now_ns()),
            ..Header::default()
        },
        name: names.iter().copied().collect(),
        position: Numbers(positions.to_vec()),
        velocity: Numbers(velocities.to_vec()),
        ..JointState::default()
    }
}

/// Zeros, and a place the arm could be.
fn lies(robot: &RobotDescription) -> [Vec<f64>; 2] {
    let mut elsewhere = robot.home.clone();
    elsewhere[1] += 1.0;
    [vec![0.0; robot.home.len()], elsewhere]
}

/// Says these positions a hundred times a second, as another sender.
fn liar(router: &Arc<Router>, robot: &RobotDescription, positions: &[f64]) -> Driver {
    let (router, robot, positions) = (Arc::clone(router), robot.clone(), positions.to_vec());
    Driver::start(move || {
        let lie = cdr::encode(&state_at(&robot, &positions)).unwrap();
        router.publish_as(LIAR, STATES, &lie);
    })
}

#[test]
fn an_arm_in_parts_among_messages_of_others_is_put_together() {
    let router = Arc::new(Router::open());
    let robot = forward_robot();
    let (_kept, _subscriber) = router.keep("0/fwd/commands/*/*");
    let home = robot.home.clone();
    let _driver = {
        let (router, names) = (Arc::clone(&router), robot.joints.clone());
        Driver::start(move || {
            let names: Vec<_> = names.iter().map(|j| j.name.as_str()).collect();
            // The gripper by itself, the arm in two messages, by two nodes.
            let lower = message(&names[..4], &home[..4], &[]);
            router.publish_as([1; 16], STATES, &cdr::encode(&lower).unwrap());
            let wheels = message(&["left_wheel", "right_wheel"], &[], &[0.1, 0.2]);
            router.publish_as([2; 16], STATES, &cdr::encode(&wheels).unwrap());
            let nothing = message(&[], &[], &[0.1]);
            router.publish_as([2; 16], STATES, &cdr::encode(&nothing).unwrap());
            let finger = message(&["finger"], &[0.02], &[]);
            router.publish_as([3; 16], STATES, &cdr::encode(&finger).unwrap());
            let upper = message(&names[4..], &home[4..], &[]);
            router.publish_as([4; 16], STATES, &cdr::encode(&upper).unwrap());
            // Now and then one that nobody can read.
            router.publish_as([5; 16], STATES, &[0, 1, 0, 0, 255, 255]);
        })
    };
    let mut arm = connect(&robot, &router);
    arm.engage().unwrap();
    for _ in 0..20 {
        let seen = arm.latest(false, FRESH).unwrap().state;
        assert_eq!((&seen.positions, seen.gripper_width), (&robot.home, 0.04));
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn joints_without_positions_are_missed_and_named() {
    let router = Arc::new(Router::open());
    let robot = forward_robot();
    let mut arm = connect(&robot, &router);
    let mut blind = state(&robot);
    blind.velocity = std::mem::take(&mut blind.position);
    let _driver = {
        let router = Arc::clone(&router);
        Driver::start(move || router.publish(STATES, &blind))
    };
    let reason = refusal(&mut arm);
    assert!(
        reason.contains("8 names and 0 positions") && reason.contains("unreadable"),
        "{reason}"
    );
}

/// An arm that is where it was told to be, and how far each command was from there.
struct Obedient {
    _driver: Driver,
    _subscriber: zenoh::pubsub::Subscriber<()>,
    kept: crate::stand_in::Kept,
    silent: Arc<AtomicBool>,
}

impl Obedient {
    fn start(router: &Arc<Router>, robot: &RobotDescription) -> Self {
        let (kept, subscriber) = router.keep("0/fwd/commands/*/*");
        let silent = Arc::new(AtomicBool::new(false));
        let driver = {
            let (router, robot) = (Arc::clone(router), robot.clone());
            let (kept, silent) = (Arc::clone(&kept), Arc::clone(&silent));
            Driver::start(move || {
                let newest = kept.lock().unwrap().last().cloned();
                let at = newest.map_or(robot.home.clone(), |(bytes, _)| {
                    let told: Float64MultiArray = cdr::decode(&bytes).unwrap();
                    told.data.0[..robot.home.len()].to_vec()
                });
                if !silent.load(Relaxed) {
                    router.publish(STATES, &state_at(&robot, &at));
                }
            })
        };
        Self {
            _driver: driver,
            _subscriber: subscriber,
            kept,
            silent,
        }
    }

    /// The largest step from one command to the next, the first from home, rad.
    fn largest_step(&self, robot: &RobotDescription) -> f64 {
        let told: Vec<Float64MultiArray> = crate::stand_in::messages(&self.kept);
        let told: Vec<_> = told.into_iter().map(|m| m.data.0).collect();
        let before = [robot.home.clone()].into_iter().chain(told.iter().cloned());
        let steps = before.zip(&told).flat_map(|(a, b)| {
            let each = a.into_iter().zip(b.clone()).take(7);
            each.map(|(a, b)| (a - b).abs()).collect::<Vec<_>>()
        });
        steps.fold(0.0, f64::max)
    }
}

fn run(arm: Ros2Arm, actions: usize) -> (ControlLoop, Result<(), ControlError>) {
    let mut control = ControlLoop::new(Box::new(arm), GuardConfig::default()).unwrap();
    let outcome = control.reset(1).map(|_| ());
    let outcome = outcome.and_then(|()| act(&mut control, actions));
    (control, outcome)
}

fn act(control: &mut ControlLoop, actions: usize) -> Result<(), ControlError> {
    let home = control.description().home.clone();
    for i in 0..actions {
        let side = if i % 6 < 3 { 0.05 } else { -0.05 };
        let mut action: Vec<f32> = home.iter().map(|q| *q as f32).collect();
        action[0] += side;
        action.push(0.04);
        let seen = control.act(&action, control.now_ns())?.observation.state;
        let away = seen.positions.iter().zip(&home).map(|(q, h)| (q - h).abs());
        assert!(
            away.fold(0.0, f64::max) < 0.2,
            "a lie was handed on: {seen:?}"
        );
    }
    Ok(())
}

const ONE_TICK: f64 = 2.6 / 50.0;

#[test]
fn a_second_publisher_from_the_beginning_makes_no_command_start_elsewhere() {
    let robot = forward_robot();
    for (lie, may_run) in lies(&robot).into_iter().zip([true, false]) {
        let router = Arc::new(Router::open());
        let arm_itself = Obedient::start(&router, &robot);
        let _liar = liar(&router, &robot, &lie);
        let arm = connect(&robot, &router);
        std::thread::sleep(Duration::from_millis(100));
        let (_control, outcome) = run(arm, 10);
        let step = arm_itself.largest_step(&robot);
        println!("lied to from the beginning: largest step {step:.4} rad, {outcome:?}");
        assert!(step <= ONE_TICK, "{step}");
        // Where the lie is within the limits nobody knows which is which.
        assert_eq!(outcome.is_ok(), may_run);
        if let Err(error) = outcome {
            let text = error.to_string();
            assert!(
                text.contains("in disagreement") && text.contains("a second program"),
                "{text}"
            );
        }
    }
}

#[test]
fn a_second_publisher_in_between_is_left_out_and_ends_the_run_only_when_it_is_alone() {
    let robot = forward_robot();
    for lie in lies(&robot) {
        let router = Arc::new(Router::open());
        let arm_itself = Obedient::start(&router, &robot);
        let (mut control, outcome) = run(connect(&robot, &router), 3);
        outcome.unwrap();
        let _liar = liar(&router, &robot, &lie);
        act(&mut control, 20).unwrap();
        arm_itself.silent.store(true, Relaxed);
        let error = act(&mut control, 100).unwrap_err();
        let step = arm_itself.largest_step(&robot);
        println!("lied to in between: largest step {step:.4} rad; {error}");
        assert!(step <= ONE_TICK, "{step}");
        let text = error.to_string();
        assert!(
            matches!(error, ControlError::Link(LinkError::Rejected { .. }))
                && text.contains("joint_states")
                && text.contains("of another sender")
                && text.contains("07070707"),
            "{text}"
        );
    }
}

#[test]
fn an_arm_that_was_moved_while_nobody_commanded_it_is_believed_again() {
    let router = Arc::new(Router::open());
    let robot = forward_robot();
    let (_kept, _subscriber) = router.keep("0/fwd/commands/*/*");
    let driving = driver(&router, STATES, &robot);
    let mut arm = connect(&robot, &router);
    arm.engage().unwrap();
    arm.disengage().unwrap();
    drop(driving);
    let [_, elsewhere] = lies(&robot);
    let _driver = {
        let (router, robot, elsewhere) = (Arc::clone(&router), robot.clone(), elsewhere.clone());
        Driver::start(move || router.publish(STATES, &state_at(&robot, &elsewhere)))
    };
    until("the arm", || {
        arm.latest(false, FRESH)
            .is_ok_and(|o| o.state.positions == elsewhere)
    });
    arm.engage().unwrap();
}
