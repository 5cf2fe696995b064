//! The robot at work: what the page shows of it, and what people may ask of it.
//!
//! The page is one more client of the link. Nothing here is waited for by whoever drives the robot, and what a browser
//! does not fetch is not sent.

mod asking;
mod known;
mod moments;
mod motion;
mod settings;
mod shown;
mod watching;

pub(crate) use asking::Asking;
pub(crate) use known::Live;
pub(crate) use moments::Said;
pub use settings::LiveRobot;

use crate::board::Board;
use crate::error::PageError;
use moments::Moments;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// The robot on the page while this lives.
pub(crate) struct Watch {
    live: Arc<Live>,
    threads: Vec<JoinHandle<()>>,
}

impl Watch {
    /// Begins to look at the robot, whether or not it is there yet. Moments go to `board` once their episode is kept.
    ///
    /// # Errors
    /// When what was said before cannot be read, or there are no threads.
    pub fn start(settings: LiveRobot, board: &Arc<Mutex<Board>>) -> Result<Self, PageError> {
        let moments = Moments::open(&settings.moments, &settings.root)?;
        let (wishes, wanted) = channel();
        let live = Arc::new(Live::new(settings, moments, wishes));
        let spawn = |name: &str, work: Box<dyn FnOnce() + Send>| {
            let named = std::thread::Builder::new().name(name.into());
            named
                .spawn(work)
                .map_err(|e| PageError::System(e.to_string()))
        };
        let to = Arc::clone(&live);
        let watches = spawn(
            "page-robot",
            Box::new(move || watching::watch(&to, &wanted)),
        )?;
        let (from, board) = (Arc::clone(&live), Arc::clone(board));
        let keeps = spawn("page-moments", Box::new(move || from.keep_moments(&board)))?;
        Ok(Self {
            live,
            threads: vec![watches, keeps],
        })
    }

    pub fn live(&self) -> Arc<Live> {
        Arc::clone(&self.live)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.live.end();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}
