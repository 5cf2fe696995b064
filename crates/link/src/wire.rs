//! How messages are laid out: fixed, little-endian, versioned. See `robots/PROTOCOL.md`.

mod frame;
mod layout;
mod lockstep;
mod motion;
mod operator;
mod service;
mod sizes;

pub(crate) use frame::encode_frame_head;
pub use frame::{decode_frame, encode_frame, frame_bytes, join_frame};
pub use layout::{MOST_JOINTS, MOST_PIXELS, MOST_POINTS, Problem, VERSION};
pub use lockstep::{
    AdvanceRequest, TickReply, decode_advance, decode_reply, decode_reset, encode_advance,
    encode_reply, encode_reset,
};
pub use motion::{
    Chunk, decode_chunk, decode_command, decode_state, encode_chunk, encode_command, encode_state,
};
pub use operator::{
    AuthorityStatus, Takeover, decode_action, decode_authority_status, decode_takeover,
    encode_action, encode_authority_status, encode_takeover,
};
pub use service::{
    Event, Request, Status, decode_event, decode_granted, decode_request, decode_status,
    encode_event, encode_granted, encode_request, encode_status,
};
pub use sizes::{
    ADVANCE_BYTES, GRANTED_BYTES, REQUEST_BYTES, RESET_BYTES, STATUS_BYTES, action_bytes,
    command_bytes, reply_bytes, state_bytes,
};

#[cfg(test)]
mod tests;
