//! LINK: how long messages take over our link, beside plain zenoh with the same quality of service, in turns.

use crate::guest::{free_endpoint, zenoh_error};
use crate::link_figures::{LinkFigures, RAW_COMMAND, RAW_FRAME, latency_robot};
use crate::measured::monotonic_ns;
use crate::program::Process;
use crate::{Rows, Scale};
use anyhow::{Context as _, Result, anyhow};
use apprentice_core::JointCommand;
use apprentice_link::security::{Role, Security};
use apprentice_link::session::{Connection, Participant};
use apprentice_link::{Arm as _, RobotLink};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};
use zenoh::Wait as _;
use zenoh::qos::{CongestionControl, Priority};

/// Bytes of a plain command. Ours, of seven joints, has 94.
const COMMAND: usize = 64;
/// The most our link may take, as a multiple of what plain zenoh takes.
const MOST: f64 = 1.2;
/// Messages of which a 99th percentile is judged.
const ENOUGH: usize = 200;

/// Commands at 1 kHz and frames at 30 Hz, each kind over both in turns.
pub fn run(scale: Scale, rows: &mut Rows) -> Result<()> {
    let description = latency_robot()?;
    let (ours, raw) = (free_endpoint()?, free_endpoint()?);
    let child = Process::start("link-ends", &[&ours, &raw])?;
    child.line("ready", Duration::from_secs(20))?;
    let mut link = RobotLink::connect(&ours, &description.name, Duration::from_secs(10))?;
    link.engage()?;
    let participant = Participant {
        role: Role::Guest,
        connection: Connection::Join,
        robot: "",
        endpoint: &raw,
    };
    let session = participant.open(&Security::LoopbackOnly, Duration::from_secs(5))?;
    let publisher = session
        .declare_publisher(RAW_COMMAND)
        .congestion_control(CongestionControl::Drop)
        .priority(Priority::RealTime)
        .express(true)
        .wait()
        .map_err(zenoh_error)?;
    let frames = session
        .declare_subscriber(RAW_FRAME)
        .with(zenoh::handlers::RingChannel::new(1))
        .wait()
        .map_err(zenoh_error)?;
    let turns = scale.pick(3_000, 10_000);
    let mut next = Instant::now();
    let half = Duration::from_micros(500);
    for sequence in 1..=turns {
        link.send(&JointCommand {
            sequence,
            stamp_ns: monotonic_ns(),
            positions: description.home.clone(),
            gripper_width: 0.04,
        })?;
        next += half;
        sleep(next.saturating_duration_since(Instant::now()));
        let mut payload = vec![0x5a; COMMAND];
        if let Some(stamp) = payload.first_chunk_mut::<8>() {
            *stamp = monotonic_ns().to_le_bytes();
        }
        publisher.put(payload).wait().map_err(zenoh_error)?;
        next += half;
        sleep(next.saturating_duration_since(Instant::now()));
    }
    let line = child.line("commands ", Duration::from_secs(10))?;
    let (mine, plain): (LinkFigures, LinkFigures) = serde_json::from_str(&line)?;
    compare(rows, "commands at 1 kHz", mine, plain)?;

    let wanted = scale.pick(90, 300);
    let micros = |stamp_ns: u64| monotonic_ns().saturating_sub(stamp_ns) as f64 * 1e-3;
    let (mine, plain) = scope(|scope| -> Result<_> {
        let plain = scope.spawn(|| -> Result<Vec<f64>> {
            let mut times = Vec::new();
            while times.len() < wanted {
                let sample = frames
                    .recv_timeout(Duration::from_secs(5))
                    .map_err(zenoh_error)?
                    .context("no plain frame came")?;
                let bytes = sample.payload().to_bytes();
                let stamp = bytes.first_chunk::<8>().context("a short frame")?;
                times.push(micros(u64::from_le_bytes(*stamp)));
            }
            Ok(times)
        });
        let (mut times, mut newest) = (Vec::new(), 0);
        while times.len() < wanted {
            let seen = link.since(0, &[newest + 1], Duration::from_secs(5))?;
            let frame = seen.frames.first().context("no frame")?;
            newest = frame.sequence;
            times.push(micros(frame.stamp_ns));
        }
        let plain = plain.join().map_err(|_| anyhow!("a panic"))??;
        Ok((LinkFigures::of(&times), LinkFigures::of(&plain)))
    })?;
    compare(rows, "frames of 224x224x3 at 30 Hz", mine, plain)
}

fn compare(rows: &mut Rows, what: &str, mine: LinkFigures, plain: LinkFigures) -> Result<()> {
    let fewest = mine.messages.min(plain.messages);
    for (name, mine, plain) in [("p50", mine.p50, plain.p50), ("p99", mine.p99, plain.p99)] {
        let what = format!("{what}, one way {name}: {mine:.0} us, plain zenoh {plain:.0} us");
        // Of fewer messages the 99th percentile is the slowest one alone, which says nothing.
        if name == "p99" && fewest < ENOUGH {
            rows.report(what, mine / plain, "times");
        } else {
            rows.at_most(what, mine / plain, MOST, "times");
        }
    }
    // Who is too late for one takes the next: so it is on both sides.
    rows.at_least(
        format!(
            "{what}: {} taken, {} plain ones",
            mine.messages, plain.messages
        ),
        mine.messages as f64 / plain.messages.max(1) as f64,
        0.9,
        "",
    );
    Ok(())
}
