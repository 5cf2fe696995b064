//! What the page knows of the robot, for those who ask.

use super::asking::Asking;
use super::moments::{Moment, Moments, Said};
use super::settings::LiveRobot;
use super::shown::Shown;
use crate::board::Board;
use crate::clip::png_of;
use crate::refusal::Refusal;
use apprentice_link::{Arm as _, Freshness, RobotLink};
use axum::body::Bytes;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How old what a camera shows may be.
const PICTURE: Freshness = Freshness {
    state: Duration::from_secs(2),
    frame: Duration::from_secs(2),
};

/// What the page knows of the robot, for those who ask.
pub(crate) struct Live {
    pub settings: LiveRobot,
    shown: Mutex<Shown>,
    robot: Mutex<Option<Arc<RobotLink>>>,
    wishes: Mutex<Sender<Asking>>,
    moments: Mutex<Moments>,
    pictures: Mutex<BTreeMap<usize, (u64, Bytes)>>,
    ending: AtomicBool,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Live {
    /// One that knows nothing yet; what people ask for goes to `wishes`.
    pub fn new(settings: LiveRobot, moments: Moments, wishes: Sender<Asking>) -> Self {
        Self {
            shown: Mutex::new(Shown::nothing(&settings)),
            settings,
            robot: Mutex::default(),
            wishes: Mutex::new(wishes),
            moments: Mutex::new(moments),
            pictures: Mutex::default(),
            ending: AtomicBool::new(false),
        }
    }

    /// Has those that work for it end.
    pub fn end(&self) {
        self.ending.store(true, Relaxed);
    }
    pub fn is_ending(&self) -> bool {
        self.ending.load(Relaxed)
    }

    pub fn shown(&self) -> MutexGuard<'_, Shown> {
        locked(&self.shown)
    }

    pub fn set_robot(&self, robot: Option<Arc<RobotLink>>) {
        *locked(&self.robot) = robot;
    }

    /// Passes a wish on to whoever speaks with the robot; answered at once.
    ///
    /// # Errors
    /// When nobody does.
    pub fn ask(&self, asking: Asking) -> Result<(), Refusal> {
        let robot = &self.settings.robot;
        if locked(&self.robot).is_none() {
            return Err(Refusal::broken(format!(
                "robot {robot} is not reached from here; use its emergency stop if it moves"
            )));
        }
        self.shown().asked(asking);
        let sent = locked(&self.wishes).send(asking);
        sent.map_err(|_| {
            Refusal::broken("nobody speaks with the robot any more; use its emergency stop")
        })
    }

    /// Keeps what somebody says at this moment, on the disk before it answers. Whether it was there before.
    ///
    /// # Errors
    /// When there is no episode to say it of, or the disk refuses.
    pub fn say(&self, said: Said, who: String, now_unix_ms: u64) -> Result<bool, Refusal> {
        let moment = {
            let shown = self.shown();
            Moment::of(said, who, shown.episode(), now_unix_ms)?
        };
        locked(&self.moments).keep(moment)
    }

    /// What was said and waits for its episode.
    pub fn waiting(&self) -> usize {
        locked(&self.moments).waiting()
    }

    pub fn keep_moments(&self, board: &Mutex<Board>) {
        while !self.is_ending() {
            let running = self.shown().running().map(str::to_owned);
            let settled = {
                let mut moments = locked(&self.moments);
                moments.settle(&mut locked(board), running.as_deref())
            };
            if let Err(refusal) = settled {
                tracing::warn!(
                    "what was said of an episode is not in the log yet: {}",
                    refusal.why
                );
            }
            for _ in 0..10 {
                if self.is_ending() {
                    return;
                }
                std::thread::sleep(Duration::from_millis(100));
            }
        }
    }

    /// The newest picture of a camera as a PNG, and its number.
    ///
    /// # Errors
    /// When there is no such camera, or no picture of it.
    pub fn picture(&self, camera: usize) -> Result<(u64, Bytes), Refusal> {
        let robot = locked(&self.robot).clone();
        let robot = robot.ok_or_else(|| Refusal::unknown("the robot is not reached"))?;
        if camera >= robot.description().cameras.len() {
            return Err(Refusal::unknown("there is no such camera"));
        }
        let observation = robot
            .latest(true, PICTURE)
            .map_err(|e| Refusal::unknown(apprentice_core::in_one_line(&e)))?;
        let frame = observation.frames.get(camera);
        let frame = frame.ok_or_else(|| Refusal::unknown("there is no such camera"))?;
        if let Some((sequence, bytes)) = locked(&self.pictures).get(&camera)
            && *sequence == frame.sequence
        {
            return Ok((*sequence, bytes.clone()));
        }
        // Not while the lock is held: others look at other cameras.
        let bytes = png_of(&frame.image).map_err(|e| Refusal::broken(e.to_string()))?;
        let bytes = Bytes::from(bytes);
        locked(&self.pictures).insert(camera, (frame.sequence, bytes.clone()));
        Ok((frame.sequence, bytes))
    }
}
