//! What a person's hands do, from the events of a gamepad.
//!
//! Events are those of the Linux joystick interface (Linux kernel documentation, `input/joydev/joystick-api`):
//! eight bytes in the computer's own order, time in ms `u32`, value `i16`, type `u8` (1 button, 2 axis, with
//! 0x80 where it tells how things stood when the device was opened), number `u8`. Axes and buttons are
//! numbered as the kernel numbers those of Xbox and PlayStation pads; but for button 7 no control is used
//! that the two number differently.

use super::dead_zone::share;
use super::operator_input::OperatorInput;

/// Bytes of one event.
pub(super) const EVENT: usize = 8;
const BUTTON: u8 = 1;
const AXIS: u8 = 2;
/// Tells how things stood when the device was opened.
const AT_OPENING: u8 = 0x80;

/// Axes and buttons that are looked at.
const AXES: usize = 8;
const BUTTONS: usize = 16;
/// A stick nearer to the middle than this share rests.
const DEAD_ZONE: f64 = 0.15;
/// The value of a stick at the end of its way.
const FULL: f64 = 32767.0;

/// Buttons: A (cross), B (circle), the third and fourth, left and right shoulder.
const CLOSE: usize = 0;
const HAND_BACK: usize = 1;
const OPEN: [usize; 2] = [2, 3];
const DEADMAN: [usize; 2] = [4, 5];
/// Goes on in the other space: start on Xbox pads, the right trigger on PlayStation pads.
const SWITCH: usize = 7;
/// Axes: left stick, right stick, cross of directions; right and down are above 0.
const LEFT: [usize; 2] = [0, 1];
const RIGHT: [usize; 2] = [3, 4];
const CROSS: [usize; 2] = [6, 7];

/// Something that moved on a gamepad.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GamepadEvent {
    /// A button, and whether it is pressed.
    Button(u8, bool),
    /// An axis, and where it is, -32767 to 32767.
    Axis(u8, i16),
}

/// The event in eight bytes; `None` for one of a kind that is not known.
#[must_use]
pub fn decode_event(bytes: [u8; EVENT]) -> Option<GamepadEvent> {
    let [_, _, _, _, low, high, kind, number] = bytes;
    let value = i16::from_ne_bytes([low, high]);
    match kind & !AT_OPENING {
        BUTTON => Some(GamepadEvent::Button(number, value != 0)),
        AXIS => Some(GamepadEvent::Axis(number, value)),
        _ => None,
    }
}

/// How a gamepad's sticks and buttons stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GamepadState {
    axes: [i16; AXES],
    buttons: [bool; BUTTONS],
    choose: i32,
    /// The arm was handed back since the last time, however short the press.
    handed_back: bool,
    /// Whether to go on in the other space, by button 7 (start, or the right trigger, which both pads have there).
    switched: bool,
}

impl GamepadState {
    /// Something moved. What it does not have is left.
    pub fn apply(&mut self, event: GamepadEvent) {
        match event {
            GamepadEvent::Button(number, pressed) => {
                let number = usize::from(number);
                if let Some(button) = self.buttons.get_mut(number) {
                    self.handed_back |= number == HAND_BACK && pressed;
                    self.switched ^= number == SWITCH && pressed && !*button;
                    *button = pressed;
                }
            }
            GamepadEvent::Axis(number, value) => {
                let number = usize::from(number);
                let before = self.axis(CROSS[0]);
                if let Some(axis) = self.axes.get_mut(number) {
                    *axis = value;
                }
                let after = self.axis(CROSS[0]);
                if before == 0.0 && after != 0.0 {
                    self.choose = self.choose.saturating_add(after.signum() as i32);
                }
            }
        }
    }

