//! How many bytes messages have, for those who are told that theirs has another number.

/// Bytes of every message's header.
const HEADER: usize = 8;
/// Bytes of a request for a service.
pub const REQUEST_BYTES: usize = HEADER + 12;
/// Bytes of a request for a new scene.
pub const RESET_BYTES: usize = HEADER + 12;
/// Bytes of a clock request.
pub const ADVANCE_BYTES: usize = HEADER + 17;
/// Bytes of the answer to a request for a service.
pub const GRANTED_BYTES: usize = HEADER + 1;
/// Bytes of a status with its 17 reasons.
pub const STATUS_BYTES: usize = HEADER + 40 + 8 * apprentice_safety::Denial::ALL.len();

/// Bytes of a state of an arm with so many joints that ends with the opening.
#[must_use]
pub fn state_bytes(joints: usize) -> usize {
    HEADER + 18 + 16 * joints + 8
}

/// Bytes of a command for an arm with so many joints.
#[must_use]
pub fn command_bytes(joints: usize) -> usize {
    HEADER + 22 + 8 * joints + 8
}

/// Bytes of an answer to a teleop question with so many numbers.
#[must_use]
pub fn action_bytes(numbers: usize) -> usize {
    HEADER + 2 + 8 * numbers
}

/// Bytes of the answer to a clock or reset request with the numbers of so many cameras' frames.
#[must_use]
pub fn reply_bytes(cameras: usize) -> usize {
    HEADER + 10 + 8 * cameras
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{
        AdvanceRequest, Request, Status, TickReply, encode_action, encode_advance, encode_command,
        encode_granted, encode_reply, encode_request, encode_reset, encode_state, encode_status,
    };
    use apprentice_core::{JointCommand, RobotState};
    use apprentice_safety::gate::Stop;
    use apprentice_safety::{DenialCounts, Phase};

    #[test]
    fn sizes_are_those_of_the_messages() {
        let status = Status {
            sequence: 1,
            stamp_ns: 0,
            phase: Phase::Free,
            stop: Stop::None,
            stops: 0,
            owner: 0,
            accepted: 0,
            denials: DenialCounts::default(),
        };
        assert_eq!(encode_status(&status).len(), STATUS_BYTES);
        let request = Request {
            client: 1,
            stops: 0,
        };
        assert_eq!(encode_request(request).len(), REQUEST_BYTES);
        assert_eq!(encode_reset(1, 2).len(), RESET_BYTES);
        assert_eq!(encode_granted(Phase::Owned).len(), GRANTED_BYTES);
        let advance = AdvanceRequest {
            duration_ns: 1,
            command_sequence: 0,
            want_frames: true,
        };
        assert_eq!(encode_advance(&advance).len(), ADVANCE_BYTES);
        for n in [0, 1, 7] {
            let state = RobotState {
                sequence: 1,
                stamp_ns: 0,
                positions: vec![0.0; n],
                velocities: vec![0.0; n],
                gripper_width: 0.0,
                efforts: None,
                external_wrench: None,
            };
            assert_eq!(encode_state(&state).len(), state_bytes(n));
            let command = JointCommand {
                sequence: 1,
                stamp_ns: 0,
                positions: vec![0.0; n],
                gripper_width: 0.0,
            };
            assert_eq!(encode_command(1, &command).len(), command_bytes(n));
            assert_eq!(encode_action(&vec![0.0; n]).len(), action_bytes(n));
            let reply = TickReply {
                state_sequence: 1,
                frame_sequences: vec![1; n],
            };
            assert_eq!(encode_reply(&reply).len(), reply_bytes(n));
        }
    }
}
