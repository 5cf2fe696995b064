//! Looking at what came: waiting for it, judging its age, and saying what is missing and why.

use super::{Expected, Freshness, Inbox, Received};
use crate::LinkError;
use apprentice_core::{Observation, RobotState};
use std::sync::{PoisonError, TryLockError};
use std::time::{Duration, Instant};

/// After something was left out, what was asked for is waited for no longer than this.
const LEFT_OUT_PATIENCE: Duration = Duration::from_millis(500);

impl Inbox {
    /// The newest state and, when wanted, frames. The first of each is waited for, no longer than it may
    /// be old.
    ///
    /// # Errors
    /// When nothing that can be used has come, or is older than `within`: what was left out is said.
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
            if let Some((newest, age)) = seen.state.look()
                && age <= within.state
            {
                state.copy_from(newest);
                return Ok(true);
            }
        }
        *state = self.latest(false, within)?.state;
        Ok(true)
    }

    /// The state number `state` or a later one, and frames of at least these numbers: as many cameras as
    /// there are numbers.
    ///
    /// # Errors
    /// When they do not come within `patience`, or had to be left out.
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

    /// Everything wanted, once `ready` says so of the number and age of each; its errors end the wait. In
    /// lockstep nothing comes that was not asked for: what was left out is not waited for long.
    fn gather(
        &self,
        want_frames: bool,
        patience: Duration,
        ready: impl Fn(Option<(u64, Duration)>, &str, Kind) -> Result<bool, LinkError>,
    ) -> Result<Observation, LinkError> {
        let began = Instant::now();
        let mut seen = self.lock();
        loop {
            let mut missing = None;
            let state = seen.state.look();
            let about = state.map(|(m, age)| (m.sequence, age));
            if !ready(about, &self.state_key, Kind::State)
                .map_err(|e| self.explain(e, &seen, Kind::State))?
            {
                missing = Some((&self.state_key, Kind::State));
            }
            let mut frames = Vec::new();
            let wanted = if want_frames { &seen.frames[..] } else { &[] };
            for (i, (slot, Expected { key, .. })) in wanted.iter().zip(&self.cameras).enumerate() {
                if missing.is_some() {
                    break;
                }
                let frame = slot.look();
                let about = frame.map(|(m, age)| (m.sequence, age));
                let kind = Kind::Frame(i, slot.unchanged());
                if ready(about, key, kind).map_err(|e| self.explain(e, &seen, kind))? {
                    frames.extend(frame.map(|(m, _)| m.clone()));
                } else {
                    missing = Some((key, kind));
                }
            }
            let (key, kind) = match (state, missing) {
                (Some((state, _)), None) => {
                    let state = state.clone();
                    return Ok(Observation { state, frames });
                }
                (_, missing) => missing.unwrap_or((&self.state_key, Kind::State)),
            };
            let rejected = seen.requested_ns.is_some() && self.left_out_of(&seen, kind).is_some();
            let patience = if rejected {
                patience.min(LEFT_OUT_PATIENCE)
            } else {
                patience
            };
            let waited = began.elapsed();
            if waited >= patience {
                let silent = LinkError::Silent {
                    robot: self.robot.clone(),
                    key: key.clone(),
                    timeout_ms: patience.as_millis() as u64,
                };
                return Err(self.explain(silent, &seen, kind));
            }
            seen = self
                .changed
                .wait_timeout(seen, patience - waited)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// What was left out on this key since the newest that was taken.
    fn left_out_of(&self, seen: &Received, what: Kind) -> Option<String> {
        let joints = seen.judge.joints();
        match what {
            Kind::State => seen.state.rejected.describe(joints).or_else(|| {
                let (got, wanted, ms) = seen.judge.pending()?;
                Some(format!(
                    "{got} joint states that agree with each other; the first is believed after {wanted} of them over {ms} ms"
                ))
            }),
            Kind::Frame(i, _) => seen.frames.get(i)?.rejected.describe(joints),
        }
    }

    /// Says of silence what broke it and was left out.
    fn explain(&self, error: LinkError, seen: &Received, what: Kind) -> LinkError {
        let (key, silent_ms, allowed_ms) = match &error {
            LinkError::Silent {
                key, timeout_ms, ..
            } => (key, *timeout_ms, *timeout_ms),
            LinkError::Stale {
                key,
                age_ms,
                allowed_ms,
                ..
            } => (key, *age_ms, *allowed_ms),
            _ => return error,
        };
        match self.left_out_of(seen, what) {
            Some(rejected) => LinkError::Rejected {
                robot: self.robot.clone(),
                key: key.clone(),
                silent_ms,
                allowed_ms,
                rejected,
            },
            None => error,
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