    /// What the person asks for now.
    pub fn input(&mut self) -> OperatorInput {
        let handed_back = std::mem::take(&mut self.handed_back);
        let down = |button: usize| self.buttons.get(button).copied().unwrap_or(false);
        let open = f64::from(u8::from(OPEN.into_iter().any(down)));
        OperatorInput {
            deadman: DEADMAN.into_iter().any(down),
            hand_back: handed_back || down(HAND_BACK),
            // Forward is away from the base, left is y.
            shift: [
                -self.axis(LEFT[1]),
                -self.axis(LEFT[0]),
                -self.axis(RIGHT[1]),
            ],
            turn: [
                self.axis(CROSS[0]),
                -self.axis(CROSS[1]),
                self.axis(RIGHT[0]),
            ],
            open: open - f64::from(u8::from(down(CLOSE))),
            choose: std::mem::take(&mut self.choose),
            switch_space: std::mem::take(&mut self.switched),
        }
    }

    /// An axis as a share, 0 in the middle of its way.
    fn axis(&self, number: usize) -> f64 {
        let value = self.axes.get(number).copied().unwrap_or(0);
        share(value, FULL, DEAD_ZONE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    /// As the kernel lays it out.
    pub(crate) fn event(value: i16, kind: u8, number: u8) -> [u8; EVENT] {
        let [low, high] = value.to_ne_bytes();
        [0x10, 0x20, 0x30, 0x40, low, high, kind, number]
    }

    #[test]
    fn events_are_read_as_the_kernel_writes_them() {
        assert_eq!(
            decode_event(event(1, 1, 4)),
            Some(GamepadEvent::Button(4, true))
        );
        assert_eq!(
            decode_event(event(0, 0x81, 9)),
            Some(GamepadEvent::Button(9, false))
        );
        assert_eq!(
            decode_event(event(-32767, 2, 1)),
            Some(GamepadEvent::Axis(1, -32767))
        );
        assert_eq!(
            decode_event(event(i16::MIN, 0x82, 200)),
            Some(GamepadEvent::Axis(200, i16::MIN))
        );
        for kind in [0, 3, 4, 0x80, 0x83, 0xff] {
            assert_eq!(decode_event(event(1, kind, 1)), None);
        }
    }

    #[test]
    fn sticks_move_the_tool_while_a_shoulder_is_pressed() {
        let mut pad = GamepadState::default();
        pad.apply(GamepadEvent::Axis(1, -32767));
        pad.apply(GamepadEvent::Axis(3, 2000));
        let input = pad.input();
        assert!(!input.deadman);
        assert_eq!((input.shift, input.turn), ([1.0, 0.0, 0.0], [0.0; 3]));
        pad.apply(GamepadEvent::Button(5, true));
        pad.apply(GamepadEvent::Axis(0, 32767));
        pad.apply(GamepadEvent::Button(0, true));
        pad.apply(GamepadEvent::Button(1, true));
        let input = pad.input();
        assert!(input.deadman && input.hand_back);
        assert_eq!((input.shift, input.open), ([1.0, -1.0, 0.0], -1.0));
        pad.apply(GamepadEvent::Button(5, false));
        assert!(!pad.input().deadman);
        for pressed in [false, true, false] {
            pad.apply(GamepadEvent::Button(1, pressed));
        }
        assert!(pad.input().hand_back && !pad.input().hand_back);
    }

    #[test]
    fn the_cross_chooses_a_joint_once_a_press() {
        let mut pad = GamepadState::default();
        for value in [32767, 32767, 0, 32767, 0, -32767] {
            pad.apply(GamepadEvent::Axis(6, value));
        }
        assert_eq!(pad.input().choose, 1);
        assert_eq!(pad.input().choose, 0);
    }

    #[test]
    fn any_bytes_make_hands_within_their_range() {
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        let mut pad = GamepadState::default();
        let mut read = 0;
        for _ in 0..200_000 {
            if let Some(event) = decode_event(rng.random()) {
                read += 1;
                pad.apply(event);
            }
            let input = pad.input();
            let all = input.shift.iter().chain(&input.turn).chain([&input.open]);
            all.for_each(|v| assert!((-1.0..=1.0).contains(v), "{input:?}"));
        }
        assert!(read > 1000, "{read}");
    }
}
