//! What requests share.

use crate::board::Board;
use crate::clip::{Clip, Clips};
use crate::entrance::Entrance;
use crate::live::Live;
use crate::material::Recorded;
use crate::questions::Asked;
use crate::refusal::Refusal;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What requests share.
pub(crate) struct Shared {
    pub board: Arc<Mutex<Board>>,
    pub clips: Clips,
    pub entrance: Entrance,
    pub live: Option<Arc<Live>>,
}

impl Shared {
    pub fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The episode of a column, from 1.
    ///
    /// # Errors
    /// When there is none.
    pub fn recorded(&self, asked: &Asked, column: usize) -> Result<Recorded, Refusal> {
        let id = column.checked_sub(1).and_then(|i| asked.columns.get(i));
        let id = id.ok_or_else(|| Refusal::unknown("there is no such column"))?;
        let board = self.board();
        let mut episodes = board.material.episodes.iter();
        let recorded = episodes.find(|e| e.id == *id).cloned();
        recorded.ok_or_else(|| Refusal::broken("an episode is not in the list"))
    }

    /// The clip of a column, from 1.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub fn clip(&self, asked: &Asked, column: usize) -> Result<Arc<Clip>, Refusal> {
        self.clips.get(&self.recorded(asked, column)?)
    }

    /// The clips of a question, read at once where they are not ready.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn clips_of(&self, asked: &Asked) -> Result<Vec<Arc<Clip>>, Refusal> {
        // At once: most of it is decoding pictures.
        std::thread::scope(|threads| {
            let columns = 1..=asked.columns.len();
            let reading: Vec<_> = columns
                .map(|column| threads.spawn(move || self.clip(asked, column)))
                .collect();
            reading
                .into_iter()
                .map(|r| {
                    r.join()
                        .unwrap_or_else(|_| Err(Refusal::broken("a clip could not be read")))
                })
                .collect()
        })
    }
}
