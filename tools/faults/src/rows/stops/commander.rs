//! Commands of an arm's owner that go on whatever the arm says.

use crate::intruder::Intruder;
use anyhow::Result;
use apprentice_core::JointCommand;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::Duration;

/// Between two commands.
const PERIOD: Duration = Duration::from_millis(20);
/// How far the first joint is moved, rad, and how fast it goes there and back, rad/s of the sine.
const SWAY: (f64, f64) = (0.5, 4.0);

/// Moves the first joint from side to side until dropped.
pub struct Commander {
    paused: Arc<AtomicBool>,
    end: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Commander {
    /// Under the number of `client`, from these joints; `once` to go there and stay.
    pub fn start(by: Intruder, client: u32, from: Vec<f64>, once: bool) -> Result<Self> {
        let (paused, end) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new(AtomicBool::new(false)),
        );
        let (pauses, ended) = (Arc::clone(&paused), Arc::clone(&end));
        let thread = std::thread::Builder::new()
            .name("commands".into())
            .spawn(move || {
                let mut sequence = 0;
                while !ended.load(Relaxed) {
                    std::thread::sleep(PERIOD);
                    if pauses.load(Relaxed) {
                        continue;
                    }
                    sequence += 1;
                    let turn = sequence as f64 * PERIOD.as_secs_f64() * SWAY.1;
                    let turn = if once {
                        turn.min(std::f64::consts::PI)
                    } else {
                        turn
                    };
                    let mut positions = from.clone();
                    if let Some(first) = positions.first_mut() {
                        *first += 0.5 * SWAY.0 * (1.0 - turn.cos());
                    }
                    let command = JointCommand {
                        sequence,
                        stamp_ns: 0,
                        positions,
                        gripper_width: 0.04,
                    };
                    if let Err(error) = by.command(client, &command) {
                        println!("commands end: {error:#}");
                        return;
                    }
                }
            })?;
        Ok(Self {
            paused,
            end,
            thread: Some(thread),
        })
    }

    /// Falls silent.
    pub fn pause(&self) {
        self.paused.store(true, Relaxed);
    }

    /// Speaks again.
    pub fn go_on(&self) {
        self.paused.store(false, Relaxed);
    }
}

impl Drop for Commander {
    fn drop(&mut self) {
        self.end.store(true, Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic of its thread was printed.
            let _ = thread.join();
        }
    }
}
