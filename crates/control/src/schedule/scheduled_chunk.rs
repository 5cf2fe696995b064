//! What an agent has decided, put together with what it decided before.

use super::{Blending, RunningChunk};
use crate::Decision;
use crate::ensemble::{ACT_DECAY, Ensemble};

/// A chunk, and the tick its first action is meant for. Never changes: who plans and who carries out share it.
#[derive(Debug, Default)]
pub(crate) struct Planned {
    pub from: u64,
    pub decisions: Vec<Decision>,
    /// What is carried out, and recorded, instead of each decision where chunks are averaged.
    averaged: Vec<Option<Vec<f32>>>,
}

impl Planned {
    /// The place of a tick, where the chunk reaches it or ends right before it.
    fn place(&self, tick: u64) -> Option<usize> {
        let place = usize::try_from(tick.checked_sub(self.from)?).ok()?;
        (place <= self.decisions.len()).then_some(place)
    }

    /// Decisions from a tick on.
    pub fn left(&self, tick: u64) -> &[Decision] {
        let left = self.place(tick).and_then(|p| self.decisions.get(p..));
        left.unwrap_or_default()
    }

    /// What is to be carried out at a tick, then what is to be recorded.
    pub fn at(&self, tick: u64) -> Option<(&[f32], &[f32])> {
        let place = self.place(tick)?;
        let decision = self.decisions.get(place)?;
        Some(match self.averaged.get(place) {
            Some(Some(mean)) => (mean, mean),
            _ => (&decision.execute, &decision.record),
        })
    }

    /// What to tell the agent that decides at `tick` of this chunk, if any of it is left: a decision is expected
    /// to take `delay` ticks, and `past` was carried out before.
    pub fn running(&self, tick: u64, delay: u64, past: &[Vec<f32>]) -> Option<RunningChunk> {
        let rest = self.left(tick);
        if rest.is_empty() {
            return None;
        }
        let frozen = usize::try_from(delay).map_or(rest.len(), |d| d.min(rest.len()));
        let actions = |part: &[Decision]| part.iter().map(|d| d.record.clone()).collect();
        let (frozen, overlap) = rest.split_at(frozen);
        Some(RunningChunk {
            past: past.to_vec(),
            frozen: actions(frozen),
            overlap: actions(overlap),
        })
    }
}

/// Puts chunks that overlap together, on the side of who decides.
#[derive(Debug)]
pub(crate) struct Blender {
    pub blending: Blending,
    ensemble: Option<Ensemble>,
}

impl Blender {
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

    /// The newest chunk, decided at `from`.
    pub fn plan(&mut self, from: u64, decisions: Vec<Decision>) -> Planned {
        let averaged = if self.blending == Blending::Ensemble {
            self.average(from, decisions.iter().map(|d| d.execute.clone()).collect())
        } else {
            Vec::new()
        };
        Planned {
            from,
            decisions,
            averaged,
        }
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
