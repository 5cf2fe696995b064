//! What every kind of policy must do; goes over the whole registry.
#![allow(clippy::unwrap_used)]

use apprentice_core::{
    ActionSpace, CameraFrame, Image, Observation, PolicyInput, PolicyObservation, PreviousChunk,
    RobotState, Seed,
};
use apprentice_episode::{CameraInfo, DecidedBy, Episode, EpisodeMeta, Source, Tick};
use apprentice_policy::{Policy, PolicyConfig, TrainConfig, Windows, load_policy};
use burn::tensor::Device;
use std::sync::Arc;

const TICKS: u64 = 12;
/// Numbers of an action and of proprioception: two joints and an opening.
const DIM: usize = 3;

fn observed(index: u64) -> PolicyObservation {
    let at = index as f32 / TICKS as f32;
    let pixels = (0..8 * 8 * 3).map(|i| (i + 7 * index) as u8).collect();
    PolicyObservation {
        observation: Observation {
            state: RobotState {
                sequence: index,
                stamp_ns: 100 * index,
                positions: vec![f64::from(at); 2],
                velocities: vec![0.0; 2],
                gripper_width: 0.0,
                efforts: None,
                external_wrench: None,
            },
            frames: vec![CameraFrame {
                sequence: index,
                stamp_ns: 100 * index,
                image: Image::new(8, 8, pixels).unwrap(),
            }],
        },
        proprioception: vec![at, -at, 0.5 * at],
    }
}

fn windows(kind: &PolicyConfig) -> Windows {
    let tick = |index: u64| {
        let now = observed(index);
        let next = (index + 1) as f32 / TICKS as f32;
        Tick {
            index,
            stamp_ns: 100 * index,
            observation: now.observation,
            proprioception: now.proprioception,
            action: vec![next, -next, 0.5 * next],
            guard_interventions: Vec::new(),
            decided_by: DecidedBy::Agent,
            unexecuted: Vec::new(),
        }
    };
    let camera = CameraInfo {
        name: "front".into(),
        width: 8,
        height: 8,
    };
    let kind_of_action = ActionSpace::JointPositions.name();
    let episode = Episode {
        id: "rising".into(),
        meta: EpisodeMeta::new(
            "rise",
            "two joints",
            Source::Expert,
            vec![camera],
            kind_of_action,
            DIM,
            10.0,
        ),
        ticks: (0..TICKS).map(tick).collect(),
        complete: true,
    };
    Windows::new([("rising", &episode)], kind).unwrap()
}

fn trained(kind: &PolicyConfig, seed: u64) -> Box<dyn Policy> {
    let training = TrainConfig {
        steps: 2,
        batch: 2,
        noise_samples: 1,
        ..TrainConfig::default()
    };
    let (device, windows) = (Device::flex(), windows(kind));
    let mut steps = 0;
    let mut watch = |_| {
        steps += 1;
        true
    };
    let policy = kind.train(&windows, &training, Seed(seed), &device, &mut watch);
    assert_eq!(steps, training.steps, "{}", kind.name());
    policy.unwrap()
}

fn histories() -> Vec<Vec<Arc<PolicyObservation>>> {
    let upto = |count: u64| (0..count).map(|i| Arc::new(observed(i))).collect();
    [1, 3, 6].map(upto).into()
}

fn inputs(histories: &[Vec<Arc<PolicyObservation>>]) -> Vec<PolicyInput<'_>> {
    histories
        .iter()
        .enumerate()
        .map(|(robot, observations)| PolicyInput {
            robot,
            seed: Seed(20 + robot as u64),
            tick: observations.len() as u64 - 1,
            observations,
        })
        .collect()
}

#[test]
fn chunks_are_finite_of_the_right_shape_frame_and_observation_and_the_same_seed_gives_the_same() {
    let histories = histories();
    let inputs = inputs(&histories);
    for kind in PolicyConfig::all() {
        let name = kind.name();
        let policy = trained(&kind, 1);
        let chunks = policy.plan(&inputs, &[None; 3]).unwrap();
        assert_eq!(chunks.len(), 3, "{name}");
        for (chunk, input) in chunks.iter().zip(&inputs) {
            assert_eq!(chunk.action_dim(), DIM, "{name}");
            assert_eq!(chunk.space(), ActionSpace::JointPositions, "{name}");
            assert_eq!(chunk.space(), policy.action_space(), "{name}");
            assert_eq!(chunk.observed(), input.stamp(), "{name}");
            assert!(policy.n_action_steps() >= 1, "{name}");
            assert_eq!(chunk.n_action_steps(), policy.n_action_steps(), "{name}");
            assert!(
                chunk.executed_rows().flatten().all(|v| v.is_finite()),
                "{name}"
            );
        }
        let again = trained(&kind, 1).plan(&inputs, &[None; 3]).unwrap();
        assert_eq!(
            again, chunks,
            "{name}: the same seed trains and plans otherwise"
        );
        let other = trained(&kind, 2).plan(&inputs, &[None; 3]).unwrap();
        assert_ne!(other, chunks, "{name}: another seed trains the same");
        println!("tried policy {name}");
    }
}

