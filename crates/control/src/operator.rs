//! A person at an operator's device: what their hands do becomes what the device says.
//!
//! [`Jog`] is the whole decision, from [`Hands`] and the robot's newest state to what
//! [`apprentice_link::OperatorLink::say`] is given; it knows no device. [`PressedKeys`] makes hands of a
//! keyboard, [`Pad`] of a gamepad, [`Gamepad`] reads one. [`who_has_the_arm`] is what the person is told.

mod decider;
mod gamepad;
mod jog;
mod pad;
mod pressed_keys;

pub use decider::who_has_the_arm;
pub use gamepad::{DeviceError, Gamepad};
pub use jog::{Jog, JogConfig, JogError, Said};
pub use pad::{Pad, PadEvent, decode_event};
pub use pressed_keys::PressedKeys;

/// What a person's hands do at one moment, whatever they are on. Shares of full speed are -1 to 1; what is not
/// finite counts as 0.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Hands {
    /// Whether the deadman is pressed.
    pub deadman: bool,
    /// Whether the arm is to be handed back to the policy.
    pub hand_back: bool,
    /// Share of the speed along x, y and z of the base frame. The first moves the chosen joint of a robot
    /// that is told joints.
    pub shift: [f64; 3],
    /// Share of the turning speed about x, y and z of the tool frame.
    pub turn: [f64; 3],
    /// Share of the gripper's speed; above 0 opens.
    pub open: f64,
    /// Joints to go on to since the last time, in the robot's order; below 0 to go back.
    pub choose: i32,
}
