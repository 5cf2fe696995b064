//! A person takes an arm that goes home by itself before an episode begins.

use apprentice_control::ControlLoop;
use apprentice_core::{JointCommand, Observation, RobotState};
use apprentice_link::keys::{ClientMessage, Keys};
use apprentice_link::security::{Role, Security};
use apprentice_link::session::{Connection, Participant, free_port};
use apprentice_link::wire::{Takeover, encode_takeover};
use apprentice_link::{Arm, Freshness, LinkError, TakeoverInbox};
use apprentice_robot::{Control, RobotDescription};
use apprentice_safety::{GuardConfig, TeleopMessage};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use zenoh::Wait as _;

/// An arm that is where it was told to be, and that only people set up.
pub struct Follower {
    pub robot: RobotDescription,
    pub at: Arc<Mutex<Vec<f64>>>,
    pub began: Instant,
}

impl Arm for Follower {
    fn description(&self) -> &RobotDescription {
        &self.robot
    }
    fn engage(&mut self) -> Result<(), LinkError> {
        Ok(())
    }
    fn disengage(&mut self) -> Result<(), LinkError> {
        Ok(())
    }
    fn send(&mut self, command: &JointCommand) -> Result<(), LinkError> {
        self.at.lock().unwrap().clone_from(&command.positions);
        Ok(())
    }
    fn latest(&self, _: bool, _: Freshness) -> Result<Observation, LinkError> {
        let now_ns = self.began.elapsed().as_nanos() as u64;
        let state = RobotState {
            sequence: now_ns,
            stamp_ns: now_ns,
            positions: self.at.lock().unwrap().clone(),
            velocities: vec![0.0; 7],
            gripper_width: 0.04,
            efforts: None,
            external_wrench: None,
        };
        Ok(Observation {
            state,
            frames: Vec::new(),
        })
    }
}

#[test]
fn a_person_is_obeyed_on_the_way_home_and_the_arm_goes_home_after() {
    let mut robot = RobotDescription::embedded("franka_fr3").unwrap();
    robot.cameras.clear();
    robot.control = Control::Joint;
    let mut start = robot.home.clone();
    start[0] += 0.5;
    let at = Arc::new(Mutex::new(start));
    let away = {
        let (at, home) = (Arc::clone(&at), robot.home[0]);
        move || at.lock().unwrap()[0] - home
    };
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
    let inbox = TakeoverInbox::open(&session, &robot.name)
        .unwrap()
        .with_silence(Duration::from_secs(5));
    let token = session.liveliness();
    let _token = token
        .declare_token(keys.of(ClientMessage::Takeover, 7))
        .wait()
        .unwrap();
    while inbox.devices() == 0 {
        std::thread::sleep(Duration::from_millis(1));
    }
    let arm = Follower {
        robot: robot.clone(),
        at,
        began: Instant::now(),
    };
    let mut control = ControlLoop::new(Box::new(arm), GuardConfig::default()).unwrap();
    control.listen_to(inbox.clone());
    let homing = std::thread::spawn(move || {
        let seen = control.reset(1).unwrap();
        (seen, control)
    });
    let mut sequence = 0;
    let mut say = |deadman: bool, hand_back: bool, action: Vec<f32>| {
        sequence += 1;
        let teleop = TeleopMessage {
            client: 7,
            sequence,
            deadman,
            hand_back,
        };
        let message = encode_takeover(&Takeover {
            teleop,
            stamp_ns: 0,
            action,
        });
        session
            .put(keys.of(ClientMessage::Takeover, 7), message)
            .wait()
            .unwrap();
        std::thread::sleep(Duration::from_millis(20));
    };
    let until = |what: &str, so: &mut dyn FnMut() -> bool| {
        let begun = Instant::now();
        while !so() {
            assert!(
                begun.elapsed() < Duration::from_secs(10),
                "waited for {what}"
            );
            std::thread::sleep(Duration::from_millis(2));
        }
    };
    until("the way home", &mut || away() < 0.45);
    let mut wish: Vec<f32> = robot.home.iter().map(|q| *q as f32).collect();
    wish[0] += 0.7;
    wish.push(0.04);
    until("the person's wish", &mut || {
        say(true, false, wish.clone());
        away() > 0.65
    });
    // Let go of, it stays.
    (0..25).for_each(|_| say(false, false, Vec::new()));
    let rest = away();
    std::thread::sleep(Duration::from_millis(300));
    assert!((away() - rest).abs() < 1e-9, "{rest}, then {}", away());
    assert!(!homing.is_finished());
    say(false, true, Vec::new());
    let (seen, mut control) = homing.join().unwrap();
    let left = seen.state.positions[0] - robot.home[0];
    assert!(left.abs() < 1e-3, "{left} rad from home");
    // The policy has the arm now.
    let action: Vec<f32> = robot.home.iter().map(|q| *q as f32).chain([0.04]).collect();
    let acted = control.act(&action, control.now_ns()).unwrap();
    assert_eq!(acted.authority, apprentice_safety::ControlAuthority::Policy);
    assert_eq!((inbox.counts().0, control.totals().violations), (1, 0));
}