#[test]
fn a_batch_of_one_is_a_batch_of_many() {
    let histories = histories();
    let inputs = inputs(&histories);
    for kind in PolicyConfig::all() {
        let policy = trained(&kind, 3);
        assert!(policy.plan(&[], &[]).unwrap().is_empty());
        let actions = vec![vec![0.1; DIM]; 2];
        let previous = PreviousChunk {
            past: actions.clone(),
            frozen: actions[..1].to_vec(),
            overlap: actions[1..].to_vec(),
        };
        for previous in [[None, None, None], [None, Some(&previous), None]] {
            let together = policy.plan(&inputs, &previous).unwrap();
            for i in 0..inputs.len() {
                let alone = policy.plan(&inputs[i..=i], &previous[i..=i]).unwrap();
                let rows = together[i].executed_rows().zip(alone[0].executed_rows());
                let pairs = rows.flat_map(|(a, b)| a.iter().zip(b));
                let error = pairs.fold(0.0f32, |most, (a, b)| most.max((a - b).abs()));
                assert!(error < 1e-4, "{}: input {i} is off by {error}", kind.name());
            }
        }
    }
}

#[test]
fn what_is_saved_is_what_is_loaded_byte_for_byte() {
    let folder = tempfile::tempdir().unwrap();
    let histories = histories();
    let inputs = inputs(&histories);
    for kind in PolicyConfig::all() {
        let name = kind.name();
        let policy = trained(&kind, 4);
        let [first, second] = ["first", "second"].map(|f| folder.path().join(f));
        policy.save(&first).unwrap();
        let loaded = load_policy(&first, &Device::flex()).unwrap();
        loaded.save(&second).unwrap();
        assert_eq!(
            std::fs::read(&first).unwrap(),
            std::fs::read(&second).unwrap(),
            "{name}"
        );
        let plan = |policy: &dyn Policy| policy.plan(&inputs, &[None; 3]).unwrap();
        assert_eq!(plan(&*loaded), plan(&*policy), "{name}");
        let (windows, samples) = (windows(&kind), [(0, 3), (0, 8)]);
        let next = |policy: &dyn Policy| policy.next_actions(&windows, &samples, Seed(5)).unwrap();
        assert_eq!(next(&*loaded), next(&*policy), "{name}");
        assert_eq!(next(&*policy).len(), samples.len() * DIM, "{name}");
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let histories = histories();
    let inputs = inputs(&histories);
    for kind in PolicyConfig::all() {
        let name = kind.name();
        let policy = trained(&kind, 6);
        let refused = |input: PolicyInput<'_>, what: &str| {
            let error = policy.plan(&[input], &[None]).unwrap_err().to_string();
            assert!(error.contains(what), "{name}: {error}");
        };
        let nothing = PolicyInput {
            observations: &[],
            ..inputs[0].clone()
        };
        refused(nothing, "number of observations is 0");
        let mut blind = observed(0);
        blind.observation.frames.clear();
        let blind = [Arc::new(blind)];
        let without = PolicyInput {
            observations: &blind,
            ..inputs[0].clone()
        };
        refused(without, "number of cameras is 0, expected 1");
        let mut short = observed(0);
        short.proprioception.pop();
        let short = [Arc::new(short)];
        let without = PolicyInput {
            observations: &short,
            ..inputs[0].clone()
        };
        refused(without, "numbers of proprioception is 2, expected 3");
        let error = policy.plan(&inputs, &[None]).unwrap_err().to_string();
        assert!(error.contains("is 1, expected 3"), "{name}: {error}");
        let kinds = serde_json::to_string(&kind).unwrap();
        assert_eq!(serde_json::from_str::<PolicyConfig>(&kinds).unwrap(), kind);
    }
}

#[test]
fn a_file_of_an_unknown_kind_is_refused_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.safetensors");
    let entries = serde_json::json!({ "kind": "oracle" }).to_string();
    let metadata = serde_json::json!({ "__metadata__": { "apprentice": entries } }).to_string();
    let mut bytes = (metadata.len() as u64).to_le_bytes().to_vec();
    bytes.extend(metadata.as_bytes());
    std::fs::write(&path, bytes).unwrap();
    let error = load_policy(&path, &Device::flex()).unwrap_err().to_string();
    assert!(
        error.contains("kind \"oracle\", this build knows diffusion"),
        "{error}"
    );
}
