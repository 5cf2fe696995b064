//! Temporal ensembling (ACT, Zhao et al. 2023, arXiv 2304.13705, algorithm 2): what is executed at a
//! tick is the mean of what all chunks that cover it want then.

use std::collections::VecDeque;
use thiserror::Error;

/// How fast weights fall, from ACT: barely, and newer chunks count less.
pub const ACT_DECAY: f64 = 0.01;

/// A chunk or setting that cannot be averaged with.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum EnsembleError {
    /// A setting that cannot work.
    #[error("ensemble setting {key} is {got}, allowed: {allowed}")]
    Setting {
        /// Which.
        key: &'static str,
        /// Its value.
        got: String,
        /// What would do.
        allowed: &'static str,
    },
    /// A chunk that cannot be averaged with the others; nothing was changed.
    #[error(
        "the chunk from tick {first_tick} on cannot be averaged with the others: {what} is {got}, allowed: \
         {allowed}; it was left out"
    )]
    Chunk {
        /// Its first tick.
        first_tick: u64,
        /// Which part.
        what: String,
        /// What came.
        got: String,
        /// What would do.
        allowed: String,
    },
}

/// Chunks of actions, A numbers each, and the ticks they are for.
#[derive(Clone, Debug)]
pub struct Ensemble {
    horizon: usize,
    decay: f64,
    /// Oldest first; `horizon` at most.
    chunks: VecDeque<Chunk>,
}

#[derive(Clone, Debug)]
struct Chunk {
    first_tick: u64,
    actions: Vec<Vec<f32>>,
}

impl Chunk {
    fn at(&self, tick: u64) -> Option<&[f32]> {
        let place = usize::try_from(tick.checked_sub(self.first_tick)?).ok()?;
        self.actions.get(place).map(Vec::as_slice)
    }
}

impl Ensemble {
    /// Averages chunks of at most `horizon` actions; the i-th oldest of those that cover a tick counts
    /// `exp(-decay i)` ([`ACT_DECAY`]).
    ///
    /// # Errors
    /// When a setting cannot work.
    pub fn new(horizon: usize, decay: f64) -> Result<Self, EnsembleError> {
        let refuse = |key, got, allowed| Err(EnsembleError::Setting { key, got, allowed });
        if horizon == 0 {
            return refuse("horizon", horizon.to_string(), "1 or more");
        }
        if !(decay.is_finite() && decay >= 0.0) {
            return refuse("decay", decay.to_string(), "a number from 0 up");
        }
        Ok(Self {
            horizon,
            decay,
            chunks: VecDeque::new(),
        })
    }

    /// Forgets all chunks, as at the beginning of an episode or after a person took over.
    pub fn clear(&mut self) {
        self.chunks.clear();
    }

    /// Adds the newest chunk: action i is for tick `first_tick` + i. The oldest makes room where there
    /// are `horizon` already.
    ///
    /// # Errors
    /// When it is empty or longer than the horizon, begins before the newest one does, or has actions of
    /// another length or with numbers that are not finite; then nothing is changed.
    pub fn push(&mut self, first_tick: u64, actions: Vec<Vec<f32>>) -> Result<(), EnsembleError> {
        self.check(first_tick, &actions)?;
        if self.chunks.len() >= self.horizon {
            self.chunks.pop_front();
        }
        self.chunks.push_back(Chunk {
            first_tick,
            actions,
        });
        Ok(())
    }

    fn check(&self, first_tick: u64, actions: &[Vec<f32>]) -> Result<(), EnsembleError> {
        let refuse = |what: String, got: String, allowed: String| {
            Err(EnsembleError::Chunk {
                first_tick,
                what,
                got,
                allowed,
            })
        };
        let (count, most) = (actions.len(), self.horizon);
        if !(1..=most).contains(&count) {
            let what = "its number of actions".into();
            return refuse(what, count.to_string(), format!("1 to {most}"));
        }
        let newest = self.chunks.back();
        let earliest = newest.map_or(0, |chunk| chunk.first_tick);
        if first_tick < earliest {
            let allowed = format!("{earliest} or later, where the newest chunk begins");
            return refuse("its first tick".into(), first_tick.to_string(), allowed);
        }
        let first = newest.map_or(actions, |chunk| &chunk.actions).first();
        let dim = first.map_or(0, Vec::len);
        for (i, action) in actions.iter().enumerate() {
            if action.len() != dim {
                let what = format!("the length of action {i}");
                let allowed = format!("{dim} numbers, as the others have");
                return refuse(what, action.len().to_string(), allowed);
            }
            if let Some((j, v)) = action.iter().enumerate().find(|(_, v)| !v.is_finite()) {
                let what = format!("number {j} of action {i}");
                return refuse(what, v.to_string(), "a finite number".into());
            }
        }
        Ok(())
    }

