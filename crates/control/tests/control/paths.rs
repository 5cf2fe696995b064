//! Robots that take whole paths, as trajectory controllers do: an action is sent at once, guarded, and what is
//! left of it is void when a person takes over.

use crate::{beside_home, fr3};
use apprentice_control::ControlLoop;
use apprentice_core::{JointCommand, Observation, RobotState};
use apprentice_link::keys::{self, Keys};
use apprentice_link::security::{Role, Security};
use apprentice_link::session::{Connection, Participant, free_port};
use apprentice_link::wire::{Takeover, encode_takeover};
use apprentice_link::{Arm, Freshness, LinkError, TakeoverInbox};
use apprentice_robot::RobotDescription;
use apprentice_safety::{Checker, GuardConfig, TeleopMessage};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use zenoh::Wait as _;

/// What was sent, in order.
#[derive(Clone, Debug)]
enum Sent {
    One(JointCommand),
    Path(Vec<JointCommand>),
}

/// A simulated arm that is where it was told to be by now.
struct PathArm {
    robot: RobotDescription,
    sent: Arc<Mutex<Vec<Sent>>>,
    path: (Instant, Vec<JointCommand>),
}

impl PathArm {
    fn state(&self) -> RobotState {
        let (since, path) = &self.path;
        let due = (since.elapsed().as_secs_f64() * self.robot.control_hz) as usize;
        let at = path.get(due.min(path.len().saturating_sub(1)));
        RobotState {
            sequence: since.elapsed().as_nanos() as u64,
            stamp_ns: since.elapsed().as_nanos() as u64,
            positions: at.map_or_else(|| self.robot.home.clone(), |c| c.positions.clone()),
            velocities: vec![0.0; 7],
            gripper_width: 0.04,
            efforts: None,
            external_wrench: None,
        }
    }
}

impl Arm for PathArm {
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
        self.path = (Instant::now(), vec![command.clone()]);
        self.sent.lock().unwrap().push(Sent::One(command.clone()));
        Ok(())
    }
    fn takes_paths(&self) -> bool {
        true
    }
    fn send_path(&mut self, path: &[JointCommand]) -> Result<(), LinkError> {
        self.path = (Instant::now(), path.to_vec());
        self.sent.lock().unwrap().push(Sent::Path(path.to_vec()));
        Ok(())
    }
    fn latest(&self, _: bool, _: Freshness) -> Result<Observation, LinkError> {
        let state = self.state();
        Ok(Observation {
            state,
            frames: Vec::new(),
        })
    }
    fn sets_up_scenes(&self) -> bool {
        true
    }
    fn reset(&mut self, _: u64) -> Result<Observation, LinkError> {
        self.path = (Instant::now(), Vec::new());
        self.latest(
            true,
            Freshness {
                state: Duration::ZERO,
                frame: Duration::ZERO,
            },
        )
    }
}

fn start(policy_hz: f64) -> (RobotDescription, ControlLoop, Arc<Mutex<Vec<Sent>>>) {
    let mut robot = fr3();
    robot.cameras.clear();
    robot.policy_hz = policy_hz;
    let sent = Arc::default();
    let arm = PathArm {
        robot: robot.clone(),
        sent: Arc::clone(&sent),
        path: (Instant::now(), Vec::new()),
    };
    let mut control = ControlLoop::new(Box::new(arm), GuardConfig::default()).unwrap();
    control.reset(1).unwrap();
    (robot, control, sent)
}

/// Crossed limits of a stream of commands that starts at home.
fn crossed(robot: &RobotDescription, commands: &[JointCommand]) -> u64 {
    let mut checker = Checker::new(robot).unwrap();
    checker.restart(&RobotState {
        sequence: 0,
        stamp_ns: 0,
        positions: robot.home.clone(),
        velocities: vec![0.0; 7],
        gripper_width: 0.0,
        efforts: None,
        external_wrench: None,
    });
    commands.iter().for_each(|c| drop(checker.check(c, 0)));
    checker.violations()
}

#[test]
fn an_action_is_sent_at_once_and_keeps_every_limit() {
    let (robot, mut control, sent) = start(10.0);
    let action = beside_home(&robot, 0.1);
    for _ in 0..8 {
        let acted = control.act(&action, control.now_ns()).unwrap();
        assert!(acted.interventions.is_empty() || acted.interventions.only_rate_limits());
    }
    let sent = sent.lock().unwrap();
    let mut commands = Vec::new();
    for one in sent.iter() {
        let Sent::Path(path) = one else {
            panic!("a command was sent by itself");
        };
        assert_eq!(path.len(), 5);
        commands.extend_from_slice(path);
    }
    assert_eq!((sent.len(), commands.len()), (8, 40));
    assert!(commands.windows(2).all(|w| w[0].sequence < w[1].sequence));
    assert_eq!(crossed(&robot, &commands), 0);
    assert_eq!(control.totals().commands, 40);
    let moved = (commands[39].positions[0] - robot.home[0]).abs();
    assert!(moved > 0.05, "it went {moved} rad only");
}

#[test]
fn what_is_left_of_a_path_is_void_when_a_person_takes_over() {
    // An action of half a second, so that the press falls into it on a busy machine too.
    let (robot, mut control, sent) = start(2.0);
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
    let _token = session
        .liveliness()
        .declare_token(keys.of(keys::ClientMessage::Takeover, 7))
        .wait()
        .unwrap();
    while inbox.devices() == 0 {
        std::thread::sleep(Duration::from_millis(1));
    }
    control.listen_to(inbox);
    let action = beside_home(&robot, 0.3);
    // In the middle of the next action the person presses the deadman and wants the arm to stay.
    let press = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(200));
        let teleop = TeleopMessage {
            client: 7,
            sequence: 1,
            deadman: true,
            hand_back: false,
        };
        let message = Takeover {
            teleop,
            stamp_ns: 0,
            action: Vec::new(),
        };
        session
            .put(
                keys.of(keys::ClientMessage::Takeover, 7),
                encode_takeover(&message),
            )
            .wait()
            .unwrap();
        session
    });
    control.act(&action, control.now_ns()).unwrap();
    let _session = press.join().unwrap();
    let sent = sent.lock().unwrap();
    let paths: Vec<&Vec<JointCommand>> = sent
        .iter()
        .filter_map(|s| if let Sent::Path(p) = s { Some(p) } else { None })
        .collect();
    let ones: Vec<JointCommand> = sent
        .iter()
        .filter_map(|s| {
            if let Sent::One(c) = s {
                Some(c.clone())
            } else {
                None
            }
        })
        .collect();
    assert_eq!((paths.len(), paths[0].len()), (1, 25));
    let carried_out = 25 - ones.len();
    assert!(
        (1..25).contains(&carried_out),
        "{carried_out} commands before the takeover"
    );
    // The arm goes on from where it was on the path, not from its end, and within its limits.
    let whole = [&paths[0][..carried_out], &ones].concat();
    assert_eq!(crossed(&robot, &whole), 0);
    assert!(crossed(&robot, &[&paths[0][..], &ones].concat()) > 0);
}
