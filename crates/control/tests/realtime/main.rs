//! The control loop's tick allocates nothing and waits for nobody, whoever has the arm: `cargo xtask realtime`
//! has RealtimeSanitizer watch the same.
#![allow(clippy::unwrap_used, unsafe_code)]

mod arm;
#[path = "../../../safety/tests/ticks/realtime.rs"]
#[allow(dead_code)]
mod realtime;

use apprentice_control::ControlLoop;
use apprentice_core::CartesianAction;
use apprentice_link::TakeoverInbox;
use apprentice_link::keys::{ClientMessage, Keys};
use apprentice_link::security::{Role, Security};
use apprentice_link::session::{Connection, Participant, free_port};
use apprentice_link::wire::{Takeover, encode_takeover};
use apprentice_robot::{Kinematics, RobotDescription};
use apprentice_safety::{ControlAuthority, GuardConfig, TeleopMessage};
use arm::{MemoryArm, Watched};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use zenoh::Wait as _;

/// A thousand commands a second, ten a policy tick.
fn fast() -> RobotDescription {
    let mut robot = RobotDescription::embedded("franka_fr3").unwrap();
    robot.cameras.clear();
    (robot.control_hz, robot.policy_hz) = (1000.0, 100.0);
    robot
}

fn start(
    robot: &RobotDescription,
    paths: bool,
    watches_frames: bool,
) -> (ControlLoop, Arc<Mutex<Watched>>) {
    let watched = Arc::default();
    let mut arm = MemoryArm::new(robot, paths, &watched);
    arm.watches_frames = watches_frames;
    let mut control = ControlLoop::new(Box::new(arm), GuardConfig::default()).unwrap();
    control.reset(1).unwrap();
    *watched.lock().unwrap() = Watched::default();
    (control, watched)
}

/// Sides to go to, and what cannot be gone to, by turns.
fn actions(robot: &RobotDescription) -> Vec<Vec<f32>> {
    let mut pose = Kinematics::new(robot).unwrap().tool_pose(&robot.home);
    let mut sides = Vec::new();
    for aside in [0.1, -0.1, 0.4, -0.05] {
        pose.translation.vector.y = aside;
        let action = CartesianAction {
            pose,
            gripper_width: 0.04,
        };
        sides.push(action.to_vector().to_vec());
    }
    sides.push(vec![0.0; 3]);
    sides.push(vec![f32::NAN; robot.action_dim()]);
    sides.push(vec![0.0; robot.action_dim()]);
    sides
}

fn act(control: &mut ControlLoop, actions: &[Vec<f32>], policy_ticks: usize) -> [u64; 3] {
    let mut decided = [0; 3];
    // Let go of only once nothing is watched any more.
    let mut kept = Vec::with_capacity(policy_ticks);
    for tick in 0..policy_ticks {
        let action = &actions[tick / 20 % actions.len()];
        let acted = control.act(action, control.now_ns()).unwrap();
        decided[match acted.authority {
            ControlAuthority::Policy => 0,
            ControlAuthority::Human => 1,
            ControlAuthority::Nobody => 2,
        }] += 1;
        kept.push(acted);
    }
    control.release().unwrap();
    decided
}

#[test]
fn a_control_tick_allocates_nothing() {
    let robot = fast();
    let actions = actions(&robot);
    for paths in [false, true] {
        let (mut control, watched) = start(&robot, paths, true);
        act(&mut control, &actions, 400);
        let watched = watched.lock().unwrap();
        println!("paths {paths}: {watched:?}");
        // Between the commands of a path nothing is sent; a path is made ten times as rarely.
        let (ticks, policy_ticks) = if paths { (0, 399) } else { (3_500, 399) };
        assert!(watched.ticks >= ticks && watched.policy_ticks >= policy_ticks);
        assert_eq!((watched.allocations, watched.policy_allocations), (0, 0));
        realtime::report(watched.ticks + watched.policy_ticks);
        assert_eq!(control.totals().violations, 0);
    }
}

#[test]
fn nor_does_one_while_people_take_over() {
    let robot = fast();
    let endpoint = format!("tcp/127.0.0.1:{}", free_port().unwrap());
    let session = Participant {
        role: Role::Guest,
        connection: Connection::Listen,
        robot: "",
        endpoint: &endpoint,
    }
    .open(&Security::LoopbackOnly, Duration::from_secs(5))
    .unwrap();
    let keys = Keys::new(&robot.name);
    let inbox = TakeoverInbox::open(&session, &robot.name).unwrap();
    let token = session
        .liveliness()
        .declare_token(keys.of(ClientMessage::Takeover, 7));
    let token = token.wait().unwrap();
    while inbox.devices() == 0 {
        std::thread::sleep(Duration::from_millis(1));
    }
    let actions = actions(&robot);
    // Once a policy tick what a person wanted is put on record, in memory of its own: that is not watched.
    let (mut control, watched) = start(&robot, false, false);
    control.listen_to(inbox);
    let over = AtomicBool::new(false);
    let decided = std::thread::scope(|scope| {
        // Presses, wants something, lets go, hands back; a message a millisecond.
        scope.spawn(|| {
            for sequence in 1.. {
                if over.load(Relaxed) {
                    break;
                }
                let (pressed, after) = (sequence / 100 % 2 == 1, sequence % 100);
                let teleop = TeleopMessage {
                    client: 7,
                    sequence,
                    deadman: pressed,
                    hand_back: !pressed && after > 50,
                };
                let wanted = sequence as usize / 10 % actions.len();
                let message = Takeover {
                    teleop,
                    stamp_ns: 0,
                    action: actions[wanted % 4].clone(),
                };
                let payload = encode_takeover(&message);
                session
                    .put(keys.of(ClientMessage::Takeover, 7), payload)
                    .wait()
                    .unwrap();
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        let decided = act(&mut control, &actions, 300);
        over.store(true, Relaxed);
        decided
    });
    drop(token);
    let watched = watched.lock().unwrap();
    println!("decided by policy, people, nobody: {decided:?}; {watched:?}");
    assert!(decided[1] > 10, "people did not take over: {decided:?}");
    assert!(watched.ticks > 2_000);
    assert_eq!(watched.allocations, 0);
    realtime::report(watched.ticks);
    assert_eq!(control.totals().violations, 0);
}