    /// Forgets the chunks that end before a tick.
    pub fn forget_before(&mut self, tick: u64) {
        let ends = |chunk: &Chunk| chunk.first_tick.saturating_add(chunk.actions.len() as u64);
        self.chunks.retain(|chunk| ends(chunk) > tick);
    }

    /// Chunks that are kept; the horizon at most.
    #[must_use]
    pub fn len(&self) -> usize {
        self.chunks.len()
    }

    /// Whether no chunk is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// The weights of `count` chunks that cover a tick, oldest first; their sum is 1.
    #[must_use]
    pub fn weights(&self, count: usize) -> Vec<f64> {
        let raw: Vec<f64> = (0..count).map(|i| (-self.decay * i as f64).exp()).collect();
        let sum: f64 = raw.iter().sum();
        raw.iter().map(|w| w / sum).collect()
    }

    /// The action for a tick, A numbers; `None` where no chunk covers it.
    ///
    /// Poses are averaged number by number as well. Columns of a rotation come out shorter than 1 then and
    /// not quite orthogonal; [`apprentice_core::CartesianAction::from_vector`], which all that act on poses
    /// go through, makes them orthonormal again. Between rotations that cancel out there is no mean: then
    /// it finds no pose, and the guard holds the arm and says so.
    #[must_use]
    pub fn action(&self, tick: u64) -> Option<Vec<f32>> {
        let mean = self.mean(tick)?;
        Some(mean.iter().map(|&v| v as f32).collect())
    }

    /// [`Self::action`] before it is rounded to 32 bits.
    #[must_use]
    pub fn mean(&self, tick: u64) -> Option<Vec<f64>> {
        let covering: Vec<&[f32]> = self.chunks.iter().filter_map(|c| c.at(tick)).collect();
        let mut mean = vec![0.0; covering.first()?.len()];
        for (action, weight) in covering.iter().zip(self.weights(covering.len())) {
            for (mean, &v) in mean.iter_mut().zip(*action) {
                *mean += weight * f64::from(v);
            }
        }
        Some(mean)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use apprentice_core::CartesianAction;

    /// Chunk k begins at tick 2 k; eighths, so that 32 bits hold them exactly.
    fn chunk(k: usize) -> Vec<Vec<f32>> {
        let number = |i: usize, j: usize| ((7 * k + 3 * i + 5 * j) % 11) as f32 / 8.0 - 0.5;
        (0..6).map(|i| vec![number(i, 0), number(i, 1)]).collect()
    }

    fn ensemble(decay: f64) -> Ensemble {
        let mut ensemble = Ensemble::new(6, decay).unwrap();
        for k in 0..4 {
            ensemble.push(2 * k as u64, chunk(k)).unwrap();
        }
        ensemble
    }

    /// By numpy 1.26.4, with `rows` the actions of the chunks above that cover the tick, oldest first:
    /// `w = np.exp(-m * np.arange(len(rows))); w /= w.sum(); (rows * w[:, None]).sum(0)`.
    #[allow(clippy::type_complexity)]
    const NUMPY: [(f64, [(u64, [f64; 2]); 6]); 2] = [
        (
            0.01,
            [
                (0, [-0.5, 0.125]),
                (2, [0.312_187_502_604_140_63, -0.437_812_497_395_859_37]),
                (4, [-0.250_833_319_444_745_35, 0.374_166_680_555_254_7]),
                (5, [0.124_166_680_555_254_65, 0.295_408_965_470_099_65]),
                (8, [0.062_187_502_604_140_625, 0.687_187_502_604_140_5]),
                (11, [-0.125, 0.5]),
            ],
        ),
        (
            0.5,
            [
                (0, [-0.5, 0.125]),
                (2, [0.297_192_583_599_768_2, -0.452_807_416_400_231_8]),
                (4, [-0.290_019_583_478_725_8, 0.334_980_416_521_274_2]),
                (5, [0.084_980_416_521_274_2, 0.453_785_297_085_733_7]),
                (8, [0.047_192_583_599_768_18, 0.672_192_583_599_768_2]),
                (11, [-0.125, 0.5]),
            ],
        ),
    ];

    #[test]
    fn means_and_weights_are_those_of_numpy() {
        for (decay, wanted) in NUMPY {
            let ensemble = ensemble(decay);
            for (tick, wanted) in wanted {
                let found = ensemble.mean(tick).unwrap();
                assert_eq!(found.len(), 2);
                for (f, w) in found.iter().zip(wanted) {
                    assert!((f - w).abs() < 1e-12, "tick {tick}: {f} is not {w}");
                }
                let rounded: Vec<f32> = found.iter().map(|&v| v as f32).collect();
                assert_eq!(ensemble.action(tick), Some(rounded));
            }
            assert_eq!(ensemble.mean(12), None);
        }
        let wanted = [
            0.336_672_166_528_984_7,
            0.333_322_222_499_993_55,
            0.330_005_610_971_021_8,
        ];
        let found = ensemble(ACT_DECAY).weights(3);
        let close = |(f, w): (&f64, &f64)| (f - w).abs() < 1e-12;
        assert!(found.iter().zip(&wanted).all(close), "{found:?}");
    }

    #[test]
    fn weights_sum_to_one_and_fall() {
        for decay in [0.0, ACT_DECAY, 0.5, 800.0] {
            let ensemble = Ensemble::new(50, decay).unwrap();
            for count in 1..=50 {
                let weights = ensemble.weights(count);
                assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-12);
                assert!(weights.windows(2).all(|w| w[1] <= w[0]));
            }
        }
    }

