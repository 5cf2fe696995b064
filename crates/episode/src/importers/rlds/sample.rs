//! A small RLDS dataset for the conformance suite.

use crate::{Damage, Sample, SampleEpisode};
use crate::{Feature, TfExample, picture::encode_png, write_tfrecord};
use apprentice_core::Image;
use std::error::Error;
use std::path::Path;
use std::{fs, io};

const SHARD: &str = "toy-train.tfrecord-00000-of-00001";

/// What goes wrong with writing it.
type Failure = Box<dyn Error + Send + Sync>;

fn picture(shade: u8) -> Result<Image, Failure> {
    Ok(Image::new(3, 2, (0..18).map(|i| i * 3 + shade).collect())?)
}

fn png(shade: u8) -> Result<Vec<u8>, Failure> {
    Ok(encode_png(&picture(shade)?)?)
}

/// A clip of a camera, actions of 2 and states of 3.
fn clip(steps: u8) -> Result<TfExample, Failure> {
    let n = usize::from(steps);
    let features = [
        ("steps/action", Feature::Floats(numbers(n * 2, 7.0))),
        (
            "steps/observation/state",
            Feature::Floats(numbers(n * 3, 1.0)),
        ),
        (
            "steps/observation/front",
            Feature::Bytes((0..steps).map(png).collect::<Result<_, _>>()?),
        ),
        (
            "steps/language_instruction",
            Feature::Bytes(vec![b"lift it ".to_vec(); n]),
        ),
    ];
    Ok(TfExample {
        features: features.map(|(name, f)| (name.into(), f)).into(),
    })
}

fn numbers(count: usize, divisor: f32) -> Vec<f32> {
    (0..count).map(|i| i as f32 / divisor).collect()
}

fn write_shard(folder: &Path, clips: &[TfExample]) -> io::Result<()> {
    let mut bytes = Vec::new();
    for clip in clips {
        write_tfrecord(&mut bytes, &clip.encode())?;
    }
    fs::write(folder.join(SHARD), bytes)
}

/// What a clip of so many steps must become.
fn imported(steps: u8) -> Result<SampleEpisode, Failure> {
    let n = usize::from(steps);
    let (actions, states) = (numbers(n * 2, 7.0), numbers(n * 3, 1.0));
    Ok(SampleEpisode {
        instruction: Some("lift it".into()),
        ticks: (0..n)
            .map(|i| {
                [
                    actions[i * 2..i * 2 + 2].to_vec(),
                    states[i * 3..i * 3 + 3].to_vec(),
                ]
            })
            .collect(),
        pictures: (0..steps)
            .map(|s| Ok(vec![picture(s)?]))
            .collect::<Result<_, Failure>>()?,
    })
}

/// A second clip changed in one way.
fn changed(change: fn(&mut TfExample), said: Vec<&'static str>) -> Damage {
    let damage = move |folder: &Path| {
        let mut bad = clip(4).map_err(io::Error::other)?;
        change(&mut bad);
        write_shard(folder, &[clip(2).map_err(io::Error::other)?, bad])
    };
    Damage {
        damage: Box::new(damage),
        said,
    }
}

pub(super) fn write(folder: &Path) -> Result<Sample, Failure> {
    let features = serde_json::json!({"featuresDict": {"features": {"steps": {"sequence": {"feature":
        {"featuresDict": {"features": {
            "action": {"tensor": {"shape": {"dimensions": ["2"]}, "dtype": "float32"}},
            "observation": {"featuresDict": {"features": {
                "front": {"image": {"shape": {"dimensions": ["2", "3", "3"]}}},
                "state": {"tensor": {"shape": {"dimensions": ["3"]}, "dtype": "float32"}},
            }}},
        }}}
    }}}}});
    fs::write(folder.join("features.json"), features.to_string())?;
    let info =
        serde_json::json!({"name": "toy", "splits": [{"name": "train", "shardLengths": ["2"]}]});
    fs::write(folder.join("dataset_info.json"), info.to_string())?;
    write_shard(folder, &[clip(2)?, clip(4)?])?;
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
                "7 numbers for 3 steps of 2",
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
            damage: Box::new(|folder| write_shard(folder, &[clip(2).map_err(io::Error::other)?])),
            said: vec![SHARD, "holds 1 episodes", "says 2"],
        },
    ];
    Ok(Sample {
        episodes: vec![imported(2)?, imported(4)?],
        damages,
    })
}
