//! Tells the agent that a robot has something new.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How often the agent looks. Whoever sets it asks the system for nothing, so that nobody can be woken.
const LOOKS: Duration = Duration::from_millis(1);

#[derive(Default)]
pub(super) struct WakeFlag(AtomicBool);

impl WakeFlag {
    pub fn set(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    pub fn wait(&self, patience: Duration) {
        let since = Instant::now();
        while !self.0.swap(false, Ordering::SeqCst) && since.elapsed() < patience {
            std::thread::sleep(LOOKS);
        }
    }
}
