//! The robot's end of our link, and the other end of plain zenoh, for comparing how long messages take.

use crate::link_figures::{FRAME_EDGE, LinkFigures, RAW_COMMAND, RAW_FRAME, latency_robot};
use crate::measured::monotonic_ns;
use anyhow::{Result, anyhow};
use apprentice_core::{CameraFrame, RobotState};
use apprentice_link::RobotServer;
use apprentice_link::security::{Role, Security};
use apprentice_link::session::{Connection, Participant};
use std::time::{Duration, Instant};
use zenoh::Wait as _;
use zenoh::qos::{CongestionControl, Priority};

fn micros_since(stamp_ns: u64) -> f64 {
    monotonic_ns().saturating_sub(stamp_ns) as f64 * 1e-3
}

/// Listens at both endpoints. Times commands until none has come for a second, prints both figures, then
/// publishes frames in turns until killed.
pub fn run(ours: &str, raw: &str) -> Result<()> {
    let description = latency_robot()?;
    let server = RobotServer::open(&description, Some(ours), false)?;
    let participant = Participant {
        role: Role::Guest,
        connection: Connection::Listen,
        robot: "",
        endpoint: raw,
    };
    let session = participant.open(&Security::LoopbackOnly, Duration::from_secs(5))?;
    let zenoh_error = |e: zenoh::Error| anyhow!("{e}");
    let commands = session
        .declare_subscriber(RAW_COMMAND)
        // As on our side, only the newest is of use.
        .with(zenoh::handlers::RingChannel::new(1))
        .wait()
        .map_err(zenoh_error)?;
    println!("ready");
    let raw_times = std::thread::spawn(move || {
        let mut times = Vec::new();
        loop {
            // The first may be long in coming.
            let patience = if times.is_empty() { 20 } else { 1 };
            let Ok(Some(sample)) = commands.recv_timeout(Duration::from_secs(patience)) else {
                return times;
            };
            let bytes = sample.payload().to_bytes();
            if let Some(stamp) = bytes.first_chunk::<8>() {
                times.push(micros_since(u64::from_le_bytes(*stamp)));
            }
        }
    });
    let mut state = RobotState {
        sequence: 0,
        stamp_ns: 0,
        positions: description.home.clone(),
        velocities: vec![0.0; description.home.len()],
        gripper_width: 0.04,
        efforts: None,
        external_wrench: None,
    };
    let (mut times, mut newest) = (Vec::new(), None::<Instant>);
    let mut next = Instant::now();
    while newest.is_none_or(|n| n.elapsed() < Duration::from_secs(1)) {
        let due = server.due_within(next.saturating_duration_since(Instant::now()));
        if let Some(command) = due.command {
            times.push(micros_since(command.stamp_ns));
            newest = Some(Instant::now());
        }
        if Instant::now() >= next {
            next += Duration::from_millis(50);
            state.sequence += 1;
            server.publish_state(&state)?;
        }
    }
    let raw_times = raw_times.join().map_err(|_| anyhow!("a panic"))?;
    let figures = (LinkFigures::of(&times), LinkFigures::of(&raw_times));
    println!("commands {}", serde_json::to_string(&figures)?);
    let publisher = session
        .declare_publisher(RAW_FRAME)
        .congestion_control(CongestionControl::Drop)
        .priority(Priority::Data)
        .express(true)
        .wait()
        .map_err(zenoh_error)?;
    let pictures = [5, 6].map(|seed| crate::memory_robot::noise(FRAME_EDGE, FRAME_EDGE, seed));
    let [picture, other] = &pictures;
    let mut payload = vec![0x5a; picture.rgb().len() + 28];
    // As long a rest before either kind, and a state in the middle of it.
    let mut rest = || {
        let half_turn = Duration::from_micros(16_667) / 2;
        std::thread::sleep(half_turn);
        state.sequence += 1;
        let told = server.publish_state(&state);
        std::thread::sleep(half_turn);
        told
    };
    for sequence in 1.. {
        let even = sequence % 2 == 0;
        let frame = CameraFrame {
            sequence,
            stamp_ns: monotonic_ns(),
            image: if even { picture } else { other }.clone(),
        };
        server.publish_frame(0, &frame)?;
        rest()?;
        if let Some(stamp) = payload.first_chunk_mut::<8>() {
            *stamp = monotonic_ns().to_le_bytes();
        }
        publisher.put(payload.clone()).wait().map_err(zenoh_error)?;
        rest()?;
    }
    Ok(())
}
