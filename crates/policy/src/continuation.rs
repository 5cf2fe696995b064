//! What a chunk is planned as the continuation of.

use crate::PolicyError;
use apprentice_core::PreviousChunk;

/// What is known of the robot's motion around the next observation, actions of A numbers as robots
/// understand them. A policy's chunk of Tp actions begins To - 1 ticks before its newest observation:
/// the end of `past` lies before that observation's tick, `frozen` begins at it, `overlap` follows.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Continuation<'a> {
    /// Actions already executed, the newest last; To - 1 at most, none is fine.
    pub past: &'a [Vec<f32>],
    /// Actions certain to be executed while the policy computes. The new chunk has them as they are.
    pub frozen: &'a [Vec<f32>],
    /// The rest of the previous chunk, which the new one may leave, and leaves gradually.
    pub overlap: &'a [Vec<f32>],
}

impl<'a> Continuation<'a> {
    /// Of a chunk that is being executed, for a policy that looks back `before` ticks: older actions are left out.
    #[must_use]
    pub fn of(previous: &'a PreviousChunk, before: usize) -> Self {
        let older = previous.past.len().saturating_sub(before);
        Self {
            past: previous.past.get(older..).unwrap_or_default(),
            frozen: &previous.frozen,
            overlap: &previous.overlap,
        }
    }

    /// Splits what is `left` of the previous chunk, from the newest observation's own tick on: the first
    /// `delay` actions are frozen, of the others at most `blended` are left gradually. Less is left than
    /// that: less is frozen or blended.
    #[must_use]
    pub fn after(left: &'a [Vec<f32>], delay: usize, blended: usize) -> Self {
        let (frozen, rest) = left.split_at(delay.min(left.len()));
        Self {
            past: &[],
            frozen,
            overlap: rest.get(..blended).unwrap_or(rest),
        }
    }

    /// Whether nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.past.is_empty() && self.frozen.is_empty() && self.overlap.is_empty()
    }

    /// The place of the first known action in a chunk of a policy that looks back `before` ticks.
    pub(crate) fn start(&self, before: usize) -> usize {
        before.saturating_sub(self.past.len())
    }

    /// The action that must stand at a place of the new chunk, if one must.
    pub(crate) fn certain(&self, before: usize, place: usize) -> Option<&'a [f32]> {
        let i = place.checked_sub(self.start(before))?;
        let certain = self.past.iter().chain(self.frozen);
        certain.map(Vec::as_slice).nth(i)
    }

    /// (weight, action) of all that is known, in order: weight 1 for what is certain, then falling by equal
    /// steps to 0 at the first action that nothing is known of (the linear schedule of LeRobot's and the
    /// authors' implementations of real-time chunking: 4/5, 3/5, 2/5, 1/5 over an overlap of four).
    pub(crate) fn weighted(&self) -> impl Iterator<Item = (f32, &'a [f32])> + use<'a> {
        let certain = self.past.iter().chain(self.frozen).map(|a| (1.0, &a[..]));
        let steps = self.overlap.len() + 1;
        let overlap = self.overlap.iter().enumerate();
        certain.chain(overlap.map(move |(i, a)| ((steps - 1 - i) as f32 / steps as f32, &a[..])))
    }

    /// Whether a policy that looks back `before` ticks and plans `horizon` actions of `dim` numbers can
    /// go on from here; `input` is for the error.
    pub(crate) fn check(
        &self,
        input: usize,
        before: usize,
        horizon: usize,
        dim: usize,
    ) -> Result<(), PolicyError> {
        let refuse = |what: String, got: String, allowed: String| {
            Err(PolicyError::Continuation {
                input,
                what,
                got,
                allowed,
            })
        };
        let count = self.past.len();
        if count > before {
            let what = "the number of past actions".into();
            return refuse(what, count.to_string(), format!("0 to {before}"));
        }
        let (count, room) = (
            self.frozen.len() + self.overlap.len(),
            horizon.saturating_sub(before),
        );
        if count > room {
            let what = "the number of frozen and overlapping actions".into();
            let allowed = format!("0 to {room}, the actions of a chunk from the observation on");
            return refuse(what, count.to_string(), allowed);
        }
        let parts = [
            ("past", self.past),
            ("frozen", self.frozen),
            ("overlapping", self.overlap),
        ];
        for (part, actions) in parts {
            for (i, action) in actions.iter().enumerate() {
                if action.len() != dim {
                    let what = format!("the length of {part} action {i}");
                    return refuse(what, action.len().to_string(), format!("{dim} numbers"));
                }
                if let Some((j, v)) = action.iter().enumerate().find(|(_, v)| !v.is_finite()) {
                    let what = format!("number {j} of {part} action {i}");
                    return refuse(what, v.to_string(), "a finite number".into());
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn actions(numbers: &[f32]) -> Vec<Vec<f32>> {
        numbers.iter().map(|&n| vec![n, -n]).collect()
    }

    #[test]
    fn weights_fall_from_what_is_certain_to_what_is_not_known() {
        let (past, left) = (actions(&[0.0]), actions(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]));
        let running = Continuation {
            past: &past,
            ..Continuation::after(&left, 1, 4)
        };
        let found: Vec<(f32, f32)> = running.weighted().map(|(w, a)| (w, a[0])).collect();
        let wanted = [
            (1.0, 0.0),
            (1.0, 1.0),
            (0.8, 2.0),
            (0.6, 3.0),
            (0.4, 4.0),
            (0.2, 5.0),
        ];
        assert_eq!(found, wanted);
        assert_eq!((running.start(1), running.start(2)), (0, 1));
        let certain: Vec<Option<f32>> = (0..5)
            .map(|place| running.certain(2, place).map(|a| a[0]))
            .collect();
        assert_eq!(certain, [None, Some(0.0), Some(1.0), None, None]);
    }

    #[test]
    fn a_delay_beyond_the_chunk_freezes_all_that_is_left() {
        let left = actions(&[1.0, 2.0]);
        let running = Continuation::after(&left, 9, 9);
        assert_eq!((running.frozen, running.overlap.len()), (&left[..], 0));
        assert!(Continuation::after(&[], 3, 3).is_empty());
        let running = Continuation::after(&left, 0, 9);
        assert_eq!((running.frozen.len(), running.overlap), (0, &left[..]));
    }

    #[test]
    fn what_does_not_fit_is_refused_with_its_place() {
        let good = actions(&[1.0; 7]);
        let (short, endless) = (vec![vec![1.0]], vec![vec![1.0, f32::INFINITY]]);
        let check =
            |running: Continuation<'_>| running.check(3, 1, 8, 2).map_err(|e| e.to_string());
        assert_eq!(check(Continuation::after(&good, 3, 9)), Ok(()));
        let long = actions(&[1.0; 8]);
        for (running, what) in [
            (
                Continuation::after(&long, 3, 9),
                "frozen and overlapping actions is 8, allowed: 0 to 7",
            ),
            (
                Continuation {
                    past: &good[..2],
                    ..Continuation::default()
                },
                "past actions is 2, allowed: 0 to 1",
            ),
            (
                Continuation::after(&short, 1, 0),
                "length of frozen action 0 is 1, allowed: 2 numbers",
            ),
            (
                Continuation::after(&endless, 0, 1),
                "number 1 of overlapping action 0 is inf, allowed: a finite number",
            ),
        ] {
            let error = check(running).unwrap_err();
            assert!(
                error.contains("of input 3") && error.contains(what),
                "{error}"
            );
        }
    }
}
