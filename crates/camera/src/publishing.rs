//! Frames on their way to the link.

use crate::CameraError;
use crate::robot_clock::RobotClock;
use crate::source::{Captured, Source};
use apprentice_core::CameraFrame;
use apprentice_link::LinkError;
use apprentice_link::keys::Keys;
use apprentice_link::wire;
use apprentice_robot::RobotDescription;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use zenoh::pubsub::Publisher;
use zenoh::qos::{CongestionControl, Priority};
use zenoh::{Session, Wait as _};

/// How long Ctrl-C may go unnoticed.
const PATIENCE: Duration = Duration::from_millis(100);
/// How long a camera may be silent before it counts as gone.
const SILENCE: Duration = Duration::from_secs(3);
/// Between two attempts to open a camera again.
const RETRY: Duration = Duration::from_secs(1);

/// What became of the frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Published.
    pub published: u64,
    /// Lost before they came to us.
    pub dropped: u64,
    /// Left out, as the rate asked for is lower than the camera's.
    pub left_out: u64,
    /// That could not be decoded.
    pub undecodable: u64,
    /// Captured before the robot's first state had come, so that the robot's time was not known.
    pub before_a_state: u64,
    /// Times the camera went away and came back.
    pub reconnected: u64,
}

/// Publishes frames of one camera.
pub struct FramePublisher {
    publisher: Publisher<'static>,
    clock: Option<RobotClock>,
    size: (u32, u32),
    sequence: u64,
}

impl FramePublisher {
    /// On `key`, in this size (pixels), with capture times by `clock`: without one, by this machine's monotonic clock.
    ///
    /// # Errors
    /// When the key cannot be published on.
    pub fn new(
        session: &Session,
        key: &str,
        size: (u32, u32),
        clock: Option<RobotClock>,
    ) -> Result<Self, LinkError> {
        let publisher = session
            .declare_publisher(key.to_owned())
            // Frames give way to commands and states; a lost one is followed by the next.
            .congestion_control(CongestionControl::Drop)
            .priority(Priority::Data)
            .express(true)
            .wait()
            .map_err(|e| LinkError::Key {
                key: key.into(),
                reason: e.to_string(),
            })?;
        Ok(Self {
            publisher,
            clock,
            size,
            sequence: 0,
        })
    }

    /// Publishes one, and counts what became of it.
    ///
    /// # Errors
    /// When the link is gone.
    pub fn publish(&mut self, captured: &Captured, counts: &mut Counts) -> Result<(), LinkError> {
        let stamp_ns = match &self.clock {
            None => captured.stamp_ns,
            // Before the first state there is no time to bear.
            Some(clock) => match clock.there(captured.stamp_ns) {
                Some(stamp) => stamp,
                None => {
                    counts.before_a_state += 1;
                    return Ok(());
                }
            },
        };
        let (width, height) = self.size;
        let Ok(image) = captured.picture.image(width, height) else {
            counts.undecodable += 1;
            return Ok(());
        };
        self.sequence += 1;
        let frame = CameraFrame {
            sequence: self.sequence,
            stamp_ns,
            image,
        };
        let key = self.publisher.key_expr().to_string();
        self.publisher
            .put(wire::encode_frame(&frame))
            .wait()
            .map_err(|e| LinkError::Key {
                key,
                reason: e.to_string(),
            })?;
        counts.published += 1;
        Ok(())
    }
}

/// Publishes what a camera captures, at `rate` (Hz) or what the camera gives if that is less, until `stop` or the end of
/// a clip. A camera that goes away is said (`say`) and opened again, once a second.
///
/// # Errors
/// When the camera cannot be opened at first, or the link fails.
pub fn publish_all(
    open: &mut dyn FnMut() -> Result<Box<dyn Source>, CameraError>,
    to: &mut FramePublisher,
    rate: f64,
    stop: &AtomicBool,
    say: &mut dyn FnMut(&str),
) -> Result<Counts, CameraError> {
    let mut counts = Counts::default();
    let mut source = open()?;
    let mut heard = Instant::now();
    let mut due = 0;
    let period_ns = (1e9 / rate) as u64;
    let stopped = || stop.load(Ordering::Relaxed);
    while !stopped() && !source.ended() {
        let lost = match source.next(PATIENCE) {
            Ok(Some(captured)) => {
                heard = Instant::now();
                counts.dropped += captured.missed;
                // A camera's stamps tremble: half a millisecond early is in time.
                if captured.stamp_ns + 500_000 < due {
                    counts.left_out += 1;
                } else {
                    due = (due + period_ns).max(captured.stamp_ns + period_ns / 2);
                    to.publish(&captured, &mut counts)?;
                }
                continue;
            }
            Ok(None) if heard.elapsed() < SILENCE => continue,
            Ok(None) => format!("the camera has sent nothing for {} s", SILENCE.as_secs()),
            Err(error @ CameraError::Gone { .. }) => error.to_string(),
            Err(error) => return Err(error),
        };
        say(&format!("{lost}; it is opened again as soon as it is back"));
        drop(source);
        source = loop {
            if stopped() {
                return Ok(counts);
            }
            match open() {
                Ok(source) => break source,
                Err(_) => std::thread::sleep(RETRY),
            }
        };
        say("the camera is back");
        counts.reconnected += 1;
        heard = Instant::now();
    }
    Ok(counts)
}

/// What the robot called `robot` says of itself, and whether it is in lockstep; `None` where nobody answers within
/// `timeout`: an arm that speaks another protocol.
///
/// # Errors
/// When what it says cannot be read.
pub fn described(
    session: &Session,
    robot: &str,
    timeout: Duration,
) -> Result<Option<(RobotDescription, bool)>, CameraError> {
    let key = Keys::new(robot).describe();
    let deadline = Instant::now() + timeout;
    while Instant::now() < deadline {
        let replies = session
            .get(&key)
            .timeout(deadline.saturating_duration_since(Instant::now()))
            .wait()
            .map_err(|e| LinkError::Key {
                key: key.clone(),
                reason: e.to_string(),
            })?;
        let Ok(reply) = replies.recv() else {
            // Declarations of the other side may still be on their way.
            std::thread::sleep(Duration::from_millis(20));
            continue;
        };
        let Ok(sample) = reply.result() else {
            return Ok(None);
        };
        let text = String::from_utf8_lossy(&sample.payload().to_bytes()).into_owned();
        let lockstep = sample
            .attachment()
            .is_some_and(|mode| *mode.to_bytes() == *b"lockstep");
        let description = RobotDescription::parse(&text, &format!("of robot {robot}"))
            .map_err(LinkError::from)?;
        return Ok(Some((description, lockstep)));
    }
    Ok(None)
}
