//! Whoever speaks with the robot for the page.

use super::asking::Asking;
use super::known::Live;
use super::motion::Motion;
use super::shown::Heard;
use apprentice_link::security::Role;
use apprentice_link::{Arm as _, Freshness, LinkError, OperatorLink, RobotLink};
use apprentice_safety::{ControlAuthority, Service};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// How long the robot may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// How often it is looked at.
const PERIOD: Duration = Duration::from_millis(40);
/// How often it is looked for.
const AGAIN: Duration = Duration::from_secs(1);
/// For how long a person has the arm who has it stay: some messages, of which one may be lost.
const PRESSED: u32 = 5;
/// From letting go to handing back; the runtime asks for 200 ms.
const LET_GO: Duration = Duration::from_millis(300);

/// Looks at the robot, and asks it for what people want, until the page ends.
pub(super) fn watch(live: &Arc<Live>, wanted: &Receiver<Asking>) {
    while !live.is_ending() {
        match reach(live) {
            Ok((robot, hands)) => speak(live, wanted, &Arc::new(robot), hands),
            Err(error) => live.shown().unreached(apprentice_core::in_one_line(&error)),
        }
        let until = Instant::now() + AGAIN;
        while Instant::now() < until && !live.is_ending() {
            std::thread::sleep(PERIOD);
        }
    }
}

fn reach(live: &Live) -> Result<(RobotLink, OperatorLink), LinkError> {
    let at = &live.settings;
    let role = Role::Operator;
    let robot = RobotLink::connect_as(role, &at.endpoint, &at.robot, &at.security, PATIENCE)?;
    let hands = OperatorLink::connect_with(&at.endpoint, &at.robot, &at.security, PATIENCE)?;
    Ok((robot, hands))
}

/// Speaks with a robot that was reached until the page ends.
fn speak(
    live: &Arc<Live>,
    wanted: &Receiver<Asking>,
    robot: &Arc<RobotLink>,
    mut hands: OperatorLink,
) {
    let description = robot.description().clone();
    live.shown().reached(&description);
    live.set_robot(Some(Arc::clone(robot)));
    let within = Freshness {
        state: Duration::from_secs(1),
        frame: Duration::from_secs(1),
    };
    let mut motion = Motion::default();
    while !live.is_ending() {
        match wanted.recv_timeout(PERIOD) {
            Ok(asking) => obey(live, robot, &mut hands, asking),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        let state = robot.latest(false, within);
        let now = Instant::now();
        if let Ok(state) = &state {
            motion.add(&state.state, now);
        }
        let own = hands.client();
        let heard = Heard {
            at_rest: motion.is_at_rest(&description, now),
            state: state.map(|observation| observation.state),
            status: robot.status(),
            authority: hands.authority_status().map(|a| (a, a.device == own)),
            episode: hands.running_episode(),
        };
        live.shown().heard(heard);
    }
    live.set_robot(None);
}

fn obey(live: &Arc<Live>, robot: &Arc<RobotLink>, hands: &mut OperatorLink, asking: Asking) {
    let done = match asking {
        // An arm behind an adapter has no stop of its own here: a person takes it, has it stay, and lets go.
        Asking::Stop if robot.description().adapter.is_none() => return stop(live, robot),
        Asking::Stop | Asking::Hold => hold(hands),
        Asking::GoOn => go_on(hands),
    };
    live.shown()
        .answered(asking, done.map_err(|e| apprentice_core::in_one_line(&e)));
}

/// Asks for a stop, beside everything else: the robot's answer may take long.
fn stop(live: &Arc<Live>, robot: &Arc<RobotLink>) {
    let (to, asked) = (Arc::clone(live), Arc::clone(robot));
    let spawned = std::thread::Builder::new()
        .name("page-stop".into())
        .spawn(move || {
            let granted = asked.serve(Service::Stop).map(|_| ()).map_err(|e| {
                let why = apprentice_core::in_one_line(&e);
                format!(
                    "the arm has not confirmed the stop ({why}); use its emergency stop if it moves"
                )
            });
            to.shown().answered(Asking::Stop, granted);
        });
    if let Err(error) = spawned {
        let why = format!("the stop could not be asked for ({error}); use the emergency stop");
        live.shown().answered(Asking::Stop, Err(why));
    }
}

/// Takes the arm, has it stay, and lets go: then nobody decides, and it stays.
fn hold(hands: &mut OperatorLink) -> Result<(), LinkError> {
    for _ in 0..PRESSED {
        hands.send(true, false, &[])?;
        std::thread::sleep(Duration::from_millis(20));
    }
    for _ in 0..PRESSED {
        hands.send(false, false, &[])?;
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

/// Hands the arm back to the policy.
fn go_on(hands: &mut OperatorLink) -> Result<(), LinkError> {
    hands.send(false, false, &[])?;
    std::thread::sleep(LET_GO);
    for _ in 0..PRESSED {
        hands.send(false, true, &[])?;
        std::thread::sleep(Duration::from_millis(20));
        let decides = hands.authority_status();
        if decides.is_some_and(|a| a.authority == ControlAuthority::Policy) {
            break;
        }
    }
    Ok(())
}
