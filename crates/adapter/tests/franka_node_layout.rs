//! Our bytes beside those franka-node describes itself, and beside vectors of our own.

#![allow(clippy::unwrap_used)]

use apprentice_adapter::franka_node::wire::*;
use proptest::prelude::*;
use serde_json::Value;
use std::path::PathBuf;
use std::process::Command;

/// `tests/wire.json` of the crate franka-node 0.4.0, which cargo unpacks when it is asked about it.
fn described() -> Value {
    let mut asked = Command::new(env!("CARGO"));
    asked.args(["info", "--quiet", "franka-node@0.4.0"]);
    assert!(asked.output().unwrap().status.success(), "{asked:?} failed");
    unpacked().expect("cargo has unpacked franka-node 0.4.0")
}

fn unpacked() -> Option<Value> {
    let home = std::env::var_os("CARGO_HOME").map_or_else(
        || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cargo"),
        PathBuf::from,
    );
    let registries = std::fs::read_dir(home.join("registry/src")).ok()?;
    registries
        .flatten()
        .map(|r| r.path().join("franka-node-0.4.0/tests/wire.json"))
        .find_map(|file| std::fs::read(file).ok())
        .map(|text| serde_json::from_slice(&text).expect("wire.json is JSON"))
}

fn unhex(text: &Value) -> Vec<u8> {
    let text = text.as_str().expect("hexadecimal text");
    (0..text.len() / 2)
        .map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).expect("hexadecimal"))
        .collect()
}

/// The bytes as the description lays the sample's values out: size, offsets and types are its own.
fn laid_out(message: &Value) -> Vec<u8> {
    let mut bytes = vec![0; message["size"].as_u64().unwrap() as usize];
    for field in message["fields"].as_array().unwrap() {
        let name = field[0].as_str().unwrap();
        let mut at = field[2].as_u64().unwrap() as usize;
        let value = &message["sample"]["values"][name];
        let all = value
            .as_array()
            .cloned()
            .unwrap_or_else(|| vec![value.clone()]);
        assert_eq!(
            all.len(),
            field[3].as_u64().unwrap() as usize,
            "{name} of {field}"
        );
        for value in all {
            let number = || value.as_u64().unwrap();
            let raw = match field[1].as_str().unwrap() {
                "u8" => vec![number() as u8],
                "u16" => (number() as u16).to_le_bytes().to_vec(),
                "u32" => (number() as u32).to_le_bytes().to_vec(),
                "u64" => number().to_le_bytes().to_vec(),
                "f64" => value.as_f64().unwrap().to_le_bytes().to_vec(),
                other => panic!("{name} is of the unknown type {other}"),
            };
            bytes[at..at + raw.len()].copy_from_slice(&raw);
            at += raw.len();
        }
    }
    bytes
}

