//! Whatever comes from the network is read as what was sent, or refused; nothing panics.

use super::layout::{NOT_FINITE, header};
use super::*;
use apprentice_core::{CameraFrame, Image, JointCommand, RobotState};
use apprentice_safety::gate::Stop;
use apprentice_safety::{ControlAuthority, DenialCounts, Phase, TeleopMessage};
use proptest::collection::vec;
use proptest::prelude::*;

/// Finite numbers of every size.
fn number() -> impl Strategy<Value = f64> {
    use proptest::num::f64::{NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO};
    NORMAL | SUBNORMAL | ZERO | POSITIVE | NEGATIVE
}

fn state() -> impl Strategy<Value = RobotState> {
    let joints = vec((number(), number()), 0..=MOST_JOINTS);
    (any::<u64>(), any::<u64>(), joints, number()).prop_map(
        |(sequence, stamp_ns, joints, gripper_width)| {
            let (positions, velocities) = joints.into_iter().unzip();
            RobotState {
                sequence,
                stamp_ns,
                positions,
                velocities,
                gripper_width,
                efforts: None,
                external_wrench: None,
            }
        },
    )
}

fn command() -> impl Strategy<Value = JointCommand> {
    state().prop_map(|s| JointCommand {
        sequence: s.sequence,
        stamp_ns: s.stamp_ns,
        positions: s.positions,
        gripper_width: s.gripper_width,
    })
}

fn frame() -> impl Strategy<Value = CameraFrame> {
    let picture = (1u32..24, 1u32..24).prop_flat_map(|(w, h)| {
        vec(any::<u8>(), (w * h * 3) as usize).prop_map(move |rgb| (w, h, rgb))
    });
    (any::<u64>(), any::<u64>(), picture).prop_map(|(sequence, stamp_ns, (w, h, rgb))| {
        CameraFrame {
            sequence,
            stamp_ns,
            image: Image::new(w, h, rgb).unwrap(),
        }
    })
}

#[test]
fn efforts_and_wrench_are_optional_and_left_to_whoever_takes_the_state() {
    let plain = RobotState {
        sequence: 3,
        stamp_ns: 4,
        positions: vec![0.5, 0.25],
        velocities: vec![1.0, 2.0],
        gripper_width: 0.04,
        efforts: None,
        external_wrench: None,
    };
    let short = encode_state(&plain).len();
    // As it was before there were any: header, two numbers, a count, two joints, the opening.
    assert_eq!(short, 8 + 16 + 2 + 2 * 16 + 8);
    let wrench = [1.0, -2.0, 3.0, 0.1, 0.2, 0.3];
    for (efforts, external_wrench) in [
        (None, None),
        (Some(vec![1.5, -2.5]), None),
        (None, Some(wrench)),
        (Some(vec![1.5, -2.5]), Some(wrench)),
        // Not one a joint.
        (Some(Vec::new()), None),
        (Some(vec![0.0; MOST_JOINTS]), Some(wrench)),
    ] {
        let state = RobotState {
            efforts,
            external_wrench,
            ..plain.clone()
        };
        let bytes = encode_state(&state);
        assert_eq!(decode_state(&bytes), Ok(state));
        for length in (0..bytes.len()).filter(|l| *l != short) {
            assert!(decode_state(&bytes[..length]).is_err(), "{length}");
        }
        assert!(decode_state(&[&bytes[..], &[0]].concat()).is_err());
    }
    let not_finite = RobotState {
        efforts: Some(vec![f64::NAN, f64::INFINITY]),
        ..plain
    };
    let read = decode_state(&encode_state(&not_finite)).unwrap();
    assert!(read.efforts.unwrap()[0].is_nan());
}

/// Whether any decoder takes `bytes`; each must at least come back.
fn taken_by(bytes: &[u8]) -> Vec<&'static str> {
    let decoders = [
        ("state", decode_state(bytes).is_ok()),
        ("command", decode_command(bytes).is_ok()),
        ("frame", decode_frame(bytes).is_ok()),
        ("advance", decode_advance(bytes).is_ok()),
        ("reset", decode_reset(bytes).is_ok()),
        ("reply", decode_reply(bytes).is_ok()),
        ("action", decode_action(bytes).is_ok()),
        ("chunk", decode_chunk(bytes).is_ok()),
        ("status", decode_status(bytes).is_ok()),
        ("event", decode_event(bytes).is_ok()),
        ("request", decode_request(bytes).is_ok()),
        ("granted", decode_granted(bytes).is_ok()),
        ("takeover", decode_takeover(bytes).is_ok()),
        ("decider", decode_authority_status(bytes).is_ok()),
    ];
    let taken = decoders.into_iter().filter(|d| d.1);
    taken.map(|d| d.0).collect()
}

