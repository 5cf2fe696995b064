//! Which action is due at a policy tick, when chunks come while others are being executed.

mod scheduled_chunk;

pub(crate) use scheduled_chunk::{ChunkBlender, ScheduledChunk};

use crate::chunking::Blending;
use apprentice_core::{ActionChunk, PreviousChunk};
use std::collections::VecDeque;
use std::sync::Arc;

/// Delays that are remembered: the longest of them is what the next decision is expected to take.
const DELAYS: usize = 10;

/// Executed actions that are remembered: more than policies look back.
pub(crate) const PAST: usize = 16;

/// Numbers of an action that memory is reserved for at first.
const NUMBERS: usize = 16;

/// The chunks of one robot. Ticks are policy ticks since the episode began. Accepting a chunk that is planned,
/// and carrying it out, allocates nothing.
#[derive(Debug)]
pub struct Schedule {
    blender: ChunkBlender,
    chunk: Option<Arc<ScheduledChunk>>,
    delays: VecDeque<u64>,
    starved: u64,
    jumps: f64,
    /// What was executed at the last ticks in a row, the newest last, and the tick after.
    past: VecDeque<Vec<f32>>,
    after: u64,
    /// Memory for more of the past.
    spare: Vec<Vec<f32>>,
}

impl Schedule {
    /// Nothing yet.
    #[must_use]
    pub fn new(blending: Blending) -> Self {
        Self {
            blender: ChunkBlender::new(blending),
            chunk: None,
            delays: VecDeque::with_capacity(DELAYS),
            starved: 0,
            jumps: 0.0,
            past: VecDeque::with_capacity(PAST),
            after: 0,
            spare: (0..PAST).map(|_| Vec::with_capacity(NUMBERS)).collect(),
        }
    }

    /// Policy ticks the next decision is expected to take: the longest of the last ten.
    #[must_use]
    pub fn expected_delay(&self) -> u64 {
        self.delays.iter().copied().max().unwrap_or(0)
    }

    /// What to tell the agent that decides at `tick`; `None` where nothing is planned, or chunks are not
    /// put together that way.
    #[must_use]
    pub fn previous(&self, tick: u64) -> Option<PreviousChunk> {
        let chunk = self.chunk.as_ref()?;
        if self.blender.blending != Blending::Inpaint {
            return None;
        }
        let past: Vec<_> = self.past_before(tick).cloned().collect();
        chunk.previous(tick, self.expected_delay(), &past)
    }

    /// A chunk arrives at `now`: its first action was meant for the tick it was decided at.
    pub fn offer(&mut self, now: u64, chunk: ActionChunk) {
        let planned = self.blender.plan(chunk);
        self.accept(now, Arc::new(planned));
    }

    /// A chunk that somebody else has put together with those before arrives at `now`.
    pub(crate) fn accept(&mut self, now: u64, planned: Arc<ScheduledChunk>) {
        if self.delays.len() == DELAYS {
            self.delays.pop_front();
        }
        self.delays.push_back(now.saturating_sub(planned.from()));
        self.chunk = Some(planned);
    }

    /// Everything planned is void: someone else had the arm.
    pub fn clear(&mut self) {
        self.chunk = None;
        self.blender.clear();
        self.forget_past();
    }

    /// The chunk that is executed.
    pub(crate) fn chunk(&self) -> Option<&Arc<ScheduledChunk>> {
        self.chunk.as_ref()
    }

    /// How many actions are left at `tick`, that one's included.
    #[must_use]
    pub fn remaining(&self, tick: u64) -> usize {
        self.chunk.as_ref().map_or(0, |c| c.remaining(tick))
    }

    /// Ticks since the newest chunk was decided, at `tick`.
    #[must_use]
    pub fn age(&self, tick: u64) -> u64 {
        self.chunk
            .as_ref()
            .map_or(0, |c| tick.saturating_sub(c.from()))
    }

    /// The action to execute at `tick`; `None`, and counted, where nothing reaches it.
    pub fn decide(&mut self, tick: u64) -> Option<Vec<f32>> {
        let planned = self.due(tick)?;
        planned.at(tick).map(|(execute, _)| execute.to_vec())
    }

    /// As [`Schedule::decide`]: the chunk that says what to do.
    pub(crate) fn due(&mut self, tick: u64) -> Option<Arc<ScheduledChunk>> {
        let chunk = self.chunk.clone();
        let due = chunk.filter(|c| c.at(tick).is_some());
        self.remember(tick, due.as_deref());
        due
    }

