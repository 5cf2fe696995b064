//! A runtime that dies or hangs: how soon the robot sees its lease gone.

use crate::intruders::WaitOk as _;
use crate::rig::{Heard, PATIENCE, ROBOT, RUNTIME, Rig, key_of};
use apprentice_link::security::{Role, Security};
use apprentice_link::session::{Connection, LEASE_MS, Participant};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// How much later than after a lease a busy machine may notice, milliseconds.
const SLACK_MS: u64 = 500;

/// The process that dies or hangs: holds a lease.
#[test]
#[ignore = "runs as a child of the tests here"]
fn holds_a_lease_until_killed() {
    let told = |name: &str| std::env::var(name).unwrap_or_default();
    let endpoint = told("SECURITY_TEST_ENDPOINT");
    if endpoint.is_empty() {
        return;
    }
    let security = Security::from_settings("", &told("SECURITY_TEST_KEYS")).unwrap();
    let participant = Participant {
        role: Role::Runtime,
        connection: Connection::Join,
        robot: ROBOT,
        endpoint: &endpoint,
    };
    let session = participant.open(&security, PATIENCE).unwrap();
    let _lease = session
        .liveliness()
        .declare_token(key_of("lease", RUNTIME))
        .wait_ok();
    loop {
        std::thread::sleep(PATIENCE);
    }
}

struct Runtime(Child);

impl Runtime {
    fn start(rig: &Rig) -> Self {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["hung::holds_a_lease_until_killed", "--exact", "--ignored"])
            .env("SECURITY_TEST_ENDPOINT", &rig.endpoint)
            .env("SECURITY_TEST_KEYS", &rig.keys)
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        Self(child)
    }

    fn signal(&self, name: &str) {
        let kill = Command::new("kill")
            .args([name, &self.0.id().to_string()])
            .status();
        assert!(kill.unwrap().success());
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[test]
fn the_lease_of_a_runtime_that_dies_or_hangs_is_gone() {
    let rig = Rig::new();
    let robot = rig.open(Role::Robot, Connection::Listen).unwrap();
    let mut took = [Vec::new(), Vec::new()];
    for (signal, took) in ["-KILL", "-STOP"].into_iter().zip(&mut took) {
        for _ in 0..3 {
            let leases = Heard::tokens(&robot, "lease/*");
            let runtime = Runtime::start(&rig);
            assert_eq!(leases.wait_for(&key_of("lease", RUNTIME), 1), 1);
            let start = Instant::now();
            runtime.signal(signal);
            assert_eq!(
                leases.wait_for(&format!("-{}", key_of("lease", RUNTIME)), 1),
                1
            );
            took.push(start.elapsed().as_millis());
        }
    }
    let [killed, hung] = took;
    println!(
        "lease gone {killed:?} ms after a kill, {hung:?} ms after a hang (lease {LEASE_MS} ms)"
    );
    let most = Duration::from_millis(LEASE_MS + SLACK_MS).as_millis();
    assert!(killed.iter().all(|ms| *ms <= u128::from(SLACK_MS)));
    assert!(hung.iter().all(|ms| *ms <= most));
}