    #[test]
    fn no_more_chunks_than_the_horizon_are_kept() {
        let mut ensemble = Ensemble::new(6, ACT_DECAY).unwrap();
        assert!(ensemble.is_empty());
        for tick in 0..100 {
            ensemble.push(tick, chunk(tick as usize)).unwrap();
            assert_eq!(ensemble.len(), (tick as usize + 1).min(6));
        }
        // All six that are kept cover tick 99, and only the newest tick 104.
        assert_eq!(ensemble.action(104), chunk(99).pop());
        assert_eq!(ensemble.action(93), None);
        ensemble.forget_before(103);
        assert_eq!(ensemble.len(), 2);
        ensemble.clear();
        assert_eq!(ensemble.action(104), None);
    }

    #[test]
    fn what_cannot_be_averaged_is_refused_and_changes_nothing() {
        for (horizon, decay, key) in [
            (0, 0.01, "horizon"),
            (4, -1.0, "decay"),
            (4, f64::NAN, "decay"),
        ] {
            let error = Ensemble::new(horizon, decay).unwrap_err().to_string();
            assert!(error.contains(key), "{error}");
        }
        let mut ensemble = ensemble(ACT_DECAY);
        let before = ensemble.mean(7);
        for (first_tick, actions, what) in [
            (7, vec![], "number of actions is 0, allowed: 1 to 6"),
            (7, vec![vec![0.0; 2]; 7], "number of actions is 7"),
            (5, chunk(0), "first tick is 5, allowed: 6 or later"),
            (7, vec![vec![0.0; 3]], "length of action 0 is 3, allowed: 2"),
            (7, vec![vec![0.0, f32::NAN]], "number 1 of action 0 is NaN"),
        ] {
            let error = ensemble.push(first_tick, actions).unwrap_err().to_string();
            assert!(error.contains(what), "{error}");
            assert_eq!((ensemble.len(), ensemble.mean(7)), (4, before.clone()));
        }
    }

    /// Turned about z, the opening halfway.
    fn turned(angle: f32) -> Vec<f32> {
        let (sin, cos) = angle.sin_cos();
        vec![0.4, 0.0, 0.3, cos, sin, 0.0, -sin, cos, 0.0, 0.04]
    }

    #[test]
    fn the_mean_of_rotations_is_decoded_to_a_rotation_and_opposite_ones_to_none() {
        let mean = |one: f32, other: f32| {
            let mut ensemble = Ensemble::new(2, 0.0).unwrap();
            ensemble.push(0, vec![turned(one); 2]).unwrap();
            ensemble.push(0, vec![turned(other); 2]).unwrap();
            ensemble.action(1).unwrap()
        };
        let halfway = mean(0.9, -0.5);
        let length = halfway[3].hypot(halfway[4]);
        assert!(length < 0.8, "{length}");
        let decoded = CartesianAction::from_vector(&halfway).unwrap();
        let wanted = CartesianAction::from_vector(&turned(0.2)).unwrap();
        assert!(decoded.pose.rotation.angle_to(&wanted.pose.rotation) < 1e-6);
        let columns = decoded.to_vector();
        let length = columns[3].hypot(columns[4]);
        assert!((length - 1.0).abs() < 1e-6, "{length}");
        let opposite = mean(0.0, std::f32::consts::PI);
        assert!(CartesianAction::from_vector(&opposite).is_none());
    }
}
