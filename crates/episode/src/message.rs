//! The messages of a tick, to bytes and back. Layouts: `schema.rs`.

use crate::{
    DecidedBy, Tick, WireError,
    wire::{Encoder, Fields, Value, doubles, floats, numbers},
};
use apprentice_core::RobotState;

/// `/state`: everything of a tick but its pictures and its action.
#[derive(Debug, PartialEq)]
pub(crate) struct State {
    pub index: u64,
    pub stamp_ns: u64,
    pub robot: RobotState,
    pub proprioception: Vec<f32>,
    pub frame_sequences: Vec<u64>,
    pub frame_stamps_ns: Vec<u64>,
}

/// `/action`.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Action {
    pub index: u64,
    pub values: Vec<f32>,
    pub guard_refusals: Vec<String>,
    pub decided_by: DecidedBy,
    /// One after the other.
    pub unexecuted: Vec<f32>,
}

pub(crate) fn encode_state(tick: &Tick) -> Vec<u8> {
    let state = &tick.observation.state;
    let frames = &tick.observation.frames;
    Encoder::default()
        .number(1, tick.index)
        .number(2, tick.stamp_ns)
        .number(3, state.sequence)
        .number(4, state.stamp_ns)
        .doubles(5, &state.positions)
        .doubles(6, &state.velocities)
        .double(7, state.gripper_width)
        .floats(8, &tick.proprioception)
        .numbers(9, frames.iter().map(|f| f.sequence))
        .numbers(10, frames.iter().map(|f| f.stamp_ns))
        .0
}

pub(crate) fn encode_action(tick: &Tick) -> Vec<u8> {
    let encoder = Encoder::default()
        .number(1, tick.index)
        .floats(2, &tick.action);
    let mut encoder = tick
        .guard_refusals
        .iter()
        .fold(encoder, |e, rule| e.bytes(3, rule.as_bytes()));
    if tick.decided_by != DecidedBy::Agent {
        encoder = encoder.number(4, tick.decided_by as u64);
    }
    if !tick.unexecuted.is_empty() {
        encoder = encoder.floats(5, &tick.unexecuted.concat());
    }
    encoder.0
}

/// A `foxglove.CompressedImage` of a PNG.
pub(crate) fn encode_image(stamp_ns: u64, camera: &str, png: &[u8]) -> Vec<u8> {
    let stamp = Encoder::default()
        .number(1, stamp_ns / 1_000_000_000)
        .number(2, stamp_ns % 1_000_000_000);
    Encoder::default()
        .bytes(1, &stamp.0)
        .bytes(2, png)
        .bytes(3, b"png")
        .bytes(4, camera.as_bytes())
        .0
}

pub(crate) fn decode_state(bytes: &[u8]) -> Result<State, WireError> {
    let mut state = State {
        index: 0,
        stamp_ns: 0,
        robot: RobotState {
            sequence: 0,
            stamp_ns: 0,
            positions: Vec::new(),
            velocities: Vec::new(),
            gripper_width: 0.0,
            efforts: None,
            external_wrench: None,
        },
        proprioception: Vec::new(),
        frame_sequences: Vec::new(),
        frame_stamps_ns: Vec::new(),
    };
    for item in Fields(bytes) {
        let (field, value) = item?;
        let known = match (field, value) {
            (1, Value::Number(n)) => set(&mut state.index, n),
            (2, Value::Number(n)) => set(&mut state.stamp_ns, n),
            (3, Value::Number(n)) => set(&mut state.robot.sequence, n),
            (4, Value::Number(n)) => set(&mut state.robot.stamp_ns, n),
            (5, value) => doubles(value, &mut state.robot.positions),
            (6, value) => doubles(value, &mut state.robot.velocities),
            (7, Value::Fixed64(b)) => set(&mut state.robot.gripper_width, f64::from_le_bytes(b)),
            (8, value) => floats(value, &mut state.proprioception),
            (9, value) => numbers(value, &mut state.frame_sequences),
            (10, value) => numbers(value, &mut state.frame_stamps_ns),
            (1..=10, _) => None,
            _ => Some(()),
        };
        known.ok_or(WireError::FieldType {
            message: "State",
            field,
        })?;
    }
    Ok(state)
}

pub(crate) fn decode_action(bytes: &[u8]) -> Result<Action, WireError> {
    let mut action = Action::default();
    for item in Fields(bytes) {
        let (field, value) = item?;
        let known = match (field, value) {
            (1, Value::Number(n)) => set(&mut action.index, n),
            (2, value) => floats(value, &mut action.values),
            (3, Value::Bytes(text)) => {
                let text = String::from_utf8_lossy(text).into_owned();
                action.guard_refusals.push(text);
                Some(())
            }
            (4, Value::Number(n)) => decider(n).map(|d| action.decided_by = d),
            (5, value) => floats(value, &mut action.unexecuted),
            (1..=4, _) => None,
            _ => Some(()),
        };
        known.ok_or(WireError::FieldType {
            message: "Action",
            field,
        })?;
    }
    Ok(action)
}

/// The picture's bytes inside a `foxglove.CompressedImage`.
pub(crate) fn decode_image(bytes: &[u8]) -> Result<&[u8], WireError> {
    let mut png: &[u8] = &[];
    for item in Fields(bytes) {
        match item? {
            (2, Value::Bytes(data)) => png = data,
            (2, _) => {
                return Err(WireError::FieldType {
                    message: "CompressedImage",
                    field: 2,
                });
            }
            _ => {}
        }
    }
    Ok(png)
}

fn decider(number: u64) -> Option<DecidedBy> {
    [DecidedBy::Agent, DecidedBy::Human, DecidedBy::Nobody]
        .into_iter()
        .find(|d| *d as u64 == number)
}

fn set<T>(place: &mut T, value: T) -> Option<()> {
    *place = value;
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use apprentice_core::Observation;

    #[test]
    fn every_number_comes_back_with_its_bits() {
        let tick = Tick {
            index: 5,
            stamp_ns: u64::MAX,
            observation: Observation {
                state: RobotState {
                    sequence: 9,
                    stamp_ns: 1,
                    positions: vec![0.1 + 0.2, f64::MIN_POSITIVE, -0.0],
                    velocities: vec![],
                    gripper_width: 1.0 / 3.0,
                    efforts: None,
                    external_wrench: None,
                },
                frames: vec![],
            },
            proprioception: vec![0.1, f32::INFINITY],
            action: vec![f32::NAN, -1.5],
            guard_refusals: vec!["workspace".into(), "velocity".into()],
            decided_by: DecidedBy::Human,
            unexecuted: vec![vec![0.5, 1.5], vec![2.5, -0.0]],
        };
        let state = decode_state(&encode_state(&tick)).unwrap();
        assert_eq!(state.robot, tick.observation.state);
        assert!(state.robot.positions[2].is_sign_negative());
        assert_eq!((state.index, state.stamp_ns), (5, u64::MAX));
        assert_eq!(state.proprioception, tick.proprioception);
        let action = decode_action(&encode_action(&tick)).unwrap();
        assert_eq!(action.values[0].to_bits(), tick.action[0].to_bits());
        assert_eq!(action.guard_refusals, tick.guard_refusals);
        assert_eq!(action.decided_by, tick.decided_by);
        assert_eq!(action.unexecuted, [0.5, 1.5, 2.5, -0.0]);
    }
}
