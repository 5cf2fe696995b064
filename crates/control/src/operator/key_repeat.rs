//! How fast a terminal repeats a key that is held, and for how long one is taken for held that is not repeated.

/// Before a terminal has repeated any key, ns: longer than the slowest repeat that is usual (200 ms).
const AT_FIRST_NS: u64 = 250_000_000;
/// The shortest and the longest that is ever waited for the next repeat, ns.
const LEAST_NS: u64 = 120_000_000;
const MOST_NS: u64 = 600_000_000;
/// Presses of one key farther apart than this are not repeats, ns.
const APART_NS: u64 = 450_000_000;
/// Repeats that are remembered.
const REMEMBERED: usize = 4;
/// Repeats faster than this cannot be told from presses that were read late, ns.
const FASTEST_NS: u64 = 5_000_000;

/// Learns a terminal's repeat from the presses it tells of, where it tells of no releases.
///
/// A key is repeated with a period of 20 to 200 ms, first after a delay that is longer. It counts as held for one and a
/// half times the longest of the newest periods, so that a motion does not stop between two repeats and the arm does
/// not run on much longer than it must.
#[derive(Clone, Debug, Default)]
pub struct KeyRepeat {
    /// The key pressed last, and when, ns.
    last: Option<(char, u64)>,
    /// Newest periods, ns; 0 where there has been none.
    periods: [u64; REMEMBERED],
}

impl KeyRepeat {
    /// A key was pressed or repeated at a time, ns.
    pub fn press(&mut self, key: char, now_ns: u64) {
        if let Some((before, at_ns)) = self.last.replace((key, now_ns))
            && before == key
        {
            let period = now_ns.saturating_sub(at_ns);
            if (FASTEST_NS..=APART_NS).contains(&period) {
                self.periods.rotate_right(1);
                let [newest, ..] = &mut self.periods;
                *newest = period;
            }
        }
    }

    /// How long a key counts as held after it was last heard of, ns.
    #[must_use]
    pub fn hold_ns(&self) -> u64 {
        // A single gap may be the delay before the first repeat.
        if self.periods.iter().filter(|p| **p > 0).count() < 2 {
            return AT_FIRST_NS;
        }
        let longest = self.periods.iter().copied().max().unwrap_or(0);
        (longest + longest / 2).clamp(LEAST_NS, MOST_NS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn a_key_is_held_from_repeat_to_repeat_and_not_much_longer() {
        for (period, least, most) in [
            (33, 120, 120),
            (100, 150, 150),
            (200, 300, 300),
            (400, 600, 600),
        ] {
            let mut repeat = KeyRepeat::default();
            assert_eq!(repeat.hold_ns(), AT_FIRST_NS);
            (0..8).for_each(|i| repeat.press('w', i * period * MS));
            let hold = repeat.hold_ns() / MS;
            assert!((least..=most).contains(&hold), "{period} ms: {hold} ms");
        }
    }

    #[test]
    fn taps_and_other_keys_are_no_repeats() {
        let mut repeat = KeyRepeat::default();
        (0..9).for_each(|i| repeat.press('w', i * 700 * MS));
        (0..9).for_each(|i| repeat.press(if i % 2 == 0 { 'a' } else { 'd' }, (7000 + i * 90) * MS));
        assert_eq!(repeat.hold_ns(), AT_FIRST_NS);
    }
}