proptest! {
    #[test]
    fn what_is_sent_is_what_is_read(
        state in state(),
        command in command(),
        frame in frame(),
        duration_ns in any::<u64>(),
        command_sequence in any::<u64>(),
        want_frames in any::<bool>(),
        frame_sequences in vec(any::<u64>(), 0..=MOST_JOINTS),
        action in vec(proptest::num::f32::NORMAL | proptest::num::f32::ZERO, 0..=MOST_JOINTS),
    ) {
        prop_assert_eq!(&decode_state(&encode_state(&state)).unwrap(), &state);
        let client = duration_ns as u32;
        let read = decode_command(&encode_command(client, &command)).unwrap();
        prop_assert_eq!(read, (client, command.clone()));
        let chunk = Chunk {
            sequence: duration_ns,
            stamp_ns: command_sequence,
            period_ns: client,
            joints: command.positions.len(),
            numbers: [&command.positions[..], &[command.gripper_width]].concat().repeat(3),
        };
        prop_assert_eq!(decode_chunk(&encode_chunk(client, &chunk)).unwrap(), (client, chunk));
        let bytes = encode_frame(&frame);
        prop_assert_eq!(bytes.len(), frame_bytes(frame.image.width(), frame.image.height()));
        prop_assert_eq!(&decode_frame(&bytes).unwrap(), &frame);
        for size in [1, 27, 28, 29, 4096] {
            prop_assert_eq!(&join_frame(bytes.chunks(size), bytes.len(), vec![7; size]).unwrap(), &frame);
        }
        prop_assert!(join_frame(bytes.chunks(9), bytes.len() - 1, vec![]).is_err());
        prop_assert!(join_frame(bytes[..bytes.len() - 1].chunks(9), bytes.len(), vec![]).is_err());
        let request = AdvanceRequest { duration_ns, command_sequence, want_frames };
        prop_assert_eq!(decode_advance(&encode_advance(&request)).unwrap(), request);
        prop_assert_eq!(decode_reset(&encode_reset(client, duration_ns)).unwrap(), (client, duration_ns));
        let reply = TickReply { state_sequence: command_sequence, frame_sequences };
        prop_assert_eq!(&decode_reply(&encode_reply(&reply)).unwrap(), &reply);
        prop_assert_eq!(&decode_action(&encode_action(&action)).unwrap(), &action);
        let takeover = Takeover {
            teleop: TeleopMessage { client, sequence: duration_ns, deadman: want_frames, hand_back: !want_frames },
            stamp_ns: command_sequence,
            action,
        };
        prop_assert_eq!(&decode_takeover(&encode_takeover(&takeover)).unwrap(), &takeover);
        for authority in [ControlAuthority::Policy, ControlAuthority::Human, ControlAuthority::Nobody] {
            let decider = AuthorityStatus { sequence: duration_ns, stamp_ns: command_sequence, authority, device: client };
            prop_assert_eq!(decode_authority_status(&encode_authority_status(&decider)).unwrap(), decider);
        }
        let phase = Phase::ALL[client as usize % Phase::ALL.len()];
        let status = Status {
            sequence: duration_ns,
            stamp_ns: command_sequence,
            phase,
            stop: Stop::from_number((client % 3) as u8).unwrap(),
            stops: command_sequence,
            owner: client,
            accepted: duration_ns,
            denials: DenialCounts::from_counts(&[duration_ns, 2, 3]),
        };
        prop_assert_eq!(decode_status(&encode_status(&status)).unwrap(), status);
        let event = Event { sequence: 1, stamp_ns: 2, phase, what: "ä".repeat(client as usize % 200) };
        let read = decode_event(&encode_event(&event)).unwrap();
        prop_assert!(event.what.starts_with(&read.what) && read.what.len() >= event.what.len().min(255));
        let request = Request { client, stops: duration_ns };
        prop_assert_eq!(decode_request(&encode_request(request)).unwrap(), request);
        prop_assert_eq!(decode_granted(&encode_granted(phase)).unwrap(), phase);
    }

    #[test]
    fn what_is_cut_off_or_too_long_is_refused(
        state in state(),
        frame in frame(),
        cut in any::<prop::sample::Index>(),
        more in vec(any::<u8>(), 1..40),
    ) {
        for whole in [encode_state(&state), encode_frame(&frame), encode_reset(9, state.sequence)] {
            prop_assert_eq!(taken_by(&whole).len(), 1);
            prop_assert!(taken_by(&whole[..cut.index(whole.len())]).is_empty());
            let long = [&whole[..], &more[..]].concat();
            prop_assert!(taken_by(&long).is_empty());
        }
    }

    #[test]
    fn any_bytes_come_back_without_a_panic(kind in 0u16..18, bytes in vec(any::<u8>(), 0..300)) {
        taken_by(&bytes);
        let mut headed = header(kind);
        headed.extend(&bytes);
        prop_assert!(taken_by(&headed).len() <= 1);
    }

    #[test]
    fn a_single_number_that_is_not_finite_is_refused(
        state in state().prop_filter("has joints", |s| !s.positions.is_empty()),
        at in any::<prop::sample::Index>(),
        bad in prop::sample::select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY]),
    ) {
        let joints = state.positions.len();
        let mut bytes = encode_state(&state);
        let place = 26 + 8 * at.index(2 * joints + 1);
        bytes[place..place + 8].copy_from_slice(&bad.to_le_bytes());
        prop_assert_eq!(decode_state(&bytes), Err(NOT_FINITE));
        let mut bytes = encode_command(9, &JointCommand {
            sequence: 1,
            stamp_ns: 1,
            positions: state.positions,
            gripper_width: 0.0,
        });
        let place = 30 + 8 * at.index(joints + 1);
        bytes[place..place + 8].copy_from_slice(&bad.to_le_bytes());
        prop_assert_eq!(decode_command(&bytes), Err(NOT_FINITE));
    }
}

