//! What a person's hands do, from keys on a keyboard.

use super::key_repeat::KeyRepeat;
use super::operator_input::OperatorInput;
use std::collections::BTreeMap;

/// Most keys that are remembered at once.
const MOST_KEYS: usize = 32;

/// How long a key moves the arm after the last word of any key, where the terminal tells of releases, ns: it repeats the
/// newest key that is held, after 0.66 s at first on X11, so a terminal that says nothing for longer has frozen, or the
/// newest key is let go of and others have to be pressed anew.
const FROZEN_NS: u64 = 800_000_000;

/// The key that is held down to have the arm, where the terminal tells of releases.
const DEADMAN: char = ' ';
const HAND_BACK: char = '\n';
/// Goes on in the other space, tool or joints.
const SWITCH: char = 't';

/// What a key does: along or about which axis, which way.
const SHIFTS: [(char, usize, f64); 6] = [
    ('w', 0, 1.0),
    ('s', 0, -1.0),
    ('a', 1, 1.0),
    ('d', 1, -1.0),
    ('r', 2, 1.0),
    ('f', 2, -1.0),
];
const TURNS: [(char, usize, f64); 6] = [
    ('j', 0, 1.0),
    ('l', 0, -1.0),
    ('i', 1, 1.0),
    ('k', 1, -1.0),
    ('u', 2, 1.0),
    ('o', 2, -1.0),
];
const OPENS: [(char, f64); 2] = [('v', 1.0), ('c', -1.0)];
const CHOOSES: [(char, i32); 2] = [('n', 1), ('p', -1)];

/// The keys that are pressed. Letters count in both cases; space holds the arm, line feed hands it back.
///
/// Most terminals tell of a press, repeat the newest key after a while, and say nothing of releases. There the
/// deadman is any key of a motion, or space, for as long as [`KeyRepeat`] takes it for held: until the terminal's next
/// repeat is surely overdue.
#[derive(Clone, Debug)]
pub struct KeyboardState {
    /// Whether the terminal tells of releases.
    releases: bool,
    /// When each was last heard of, ns.
    keys: BTreeMap<char, u64>,
    /// When any was, ns.
    heard_ns: u64,
    choose: i32,
    /// The arm was handed back since the last time, however short the press.
    handed_back: bool,
    switch: bool,
    repeat: KeyRepeat,
}

impl KeyboardState {
    /// Nothing pressed; `releases` says whether the terminal tells of them.
    #[must_use]
    pub fn new(releases: bool) -> Self {
        Self {
            releases,
            keys: BTreeMap::new(),
            heard_ns: 0,
            choose: 0,
            handed_back: false,
            switch: false,
            repeat: KeyRepeat::default(),
        }
    }

    /// How long a key counts as held after it was last heard of, ns, where the terminal tells of no releases.
    #[must_use]
    pub fn hold_ns(&self) -> u64 {
        self.repeat.hold_ns()
    }

    /// A key was pressed or repeated at a time, ns of a clock that does not go back.
    pub fn press(&mut self, key: char, now_ns: u64) {
        let key = key.to_ascii_lowercase();
        self.repeat.press(key, now_ns);
        self.heard_ns = self.heard_ns.max(now_ns);
        let fresh = !self.is_down(key, now_ns);
        let hold_ns = self.repeat.hold_ns();
        self.keys
            .retain(|_, heard_ns| self.releases || now_ns.saturating_sub(*heard_ns) <= hold_ns);
        self.switch ^= fresh && key == SWITCH;
        if fresh && let Some((_, steps)) = CHOOSES.iter().find(|(k, _)| *k == key) {
            self.choose = self.choose.saturating_add(*steps);
        }
        self.handed_back |= fresh && key == HAND_BACK;
        if self.keys.len() < MOST_KEYS || self.keys.contains_key(&key) {
            self.keys.insert(key, now_ns);
        }
    }

    /// A key was let go of.
    pub fn release(&mut self, key: char) {
        self.keys.remove(&key.to_ascii_lowercase());
    }

    /// The person looks elsewhere: releases will not be told any more.
    pub fn release_all(&mut self) {
        self.keys.clear();
        self.handed_back = false;
    }

    /// What the person asks for at a time, ns.
    pub fn input(&mut self, now_ns: u64) -> OperatorInput {
        let mut input = OperatorInput {
            hand_back: std::mem::take(&mut self.handed_back) || self.is_down(HAND_BACK, now_ns),
            choose: std::mem::take(&mut self.choose),
            switch_space: std::mem::take(&mut self.switch),
            ..OperatorInput::default()
        };
        let mut moving = false;
        let is_frozen = self.releases && now_ns.saturating_sub(self.heard_ns) > FROZEN_NS;
        let moves = |key| !is_frozen && self.is_down(key, now_ns);
        let tables = [(SHIFTS, &mut input.shift), (TURNS, &mut input.turn)];
        for (table, axes) in tables {
            for (key, axis, way) in table {
                if moves(key)
                    && let Some(share) = axes.get_mut(axis)
                {
                    *share += way;
                    moving = true;
                }
            }
        }
        for (key, way) in OPENS {
            if moves(key) {
                input.open += way;
                moving = true;
            }
        }
        input.deadman = self.is_down(DEADMAN, now_ns) || (!self.releases && moving);
        input
    }

