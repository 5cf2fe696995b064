//! A person at an operator's device: what their hands do becomes what the device says.
//!
//! [`Jog`] is the whole decision, from [`OperatorInput`] and the robot's newest state to what
//! [`apprentice_link::OperatorLink::send`] is given; it knows no device. [`KeyboardState`] makes hands of a
//! keyboard, [`GamepadState`] of a gamepad, [`SpaceMouseState`] of a SpaceMouse. [`PersonAgent`] is such a person as the
//! agent of a run, [`LeaderAgent`] one who moves a second arm. [`who_has_the_arm`] is what the person is told.

mod dead_zone;
mod decider;
mod device_reader;
mod gamepad;
mod gamepad_state;
mod jog;
mod jog_config;
mod jog_motion;
mod key_repeat;
mod keyboard_state;
mod leader;
mod operator_input;
mod person_agent;
mod space_mouse;
mod space_mouse_state;

pub use decider::who_has_the_arm;
pub use device_reader::{DeviceError, DeviceReader, DeviceState};
pub use gamepad::Gamepad;
pub use gamepad_state::{GamepadEvent, GamepadState, decode_event};
pub use jog::{Jog, JogCommand};
pub use jog_config::{JogConfig, JogError};
pub use key_repeat::KeyRepeat;
pub use keyboard_state::KeyboardState;
pub use leader::{JointMap, LeaderAgent, LeaderError};
pub use operator_input::OperatorInput;
pub use person_agent::{InputSource, PersonAgent};
pub use space_mouse::SpaceMouse;
pub use space_mouse_state::SpaceMouseState;
