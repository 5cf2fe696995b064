//! Everything that reads bytes from a wire, with good messages to damage.

use anyhow::{Result, anyhow};
use apprentice_adapter::ros2::attachment::Attachment;
use apprentice_adapter::{cdr, franka_node, physicalai};
use apprentice_core::{CameraFrame, JointCommand, RobotState};
use apprentice_link::wire::{
    self, AdvanceRequest, AuthorityStatus, Chunk, Event, Status, Takeover, TickReply,
};
use apprentice_safety::gate::Stop;
use apprentice_safety::{ControlAuthority, Denial, DenialCounts, Phase, TeleopMessage};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Reads a message and says whether it took it.
type Read = Box<dyn Fn(&[u8]) -> bool>;

/// One of them.
pub struct Decoder {
    /// What it reads.
    pub name: &'static str,
    /// Messages it takes.
    pub good: Vec<Vec<u8>>,
    /// Reads one and says whether it took it.
    pub read: Read,
}

fn decoder<T, E>(
    name: &'static str,
    good: Vec<Vec<u8>>,
    read: impl Fn(&[u8]) -> Result<T, E> + 'static,
) -> Decoder {
    Decoder {
        name,
        good,
        read: Box::new(move |bytes| read(bytes).is_ok()),
    }
}

/// All of them.
pub fn all() -> Result<Vec<Decoder>> {
    let mut all = native();
    all.extend(franka());
    all.extend(ros()?);
    all.extend(msgpack()?);
    for decoder in &all {
        let takes = decoder.good.iter().all(|good| (decoder.read)(good));
        if !takes || decoder.good.is_empty() {
            return Err(anyhow!("{} does not take its own messages", decoder.name));
        }
    }
    Ok(all)
}

/// Our own link's.
pub fn native() -> Vec<Decoder> {
    let joints = |n: usize| (0..n).map(|i| i as f64 * 0.1).collect::<Vec<_>>();
    let sizes = [1, 7, 64];
    let state = |n| {
        wire::encode_state(&RobotState {
            sequence: 5,
            stamp_ns: 6,
            positions: joints(n),
            velocities: joints(n),
            gripper_width: 0.04,
            efforts: None,
            external_wrench: None,
        })
    };
    let command = |n| {
        let command = JointCommand {
            sequence: 5,
            stamp_ns: 6,
            positions: joints(n),
            gripper_width: 0.04,
        };
        wire::encode_command(9, &command)
    };
    let chunk = |n: usize, points: usize| {
        let chunk = Chunk {
            sequence: 5,
            stamp_ns: 6,
            period_ns: 20_000_000,
            joints: n,
            numbers: joints((n + 1) * points),
        };
        wire::encode_chunk(9, &chunk)
    };
    let frame = |edge| {
        wire::encode_frame(&CameraFrame {
            sequence: 5,
            stamp_ns: 6,
            image: crate::memory_robot::noise(edge, edge, 1),
        })
    };
    let reply = |n: u64| {
        wire::encode_reply(&TickReply {
            state_sequence: 5,
            frame_sequences: (0..n).collect(),
        })
    };
    let takeover = |n: usize| {
        wire::encode_takeover(&Takeover {
            teleop: TeleopMessage {
                client: 9,
                sequence: 5,
                deadman: true,
                hand_back: false,
            },
            stamp_ns: 6,
            action: vec![0.1; n],
        })
    };
    let advance = AdvanceRequest {
        duration_ns: 5,
        command_sequence: 6,
        want_frames: true,
    };
    let status = Status {
        sequence: 5,
        stamp_ns: 6,
        phase: Phase::Active,
        stop: Stop::None,
        stops: 3,
        owner: 9,
        accepted: 10,
        denials: DenialCounts::from_counts(&[1; Denial::ALL.len()]),
    };
    let decider = AuthorityStatus {
        sequence: 7,
        stamp_ns: 8,
        authority: ControlAuthority::Human,
        device: 9,
    };
    let event = Event {
        sequence: 5,
        stamp_ns: 6,
        phase: Phase::Stopped,
        what: "stopped: as asked".into(),
    };
    vec![
        decoder("state", sizes.map(state).into(), wire::decode_state),
        decoder("command", sizes.map(command).into(), wire::decode_command),
        decoder("frame", [1, 8, 20].map(frame).into(), wire::decode_frame),
        decoder("frame in pieces", [1, 8, 20].map(frame).into(), |b| {
            wire::join_frame(b.chunks(13), b.len(), Vec::new())
        }),
        decoder(
            "clock request",
            vec![wire::encode_advance(&advance)],
            wire::decode_advance,
        ),
        decoder(
            "reset request",
            vec![wire::encode_reset(9, 5)],
            wire::decode_reset,
        ),
        decoder("answer", [0, 2, 64].map(reply).into(), wire::decode_reply),
        decoder(
            "action",
            vec![wire::encode_action(&[0.5; 10])],
            wire::decode_action,
        ),
        decoder(
            "chunk",
            vec![chunk(0, 5), chunk(1, 60), chunk(7, 16), chunk(64, 3)],
            wire::decode_chunk,
        ),
        decoder(
            "status",
            vec![wire::encode_status(&status)],
            wire::decode_status,
        ),
        decoder(
            "event",
            vec![wire::encode_event(&event)],
            wire::decode_event,
        ),
        decoder(
            "who decides",
            vec![wire::encode_authority_status(&decider)],
            wire::decode_authority_status,
        ),
        decoder(
            "service request",
            vec![wire::encode_request(wire::Request {
                client: 9,
                stops: 3,
            })],
            wire::decode_request,
        ),
        decoder(
            "service granted",
            vec![wire::encode_granted(Phase::Owned)],
            wire::decode_granted,
        ),
        decoder(
            "takeover",
            [0, 10].map(takeover).into(),
            wire::decode_takeover,
        ),
    ]
}

