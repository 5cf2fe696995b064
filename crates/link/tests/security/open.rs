//! A robot and its runtime on this machine without keys, where every process may send anything.

use crate::intruders::WaitOk as _;
use crate::rig::{PATIENCE, ROBOT, until};
use apprentice_core::RobotState;
use apprentice_link::keys::{ClientMessage, Keys};
use apprentice_link::security::{Role, Security};
use apprentice_link::session::{Connection, Participant};
use apprentice_link::wire::{Status, Takeover, encode_takeover};
use apprentice_link::{OperatorLink, RobotLink, RobotServer, TakeoverInbox};
use apprentice_robot::RobotDescription;
use apprentice_safety::TeleopMessage;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::thread::{JoinHandle, sleep};
use std::time::Duration;
use zenoh::Session;
use zenoh::liveliness::LivelinessToken;

pub fn keys() -> Keys {
    Keys::new(ROBOT)
}

/// A robot in real time that stays where it is.
pub struct OpenRobot {
    pub server: Arc<Mutex<RobotServer>>,
    pub endpoint: String,
    done: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl OpenRobot {
    pub fn start() -> Self {
        let mut robot = RobotDescription::embedded("franka_fr3").unwrap();
        robot.name = ROBOT.into();
        robot.cameras.clear();
        let server = RobotServer::open(&robot, None, false).unwrap();
        let endpoint = server.endpoint().to_owned();
        let server = Arc::new(Mutex::new(server));
        let done = Arc::new(AtomicBool::new(false));
        let (ours, ends) = (Arc::clone(&server), Arc::clone(&done));
        let thread = std::thread::spawn(move || {
            for sequence in 1.. {
                if ends.load(Relaxed) {
                    break;
                }
                let state = RobotState {
                    sequence,
                    stamp_ns: sequence,
                    positions: robot.home.clone(),
                    velocities: vec![0.0; robot.home.len()],
                    gripper_width: 0.04,
                    efforts: None,
                    external_wrench: None,
                };
                let server = ours.lock().unwrap();
                server.publish_state(&state).unwrap();
                let _ = server.due();
                drop(server);
                sleep(Duration::from_millis(5));
            }
        });
        Self {
            server,
            endpoint,
            done,
            thread: Some(thread),
        }
    }

    pub fn status(&self) -> Status {
        self.server.lock().unwrap().status()
    }

    /// Its runtime.
    pub fn link(&self) -> RobotLink {
        RobotLink::connect(&self.endpoint, ROBOT, PATIENCE).unwrap()
    }

    /// A person's device.
    pub fn device(&self) -> OperatorLink {
        OperatorLink::connect(&self.endpoint, ROBOT, PATIENCE).unwrap()
    }

    /// Some other process.
    pub fn stranger(&self) -> Session {
        let participant = Participant {
            role: Role::Guest,
            connection: Connection::Join,
            robot: "",
            endpoint: &self.endpoint,
        };
        participant.open(&Security::LoopbackOnly, PATIENCE).unwrap()
    }

    /// What a runtime of its own hears of devices; one that nobody disturbs is believed for a minute.
    pub fn inbox(&self) -> (Session, TakeoverInbox) {
        let session = self.stranger();
        let inbox = TakeoverInbox::open(&session, ROBOT).unwrap();
        (session, inbox.with_silence(Duration::from_secs(60)))
    }
}

impl Drop for OpenRobot {
    fn drop(&mut self) {
        self.done.store(true, Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

/// A token, however it is spelt.
pub fn token(session: &Session, key: &str) -> LivelinessToken {
    session.liveliness().declare_token(key.to_owned()).wait_ok()
}

/// Puts a takeover message on the key of `client`.
pub fn put(session: &Session, client: u32, sequence: u64, deadman: bool, hand_back: bool) {
    let message = encode_takeover(&Takeover {
        teleop: TeleopMessage {
            client,
            sequence,
            deadman,
            hand_back,
        },
        stamp_ns: 0,
        action: vec![],
    });
    let key = keys().of(ClientMessage::Takeover, client);
    session
        .put(key, message)
        .congestion_control(zenoh::qos::CongestionControl::Block)
        .wait_ok();
}

/// So many tokens of as many strangers, of this kind.
pub fn crowd(session: &Session, sent: ClientMessage, count: u32) -> Vec<LivelinessToken> {
    // Other numbers each time, and of as many certificates as there would be.
    let salt = u32::from(session.zid().to_le_bytes()[0]) << 12;
    let number = |n: u32| (n + salt).wrapping_mul(0x9e37_79b1) | 1;
    (1..=count)
        .map(|n| token(session, &keys().of(sent, number(n))))
        .collect()
}

/// Waits until nothing has come for a while.
pub fn settled(count: impl Fn() -> u64) -> u64 {
    let mut before = count();
    assert!(until(|| {
        sleep(Duration::from_millis(100));
        std::mem::replace(&mut before, count()) == before
    }));
    count()
}
