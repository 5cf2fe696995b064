//! Which action is due at a policy tick, when chunks come while others are being carried out.

use crate::Decision;
use crate::ensemble::{ACT_DECAY, Ensemble};
use std::collections::VecDeque;

/// How chunks that overlap are put together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Blending {
    /// The newest chunk alone.
    Switch,
    /// The newest chunk, planned on from what of the one before is certainly carried out (real-time
    /// chunking).
    #[default]
    Inpaint,
    /// The weighted mean of all chunks that reach a tick (temporal ensembling).
    Ensemble,
}

/// Delays that are remembered: the longest of them is what the next decision is expected to take.
const DELAYS: usize = 10;

/// Actions that were carried out and are remembered: more than policies look back.
const PAST: usize = 16;

/// The chunks of one robot. Ticks are policy ticks since the episode began.
#[derive(Debug)]
pub struct Schedule {
    blending: Blending,
    chunk: Option<Chunk>,
    ensemble: Option<Ensemble>,
    delays: VecDeque<u64>,
    starved: u64,
    jumps: f64,
    /// What was carried out at the last ticks in a row, the newest last, and the tick after.
    past: VecDeque<Vec<f32>>,
    after: u64,
}

/// A chunk, and the tick its first action is meant for.
#[derive(Debug)]
struct Chunk {
    from: u64,
    decisions: Vec<Decision>,
}

/// What an agent is told of the chunk that runs while it decides.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunningChunk {
    /// Actions carried out at the ticks before the one decided at, one a tick, the newest last; as far back as
    /// they are known, 16 at most.
    pub past: Vec<Vec<f32>>,
    /// Actions that are certainly carried out before the decision counts, the first for the tick decided
    /// at.
    pub frozen: Vec<Vec<f32>>,
    /// Actions planned after those.
    pub overlap: Vec<Vec<f32>>,
}