#[test]
fn sizes_are_checked_before_anything_is_copied() {
    let frame = |width: u16, height: u16, bytes: usize| {
        let mut out = header(3);
        out.extend([0; 16]);
        out.extend(width.to_le_bytes());
        out.extend(height.to_le_bytes());
        out.extend(vec![0; bytes]);
        decode_frame(&out)
    };
    assert!(frame(2, 3, 18).is_ok());
    assert!(frame(2, 3, 17).unwrap_err().contains("does not fit"));
    assert!(frame(1, 1, 1 << 20).unwrap_err().contains("does not fit"));
    for (width, height) in [(u16::MAX, u16::MAX), (4097, 4096), (0, 9), (9, 0), (0, 0)] {
        assert!(frame(width, height, 0).unwrap_err().contains("4096"));
    }
    for (kind, before) in [(1, 16), (2, 20), (8, 26), (9, 29), (14, 21)] {
        let mut out = header(kind);
        out.extend(vec![0; before]);
        out.extend(u16::MAX.to_le_bytes());
        out.extend([0; 4000]);
        assert!(taken_by(&out).is_empty());
    }
}

#[test]
fn an_action_that_is_not_finite_is_refused() {
    for bad in [f32::NAN, f32::INFINITY] {
        assert_eq!(decode_action(&encode_action(&[0.0, bad])), Err(NOT_FINITE));
    }
    // Finite in 64 bits, not in the 32 an action has.
    let mut bytes = header(7);
    bytes.extend(1u16.to_le_bytes());
    bytes.extend(1e300f64.to_le_bytes());
    assert_eq!(decode_action(&bytes), Err(NOT_FINITE));
}

#[test]
fn other_headers_are_refused() {
    let good = encode_reset(1, 7);
    for (at, says) in [(0, "APRT"), (4, "version"), (6, "kind")] {
        let mut bytes = good.clone();
        bytes[at] ^= 0xff;
        assert!(decode_reset(&bytes).unwrap_err().contains(says));
    }
}
