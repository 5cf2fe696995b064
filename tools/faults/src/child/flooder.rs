//! Publishes as much as it can where it should not.

use anyhow::{Result, anyhow};
use apprentice_core::JointCommand;
use apprentice_link::wire;
use std::time::{Duration, Instant};
use zenoh::Wait as _;
use zenoh::qos::{CongestionControl, Priority};

/// Publishes `hertz` messages of `bytes` bytes a second on `key` until killed; commands of nobody where
/// `bytes` is 0.
pub fn run(endpoint: &str, key: &str, bytes: usize, hertz: f64) -> Result<()> {
    let session = crate::guest::session(endpoint)?;
    let command = JointCommand {
        sequence: u64::MAX,
        stamp_ns: 0,
        positions: vec![0.1; 7],
        gripper_width: 0.01,
    };
    let (payload, priority) = if bytes == 0 {
        (
            wire::encode_command(0x0bad_0bad, &command),
            Priority::RealTime,
        )
    } else {
        (vec![0x5a; bytes], Priority::Data)
    };
    let publisher = session
        .declare_publisher(key.to_owned())
        .priority(priority)
        .congestion_control(CongestionControl::Drop)
        .express(true)
        .wait()
        .map_err(|e| anyhow!("{e}"))?;
    let payload = zenoh::bytes::ZBytes::from(payload);
    println!("flooding");
    let (since, mut sent) = (Instant::now(), 0.0);
    let mut said = Instant::now();
    loop {
        // What was missed while others ran is made up for, up to a tenth of a second.
        let due = since.elapsed().as_secs_f64() * hertz;
        sent = f64::max(sent, due - hertz / 10.0);
        while sent < due {
            publisher
                .put(payload.clone())
                .wait()
                .map_err(|e| anyhow!("{e}"))?;
            sent += 1.0;
        }
        if said.elapsed() > Duration::from_millis(500) {
            said = Instant::now();
            println!("sent {}", sent / since.elapsed().as_secs_f64());
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}
