//! The schemas inside our files: protobuf descriptors, built by hand so that no compiler for them
//! is needed.
//!
//! Field numbers of `FileDescriptorSet` and its parts:
//! <https://github.com/protocolbuffers/protobuf/blob/main/src/google/protobuf/descriptor.proto>;
//! `foxglove.CompressedImage`: <https://docs.foxglove.dev/docs/visualization/message-schemas/compressed-image>.

use crate::wire::Encoder;

/// Schema name of pictures; viewers know how to show it.
pub(crate) const IMAGE: &str = "foxglove.CompressedImage";
/// Schema name of [`crate::message::State`].
pub(crate) const STATE: &str = "apprentice.State";
/// Schema name of [`crate::message::Action`].
pub(crate) const ACTION: &str = "apprentice.Action";

/// Schema name of [`crate::message::Effort`].
pub(crate) const EFFORT: &str = "apprentice.Effort";

enum Kind {
    Double,
    Float,
    Int64,
    UInt64,
    Int32,
    Text,
    Message(&'static str),
    Bytes,
}

struct Field(u64, &'static str, Kind, bool);

/// One `FieldDescriptorProto`.
fn field(Field(number, name, kind, repeated): &Field) -> Vec<u8> {
    let code = match kind {
        Kind::Double => 1,
        Kind::Float => 2,
        Kind::Int64 => 3,
        Kind::UInt64 => 4,
        Kind::Int32 => 5,
        Kind::Text => 9,
        Kind::Message(_) => 11,
        Kind::Bytes => 12,
    };
    let encoder = Encoder::default()
        .bytes(1, name.as_bytes())
        .number(3, *number)
        .number(4, if *repeated { 3 } else { 1 })
        .number(5, code);
    match kind {
        Kind::Message(of) => encoder.bytes(6, of.as_bytes()).0,
        _ => encoder.0,
    }
}

/// One `DescriptorProto`.
fn message(name: &str, fields: &[Field]) -> Vec<u8> {
    fields
        .iter()
        .fold(Encoder::default().bytes(1, name.as_bytes()), |m, f| {
            m.bytes(2, &field(f))
        })
        .0
}

/// One `FileDescriptorProto` with syntax proto3.
fn file(name: &str, package: &str, needs: &[&str], messages: &[Vec<u8>]) -> Vec<u8> {
    let mut encoder = Encoder::default()
        .bytes(1, name.as_bytes())
        .bytes(2, package.as_bytes());
    for need in needs {
        encoder = encoder.bytes(3, need.as_bytes());
    }
    for message in messages {
        encoder = encoder.bytes(4, message);
    }
    encoder.bytes(12, b"proto3").0
}

/// `FileDescriptorSet` of [`IMAGE`].
pub(crate) fn image() -> Vec<u8> {
    let timestamp = message(
        "Timestamp",
        &[
            Field(1, "seconds", Kind::Int64, false),
            Field(2, "nanos", Kind::Int32, false),
        ],
    );
    let picture = message(
        "CompressedImage",
        &[
            Field(
                1,
                "timestamp",
                Kind::Message(".google.protobuf.Timestamp"),
                false,
            ),
            Field(4, "frame_id", Kind::Text, false),
            Field(2, "data", Kind::Bytes, false),
            Field(3, "format", Kind::Text, false),
        ],
    );
    let time_file = "google/protobuf/timestamp.proto";
    Encoder::default()
        .bytes(1, &file(time_file, "google.protobuf", &[], &[timestamp]))
        .bytes(
            1,
            &file(
                "foxglove/CompressedImage.proto",
                "foxglove",
                &[time_file],
                &[picture],
            ),
        )
        .0
}

/// `FileDescriptorSet` of [`STATE`] and [`ACTION`].
pub(crate) fn state_and_action() -> Vec<u8> {
    let state = message(
        "State",
        &[
            Field(1, "index", Kind::UInt64, false),
            Field(2, "stamp_ns", Kind::UInt64, false),
            Field(3, "state_sequence", Kind::UInt64, false),
            Field(4, "state_stamp_ns", Kind::UInt64, false),
            Field(5, "positions", Kind::Double, true),
            Field(6, "velocities", Kind::Double, true),
            Field(7, "gripper_width", Kind::Double, false),
            Field(8, "proprioception", Kind::Float, true),
            Field(9, "frame_sequences", Kind::UInt64, true),
            Field(10, "frame_stamps_ns", Kind::UInt64, true),
        ],
    );
    let action = message(
        "Action",
        &[
            Field(1, "index", Kind::UInt64, false),
            Field(2, "values", Kind::Float, true),
            Field(3, "guard_refusals", Kind::Text, true),
            Field(4, "decided_by", Kind::UInt64, false),
            Field(5, "unexecuted", Kind::Float, true),
        ],
    );
    Encoder::default()
        .bytes(
            1,
            &file(
                "apprentice/episode.proto",
                "apprentice",
                &[],
                &[state, action],
            ),
        )
        .0
}

/// `FileDescriptorSet` of [`EFFORT`].
pub(crate) fn effort() -> Vec<u8> {
    let effort = message(
        "Effort",
        &[
            Field(1, "index", Kind::UInt64, false),
            Field(2, "joint_torques", Kind::Double, true),
            Field(3, "external_wrench", Kind::Double, true),
        ],
    );
    Encoder::default()
        .bytes(
            1,
            &file("apprentice/effort.proto", "apprentice", &[], &[effort]),
        )
        .0
}
