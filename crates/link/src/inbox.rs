//! The newest of what a robot publishes, and when it came: whatever brings it.

mod joint_envelope;
mod latest;
mod optional_parts;
mod plausibility;
mod rejected;
mod slot;
#[cfg(test)]
mod tests;

use apprentice_core::{CameraFrame, RobotState};
use apprentice_robot::RobotDescription;
use plausibility::{PlausibilityCheck, Verdict};
use rejected::Problem;
pub use rejected::RejectedCounts;
use slot::{Arrival, Numbered, Slot};
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

/// What became of a joint state that was handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acceptance {
    /// The arm is there, or it was known before.
    Accepted,
    /// It may be there; a few more states have to agree before the first is accepted.
    Pending,
    /// It cannot be so, or cannot be read: counted, and nothing else.
    Rejected,
}

/// The newest message of each kind from one robot that can be used; older ones are gone, and what cannot be
/// used is counted and said once the newest is too old. Ages are measured by this machine's monotonic clock from
/// when a message came: stamps of other clocks make nothing newer.
///
/// A joint state is believed when a few agree, for a fifth of a second, and from then on as long as no joint is
/// beyond its limits by more than a margin or moves faster than it can, by this machine's clock and by the
/// stamps. While the arm is commanded ([`Inbox::set_commanding`]) nothing else is accepted, however long it is
/// repeated. While it is not, whoever contradicts what is believed takes that belief away, until states have
/// agreed for half a second; that is counted as a contradiction of the arm's only while it is commanded.
pub struct Inbox {
    robot: String,
    state_key: String,
    cameras: Vec<Expected>,
    began: Instant,
    seen: Mutex<Received>,
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

/// States in a row that were overtaken by others.
#[derive(Default)]
struct Overtaken(u32, Option<Instant>);

/// So many in a row, each within [`ROW`] of the one before, are no accident.
const MOST_OVERTAKEN: u32 = 5;
const ROW: Duration = Duration::from_millis(500);

impl Overtaken {
    fn is_going_on(&self) -> bool {
        self.1.is_some_and(|last| last.elapsed() < ROW)
    }

    fn note(&mut self) {
        self.0 = if self.is_going_on() { self.0 + 1 } else { 1 };
        self.1 = Some(Instant::now());
    }

    fn is_no_accident(&self) -> bool {
        self.0 >= MOST_OVERTAKEN && self.is_going_on()
    }
}

/// What has come so far.
struct Received {
    /// Whether a scene is being set up.
    scene_setup: bool,
    overtaken: Overtaken,
    state: Slot<RobotState>,
    /// Whether it was said which optional parts states have.
    parts_reported: bool,
    judge: PlausibilityCheck,
    /// Of a robot in lockstep: the time that was asked for, ns.
    requested_ns: Option<u64>,
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
            began: Instant::now(),
            seen: Mutex::new(Received {
                scene_setup: false,
                overtaken: Overtaken::default(),
                state: Slot::default(),
                parts_reported: false,
                judge: PlausibilityCheck::new(description),
                requested_ns: None,
                frames: cameras.iter().map(|_| Slot::default()).collect(),
            }),
            cameras,
            changed: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Received> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One whose robot's time passes only when it is asked for: what it says is judged by that time.
    #[must_use]
    pub(crate) fn in_lockstep(self) -> Self {
        {
            let mut seen = self.lock();
            seen.judge.set_lockstep();
            seen.requested_ns = Some(0);
        }
        self
    }

    /// The robot was asked to let so many nanoseconds pass.
    pub(crate) fn advance_requested(&self, duration_ns: u64) {
        if let Some(requested_ns) = &mut self.lock().requested_ns {
            *requested_ns = requested_ns.saturating_add(duration_ns);
        }
    }

    /// Whether commands are computed from what comes, from now on. While they are, an arm that is said to have
    /// jumped is not believed however long that goes on.
    pub fn set_commanding(&self, commanding: bool) {
        self.lock().judge.set_commanding(commanding);
    }

    /// Whether it was set.
    #[must_use]
    pub fn is_commanding(&self) -> bool {
        self.lock().judge.is_commanding()
    }

    /// The arm may be anywhere now, such as after a scene was set up: what came before counts no more.
    pub fn restart(&self) {
        let mut seen = self.lock();
        seen.judge.restart();
        seen.state.clear();
    }

    /// A scene is being set up: until that is over the arm may be anywhere at any time, and what it says is no
    /// contradiction of what it said before.
    pub fn scene_setup(&self, begins: bool) {
        self.lock().scene_setup = begins;
        self.restart();
    }

    /// Takes over a joint state from a message of so many bytes, or why it cannot be read. Never waits.
    pub fn put_state(&self, bytes: usize, state: Result<RobotState, String>) -> Acceptance {
        self.put_state_of(bytes, state, Instant::now())
    }

