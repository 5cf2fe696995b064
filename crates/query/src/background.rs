//! Learning beside the person who answers: nobody waits for it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// Works on the newest of what it is given, on a thread of its own. What it is given while it works replaces what waits.
///
/// ```
/// let doubled = apprentice_query::Background::start(|number: u32, _| Some(number * 2));
/// doubled.give(21);
/// while doubled.newest().is_none() {
///     std::thread::yield_now();
/// }
/// assert_eq!(doubled.newest().as_deref(), Some(&42));
/// ```
#[derive(Debug)]
pub struct Background<Given, Made> {
    shared: Arc<Shared<Given, Made>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared<Given, Made> {
    state: Mutex<State<Given, Made>>,
    changed: Condvar,
    stop: AtomicBool,
}

#[derive(Debug)]
struct State<Given, Made> {
    waiting: Option<Given>,
    working: bool,
    newest: Option<Arc<Made>>,
}

impl<Given, Made> Shared<Given, Made> {
    fn state(&self) -> MutexGuard<'_, State<Given, Made>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<Given: Send + 'static, Made: Send + Sync + 'static> Background<Given, Made> {
    /// Starts the thread. `work` is told when to stop, and answers `None` where nothing came of it: the newest then
    /// stays what it was.
    pub fn start(
        mut work: impl FnMut(Given, &AtomicBool) -> Option<Made> + Send + 'static,
    ) -> Self {
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                waiting: None,
                working: false,
                newest: None,
            }),
            changed: Condvar::new(),
            stop: AtomicBool::new(false),
        });
        let of_thread = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            let shared = of_thread;
            loop {
                let mut state = shared.state();
                let given = loop {
                    if shared.stop.load(Ordering::Relaxed) {
                        return;
                    }
                    if let Some(given) = state.waiting.take() {
                        break given;
                    }
                    state = shared
                        .changed
                        .wait(state)
                        .unwrap_or_else(PoisonError::into_inner);
                };
                state.working = true;
                drop(state);
                let made = work(given, &shared.stop);
                let mut state = shared.state();
                state.working = false;
                if let Some(made) = made {
                    state.newest = Some(Arc::new(made));
                }
            }
        });
        Self {
            shared,
            thread: Some(thread),
        }
    }

    /// Gives it something newer to work on; returns at once.
    pub fn give(&self, given: Given) {
        self.shared.state().waiting = Some(given);
        self.shared.changed.notify_one();
    }

    /// The newest that was made, without waiting.
    #[must_use]
    pub fn newest(&self) -> Option<Arc<Made>> {
        self.shared.state().newest.clone()
    }

    /// Whether it works or has something to work on.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        let state = self.shared.state();
        state.working || state.waiting.is_some()
    }
}

impl<Given, Made> Drop for Background<Given, Made> {
    /// Tells the thread to stop, and waits until its work has noticed.
    fn drop(&mut self) {
        // Under the lock: between its look at the flag and its wait the thread would miss it.
        let state = self.shared.state();
        self.shared.stop.store(true, Ordering::Relaxed);
        drop(state);
        self.shared.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            // What it panicked of was said; there is nothing to be done here.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    /// Waits for at most 10 s.
    fn until(what: &str, holds: impl Fn() -> bool) {
        let start = Instant::now();
        while !holds() {
            assert!(
                start.elapsed() < Duration::from_secs(10),
                "{what} did not come"
            );
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn nobody_waits_and_the_newest_wins() {
        let go = Arc::new(AtomicBool::new(false));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (may, list) = (Arc::clone(&go), Arc::clone(&seen));
        let background = Background::start(move |n: u32, stop| {
            list.lock().unwrap().push(n);
            while !may.load(Ordering::Relaxed) && !stop.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(1));
            }
            (n != 4).then_some(n * 10)
        });
        background.give(1);
        until("the first", || seen.lock().unwrap().len() == 1);
        // It works: these return at once, and only the last is done.
        background.give(2);
        background.give(3);
        assert!(background.is_busy() && background.newest().is_none());
        go.store(true, Ordering::Relaxed);
        until("the last", || background.newest().as_deref() == Some(&30));
        assert_eq!(*seen.lock().unwrap(), [1, 3]);
        // What comes to nothing leaves the newest as it was.
        background.give(4);
        until("rest", || !background.is_busy());
        assert_eq!(background.newest().as_deref(), Some(&30));
    }

    #[test]
    fn it_ends_in_the_middle_of_its_work() {
        let background = Background::start(|(): (), stop: &AtomicBool| {
            while !stop.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(1));
            }
            Some(())
        });
        background.give(());
        until("work", || background.is_busy());
        drop(background);
    }
}
