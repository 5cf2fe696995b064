//! A connection does not outlive the certificate it was made with.

use crate::rig::{Heard, ROBOT, RUNTIME, Rig, SILENCE, key_of, knock, put_ten};
use apprentice_link::security::{Purpose, Role, Validity};
use apprentice_link::session::Connection;
use std::thread::sleep;
use std::time::{Duration, SystemTime};

#[test]
fn a_certificate_that_runs_out_closes_its_connection() {
    let rig = Rig::new();
    let robot = rig.open(Role::Robot, Connection::Listen).unwrap();
    let commands = Heard::on(&robot, "command/*");
    let now = SystemTime::now();
    let brief = Validity {
        from: now - Duration::from_secs(60),
        until: now + Duration::from_secs(4),
    };
    let name = Role::Runtime.common_name(ROBOT);
    let made = rig
        .authority
        .certify(&name, Purpose::Connect, &[], brief)
        .unwrap();
    let files = rig.store("brief", &made);
    let session = knock("client", &rig.endpoint, Some(&files)).unwrap();
    put_ten(&session, &key_of("command", RUNTIME), "before");
    assert_eq!(commands.wait_for("before", 10), 10);
    let left = brief.until.duration_since(SystemTime::now());
    // Certificates count whole seconds.
    sleep(left.unwrap_or_default() + Duration::from_millis(1500));
    put_ten(&session, &key_of("command", RUNTIME), "after");
    sleep(SILENCE);
    let after = commands.count("after");
    println!("10 of 10 delivered before a certificate ran out, {after} of 10 after");
    assert_eq!(after, 0);
}
