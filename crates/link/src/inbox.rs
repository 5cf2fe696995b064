//! The newest of what a robot publishes, and when it came: whatever brings it.

mod slot;

use crate::LinkError;
use apprentice_core::{CameraFrame, Observation, RobotState};
use apprentice_robot::RobotDescription;
use slot::{Numbered, Slot, Unread};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
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

    /// The newest state into `state`, which keeps its room: without allocating and without waiting. `false`,
    /// with `state` as it was, where a message is being taken over just now.
    ///
    /// # Errors
    /// As [`Inbox::latest`], which is asked where there is no state that will do.
    pub fn latest_state(
        &self,
        within: Freshness,
        state: &mut RobotState,
    ) -> Result<bool, LinkError> {
        {
            let seen = match self.seen.try_lock() {
                Ok(seen) => seen,
                Err(TryLockError::Poisoned(seen)) => seen.into_inner(),
                Err(TryLockError::WouldBlock) => return Ok(false),
            };
            if let Some(Ok((newest, age))) = seen.state.look()
                && age <= within.state
            {
                state.copy_from(newest);
                return Ok(true);
            }
        }
        *state = self.latest(false, within)?.state;
        Ok(true)
    }

    /// The newest state, however old; `None` before the first, and when what came last cannot be used.
    pub(crate) fn newest_state(&self) -> Option<RobotState> {
        let seen = self.lock();
        seen.state.look()?.ok().map(|(state, _)| state.clone())
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

    #[test]
    fn a_camera_that_repeats_its_picture_is_noticed() {
        let mut robot = RobotDescription::embedded("franka_fr3").unwrap();
        robot.cameras.truncate(1);
        let camera = &mut robot.cameras[0];
        (camera.width, camera.height, camera.frozen_after_s) = (2, 1, Some(0.03));
        let inbox = Inbox::new(&robot, "state", str::to_owned);
        let joints = RobotState {
            sequence: 1,
            stamp_ns: 1,
            positions: robot.home.clone(),
            velocities: vec![0.0; 7],
            gripper_width: 0.0,
        };
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
