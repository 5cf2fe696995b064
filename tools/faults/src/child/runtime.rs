//! A policy's process: owns an arm and moves it a little, at the arm's control rate.

use anyhow::Result;
use apprentice_core::JointCommand;
use apprentice_link::{Arm as _, Freshness, RobotLink};
use std::time::{Duration, Instant};

/// Commands until killed, or until the arm does not obey any more.
pub fn run(endpoint: &str, robot: &str) -> Result<()> {
    let mut link = RobotLink::connect(endpoint, robot, Duration::from_secs(10))?;
    let patience = Duration::from_secs(2);
    let within = Freshness {
        state: patience,
        frame: patience,
    };
    let start = link.latest(false, within)?.state;
    link.engage()?;
    println!("engaged {:08x}", link.client());
    let period = Duration::from_secs_f64(1.0 / link.description().control_hz);
    let (since, mut next) = (Instant::now(), Instant::now());
    for sequence in 1.. {
        let mut positions = start.positions.clone();
        if let Some(first) = positions.first_mut() {
            *first += 0.05 * (since.elapsed().as_secs_f64() * 2.0).sin();
        }
        let command = JointCommand {
            sequence,
            stamp_ns: since.elapsed().as_nanos() as u64,
            positions,
            gripper_width: start.gripper_width,
        };
        if let Err(error) = link.send(&command) {
            println!("lost {error}");
            break;
        }
        next += period;
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
    }
    loop {
        std::thread::park();
    }
}
