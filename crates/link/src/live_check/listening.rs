//! What a driver published while it was listened to.

use crate::error::key_error;
use crate::keys::Keys;
use crate::wire::{self, Status};
use crate::{LinkError, wire::Problem};
use apprentice_core::RobotState;
use apprentice_robot::RobotDescription;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use zenoh::pubsub::Subscriber;
use zenoh::{Session, Wait as _};

/// Most messages that are kept of a key.
const MOST: usize = 20_000;

/// A message, when it came, and how long it was.
pub(super) struct Heard<T> {
    pub at: Instant,
    pub bytes: usize,
    pub message: Result<T, Problem>,
}

/// Number, stamp (ns), width and height (pixels) of a frame.
pub(super) type FrameHead = (u64, u64, u32, u32);

/// Everything that came.
#[derive(Default)]
pub(super) struct Log {
    pub states: Vec<Heard<RobotState>>,
    pub frames: Vec<Vec<Heard<FrameHead>>>,
    pub statuses: Vec<Heard<Status>>,
}

/// What came, shared with zenoh's threads.
#[derive(Clone, Default)]
pub(super) struct SharedLog(Arc<Mutex<Log>>);

impl SharedLog {
    pub fn lock(&self) -> MutexGuard<'_, Log> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets states and frames; the last status still holds.
    pub fn clear(&self) {
        let mut log = self.lock();
        log.states.clear();
        log.frames.iter_mut().for_each(Vec::clear);
    }
}

fn keep<T>(list: &mut Vec<Heard<T>>, bytes: usize, message: Result<T, Problem>) {
    if list.len() < MOST {
        list.push(Heard {
            at: Instant::now(),
            bytes,
            message,
        });
    }
}

/// Takes what one message holds.
type Take = Box<dyn Fn(&[u8]) + Send + Sync>;

/// Listens to all that the robot publishes.
pub(super) fn listen(
    session: &Session,
    keys: &Keys,
    robot: &RobotDescription,
    log: &SharedLog,
) -> Result<Vec<Subscriber<()>>, LinkError> {
    log.lock().frames = robot.cameras.iter().map(|_| Vec::new()).collect();
    let subscribe = |key: String, take: Take| {
        session
            .declare_subscriber(key.clone())
            .callback(move |sample| take(&sample.payload().to_bytes()))
            .wait()
            .map_err(|e| key_error(&key, &e))
    };
    let to = log.clone();
    let state = move |bytes: &[u8]| {
        let state = wire::decode_state(bytes);
        keep(&mut to.lock().states, bytes.len(), state);
    };
    let to = log.clone();
    let status = move |bytes: &[u8]| {
        let status = wire::decode_status(bytes);
        keep(&mut to.lock().statuses, bytes.len(), status);
    };
    let mut all = vec![
        subscribe(keys.state(), Box::new(state))?,
        subscribe(keys.status(), Box::new(status))?,
    ];
    for (index, camera) in robot.cameras.iter().enumerate() {
        let to = log.clone();
        let frame = move |bytes: &[u8]| {
            let head = wire::decode_frame(bytes).map(|f| {
                let image = (f.image.width(), f.image.height());
                (f.sequence, f.stamp_ns, image.0, image.1)
            });
            if let Some(list) = to.lock().frames.get_mut(index) {
                keep(list, bytes.len(), head);
            }
        };
        all.push(subscribe(keys.camera(&camera.name), Box::new(frame))?);
    }
    Ok(all)
}
