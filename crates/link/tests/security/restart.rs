//! Whoever listens is killed and comes back: how long until data flows again.

use crate::intruders::WaitOk as _;
use crate::rig::{Heard, PATIENCE, ROBOT, RUNTIME, Rig, key, key_of, until};
use apprentice_link::security::{Role, Security};
use apprentice_link::session::{Connection, Participant, free_port};
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::{Duration, Instant};
use zenoh::Session;

/// How long nobody listens, milliseconds, one try each: attempts to connect again come more and more rarely.
const AWAY_MS: [u64; 5] = [150, 350, 550, 750, 950];
/// How soon data must flow again.
const BACK: Duration = Duration::from_secs(1);

/// The process that is killed: listens as the role it is told, publishing a state as a robot would.
#[test]
#[ignore = "runs as a child of the tests here"]
fn listens_until_killed() {
    let told = |name: &str| std::env::var(name).unwrap_or_default();
    let endpoint = told("SECURITY_TEST_ENDPOINT");
    if endpoint.is_empty() {
        return;
    }
    let router = told("SECURITY_TEST_ROLE") == "router";
    let security = Security::from_settings("", &told("SECURITY_TEST_KEYS")).unwrap();
    let participant = Participant {
        role: if router { Role::Router } else { Role::Robot },
        connection: Connection::Listen,
        robot: ROBOT,
        endpoint: &endpoint,
    };
    let session = participant.open(&security, PATIENCE).unwrap();
    println!("listening");
    loop {
        if !router {
            session.put(key("state"), "q").wait_ok();
        }
        sleep(Duration::from_millis(5));
    }
}

struct Listener(Child);

impl Listener {
    fn start(role: Role, endpoint: &str, security: &Security) -> Self {
        let keys = match security {
            Security::Keys { folder } => folder.clone(),
            Security::Off | Security::LoopbackOnly => "".into(),
        };
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["restart::listens_until_killed", "--exact", "--ignored"])
            .args(["--nocapture", "--test-threads=1"])
            .env("SECURITY_TEST_ENDPOINT", endpoint)
            .env("SECURITY_TEST_ROLE", role.name())
            .env("SECURITY_TEST_KEYS", keys)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(child.stdout.take().unwrap());
        let listening = said
            .lines()
            .any(|line| line.unwrap().ends_with("listening"));
        assert!(listening, "{} did not start", role.name());
        Self(child)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // SIGKILL: it has no time to say goodbye.
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// Publishes a state until dropped.
struct Publishing(Arc<AtomicBool>);

impl Publishing {
    fn start(session: Session) -> Self {
        let go = Arc::new(AtomicBool::new(true));
        let going = Arc::clone(&go);
        std::thread::spawn(move || {
            while going.load(Ordering::Relaxed) {
                session.put(key("state"), "q").wait_ok();
                sleep(Duration::from_millis(5));
            }
        });
        Self(go)
    }
}

impl Drop for Publishing {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// Kills and restarts a listener; prints and bounds how long data then takes to flow again.
fn is_found_again(role: Role, security: &Security, scheme: &str) {
    let endpoint = format!("{scheme}/127.0.0.1:{}", free_port().unwrap());
    let open = |role: Role| {
        let participant = Participant {
            role,
            connection: Connection::Join,
            robot: ROBOT,
            endpoint: &endpoint,
        };
        participant.open(security, PATIENCE).unwrap()
    };
    let mut listener = Listener::start(role, &endpoint, security);
    let _robot = (role == Role::Router).then(|| Publishing::start(open(Role::Robot)));
    let runtime = open(Role::Runtime);
    let newest = Arc::new(Mutex::new(None::<Instant>));
    let to = Arc::clone(&newest);
    let _states = runtime
        .declare_subscriber(key("state"))
        .callback(move |_| *to.lock().unwrap() = Some(Instant::now()))
        .wait_ok();
    let after = |moment: Instant| newest.lock().unwrap().is_some_and(|n| n > moment);
    let beginning = Instant::now();
    assert!(until(|| after(beginning)), "nothing comes at all");
    let mut found = Vec::new();
    for away in AWAY_MS {
        drop(listener);
        sleep(Duration::from_millis(away));
        let gone = Instant::now();
        assert!(!after(gone));
        listener = Listener::start(role, &endpoint, security);
        let listening = Instant::now();
        assert!(until(|| after(gone)), "nothing comes any more");
        let first = newest.lock().unwrap().unwrap();
        let took = first.saturating_duration_since(listening);
        // The first may have come before we read that it listens; the newest is never earlier than it.
        found.push(took.as_millis());
        assert!(took <= BACK, "{took:?} after it listens again");
    }
    println!(
        "{} killed for {AWAY_MS:?} ms, {scheme}: data again {found:?} ms after it listens",
        role.name()
    );
}

#[test]
fn a_robot_that_comes_back_is_found_within_a_second() {
    is_found_again(Role::Robot, &Security::LoopbackOnly, "tcp");
    is_found_again(Role::Robot, &Rig::new().security(), "tls");
}

#[test]
fn a_router_that_comes_back_is_found_within_a_second() {
    is_found_again(Role::Router, &Security::LoopbackOnly, "tcp");
    is_found_again(Role::Router, &Rig::new().security(), "tls");
}

#[test]
fn a_lease_is_seen_again_by_a_robot_that_comes_back() {
    let rig = Rig::new();
    let robot = rig.open(Role::Robot, Connection::Listen).unwrap();
    let runtime = rig.open(Role::Runtime, Connection::Join).unwrap();
    let _lease = runtime
        .liveliness()
        .declare_token(key_of("lease", RUNTIME))
        .wait_ok();
    let leases = Heard::tokens(&robot, "lease/*");
    assert_eq!(leases.wait_for(&key_of("lease", RUNTIME), 1), 1);
    drop(leases);
    robot.close().wait_ok();
    let robot = rig.open(Role::Robot, Connection::Listen).unwrap();
    let leases = Heard::tokens(&robot, "lease/*");
    assert_eq!(leases.wait_for(&key_of("lease", RUNTIME), 1), 1);
}