    fn is_down(&self, key: char, now_ns: u64) -> bool {
        self.keys.get(&key).is_some_and(|heard_ns| {
            self.releases || now_ns.saturating_sub(*heard_ns) <= self.repeat.hold_ns()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn where_releases_are_told_space_holds_the_arm() {
        let mut keys = KeyboardState::new(true);
        keys.press('w', 0);
        let input = keys.input(500 * MS);
        assert_eq!((input.deadman, input.shift), (false, [1.0, 0.0, 0.0]));
        keys.press(' ', 5000 * MS);
        keys.press('W', 5000 * MS);
        keys.press('d', 5000 * MS);
        let input = keys.input(5800 * MS);
        assert_eq!((input.deadman, input.shift), (true, [1.0, -1.0, 0.0]));
        keys.release('w');
        assert_eq!(keys.input(5800 * MS).shift, [0.0, -1.0, 0.0]);
        // A terminal that says nothing any more moves nothing; the arm stays the person's, and at rest.
        let input = keys.input(5801 * MS);
        assert_eq!((input.deadman, input.shift), (true, [0.0; 3]));
        keys.press('d', 6000 * MS);
        assert_eq!(keys.input(6000 * MS).shift, [0.0, -1.0, 0.0]);
        keys.release_all();
        assert_eq!(keys.input(9000 * MS), OperatorInput::default());
        // Pressed and let go of before anybody looked.
        keys.press('\n', 9000 * MS);
        keys.release('\n');
        assert!(keys.input(9001 * MS).hand_back);
        assert!(!keys.input(9002 * MS).hand_back);
    }

    #[test]
    fn where_they_are_not_a_motion_is_its_own_deadman_until_the_next_repeat_is_overdue() {
        let mut keys = KeyboardState::new(false);
        keys.press('u', 0);
        let input = keys.input(250 * MS);
        assert!(input.deadman && input.turn == [0.0, 0.0, 1.0]);
        assert_eq!(keys.input(251 * MS), OperatorInput::default());
        // Space alone holds the arm still; what hands it back does not hold it.
        keys.press(' ', 1000 * MS);
        assert!(keys.input(1100 * MS).deadman);
        keys.press('\n', 2000 * MS);
        let input = keys.input(2010 * MS);
        assert!(input.hand_back && !input.deadman);
        // Opposite keys make no motion, but somebody is there.
        keys.press('c', 3000 * MS);
        keys.press('v', 3000 * MS);
        let input = keys.input(3000 * MS);
        assert!(input.deadman && input.open == 0.0);
    }

    /// A terminal that repeats after half a second and then every 200 ms, and a device that speaks every 20 ms to a robot
    /// that stops after 150 ms of silence.
    #[test]
    fn a_slow_repeat_makes_no_stall() {
        let mut keys = KeyboardState::new(false);
        let presses: Vec<u64> = (0..50)
            .map(|i| if i == 0 { 0 } else { 300 + 200 * i })
            .collect();
        let (mut next, mut silent, mut longest) = (0, 0, 0);
        for now in (0..10_000).step_by(20) {
            while presses.get(next).is_some_and(|at| *at <= now) {
                keys.press('w', presses[next] * MS);
                next += 1;
            }
            let moving = keys.input(now * MS).shift == [1.0, 0.0, 0.0];
            // Between the first press and its first repeat nobody can tell a tap from a held key.
            silent = if moving || now < 500 { 0 } else { silent + 20 };
            longest = longest.max(silent);
        }
        assert_eq!(longest, 0, "ms without motion while the key was held");
        assert!(!keys.input(10_500 * MS).deadman, "let go of");
    }

    #[test]
    fn a_joint_is_chosen_once_a_press_and_memory_is_bounded() {
        let mut keys = KeyboardState::new(false);
        (0..20).for_each(|i| keys.press('n', i * 33 * MS));
        assert_eq!(keys.input(700 * MS).choose, 1);
        keys.press('n', 2000 * MS);
        keys.press('p', 2000 * MS);
        keys.press('p', 3000 * MS);
        assert_eq!(keys.input(3000 * MS).choose, -1);
        assert_eq!(keys.input(3000 * MS).choose, 0);
        let mut many = KeyboardState::new(true);
        ('\u{100}'..'\u{2000}').for_each(|c| many.press(c, 0));
        assert_eq!(many.keys.len(), MOST_KEYS);
    }
}