    /// What was executed at the ticks right before `tick`, the newest last.
    pub(crate) fn past_before(&self, tick: u64) -> impl Iterator<Item = &Vec<f32>> {
        let count = match self.after.checked_sub(tick) {
            Some(later) => self.past.len().saturating_sub(later as usize),
            None => 0,
        };
        self.past.iter().take(count)
    }

    fn remember(&mut self, tick: u64, due: Option<&ScheduledChunk>) {
        if tick != self.after {
            self.forget_past();
        }
        self.after = tick + 1;
        let Some((execute, _)) = due.and_then(|c| c.at(tick)) else {
            self.starved += 1;
            return self.forget_past();
        };
        if let Some(before) = self.past.back() {
            let apart = before.iter().zip(execute);
            let largest = apart
                .map(|(a, b)| f64::from((a - b).abs()))
                .fold(0.0, f64::max);
            self.jumps = self.jumps.max(largest);
        }
        let reused = if self.past.len() == PAST {
            self.past.pop_front()
        } else {
            self.spare.pop()
        };
        let mut executed = reused.unwrap_or_default();
        executed.clear();
        executed.extend_from_slice(execute);
        self.past.push_back(executed);
    }

    fn forget_past(&mut self) {
        self.spare.extend(self.past.drain(..));
    }

    /// Ticks for which nothing was planned.
    #[must_use]
    pub fn starved(&self) -> u64 {
        self.starved
    }

    /// The largest difference of a number between one tick's action and the next one's.
    #[must_use]
    pub fn largest_jump(&self) -> f64 {
        self.jumps
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use apprentice_core::{ActionSpace, ObservationStamp};

    fn chunk(from: u64, length: u64) -> ActionChunk {
        let observed = ObservationStamp {
            tick: from,
            stamp_ns: 0,
        };
        let actions = (from..from + length).map(|t| [t as f32]);
        ActionChunk::new(ActionSpace::JointPositions, observed, actions).unwrap()
    }

    #[test]
    fn the_action_of_a_tick_is_the_newest_chunks() {
        let mut schedule = Schedule::new(Blending::Switch);
        assert_eq!(schedule.decide(0), None);
        schedule.offer(2, chunk(0, 8));
        assert_eq!(schedule.decide(2).unwrap(), [2.0]);
        assert_eq!((schedule.remaining(3), schedule.age(3)), (5, 3));
        schedule.offer(6, chunk(3, 8));
        assert_eq!(schedule.decide(10).unwrap(), [10.0]);
        assert_eq!(schedule.decide(11), None);
        assert_eq!((schedule.starved(), schedule.expected_delay()), (2, 3));
        assert_eq!(schedule.previous(4), None, "chunks are not inpainted");
    }

    #[test]
    fn what_runs_while_an_agent_decides_is_frozen_for_as_long_as_it_took_before() {
        let mut schedule = Schedule::new(Blending::Inpaint);
        assert_eq!(schedule.previous(0), None);
        schedule.offer(2, chunk(0, 8));
        let running = schedule.previous(4).unwrap();
        assert_eq!(running.frozen, [[4.0], [5.0]]);
        assert_eq!(running.overlap, [[6.0], [7.0]]);
        assert!(running.past.is_empty(), "nothing was executed");
        assert_eq!(schedule.previous(8), None);
        // Ten quick decisions later the slow one is forgotten.
        (0..10).for_each(|i| schedule.offer(i, chunk(i, 8)));
        assert_eq!(schedule.expected_delay(), 0);
        assert!(schedule.previous(10).unwrap().frozen.is_empty());
        schedule.clear();
        assert_eq!(schedule.decide(10), None);
    }

    #[test]
    fn the_past_is_what_was_carried_out_in_a_row() {
        let mut schedule = Schedule::new(Blending::Inpaint);
        schedule.offer(0, chunk(0, 100));
        (0..3).for_each(|tick| assert!(schedule.decide(tick).is_some()));
        let past = |s: &Schedule, tick| s.previous(tick).unwrap().past;
        assert_eq!(past(&schedule, 3), [[0.0], [1.0], [2.0]]);
        // A decision may begin while its tick is executed.
        assert_eq!(past(&schedule, 2), [[0.0], [1.0]]);
        // Not what lies further back.
        assert!(past(&schedule, 5).is_empty());
        (5..30).for_each(|tick| assert!(schedule.decide(tick).is_some()));
        let long = past(&schedule, 30);
        assert_eq!(
            (long.len(), &long[0], &long[15]),
            (16, &vec![14.0], &vec![29.0])
        );
        // Somebody else had the arm meanwhile.
        schedule.clear();
        schedule.offer(30, chunk(30, 100));
        assert!(past(&schedule, 30).is_empty());
    }
}
