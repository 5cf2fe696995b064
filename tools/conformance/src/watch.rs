//! A look at what a node publishes that goes past the adapter.

use apprentice_adapter::franka_node::wire::{Phase, State, decode_state};
use std::error::Error;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};
use zenoh::{Config, Session, Wait as _};

/// States, and when each came.
type Seen = Vec<(Instant, State)>;

/// Every state of an arm as it comes, with when it came.
pub struct Watch {
    seen: Arc<(Mutex<Seen>, Condvar)>,
    _session: Session,
}

/// A session of a peer that only connects.
///
/// # Errors
/// When nothing listens at `endpoint`.
pub fn session(endpoint: &str) -> Result<Session, Box<dyn Error>> {
    let mut config = Config::default();
    for (key, value) in [
        ("mode", "\"peer\"".to_owned()),
        ("scouting/multicast/enabled", "false".to_owned()),
        ("scouting/gossip/enabled", "false".to_owned()),
        ("listen/endpoints", "[]".to_owned()),
        ("connect/endpoints", format!("[{endpoint:?}]")),
        ("connect/timeout_ms", "5000".to_owned()),
        ("connect/exit_on_failure", "true".to_owned()),
    ] {
        config
            .insert_json5(key, &value)
            .map_err(|e| format!("{key}: {e}"))?;
    }
    Ok(zenoh::open(config)
        .wait()
        .map_err(|e| format!("{endpoint}: {e}"))?)
}

impl Watch {
    /// Watches `arm`.
    ///
    /// # Errors
    /// When nothing listens at `endpoint`.
    pub fn new(endpoint: &str, arm: &str) -> Result<Self, Box<dyn Error>> {
        let session = session(endpoint)?;
        let seen = Arc::new((Mutex::new(Vec::new()), Condvar::new()));
        let to = Arc::clone(&seen);
        session
            .declare_subscriber(format!("franka/{arm}/state"))
            .callback(
                move |sample| match decode_state(&sample.payload().to_bytes()) {
                    Ok(state) => {
                        let (all, changed) = &*to;
                        let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
                        all.push((Instant::now(), state));
                        changed.notify_all();
                    }
                    Err(problem) => eprintln!("a state that cannot be read: {problem}"),
                },
            )
            .background()
            .wait()
            .map_err(|e| e.to_string())?;
        Ok(Self {
            seen,
            _session: session,
        })
    }

    /// All states since it was asked last.
    #[must_use]
    pub fn take(&self) -> Seen {
        std::mem::take(&mut *self.seen.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits for a state that came at or after `since` for which `so` holds; it and those before it stay.
    ///
    /// # Errors
    /// When none comes in time; says what came last.
    pub fn until(
        &self,
        what: &str,
        since: Instant,
        patience: Duration,
        so: impl Fn(&State) -> bool,
    ) -> Result<(Instant, State), Box<dyn Error>> {
        let deadline = Instant::now() + patience;
        let (all, changed) = &*self.seen;
        let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let found = all.iter().find(|(came, state)| *came >= since && so(state));
            if let Some(found) = found {
                return Ok(found.clone());
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let last = all.last().map_or("nothing".to_owned(), |(_, s)| {
                    format!(
                        "{}, holding {}, {} accepted, {} refused, {} dropped",
                        s.phase.name(),
                        s.holding,
                        s.accepted,
                        s.refused,
                        s.dropped
                    )
                });
                return Err(format!(
                    "{what} did not come within {} ms; the last state: {last}",
                    patience.as_millis()
                )
                .into());
            }
            all = changed
                .wait_timeout(all, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// The state now: the next one to come.
    ///
    /// # Errors
    /// When none comes.
    pub fn now(&self) -> Result<State, Box<dyn Error>> {
        self.until("a state", Instant::now(), Duration::from_secs(8), |_| true)
            .map(|(_, s)| s)
    }
}

/// Whether an arm was stopped by its own controller.
#[must_use]
pub fn is_reflex(state: &State) -> bool {
    use apprentice_adapter::franka_node::wire::RobotMode;
    state.phase == Phase::Faulted || state.robot_mode == RobotMode::Reflex || state.has_errors
}
