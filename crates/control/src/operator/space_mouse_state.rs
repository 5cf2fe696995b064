//! What a person's hands do, from the reports of a SpaceMouse.
//!
//! Reports are those of 3Dconnexion's devices over USB HID as recordings of them show (AndunHH/spacemouse,
//! `SpaceNavigator.md`: a SpaceNavigator recorded with Wireshark): the first byte says which, numbers are `i16`, low
//! byte first, about -350 to 350. Report 1 is the translation along x (right), y (towards the person), z (down), of
//! newer devices followed by the rotation; report 2 the rotation about the same axes; report 3 the buttons, one a bit.

use super::dead_zone::share;
use super::operator_input::OperatorInput;
use std::time::{Duration, Instant};

/// The value of a cap that is pushed all the way.
const FULL: f64 = 350.0;
/// A cap nearer to the middle than this share rests.
const DEAD_ZONE: f64 = 0.08;
/// Buttons: left closes, right opens, both together end or hand back.
const CLOSE: u32 = 1;
const OPEN: u32 = 2;
/// How long a cap stands where the newest report has it: a device sends reports without end while its cap is deflected,
/// so one that is silent meanwhile has frozen.
const FROZEN: Duration = Duration::from_millis(300);
/// Goes on in the other space, on devices that have a third.
const SWITCH: u32 = 4;

/// How a SpaceMouse's cap and buttons stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpaceMouseState {
    /// Along x, y, z of the device.
    shift: [i16; 3],
    /// About the same.
    turn: [i16; 3],
    buttons: u32,
    /// When the newest report came.
    heard: Option<Instant>,
    handed_back: bool,
    switched: bool,
}

impl SpaceMouseState {
    /// A report came. `false` for one that is not known or too short, which changes nothing: devices also tell of
    /// their battery, for one.
    pub fn apply(&mut self, report: &[u8]) -> bool {
        match report {
            [1, values @ ..] if values.len() >= 12 => {
                let (shift, turn) = values.split_at(6);
                match (three(shift), three(turn)) {
                    (Some(shift), Some(turn)) => (self.shift, self.turn) = (shift, turn),
                    _ => return false,
                }
            }
            [1, values @ ..] => match three(values) {
                Some(shift) => self.shift = shift,
                None => return false,
            },
            [2, values @ ..] => match three(values) {
                Some(turn) => self.turn = turn,
                None => return false,
            },
            [3, bits @ ..] if !bits.is_empty() => {
                let places = bits.iter().take(4).enumerate();
                let now = places.fold(0, |all, (i, byte)| all | u32::from(*byte) << (8 * i));
                let both = |buttons: u32| buttons & (CLOSE | OPEN) == CLOSE | OPEN;
                self.handed_back |= both(now) && !both(self.buttons);
                self.switched ^= now & !self.buttons & SWITCH != 0;
                self.buttons = now;
            }
            _ => return false,
        }
        self.heard = Some(Instant::now());
        true
    }

    /// What the person asks for now. Away from the person is along x of the base frame, left along y.
    pub fn input(&mut self) -> OperatorInput {
        self.input_at(Instant::now())
    }

    fn input_at(&mut self, now: Instant) -> OperatorInput {
        let is_frozen = |heard| now.saturating_duration_since(heard) > FROZEN;
        if self.heard.is_none_or(is_frozen) {
            (self.shift, self.turn) = ([0; 3], [0; 3]);
        }
        let share = |value| share(value, FULL, DEAD_ZONE);
        let [right, towards, down] = self.shift.map(share);
        let [about_right, about_towards, about_down] = self.turn.map(share);
        let pressed = |button: u32| f64::from(u8::from(self.buttons & button != 0));
        let mut input = OperatorInput {
            hand_back: std::mem::take(&mut self.handed_back),
            // Not -0.
            shift: [0.0 - towards, 0.0 - right, 0.0 - down],
            turn: [0.0 - about_towards, 0.0 - about_right, 0.0 - about_down],
            open: pressed(OPEN) - pressed(CLOSE),
            switch_space: std::mem::take(&mut self.switched),
            ..OperatorInput::default()
        };
        // The cap springs back: whoever moves it has it in their hand.
        input.deadman = input.moves_tool() || self.buttons & (CLOSE | OPEN) != 0;
        input
    }
}

/// The first three numbers.
fn three(bytes: &[u8]) -> Option<[i16; 3]> {
    match *bytes {
        [a, b, c, d, e, f, ..] => Some([[a, b], [c, d], [e, f]].map(i16::from_le_bytes)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes recorded from a SpaceNavigator (AndunHH/spacemouse, `SpaceNavigator.md`).
    const AT_REST: &[u8] = &[0x01, 0, 0, 0, 0, 0, 0];
    const TURNED: &[u8] = &[0x02, 0x00, 0x00, 0xe2, 0xff, 0x00, 0x00];
    const LEFT: &[u8] = &[0x03, 0x01, 0x00];
    const RIGHT: &[u8] = &[0x03, 0x02, 0x00];
    const BOTH: &[u8] = &[0x03, 0x03, 0x00];
    const NONE: &[u8] = &[0x03, 0x00, 0x00];

    #[test]
    fn recorded_reports_are_read_as_they_were_meant() {
        let mut mouse = SpaceMouseState::default();
        assert!(mouse.apply(AT_REST));
        assert_eq!(mouse.input(), OperatorInput::default());
        // -30 about the second axis: 0xffe2.
        assert!(mouse.apply(TURNED));
        assert_eq!(mouse.turn, [0, -30, 0]);
        let small = mouse.input().turn;
        assert!(
            (small[0] - (30.0 / 350.0 - 0.08) / 0.92).abs() < 1e-12,
            "{small:?}"
        );
        assert!(mouse.input().deadman);
        let mut frozen = mouse;
        let later = |ms| Instant::now() + Duration::from_millis(ms);
        assert!(mouse.input_at(later(200)).deadman);
        let input = frozen.input_at(later(400));
        assert_eq!((input.deadman, input.turn), (false, [0.0; 3]));
        assert!(mouse.apply(&[0x02, 0, 0, 0, 0, 0, 0]));
        for (report, open) in [(LEFT, -1.0), (NONE, 0.0), (RIGHT, 1.0), (NONE, 0.0)] {
            assert!(mouse.apply(report));
            let input = mouse.input();
            assert_eq!((input.open, input.deadman), (open, open != 0.0));
            assert!(!input.hand_back);
        }
        mouse.apply(BOTH);
        assert!(mouse.input().hand_back && !mouse.input().hand_back);
    }

    #[test]
    fn newer_devices_tell_all_six_at_once_and_what_is_unknown_changes_nothing() {
        let mut mouse = SpaceMouseState::default();
        // Right, away from the person, up, all the way and beyond.
        let mut report = [0u8; 13];
        report[0] = 1;
        for (at, value) in [(1, 350i16), (3, -350), (5, i16::MIN), (11, 350)] {
            report[at..at + 2].copy_from_slice(&value.to_le_bytes());
        }
        assert!(mouse.apply(&report));
        let input = mouse.input();
        assert_eq!(
            (input.shift, input.turn),
            ([1.0, -1.0, 1.0], [0.0, 0.0, -1.0])
        );
        let before = mouse;
        for unknown in [
            &[][..],
            &[1],
            &[1, 2, 3],
            &[2, 0, 0, 0, 0, 0],
            &[3],
            &[0x17, 100],
        ] {
            assert!(!mouse.apply(unknown), "{unknown:?}");
        }
        assert_eq!(mouse, before);
    }
}
