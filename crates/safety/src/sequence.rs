//! The numbers of one sender's messages: they rise, and never by a leap.
//!
//! A number far ahead would be the last one that is ever taken: whoever can forge one message could silence the
//! sender whose name it bears. A message that came before must not count again.

/// The most by which a number may lie above the one before: at a thousand messages a second, what is lost in
/// seventeen minutes.
pub const MOST_SKIPPED: u64 = 1 << 20;
/// The first number of a sender lies below this.
pub const FIRST_BELOW: u64 = 1 << 32;

/// Why a number is not the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OutOfOrder {
    /// It is not above the last one: it came before, or too late.
    Old,
    /// It lies more than [`MOST_SKIPPED`] above the last one, or is a first one of [`FIRST_BELOW`] or more.
    Jump,
}

/// The last number of a sender.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sequence {
    last: Option<u64>,
}

impl Sequence {
    /// The last number that was taken.
    #[must_use]
    pub fn last(&self) -> Option<u64> {
        self.last
    }

    /// Whether `number` may come next; nothing changes.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self, number: u64) -> Result<(), OutOfOrder> {
        match self.last {
            None if number >= FIRST_BELOW => Err(OutOfOrder::Jump),
            Some(last) if number <= last => Err(OutOfOrder::Old),
            Some(last) if number - last > MOST_SKIPPED => Err(OutOfOrder::Jump),
            _ => Ok(()),
        }
    }

    /// Takes `number`, if it may come next and is no more than `most` above the last one.
    ///
    /// # Errors
    /// Why not; nothing has changed then.
    pub fn next_within(&mut self, number: u64, most: u64) -> Result<(), OutOfOrder> {
        if self
            .last
            .is_some_and(|last| number.saturating_sub(last) > most)
        {
            return Err(OutOfOrder::Jump);
        }
        self.next(number)
    }

    /// Takes `number`, if it may come next.
    ///
    /// # Errors
    /// Why not; nothing has changed then.
    pub fn next(&mut self, number: u64) -> Result<(), OutOfOrder> {
        self.check(number)?;
        self.last = Some(number);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_rise_by_no_more_than_is_said() {
        let mut sequence = Sequence::default();
        assert_eq!(sequence.next_within(500, 3), Ok(()), "the first is free");
        assert_eq!(sequence.next_within(504, 3), Err(OutOfOrder::Jump));
        assert_eq!(sequence.next_within(503, 3), Ok(()));
        assert_eq!(sequence.next_within(503, 3), Err(OutOfOrder::Old));
        assert_eq!(sequence.last(), Some(503));
    }

    #[test]
    fn numbers_rise_and_never_leap() {
        let mut sequence = Sequence::default();
        for far in [FIRST_BELOW, u64::MAX] {
            assert_eq!(sequence.next(far), Err(OutOfOrder::Jump));
        }
        assert_eq!(sequence.last(), None, "a number that was refused counts");
        assert_eq!(sequence.next(FIRST_BELOW - 1), Ok(()));
        let mut sequence = Sequence::default();
        assert_eq!(sequence.next(0), Ok(()));
        assert_eq!(sequence.next(0), Err(OutOfOrder::Old));
        assert_eq!(sequence.next(5), Ok(()));
        assert_eq!(sequence.next(4), Err(OutOfOrder::Old));
        assert_eq!(sequence.next(6 + MOST_SKIPPED), Err(OutOfOrder::Jump));
        assert_eq!(sequence.next(u64::MAX), Err(OutOfOrder::Jump));
        assert_eq!(sequence.next(5 + MOST_SKIPPED), Ok(()));
        assert_eq!(sequence.last(), Some(5 + MOST_SKIPPED));
        let mut end = Sequence {
            last: Some(u64::MAX),
        };
        assert_eq!(end.next(u64::MAX), Err(OutOfOrder::Old));
        assert_eq!(end.next(0), Err(OutOfOrder::Old));
    }
}