/// franka-node's.
fn franka() -> Vec<Decoder> {
    use franka_node::wire::{
        GripperTarget, Target, TargetKind, decode_gripper_target, decode_state, decode_target,
        encode_gripper_target, encode_target,
    };
    let target = Target {
        kind: TargetKind::Joints,
        anchor: true,
        client_id: 9,
        sequence: 5,
        stamp_ns: 6,
        numbers: [0.1; 7],
    };
    let gripper = GripperTarget {
        grasp: false,
        client_id: 9,
        sequence: 5,
        stamp_ns: 6,
        width_m: 0.04,
        force_n: 10.0,
    };
    let target = encode_target(&target);
    // Its state is as long as it is, whatever is in it.
    let mut states = decoder("franka state", Vec::new(), decode_state);
    states.good.push(franka_state());
    vec![
        decoder("franka target", vec![target], decode_target),
        decoder(
            "franka gripper target",
            vec![encode_gripper_target(&gripper)],
            decode_gripper_target,
        ),
        states,
    ]
}

fn franka_state() -> Vec<u8> {
    use franka_node::wire::{Phase, RobotMode, State, encode_state};
    encode_state(&State {
        phase: Phase::Active,
        robot_mode: RobotMode::Move,
        has_errors: false,
        holding: false,
        joint_target: true,
        client_id: 9,
        accepted_sequence: 5,
        accepted_stamp_ns: 6,
        node_ns: 7,
        robot_time_ms: 8,
        success_rate: 1.0,
        q: [0.1; 7],
        dq: [0.0; 7],
        tau_ext: [0.0; 7],
        o_t_ee: [0.0; 16],
        o_f_ext_k: [0.0; 6],
        target: [0.1; 7],
        accepted: 1,
        refused: 0,
        dropped: 0,
    })
}

/// A ROS message that owns what it holds.
fn ros_message<T: Serialize + DeserializeOwned + 'static>(
    name: &'static str,
    good: &T,
) -> Result<Decoder> {
    Ok(decoder(name, vec![cdr::encode(good)?], |bytes| {
        cdr::decode::<T>(bytes)
    }))
}