#[test]
#[ignore = "asks cargo for the sources of franka-node 0.4.0: `-- --ignored needs_network`"]
fn needs_network_layouts_are_those_the_node_describes() {
    let described = described();
    assert_eq!(described["version"].as_u64(), Some(u64::from(VERSION)));
    let messages = &described["messages"];
    let sample = |name: &str, size: usize| {
        let message = &messages[name];
        let bytes = unhex(&message["sample"]["hex"]);
        assert_eq!(
            message["size"].as_u64(),
            Some(size as u64),
            "size of {name}"
        );
        assert_eq!(laid_out(message), bytes, "the description of {name} itself");
        (bytes, message["sample"]["values"].clone())
    };

    let (bytes, values) = sample("TargetMsg", TARGET_BYTES);
    let target = decode_target(&bytes).unwrap();
    assert_eq!(encode_target(&target), bytes);
    assert_eq!(target.kind, TargetKind::Joints);
    assert!(target.anchor);
    assert_eq!(values["client_id"].as_u64(), Some(target.client_id.into()));
    assert_eq!(values["seq"].as_u64(), Some(target.sequence));
    assert_eq!(values["t_send_ns"].as_u64(), Some(target.stamp_ns));
    assert_eq!(numbers(&values["data"]), target.numbers);

    let (bytes, values) = sample("StateMsg", STATE_BYTES);
    let state = decode_state(&bytes).unwrap();
    assert_eq!(encode_state(&state), bytes);
    assert_eq!(
        described["phases"][values["phase"].as_u64().unwrap() as usize],
        state.phase.name()
    );
    assert_eq!(
        described["robot_modes"][values["robot_mode"].as_u64().unwrap() as usize],
        state.robot_mode.name()
    );
    assert!(state.has_errors && state.holding && state.joint_target);
    for (name, ours) in [
        ("client_id", u64::from(state.client_id)),
        ("seq_accepted", state.accepted_sequence),
        ("t_send_ns_accepted", state.accepted_stamp_ns),
        ("t_node_ns", state.node_ns),
        ("robot_time_ms", state.robot_time_ms),
        ("accepted", state.accepted),
        ("refused", state.refused),
        ("dropped", state.dropped),
    ] {
        assert_eq!(values[name].as_u64(), Some(ours), "{name}");
    }
    for (name, ours) in [
        ("q", &state.q[..]),
        ("dq", &state.dq),
        ("tau_ext", &state.tau_ext),
        ("o_t_ee", &state.o_t_ee),
        ("o_f_ext_k", &state.o_f_ext_k),
        ("target", &state.target),
    ] {
        assert_eq!(numbers(&values[name]), ours, "{name}");
    }
    assert_eq!(values["success_rate"].as_f64(), Some(state.success_rate));

    let (bytes, values) = sample("GripperMsg", GRIPPER_BYTES);
    let target = decode_gripper_target(&bytes).unwrap();
    assert_eq!(encode_gripper_target(&target), bytes);
    assert!(target.grasp);
    assert_eq!(values["width"].as_f64(), Some(target.width_m));
    assert_eq!(values["force"].as_f64(), Some(target.force_n));
    assert_eq!(values["seq"].as_u64(), Some(target.sequence));

    let (bytes, values) = sample("GripperStateMsg", GRIPPER_BYTES);
    let state = decode_gripper_state(&bytes).unwrap();
    assert_eq!(encode_gripper_state(&state), bytes);
    assert!(state.calibrated && state.grasped && !state.moving && state.fault);
    assert_eq!(values["width"].as_f64(), Some(state.width_m));
    assert_eq!(values["commanded"].as_f64(), Some(state.commanded_m));
    assert_eq!(values["max_width"].as_f64(), Some(state.max_width_m));

    // Every phase and mode has the code the description gives it.
    let (bytes, _) = sample("StateMsg", STATE_BYTES);
    let coded = |at: usize, code: usize| {
        let mut bytes = bytes.clone();
        bytes[at] = code as u8;
        decode_state(&bytes)
    };
    let phases = described["phases"].as_array().unwrap();
    for (code, name) in phases.iter().enumerate() {
        assert_eq!(*name, coded(1, code).unwrap().phase.name());
    }
    assert!(coded(1, phases.len()).is_err());
    let modes = described["robot_modes"].as_array().unwrap();
    for (code, name) in modes.iter().enumerate() {
        assert_eq!(*name, coded(2, code).unwrap().robot_mode.name());
    }
    assert!(coded(2, modes.len()).is_err());
}

fn numbers(values: &Value) -> Vec<f64> {
    let all = values.as_array().unwrap();
    all.iter().map(|v| v.as_f64().unwrap()).collect()
}

#[test]
fn a_target_has_these_bytes() {
    let target = Target {
        kind: TargetKind::Joints,
        anchor: false,
        client_id: 0x0102_0304,
        sequence: 5,
        stamp_ns: 6,
        numbers: [1.0, -2.0, 0.0, 0.0, 0.0, 0.0, 0.5],
    };
    let bytes = encode_target(&target);
    assert_eq!(bytes.len(), TARGET_BYTES);
    assert_eq!(bytes[..8], [1, 2, 0, 0, 4, 3, 2, 1]);
    assert_eq!(
        bytes[8..24],
        [5, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0]
    );
    assert_eq!(bytes[24..32], [0, 0, 0, 0, 0, 0, 0xf0, 0x3f]);
    assert_eq!(bytes[32..40], [0, 0, 0, 0, 0, 0, 0, 0xc0]);
    assert_eq!(bytes[72..], [0, 0, 0, 0, 0, 0, 0xe0, 0x3f]);
    let cartesian = Target {
        kind: TargetKind::Cartesian,
        anchor: true,
        ..target
    };
    assert_eq!(encode_target(&cartesian)[..4], [1, 1, 1, 0]);
}

#[test]
fn what_is_not_a_message_is_refused_with_a_reason() {
    let good = vec![0u8; STATE_BYTES];
    assert!(decode_state(&good).unwrap_err().contains("version"));
    let mut good = good;
    good[0] = 1;
    assert!(decode_state(&good).is_ok());
    assert!(decode_state(&good[1..]).unwrap_err().contains("size"));
    good[50..58].copy_from_slice(&f64::NAN.to_le_bytes());
    assert!(decode_state(&good).unwrap_err().contains("finite"));
    let mut target = vec![0u8; TARGET_BYTES];
    target[0] = 1;
    assert!(decode_target(&target).unwrap_err().contains("neither"));
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..600), size in 0usize..3) {
        let size = [TARGET_BYTES, STATE_BYTES, GRIPPER_BYTES][size];
        let mut sized = bytes.clone();
        sized.resize(size, 0);
        sized[0] = 1;
        for bytes in [&bytes, &sized] {
            let _ = decode_target(bytes);
            let _ = decode_gripper_target(bytes);
            if let Ok(state) = decode_state(bytes) {
                prop_assert!(state.q.iter().all(|v| v.is_finite()));
            }
            if let Ok(state) = decode_gripper_state(bytes) {
                prop_assert!(state.width_m.is_finite());
            }
        }
    }
}