impl Schedule {
    /// Nothing yet.
    #[must_use]
    pub fn new(blending: Blending) -> Self {
        Self {
            blending,
            chunk: None,
            ensemble: None,
            delays: VecDeque::new(),
            starved: 0,
            jumps: 0.0,
            past: VecDeque::with_capacity(PAST),
            after: 0,
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
    pub fn running(&self, tick: u64) -> Option<RunningChunk> {
        let chunk = self.chunk.as_ref()?;
        if self.blending != Blending::Inpaint {
            return None;
        }
        let start = usize::try_from(tick.checked_sub(chunk.from)?).ok()?;
        let rest = chunk.decisions.get(start..).filter(|r| !r.is_empty())?;
        let frozen =
            usize::try_from(self.expected_delay()).map_or(rest.len(), |d| d.min(rest.len()));
        let actions = |part: &[Decision]| part.iter().map(|d| d.record.clone()).collect();
        let (frozen, overlap) = rest.split_at(frozen);
        Some(RunningChunk {
            past: self.past_before(tick),
            frozen: actions(frozen),
            overlap: actions(overlap),
        })
    }

    /// A chunk has been decided at `from` and arrives at `now`: its first action was meant for `from`.
    pub fn offer(&mut self, from: u64, now: u64, decisions: Vec<Decision>) {
        if self.delays.len() == DELAYS {
            self.delays.pop_front();
        }
        self.delays.push_back(now.saturating_sub(from));
        if self.blending == Blending::Ensemble {
            self.average(from, decisions.iter().map(|d| d.execute.clone()).collect());
        }
        self.chunk = Some(Chunk { from, decisions });
    }

    fn average(&mut self, from: u64, actions: Vec<Vec<f32>>) {
        if self.ensemble.is_none() {
            self.ensemble = Ensemble::new(actions.len(), ACT_DECAY).ok();
        }
        if let Some(ensemble) = &mut self.ensemble {
            ensemble.forget_before(from);
            if let Err(error) = ensemble.push(from, actions) {
                tracing::warn!("{error}");
            }
        }
    }

    /// Everything planned is void: someone else had the arm.
    pub fn clear(&mut self) {
        self.chunk = None;
        self.ensemble = None;
        self.past.clear();
    }

    /// Actions that are left at `tick`, that one's included.
    #[must_use]
    pub fn left(&self, tick: u64) -> &[Decision] {
        self.chunk
            .as_ref()
            .and_then(|c| {
                let start = usize::try_from(tick.checked_sub(c.from)?).ok()?;
                c.decisions.get(start..)
            })
            .unwrap_or_default()
    }

    /// Ticks since the newest chunk was decided, at `tick`.
    #[must_use]
    pub fn used(&self, tick: u64) -> u64 {
        self.chunk
            .as_ref()
            .map_or(0, |c| tick.saturating_sub(c.from))
    }

    /// What to do at `tick`; `None`, and counted, where nothing reaches it.
    pub fn decide(&mut self, tick: u64) -> Option<Decision> {
        let newest = self.left(tick).first().cloned();
        let decision = match (self.blending, newest) {
            (Blending::Ensemble, Some(newest)) => {
                let mean = self.ensemble.as_ref().and_then(|e| e.action(tick));
                Some(mean.map_or(newest, Decision::from))
            }
            (_, newest) => newest,
        };
        self.remember(tick, decision.as_ref());
        decision
    }

    /// What was carried out at the ticks right before `tick`.
    fn past_before(&self, tick: u64) -> Vec<Vec<f32>> {
        let count = match self.after.checked_sub(tick) {
            Some(later) => self.past.len().saturating_sub(later as usize),
            None => 0,
        };
        self.past.iter().take(count).cloned().collect()
    }

    fn remember(&mut self, tick: u64, decision: Option<&Decision>) {
        if tick != self.after {
            self.past.clear();
        }
        self.after = tick + 1;
        let Some(decision) = decision else {
            self.starved += 1;
            return self.past.clear();
        };
        if let Some(before) = self.past.back() {
            let apart = before.iter().zip(&decision.execute);
            let largest = apart
                .map(|(a, b)| f64::from((a - b).abs()))
                .fold(0.0, f64::max);
            self.jumps = self.jumps.max(largest);
        }
        if self.past.len() == PAST {
            self.past.pop_front();
        }
        self.past.push_back(decision.execute.clone());
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

    fn chunk(from: u64, length: u64) -> Vec<Decision> {
        (from..from + length)
            .map(|t| Decision::from(vec![t as f32]))
            .collect()
    }

    #[test]
    fn the_action_of_a_tick_is_the_newest_chunks() {
        let mut schedule = Schedule::new(Blending::Switch);
        assert_eq!(schedule.decide(0), None);
        schedule.offer(0, 2, chunk(0, 8));
        assert_eq!(schedule.decide(2).unwrap().execute, [2.0]);
        assert_eq!((schedule.left(3).len(), schedule.used(3)), (5, 3));
        schedule.offer(3, 6, chunk(3, 8));
        assert_eq!(schedule.decide(10).unwrap().execute, [10.0]);
        assert_eq!(schedule.decide(11), None);
        assert_eq!((schedule.starved(), schedule.expected_delay()), (2, 3));
        assert_eq!(schedule.running(4), None, "chunks are not inpainted");
    }

    #[test]
    fn what_runs_while_an_agent_decides_is_frozen_for_as_long_as_it_took_before() {
        let mut schedule = Schedule::new(Blending::Inpaint);
        assert_eq!(schedule.running(0), None);
        schedule.offer(0, 2, chunk(0, 8));
        let running = schedule.running(4).unwrap();
        assert_eq!(running.frozen, [[4.0], [5.0]]);
        assert_eq!(running.overlap, [[6.0], [7.0]]);
        assert!(running.past.is_empty(), "nothing was carried out");
        assert_eq!(schedule.running(8), None);
        // Ten quick decisions later the slow one is forgotten.
        (0..10).for_each(|i| schedule.offer(i, i, chunk(i, 8)));
        assert_eq!(schedule.expected_delay(), 0);
        assert!(schedule.running(10).unwrap().frozen.is_empty());
        schedule.clear();
        assert_eq!(schedule.decide(10), None);
    }

    #[test]
    fn the_past_is_what_was_carried_out_in_a_row() {
        let mut schedule = Schedule::new(Blending::Inpaint);
        schedule.offer(0, 0, chunk(0, 100));
        (0..3).for_each(|tick| assert!(schedule.decide(tick).is_some()));
        let past = |s: &Schedule, tick| s.running(tick).unwrap().past;
        assert_eq!(past(&schedule, 3), [[0.0], [1.0], [2.0]]);
        // A decision may begin while its tick is carried out.
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
        schedule.offer(30, 30, chunk(30, 100));
        assert!(past(&schedule, 30).is_empty());
    }
}
