//! A person at an operator's device: what their hands do becomes what the device says.
//!
//! [`Jog`] is the whole decision, from [`OperatorInput`] and the robot's newest state to what
//! [`apprentice_link::OperatorLink::send`] is given; it knows no device. [`KeyboardState`] makes hands of a
//! keyboard, [`GamepadState`] of a gamepad, [`Gamepad`] reads one. [`who_has_the_arm`] is what the person is told.

mod decider;
mod gamepad;
mod gamepad_state;
mod jog;
mod keyboard_state;
mod operator_input;

pub use decider::who_has_the_arm;
pub use gamepad::{DeviceError, Gamepad};
pub use gamepad_state::{GamepadEvent, GamepadState, decode_event};
pub use jog::{Jog, JogCommand, JogConfig, JogError};
pub use keyboard_state::KeyboardState;
pub use operator_input::OperatorInput;
