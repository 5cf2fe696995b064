//! The bytes of franka-node 0.4.0: fixed little-endian layouts without padding, protocol version 1.
//! Sizes, offsets and codes are those of `tests/wire.json` in that crate, and tested against it.

mod arm;
mod gripper;
mod layout;

pub use arm::{
    Phase, RobotMode, State, Target, TargetKind, decode_state, decode_target, encode_state,
    encode_target,
};
pub use gripper::{
    GripperState, GripperTarget, decode_gripper_state, decode_gripper_target, encode_gripper_state,
    encode_gripper_target,
};
pub use layout::{GRIPPER_BYTES, JOINTS, Problem, STATE_BYTES, TARGET_BYTES, VERSION};