    /// As [`Inbox::put_state`], of joints that were all heard of at `came` or later.
    pub fn put_state_of(
        &self,
        bytes: usize,
        state: Result<RobotState, String>,
        came: Instant,
    ) -> Acceptance {
        let mut state = match state {
            Ok(state) => state,
            Err(reason) => return self.leave_out_state(unreadable(reason, bytes)),
        };
        let now_ns = u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let mut seen = self.lock();
        let seen = &mut *seen;
        match seen.state.place(&state) {
            Arrival::Repeated => return Acceptance::Accepted,
            Arrival::Late => {
                seen.state.late += 1;
                seen.overtaken.note();
                if !seen.overtaken.is_no_accident() {
                    return Acceptance::Rejected;
                }
            }
            Arrival::New => {}
        }
        // States that are all overtaken are not late: two programs count, and neither is accepted.
        if seen.overtaken.is_no_accident() {
            let problem = Problem::Sender(
                "states come with numbers of two counts: two programs publish here".into(),
            );
            return self.reject(&mut seen.state, &seen.judge, &self.state_key, problem);
        }
        for problem in optional_parts::remove_unusable(&mut state) {
            if let Some(text) = seen.state.rejected.add_part(&problem) {
                let (robot, key) = (&self.robot, &self.state_key);
                tracing::warn!("robot {robot}: what came on {key} is used without a part: {text}");
            }
        }
        match seen
            .judge
            .judge(&state, seen.requested_ns.unwrap_or(now_ns))
        {
            Verdict::Accepted => {
                if !std::mem::replace(&mut seen.parts_reported, true) {
                    optional_parts::report(&self.robot, &state);
                }
                // Joints that rest are the same for long.
                seen.state.take(state, came, |_, _| false);
                self.changed.notify_all();
                Acceptance::Accepted
            }
            Verdict::Pending => Acceptance::Pending,
            Verdict::Rejected(_) if seen.scene_setup => {
                seen.judge.restart();
                seen.state.clear();
                Acceptance::Pending
            }
            Verdict::Rejected(problem) => {
                if !seen.judge.has_accepted() {
                    seen.state.withdraw();
                }
                // While nobody drives it, whoever set up a scene may have put the arm elsewhere: no fault, and the states
                // to come have to agree anew before anybody may drive.
                if problem.is_elsewhere() && !seen.judge.is_commanding() {
                    seen.state.rejected.note(problem);
                    self.changed.notify_all();
                    return Acceptance::Rejected;
                }
                self.reject(&mut seen.state, &seen.judge, &self.state_key, problem)
            }
        }
    }

    /// Leaves out a joint state because another sender's are believed; `who` says which.
    pub fn put_other_sender(&self, who: String) -> Acceptance {
        self.leave_out_state(Problem::Sender(who))
    }

    fn leave_out_state(&self, problem: Problem) -> Acceptance {
        let mut seen = self.lock();
        let seen = &mut *seen;
        self.reject(&mut seen.state, &seen.judge, &self.state_key, problem)
    }

    /// Counts what is left out, and says so now and then.
    fn reject<T: Numbered>(
        &self,
        slot: &mut Slot<T>,
        judge: &PlausibilityCheck,
        key: &str,
        problem: Problem,
    ) -> Acceptance {
        if slot.reject(problem)
            && let Some(text) = slot.rejected.describe(judge.joints())
        {
            let robot = &self.robot;
            tracing::warn!("robot {robot}: left out what came on {key}: {text}");
        }
        self.changed.notify_all();
        Acceptance::Rejected
    }

    /// What was left out in all, by reason.
    #[must_use]
    pub fn rejected(&self) -> RejectedCounts {
        let seen = self.lock();
        let mut counts = seen.state.rejected.total;
        let frames = seen.frames.iter();
        frames.for_each(|f| counts.merge(&f.rejected.total));
        counts
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
        let before = {
            let mut seen = self.lock();
            let seen = &mut *seen;
            let Some(slot) = seen.frames.get_mut(index) else {
                return;
            };
            match frame {
                Ok(frame) => slot.take(frame, Instant::now(), same),
                Err(reason) => {
                    let problem = unreadable(reason, bytes);
                    self.reject(slot, &seen.judge, &camera.key, problem);
                }
            }
            slot.replaced.take()
        };
        self.changed.notify_all();
        if let Some(rgb) = before.and_then(|b| b.image.into_memory()) {
            *camera.spare.lock().unwrap_or_else(PoisonError::into_inner) = rgb;
        }
    }

    /// The newest state that can be used, however old; `None` before the first.
    pub(crate) fn newest_state(&self) -> Option<RobotState> {
        let seen = self.lock();
        seen.state.look().map(|(state, _)| state.clone())
    }

    /// Messages that were left because later ones had come before.
    #[must_use]
    pub fn late(&self) -> u64 {
        let seen = self.lock();
        seen.state.late + seen.frames.iter().map(|f| f.late).sum::<u64>()
    }
}

fn unreadable(reason: String, bytes: usize) -> Problem {
    Problem::Unreadable(format!("{reason} (a message of {bytes} bytes)"))
}
