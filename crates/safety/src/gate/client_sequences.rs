//! Sequence numbers of clients, also of those who have gone.

use super::Denial;
use crate::sequence::Sequence;

/// Clients whose last number is remembered, so that nothing of theirs is taken twice.
const REMEMBERED: usize = 64;

/// The last numbers of the clients that were taken messages from, the latest client last.
#[derive(Clone, Debug)]
pub(super) struct ClientSequences(Vec<(u32, Sequence)>);

impl Default for ClientSequences {
    fn default() -> Self {
        // Room for all, so that a command never allocates.
        Self(Vec::with_capacity(REMEMBERED))
    }
}

impl ClientSequences {
    /// Whether `number` may follow what was taken from `client`.
    pub fn check(&self, client: u32, number: u64) -> Result<(), Denial> {
        let known = self.0.iter().rev().find(|(c, _)| *c == client);
        let sequence = known.map_or_else(Sequence::default, |(_, sequence)| *sequence);
        sequence.check(number).map_err(|_| Denial::Sequence)
    }

    /// A message with a number that was checked is taken.
    pub fn take(&mut self, client: u32, number: u64) {
        let known = self.0.iter().position(|(c, _)| *c == client);
        let mut sequence = match known {
            Some(place) => self.0.remove(place).1,
            None => Sequence::default(),
        };
        // It was checked before; what does not follow is not remembered.
        let _ = sequence.next(number);
        if self.0.len() == REMEMBERED {
            self.0.remove(0);
        }
        self.0.push((client, sequence));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sequence::{FIRST_BELOW, MOST_SKIPPED};

    #[test]
    fn numbers_rise_by_bounded_steps_and_are_remembered_after_their_client_left() {
        let mut numbers = ClientSequences::default();
        assert_eq!(numbers.check(1, u64::MAX), Err(Denial::Sequence));
        assert_eq!(numbers.check(1, FIRST_BELOW), Err(Denial::Sequence));
        assert_eq!(numbers.check(1, FIRST_BELOW - 1), Ok(()));
        numbers.take(1, 5);
        for (number, good) in [
            (0, false),
            (5, false),
            (6, true),
            (5 + MOST_SKIPPED, true),
            (6 + MOST_SKIPPED, false),
            (u64::MAX, false),
        ] {
            assert_eq!(numbers.check(1, number).is_ok(), good, "{number}");
        }
        // Other clients come and go; what the first one sent is not taken again.
        for client in 2..=REMEMBERED as u32 {
            numbers.take(client, 1);
        }
        assert_eq!(numbers.check(1, 5), Err(Denial::Sequence));
        numbers.take(1, 6);
        numbers.take(1000, 1);
        assert_eq!(numbers.check(1, 6), Err(Denial::Sequence));
        assert_eq!(numbers.check(2, 1), Ok(()), "the oldest is forgotten");
        assert!(numbers.0.len() == REMEMBERED);
    }
}