/// ROS 2's.
fn ros() -> Result<Vec<Decoder>> {
    use cdr::{
        CompressedImage, Float64MultiArray, Header, JointJog, JointState, JointTrajectory, Names,
        Numbers, RawImage, TrajectoryPoint, TriggerResponse, TwistStamped,
    };
    let header = Header {
        frame_id: "base".into(),
        ..Header::default()
    };
    let names: Names = (1..8).map(|i| format!("fr3_joint{i}")).collect();
    let numbers = || Numbers::from(&[0.5; 7][..]);
    let state = JointState {
        header: header.clone(),
        name: names.clone(),
        position: numbers(),
        velocity: numbers(),
        effort: numbers(),
    };
    let jog = JointJog {
        header: header.clone(),
        joint_names: names.clone(),
        displacements: numbers(),
        velocities: numbers(),
        duration: 0.1,
    };
    let mut path = JointTrajectory {
        header: header.clone(),
        joint_names: names,
        ..JointTrajectory::default()
    };
    for _ in 0..4 {
        let point = TrajectoryPoint {
            positions: &[0.1; 7],
            velocities: &[0.2; 7],
            ..TrajectoryPoint::default()
        };
        path.points.push(&point).map_err(|e| anyhow!("{e}"))?;
    }
    let array = Float64MultiArray {
        data: numbers(),
        ..Float64MultiArray::default()
    };
    let twist = TwistStamped {
        header: header.clone(),
        ..TwistStamped::default()
    };
    let response = TriggerResponse {
        success: true,
        message: "done".into(),
    };
    let raw = RawImage {
        header: header.clone(),
        height: 4,
        width: 4,
        encoding: "rgb8".into(),
        is_bigendian: 0,
        step: 12,
        data: &[7; 48],
    };
    let packed = CompressedImage {
        header,
        format: "png".into(),
        data: &[7; 48],
    };
    Ok(vec![
        ros_message("JointState", &state)?,
        ros_message("JointJog", &jog)?,
        ros_message("JointTrajectory", &path)?,
        ros_message("Float64MultiArray", &array)?,
        ros_message("TwistStamped", &twist)?,
        ros_message("TriggerResponse", &response)?,
        decoder("Image", vec![cdr::encode(&raw)?], |bytes| {
            cdr::decode::<RawImage>(bytes).map(drop)
        }),
        decoder("CompressedImage", vec![cdr::encode(&packed)?], |bytes| {
            cdr::decode::<CompressedImage>(bytes).map(drop)
        }),
        decoder("rmw attachment", vec![vec![16; 33]], |bytes| {
            Attachment::decode(bytes).ok_or("it is none")
        }),
    ])
}

/// physicalai's.
fn msgpack() -> Result<Vec<Decoder>> {
    use physicalai::layout::{Action, Array, Metadata, State, decode, encode};
    let numbers = [0u8; 56];
    let array = Array::doubles(&numbers);
    let state = State {
        joint_positions: array,
        state: array,
        timestamp: 1.0,
        sensor_data: None,
    };
    let action = Action {
        action: array,
        goal_time: 0.1,
        ts: 1.0,
    };
    let metadata = Metadata {
        protocol_version: 1,
        name: "arm".into(),
        joint_names: (1..8).map(|i| format!("joint{i}")).collect(),
    };
    let packed = |bytes: Result<Vec<u8>, String>| bytes.map_err(|e| anyhow!("{e}"));
    Ok(vec![
        decoder("physicalai state", vec![packed(encode(&state))?], |bytes| {
            decode::<State>(bytes).map(drop)
        }),
        decoder(
            "physicalai action",
            vec![packed(encode(&action))?],
            |bytes| decode::<Action>(bytes).map(drop),
        ),
        decoder(
            "physicalai metadata",
            vec![packed(encode(&metadata))?],
            |bytes| decode::<Metadata>(bytes).map(drop),
        ),
    ])
}
