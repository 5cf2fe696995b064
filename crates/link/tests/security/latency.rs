//! What keys cost: commands of 64 bytes, 1000 a second, through plain TCP and through TLS with access control.

use crate::intruders::WaitOk as _;
use crate::rig::{PATIENCE, ROBOT, RUNTIME, Rig, key, key_of, until};
use apprentice_link::security::{Role, Security};
use apprentice_link::session::{Connection, Participant, free_port};
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::{Duration, Instant};
use zenoh::qos::{CongestionControl, Priority};

const COMMANDS: usize = 3000;
const PERIOD: Duration = Duration::from_millis(1);
const ROUNDS: usize = 3;

/// Microseconds each command took. None may be lost, and the first is only sent when the sender knows that
/// somebody listens: before that zenoh sends nothing.
fn measure(security: &Security, scheme: &str) -> Vec<u64> {
    let endpoint = format!("{scheme}/127.0.0.1:{}", free_port().unwrap());
    let open = |role: Role, connection: Connection| {
        let participant = Participant {
            role,
            connection,
            robot: ROBOT,
            endpoint: &endpoint,
        };
        participant.open(security, PATIENCE).unwrap()
    };
    let robot = open(Role::Robot, Connection::Listen);
    let runtime = open(Role::Runtime, Connection::Join);
    let beginning = Instant::now();
    let taken = Arc::new(Mutex::new(Vec::with_capacity(2 * COMMANDS)));
    let to = Arc::clone(&taken);
    let _commands = robot
        .declare_subscriber(key("command/*"))
        .callback(move |s| {
            let now = beginning.elapsed().as_micros() as u64;
            let bytes = s.payload().to_bytes();
            let sent = u64::from_le_bytes(bytes[..8].try_into().unwrap());
            let number = u64::from_le_bytes(bytes[8..16].try_into().unwrap());
            to.lock().unwrap().push((number, now - sent));
        })
        .wait_ok();
    let publisher = runtime
        .declare_publisher(key_of("command", RUNTIME))
        .congestion_control(CongestionControl::Block)
        .priority(Priority::RealTime)
        .express(true)
        .wait_ok();
    assert!(until(|| publisher.matching_status().wait_ok().matching()));
    let mut due = Instant::now();
    for number in 0..COMMANDS as u64 {
        due += PERIOD;
        sleep(due.saturating_duration_since(Instant::now()));
        let mut command = [0u8; 64];
        let now = beginning.elapsed().as_micros() as u64;
        command[..8].copy_from_slice(&now.to_le_bytes());
        command[8..16].copy_from_slice(&number.to_le_bytes());
        publisher.put(command.to_vec()).wait_ok();
    }
    until(|| taken.lock().unwrap().len() == COMMANDS);
    let taken = taken.lock().unwrap();
    let came: Vec<u64> = taken.iter().map(|(number, _)| *number).collect();
    let sent: Vec<u64> = (0..COMMANDS as u64).collect();
    let lost: Vec<&u64> = sent.iter().filter(|n| !came.contains(n)).collect();
    assert!(lost.is_empty(), "{scheme} lost {lost:?}");
    assert_eq!(came, sent, "{scheme} changed the order");
    taken.iter().map(|(_, took)| *took).collect()
}

#[test]
#[ignore = "a measurement: run it alone, with --ignored --nocapture"]
fn what_keys_cost() {
    let rig = Rig::new();
    let cases = [("tcp", Security::LoopbackOnly), ("tls", rig.security())];
    let mut all = [Vec::new(), Vec::new()];
    // By turns, so that both have the same machine.
    for _ in 0..ROUNDS {
        for ((scheme, security), all) in cases.iter().zip(&mut all) {
            all.extend(measure(security, scheme));
        }
    }
    for ((scheme, _), all) in cases.iter().zip(&mut all) {
        all.sort_unstable();
        let at = |share: f64| all[((all.len() - 1) as f64 * share) as usize];
        println!(
            "{scheme}: {} of {} commands, p50 {} us, p90 {} us, p99 {} us, p99.9 {} us, max {} us",
            all.len(),
            COMMANDS * ROUNDS,
            at(0.5),
            at(0.9),
            at(0.99),
            at(0.999),
            at(1.0)
        );
    }
}
