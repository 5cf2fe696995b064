//! A small RLDS dataset for the conformance suite.

use crate::import_sample::{Damage, Sample, SampleEpisode};
use crate::{Feature, TfExample, picture::encode_png, write_tfrecord};
use apprentice_core::Image;
use std::fs;
use std::path::Path;

const SHARD: &str = "toy-train.tfrecord-00000-of-00001";

fn picture(shade: u8) -> Image {
    Image::new(3, 2, (0..18).map(|i| i * 3 + shade).collect()).unwrap()
}

/// A clip of a camera, actions of 2 and states of 3.
fn clip(steps: u8) -> TfExample {
    let n = usize::from(steps);
    let features = [
        ("steps/action", Feature::Floats(numbers(n * 2, 7.0))),
        (
            "steps/observation/state",
            Feature::Floats(numbers(n * 3, 1.0)),
        ),
        (
            "steps/observation/front",
            Feature::Bytes(
                (0..steps)
                    .map(|s| encode_png(&picture(s)).unwrap())
                    .collect(),
            ),
        ),
        (
            "steps/language_instruction",
            Feature::Bytes(vec![b"lift it ".to_vec(); n]),
        ),
    ];
    TfExample {
        features: features.map(|(name, f)| (name.into(), f)).into(),
    }
}

fn numbers(count: usize, divisor: f32) -> Vec<f32> {
    (0..count).map(|i| i as f32 / divisor).collect()
}

fn write_shard(folder: &Path, clips: &[TfExample]) {
    let mut bytes = Vec::new();
    for clip in clips {
        write_tfrecord(&mut bytes, &clip.encode()).unwrap();
    }
    fs::write(folder.join(SHARD), bytes).unwrap();
}

/// What a clip of so many steps must become.
fn imported(steps: u8) -> SampleEpisode {
    let n = usize::from(steps);
    let (actions, states) = (numbers(n * 2, 7.0), numbers(n * 3, 1.0));
    SampleEpisode {
        instruction: Some("lift it".into()),
        ticks: (0..n)
            .map(|i| {
                [
                    actions[i * 2..i * 2 + 2].to_vec(),
                    states[i * 3..i * 3 + 3].to_vec(),
                ]
            })
            .collect(),
        pictures: (0..steps).map(|s| vec![picture(s)]).collect(),
    }
}

/// A second clip changed in one way.
fn changed(change: fn(&mut TfExample), said: Vec<&'static str>) -> Damage {
    let damage = move |folder: &Path| {
        let mut bad = clip(4);
        change(&mut bad);
        write_shard(folder, &[clip(2), bad]);
    };
    Damage {
        damage: Box::new(damage),
        said,
    }
}

pub(super) fn write(folder: &Path) -> Sample {
    let features = serde_json::json!({"featuresDict": {"features": {"steps": {"sequence": {"feature":
        {"featuresDict": {"features": {
            "action": {"tensor": {"shape": {"dimensions": ["2"]}, "dtype": "float32"}},
            "observation": {"featuresDict": {"features": {
                "front": {"image": {"shape": {"dimensions": ["2", "3", "3"]}}},
                "state": {"tensor": {"shape": {"dimensions": ["3"]}, "dtype": "float32"}},
            }}},
        }}}
    }}}}});
    fs::write(folder.join("features.json"), features.to_string()).unwrap();
    let info =
        serde_json::json!({"name": "toy", "splits": [{"name": "train", "shardLengths": ["2"]}]});
    fs::write(folder.join("dataset_info.json"), info.to_string()).unwrap();
    write_shard(folder, &[clip(2), clip(4)]);
    let damages = vec![
        changed(
            |c| drop(c.features.remove("steps/observation/front")),
            vec![SHARD, "record 1", "steps/observation/front", "missing"],
        ),
        changed(
            |c| {
                drop(
                    c.features
                        .insert("steps/action".into(), Feature::Floats(vec![0.0; 7])),
                )
            },
            vec![
                SHARD,
                "record 1",
                "steps/action",
                "7 numbers for 4 steps of 2",
            ],
        ),
        changed(
            |c| {
                let mut states = numbers(12, 1.0);
                states[4] = f32::NAN;
                c.features
                    .insert("steps/observation/state".into(), Feature::Floats(states));
            },
            vec![SHARD, "record 1", "number 1 of step 1 is NaN"],
        ),
        Damage {
            damage: Box::new(|folder| write_shard(folder, &[clip(2)])),
            said: vec![SHARD, "holds 1 episodes", "says 2"],
        },
    ];
    Sample {
        episodes: vec![imported(2), imported(4)],
        damages,
    }
}
