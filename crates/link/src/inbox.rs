//! The newest of what a robot publishes, and when it came: whatever brings it.

use crate::LinkError;
use apprentice_core::{CameraFrame, Observation, RobotState};
use apprentice_robot::RobotDescription;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How old the newest of what a robot in real time published may be when it is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freshness {
    /// Age of the joint state.
    pub state: Duration,
    /// Age of each camera's frame.
    pub frame: Duration,
}

/// The newest message of each kind from one robot; older ones are gone. Ages are measured by this
/// machine's monotonic clock from when a message came: stamps of other clocks decide nothing.
pub struct Inbox {
    robot: String,
    state_key: String,
    cameras: Vec<Expected>,
    joints: usize,
    seen: Mutex<Seen>,
    changed: Condvar,
}

/// What frames of a camera are like.
struct Expected {
    key: String,
    /// Width and height, pixels.
    size: (u32, u32),
    frozen_after: Option<Duration>,
    /// Memory of a frame that nobody looks at any more.
    spare: Mutex<Vec<u8>>,
}

/// What has come so far.
struct Seen {
    state: Slot<RobotState>,
    frames: Vec<Slot<CameraFrame>>,
}

/// The newest good message on a key, and what was wrong with one that came after it.
struct Slot<T> {
    newest: Option<(T, Instant)>,
    unread: Option<Unread>,
    /// When what the newest one shows was seen first.
    fresh_since: Option<Instant>,
    /// Messages that came after later ones.
    late: u64,
    /// The newest message before, until somebody takes it.
    replaced: Option<T>,
}

/// A sender that counts from the beginning again has been started anew if it was silent for so long.
const RESTART: Duration = Duration::from_millis(500);

/// A message that could not be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Unread {
    bytes: usize,
    reason: String,
}

/// What tells one message of a robot from the one before.
trait Numbered {
    /// Sequence and stamp (ns).
    fn number(&self) -> (u64, u64);
}

impl Numbered for RobotState {
    fn number(&self) -> (u64, u64) {
        (self.sequence, self.stamp_ns)
    }
}

impl Numbered for CameraFrame {
    fn number(&self) -> (u64, u64) {
        (self.sequence, self.stamp_ns)
    }
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self {
            newest: None,
            unread: None,
            fresh_since: None,
            late: 0,
            replaced: None,
        }
    }
}

impl<T: Numbered> Slot<T> {
    /// Takes a message over. One that says again what was said before is not news: a driver that
    /// hangs may repeat itself. One that was overtaken on the way is counted and left. Answers whether it is
    /// the first of several that cannot be read.
    fn take(&mut self, message: Result<T, Unread>, same: impl Fn(&T, &T) -> bool) -> bool {
        match message {
            Ok(message) => {
                self.unread = None;
                let now = Instant::now();
                match &self.newest {
                    Some((before, _)) if before.number() == message.number() => {}
                    Some((before, came))
                        if message.number().0 <= before.number().0
                            && now.duration_since(*came) < RESTART =>
                    {
                        self.late += 1;
                    }
                    newest => {
                        let same = newest.as_ref().is_some_and(|(b, _)| same(b, &message));
                        if !same || self.fresh_since.is_none() {
                            self.fresh_since = Some(now);
                        }
                        self.replaced = self.newest.replace((message, now)).map(|(b, _)| b);
                    }
                }
                false
            }
            Err(unread) => self.unread.replace(unread).is_none(),
        }
    }

    /// For how long the newest messages have shown the same, by when they came.
    fn unchanged(&self) -> Duration {
        match (&self.newest, self.fresh_since) {
            (Some((_, came)), Some(since)) => came.saturating_duration_since(since),
            _ => Duration::ZERO,
        }
    }

    /// The newest message and its age; what is wrong when what came last cannot be used.
    fn look(&self) -> Option<Result<(&T, Duration), &Unread>> {
        match (&self.unread, &self.newest) {
            (Some(unread), _) => Some(Err(unread)),
            (None, Some((message, came))) => Some(Ok((message, came.elapsed()))),
            (None, None) => None,
        }
    }
}

