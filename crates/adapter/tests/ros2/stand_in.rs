//! A simulated ROS robot: a zenoh router that publishes what a driver would and keeps what it is sent.

#[path = "../listener/mod.rs"]
pub mod listener;

use apprentice_adapter::cdr;
use apprentice_adapter::ros2::attachment::Attachment;
use apprentice_core::JointCommand;
use apprentice_robot::RobotDescription;
use listener::listen;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use zenoh::pubsub::Subscriber;
use zenoh::{Session, Wait as _};

/// What came on a key: payload and attachment.
pub type Kept = Arc<Mutex<Vec<(Vec<u8>, Option<Vec<u8>>)>>>;

pub struct Router {
    pub session: Session,
    pub endpoint: String,
}

impl Router {
    /// Listens on a free loopback port.
    pub fn open() -> Self {
        let (session, endpoint) = listen("router");
        Self { session, endpoint }
    }

    /// Keeps what comes on `key`.
    pub fn keep(&self, key: &str) -> (Kept, Subscriber<()>) {
        let kept = Kept::default();
        let to = Arc::clone(&kept);
        let subscriber = self.session.declare_subscriber(key.to_owned());
        let subscriber = subscriber.callback(move |sample| {
            let attachment = sample.attachment().map(|a| a.to_bytes().to_vec());
            to.lock()
                .unwrap()
                .push((sample.payload().to_bytes().to_vec(), attachment));
        });
        (kept, subscriber.wait().unwrap())
    }

    /// Publishes once, as rmw_zenoh does.
    pub fn publish<T: Serialize>(&self, key: &str, message: &T) {
        self.publish_as([9; 16], key, &cdr::encode(message).unwrap());
    }

    /// Publishes these bytes once, as the sender of that number.
    pub fn publish_as(&self, gid: [u8; 16], key: &str, bytes: &[u8]) {
        static SEQUENCE: AtomicI64 = AtomicI64::new(0);
        let attachment = Attachment {
            sequence: SEQUENCE.fetch_add(1, Ordering::Relaxed) + 1,
            stamp_ns: i64::try_from(now_ns()).unwrap(),
            gid,
        };
        let put = self.session.put(key.to_owned(), bytes);
        put.attachment(attachment.encode().as_slice())
            .wait()
            .unwrap();
    }

    /// Liveliness tokens that match.
    pub fn tokens(&self, key: &str) -> Vec<String> {
        let get = self.session.liveliness().get(key.to_owned());
        let replies = get.timeout(Duration::from_secs(2)).wait().unwrap();
        let samples = replies.into_iter().filter_map(|r| r.into_result().ok());
        samples.map(|s| s.key_expr().to_string()).collect()
    }
}

/// Something that is done a hundred times a second until it is let go.
pub struct Driver {
    end: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Driver {
    pub fn start(mut tick: impl FnMut() + Send + 'static) -> Self {
        let end = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&end);
        let thread = std::thread::spawn(move || {
            while !ended.load(Ordering::Relaxed) {
                tick();
                std::thread::sleep(Duration::from_millis(10));
            }
        });
        Self {
            end,
            thread: Some(thread),
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.end.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap();
    }
}

pub fn now_ns() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(since.as_nanos()).unwrap()
}

/// Waits for something to be so.
pub fn until(what: &str, mut so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !so() {
        assert!(
            began.elapsed() < Duration::from_secs(10),
            "waited for {what}"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

pub fn messages<T: DeserializeOwned>(kept: &Kept) -> Vec<T> {
    let kept = kept.lock().unwrap();
    kept.iter()
        .map(|(bytes, _)| cdr::decode(bytes).unwrap())
        .collect()
}

/// The Franka, without cameras, spoken to as `adapter` says.
pub fn robot(adapter: &str) -> RobotDescription {
    let mut robot = RobotDescription::embedded("franka_fr3").unwrap();
    robot.cameras.clear();
    robot.adapter = Some(adapter.parse().unwrap());
    robot
}

pub fn command(robot: &RobotDescription, sequence: u64, by: f64, width: f64) -> JointCommand {
    JointCommand {
        sequence,
        stamp_ns: sequence,
        positions: robot.home.iter().map(|q| q + by).collect(),
        gripper_width: width,
    }
}
