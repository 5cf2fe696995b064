//! An arm that somebody engages while it still moves, and that a person stops meanwhile: it stays stopped.
#![allow(clippy::unwrap_used)]

use apprentice_core::RobotState;
use apprentice_link::live_check::{Permission, Verdict, check_driver};
use apprentice_link::security::Security;
use apprentice_link::wire::Status;
use apprentice_link::{Arm as _, LinkError, RobotLink, RobotServer};
use apprentice_robot::RobotDescription;
use apprentice_safety::gate::Stop;
use apprentice_safety::{Phase, Service};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(5);

/// A driver in real time: its arm swings by as much as `speed` says (thousandths of rad/s), until `ends`.
struct Driver {
    description: RobotDescription,
    endpoint: String,
    /// How the arm stood at the end of the last control period.
    status: Mutex<Status>,
    speed: AtomicU64,
    ends: AtomicBool,
}

impl Driver {
    fn new() -> (RobotServer, Self) {
        let mut description = RobotDescription::embedded("franka_fr3").unwrap();
        description.cameras.clear();
        let server = RobotServer::open(&description, None, false).unwrap();
        let driver = Self {
            description,
            endpoint: server.endpoint().to_owned(),
            status: Mutex::new(server.status()),
            speed: AtomicU64::new(0),
            ends: AtomicBool::new(false),
        };
        (server, driver)
    }

    fn drive(&self, server: &RobotServer) {
        let began = Instant::now();
        for sequence in 1.. {
            let speed = self.speed.load(Ordering::Relaxed) as f64 * 1e-3;
            let state = RobotState {
                sequence,
                stamp_ns: began.elapsed().as_nanos() as u64,
                positions: self.description.home.clone(),
                velocities: vec![speed; self.description.joints.len()],
                gripper_width: 0.0,
                efforts: None,
                external_wrench: None,
            };
            server.publish_state(&state).unwrap();
            let _ = server.due();
            *self.status.lock().unwrap() = server.status();
            if self.ends.load(Ordering::Relaxed) {
                return;
            }
            thread::sleep(Duration::from_secs_f64(1.0 / self.description.control_hz));
        }
    }

    fn status(&self) -> Status {
        *self.status.lock().unwrap()
    }

    fn connect(&self) -> RobotLink {
        RobotLink::connect(&self.endpoint, &self.description.name, PATIENCE).unwrap()
    }

    /// Waits until the arm stands so.
    fn until(&self, what: &str, stands: impl Fn(&Status) -> bool) {
        let deadline = Instant::now() + 8 * PATIENCE;
        while !stands(&self.status()) {
            let late = Instant::now() > deadline;
            assert!(!late, "never {what}: {:?}", self.status());
            thread::sleep(Duration::from_millis(2));
        }
    }
}

/// Runs `test` beside the driver.
fn beside(test: impl FnOnce(&Driver)) {
    /// Ends the driver also where the test fails.
    struct Ends<'a>(&'a AtomicBool);
    impl Drop for Ends<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let (server, driver) = Driver::new();
    thread::scope(|scope| {
        let driver = &driver;
        scope.spawn(move || driver.drive(&server));
        let _ends = Ends(&driver.ends);
        test(driver);
    });
}

#[test]
fn a_stop_that_comes_while_the_arm_comes_to_rest_is_not_lifted() {
    beside(|driver| {
        let mut runtime = driver.connect();
        let person = driver.connect();
        driver.speed.store(2_000, Ordering::Relaxed);
        thread::scope(|scope| {
            let engaging = scope.spawn(|| runtime.engage());
            driver.until("owned", |s| s.phase == Phase::Owned);
            // It is refused as moving by now, and asks again and again.
            thread::sleep(Duration::from_millis(200));
            person.serve(Service::Stop).unwrap();
            thread::sleep(Duration::from_millis(100));
            driver.speed.store(0, Ordering::Relaxed);
            let engaged = engaging.join().unwrap();
            let Err(LinkError::Refused { reason, .. }) = &engaged else {
                panic!("{engaged:?}");
            };
            assert!(reason.starts_with("stopped"), "{reason}");
        });
        let status = driver.status();
        assert_eq!(status.phase, Phase::Stopped);
        assert_ne!(status.stop, Stop::None);
    });
}

#[test]
fn an_arm_that_comes_to_rest_is_engaged() {
    beside(|driver| {
        let mut runtime = driver.connect();
        driver.speed.store(2_000, Ordering::Relaxed);
        thread::scope(|scope| {
            let engaging = scope.spawn(|| runtime.engage());
            driver.until("owned", |s| s.phase == Phase::Owned);
            thread::sleep(Duration::from_millis(100));
            assert_eq!(driver.status().phase, Phase::Owned);
            driver.speed.store(0, Ordering::Relaxed);
            engaging.join().unwrap().unwrap();
        });
        driver.until("active", |s| s.phase == Phase::Active);
    });
}

#[test]
fn a_check_that_a_person_stops_ends_and_leaves_the_arm_stopped() {
    beside(|driver| {
        let person = driver.connect();
        let permission = Permission {
            moves: true,
            resets: false,
        };
        let endpoint = &driver.endpoint;
        let security = Security::LoopbackOnly;
        let found = thread::scope(|scope| {
            let checking =
                scope.spawn(|| check_driver(&driver.description, endpoint, &security, permission));
            driver.until("active", |s| s.phase == Phase::Active);
            person.serve(Service::Stop).unwrap();
            driver.until("stopped", |s| s.phase == Phase::Stopped);
            let asked = driver.status().stops;
            let found = checking.join().unwrap().unwrap();
            assert_eq!(driver.status().stops, asked, "it asked for more");
            found
        });
        let status = driver.status();
        assert_eq!((status.phase, status.owner), (Phase::Stopped, 0));
        assert_eq!(status.stop, Stop::Person);
        let last = found.iter().find(|f| f.what.contains("nobody else stops"));
        assert_eq!(last.unwrap().verdict, Verdict::Fail, "{found:#?}");
    });
}