impl Inbox {
    /// Nothing yet, of the robot that is described. `camera_key` names where a camera's frames come
    /// from, `state_key` where joint states do; both are for errors.
    #[must_use]
    pub fn new(
        description: &RobotDescription,
        state_key: &str,
        camera_key: impl Fn(&str) -> String,
    ) -> Self {
        let cameras: Vec<_> = description
            .cameras
            .iter()
            .map(|c| Expected {
                key: camera_key(&c.name),
                size: (c.width, c.height),
                frozen_after: c.frozen_after_s.map(Duration::from_secs_f64),
                spare: Mutex::default(),
            })
            .collect();
        Self {
            robot: description.name.clone(),
            state_key: state_key.into(),
            joints: description.joints.len(),
            seen: Mutex::new(Seen {
                state: Slot::default(),
                frames: cameras.iter().map(|_| Slot::default()).collect(),
            }),
            cameras,
            changed: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes over a joint state from a message of so many bytes, or why it cannot be read. Never waits.
    pub fn put_state(&self, bytes: usize, state: Result<RobotState, String>) {
        let state = state.and_then(|state| {
            let got = state.positions.len();
            if got == self.joints {
                Ok(state)
            } else {
                Err(format!(
                    "it has {got} joints, the robot has {}",
                    self.joints
                ))
            }
        });
        // Joints that rest are the same for long.
        let differs = |_: &RobotState, _: &RobotState| false;
        self.tell(
            &self.state_key,
            state,
            bytes,
            |seen| Some(&mut seen.state),
            differs,
        );
    }

    /// Memory for the pixels of the next frame of a camera, if there is some to use again: pages that the
    /// system has to fetch anew for each frame cost more than copying it.
    pub(crate) fn spare(&self, index: usize) -> Vec<u8> {
        let camera = self.cameras.get(index);
        camera.map_or_else(Vec::new, |c| {
            std::mem::take(&mut *c.spare.lock().unwrap_or_else(PoisonError::into_inner))
        })
    }

    /// Takes over a frame of the camera at `index` of the description, or why it cannot be read. Never
    /// waits.
    pub fn put_frame(&self, index: usize, bytes: usize, frame: Result<CameraFrame, String>) {
        let Some(camera) = self.cameras.get(index) else {
            return;
        };
        let frame = frame.and_then(|frame| {
            let got = (frame.image.width(), frame.image.height());
            if got == camera.size {
                Ok(frame)
            } else {
                let ((w, h), (width, height)) = (got, camera.size);
                Err(format!("it is a picture of {w}x{h} pixels, the camera is described with {width}x{height}"))
            }
        });
        // Looking for frozen pictures takes time; only where it is asked for.
        let looks = camera.frozen_after.is_some();
        let same = |a: &CameraFrame, b: &CameraFrame| looks && a.image == b.image;
        let before = self.tell(
            &camera.key,
            frame,
            bytes,
            |seen| seen.frames.get_mut(index),
            same,
        );
        if let Some(rgb) = before.and_then(|b| b.image.into_memory()) {
            *camera.spare.lock().unwrap_or_else(PoisonError::into_inner) = rgb;
        }
    }

    fn tell<T: Numbered>(
        &self,
        key: &str,
        message: Result<T, String>,
        bytes: usize,
        slot: impl Fn(&mut Seen) -> Option<&mut Slot<T>>,
        same: impl Fn(&T, &T) -> bool,
    ) -> Option<T> {
        let problem = message.as_ref().err().cloned();
        let message = message.map_err(|reason| Unread { bytes, reason });
        let (first, before) = slot(&mut self.lock()).map_or((false, None), |s| {
            let first = s.take(message, same);
            (first, s.replaced.take())
        });
        self.changed.notify_all();
        if let (true, Some(problem)) = (first, problem) {
            tracing::warn!("a message on {key} cannot be used: {problem}");
        }
        before
    }

    /// The newest state and, when wanted, frames. The first of each is waited for, no longer than it may
    /// be old.
    ///
    /// # Errors
    /// When something has not come, is older than `within`, or cannot be used.
    pub fn latest(&self, want_frames: bool, within: Freshness) -> Result<Observation, LinkError> {
        let patience = if want_frames {
            within.state.max(within.frame)
        } else {
            within.state
        };
        self.gather(want_frames, patience, |slot, key, what| {
            let allowed = match what {
                Kind::State => within.state,
                Kind::Frame(..) => within.frame,
            };
            if let (Kind::Frame(_, unchanged), Some(limit)) = (what, self.frozen_after(what))
                && unchanged > limit
            {
                return Err(LinkError::Frozen {
                    robot: self.robot.clone(),
                    key: key.into(),
                    unchanged_ms: unchanged.as_millis() as u64,
                    allowed_ms: limit.as_millis() as u64,
                });
            }
            match slot {
                Some((_, age)) if age > allowed => Err(LinkError::Stale {
                    robot: self.robot.clone(),
                    key: key.into(),
                    age_ms: age.as_millis() as u64,
                    allowed_ms: allowed.as_millis() as u64,
                }),
                other => Ok(other.is_some()),
            }
        })
    }

    /// The state number `state` or a later one, and frames of at least these numbers: as many cameras as
    /// there are numbers.
    ///
    /// # Errors
    /// When they do not come within `patience`, or what came cannot be used.
    pub fn since(
        &self,
        state: u64,
        frames: &[u64],
        patience: Duration,
    ) -> Result<Observation, LinkError> {
        let mut observation = self.gather(!frames.is_empty(), patience, |slot, _, what| {
            let wanted = match what {
                Kind::State => state,
                Kind::Frame(i, _) => frames.get(i).copied().unwrap_or(0),
            };
            Ok(slot.is_some_and(|(sequence, _)| sequence >= wanted))
        })?;
        observation.frames.truncate(frames.len());
        Ok(observation)
    }

    fn frozen_after(&self, what: Kind) -> Option<Duration> {
        match what {
            Kind::State => None,
            Kind::Frame(i, _) => self.cameras.get(i)?.frozen_after,
        }
    }

    /// Messages that were left because later ones had come before.
    #[must_use]
    pub fn late(&self) -> u64 {
        let seen = self.lock();
        seen.state.late + seen.frames.iter().map(|f| f.late).sum::<u64>()
    }

    /// Everything wanted, once `ready` says so of the number and age of each; its errors end the wait.
    fn gather(
        &self,
        want_frames: bool,
        patience: Duration,
        ready: impl Fn(Option<(u64, Duration)>, &str, Kind) -> Result<bool, LinkError>,
    ) -> Result<Observation, LinkError> {
        let deadline = Instant::now() + patience;
        let mut seen = self.lock();
        loop {
            let mut missing = None;
            let state = look(&seen.state, &self.state_key)?;
            if !ready(
                state.map(|(m, age)| (m.sequence, age)),
                &self.state_key,
                Kind::State,
            )? {
                missing = Some(&self.state_key);
            }
            let mut frames = Vec::new();
            let wanted = if want_frames { &seen.frames[..] } else { &[] };
            for (i, (slot, Expected { key, .. })) in wanted.iter().zip(&self.cameras).enumerate() {
                if missing.is_some() {
                    break;
                }
                let frame = look(slot, key)?;
                if ready(
                    frame.map(|(m, age)| (m.sequence, age)),
                    key,
                    Kind::Frame(i, slot.unchanged()),
                )? {
                    frames.extend(frame.map(|(m, _)| m.clone()));
                } else {
                    missing = Some(key);
                }
            }
            let missing = match (state, missing) {
                (Some((state, _)), None) => {
                    let state = state.clone();
                    return Ok(Observation { state, frames });
                }
                (_, missing) => missing.unwrap_or(&self.state_key),
            };
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(LinkError::Silent {
                    robot: self.robot.clone(),
                    key: missing.clone(),
                    timeout_ms: patience.as_millis() as u64,
                });
            }
            seen = self
                .changed
                .wait_timeout(seen, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }
}

/// Which message is asked about.
#[derive(Clone, Copy)]
enum Kind {
    State,
    /// Of the camera at this index, whose pictures have been the same for so long.
    Frame(usize, Duration),
}

/// What lies in a slot, with its age; an error when what came last cannot be used.
fn look<'a, T: Numbered>(
    slot: &'a Slot<T>,
    key: &str,
) -> Result<Option<(&'a T, Duration)>, LinkError> {
    slot.look()
        .transpose()
        .map_err(|unread| LinkError::Message {
            key: key.into(),
            bytes: unread.bytes,
            reason: unread.reason.clone(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use apprentice_core::Image;

    fn state(sequence: u64) -> RobotState {
        RobotState {
            sequence,
            stamp_ns: sequence,
            positions: vec![0.0],
            velocities: vec![0.0],
            gripper_width: 0.0,
        }
    }

    #[test]
    fn what_is_repeated_grows_old_and_what_cannot_be_read_is_not_passed_over() {
        let mut slot = Slot::default();
        assert!(slot.look().is_none());
        slot.take(Ok(state(1)), |_, _| false);
        std::thread::sleep(Duration::from_millis(5));
        slot.take(Ok(state(1)), |_, _| false);
        let age = |slot: &Slot<RobotState>| slot.look().unwrap().unwrap().1;
        assert!(age(&slot) >= Duration::from_millis(5));
        let unread = Unread {
            bytes: 3,
            reason: "it is cut off".into(),
        };
        assert!(slot.take(Err(unread.clone()), |_, _| false));
        assert!(!slot.take(Err(unread.clone()), |_, _| false));
        assert_eq!(slot.look().unwrap().unwrap_err(), &unread);
        slot.take(Ok(state(2)), |_, _| false);
        assert_eq!(slot.look().unwrap().unwrap().0, &state(2));
    }

    #[test]
    fn what_was_overtaken_is_left_and_a_new_start_is_taken() {
        let mut slot = Slot::default();
        slot.take(Ok(state(5)), |_, _| false);
        slot.take(Ok(state(3)), |_, _| false);
        assert_eq!(
            (slot.look().unwrap().unwrap().0.sequence, slot.late),
            (5, 1)
        );
        std::thread::sleep(RESTART);
        slot.take(Ok(state(1)), |_, _| false);
        assert_eq!(slot.look().unwrap().unwrap().0.sequence, 1);
    }

    #[test]
    fn a_camera_that_repeats_its_picture_is_noticed() {
        let mut robot = RobotDescription::embedded("franka_fr3").unwrap();
        robot.cameras.truncate(1);
        let camera = &mut robot.cameras[0];
        (camera.width, camera.height, camera.frozen_after_s) = (2, 1, Some(0.03));
        let inbox = Inbox::new(&robot, "state", str::to_owned);
        let mut joints = state(1);
        joints.positions = robot.home.clone();
        joints.velocities = vec![0.0; 7];
        inbox.put_state(0, Ok(joints));
        let second = Duration::from_secs(1);
        let within = Freshness {
            state: second,
            frame: second,
        };
        for (sequence, grey, good) in [
            (1, 7, true),
            (2, 8, true),
            (3, 8, true),
            (4, 8, false),
            (5, 9, true),
        ] {
            let image = Image::new(2, 1, vec![grey; 6]).unwrap();
            inbox.put_frame(
                0,
                6,
                Ok(CameraFrame {
                    sequence,
                    stamp_ns: sequence,
                    image,
                }),
            );
            let seen = inbox.latest(true, within);
            assert_eq!(seen.is_ok(), good, "frame {sequence}: {seen:?}");
            if !good {
                assert!(matches!(seen, Err(LinkError::Frozen { .. })));
            }
            std::thread::sleep(Duration::from_millis(25));
        }
    }
}
