//! What an agent has decided, put together with what it decided before.

use crate::chunking::Blending;
use crate::ensemble::{ACT_DECAY, Ensemble};
use apprentice_core::{ActionChunk, PreviousChunk};

/// A chunk as it is executed. Never changes: who plans and who executes share it.
#[derive(Debug)]
pub(crate) struct ScheduledChunk {
    chunk: ActionChunk,
    /// What is executed, and recorded, instead of each action where chunks are averaged.
    averaged: Vec<Option<Vec<f32>>>,
}

impl ScheduledChunk {
    /// The tick its first action is meant for.
    pub fn from(&self) -> u64 {
        self.chunk.observed().tick
    }

    /// The place of a tick, where the chunk reaches it or ends right before it.
    fn place(&self, tick: u64) -> Option<usize> {
        let place = usize::try_from(tick.checked_sub(self.from())?).ok()?;
        (place <= self.chunk.len()).then_some(place)
    }

    /// How many actions there are from a tick on.
    pub fn remaining(&self, tick: u64) -> usize {
        self.place(tick).map_or(0, |p| self.chunk.len() - p)
    }

    /// The actions to record from a tick on, as they were decided.
    pub fn recorded_from(&self, tick: u64) -> impl Iterator<Item = &[f32]> {
        let from = self.place(tick).unwrap_or(self.chunk.len());
        (from..self.chunk.len()).filter_map(|place| self.chunk.recorded(place))
    }

    /// What is to be executed at a tick, then what is to be recorded.
    pub fn at(&self, tick: u64) -> Option<(&[f32], &[f32])> {
        let place = self.place(tick)?;
        let decided = (self.chunk.executed(place)?, self.chunk.recorded(place)?);
        Some(match self.averaged.get(place) {
            Some(Some(mean)) => (mean, mean),
            _ => decided,
        })
    }

    /// What to tell the agent that decides at `tick` of this chunk, if any of it is left: a decision is expected
    /// to take `delay` ticks, and `past` was executed before.
    pub fn previous(&self, tick: u64, delay: u64, past: &[Vec<f32>]) -> Option<PreviousChunk> {
        let left = self.remaining(tick);
        if left == 0 {
            return None;
        }
        let delay = usize::try_from(delay).map_or(left, |d| d.min(left));
        let mut frozen: Vec<Vec<f32>> = self.recorded_from(tick).map(<[f32]>::to_vec).collect();
        let overlap = frozen.split_off(delay);
        Some(PreviousChunk {
            past: past.to_vec(),
            frozen,
            overlap,
        })
    }
}

/// Puts chunks that overlap together, on the side of who decides.
#[derive(Debug)]
pub(crate) struct ChunkBlender {
    pub blending: Blending,
    ensemble: Option<Ensemble>,
}

impl ChunkBlender {
    pub fn new(blending: Blending) -> Self {
        Self {
            blending,
            ensemble: None,
        }
    }

    /// What was decided so far is void.
    pub fn clear(&mut self) {
        self.ensemble = None;
    }

    /// The newest chunk.
    pub fn plan(&mut self, chunk: ActionChunk) -> ScheduledChunk {
        let averaged = if self.blending == Blending::Ensemble {
            let actions = chunk.executed_rows().map(<[f32]>::to_vec).collect();
            self.average(chunk.observed().tick, actions)
        } else {
            Vec::new()
        };
        ScheduledChunk { chunk, averaged }
    }

    fn average(&mut self, from: u64, actions: Vec<Vec<f32>>) -> Vec<Option<Vec<f32>>> {
        let count = actions.len();
        if self.ensemble.is_none() {
            self.ensemble = Ensemble::new(count, ACT_DECAY).ok();
        }
        let Some(ensemble) = &mut self.ensemble else {
            return Vec::new();
        };
        ensemble.forget_before(from);
        if let Err(error) = ensemble.push(from, actions) {
            tracing::warn!("{error}");
        }
        let ticks = (from..).take(count);
        ticks.map(|tick| ensemble.action(tick)).collect()
    }
}
