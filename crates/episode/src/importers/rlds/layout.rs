//! What a dataset's own description says: cameras, sizes, shards.

use super::error::RldsError;
use crate::{CameraInfo, file_name::file_name};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// One TFRecord file.
pub(super) struct Shard {
    pub path: PathBuf,
    pub split: String,
    /// Episodes it should hold.
    pub episodes: Option<usize>,
}

/// A dataset's description.
pub(super) struct Layout {
    pub dataset: String,
    pub cameras: Vec<CameraInfo>,
    pub action_dim: usize,
    pub state_dim: usize,
    pub shards: Vec<Shard>,
}

impl Layout {
    pub fn read(dir: &Path) -> Result<Self, RldsError> {
        let path = dir.join("features.json");
        let features = json(&path)?;
        let step = "/featuresDict/features/steps/sequence/feature/featuresDict/features";
        let steps = features
            .pointer(step)
            .ok_or_else(|| RldsError::layout(&path, "it describes no steps"))?;
        let observation = steps
            .pointer("/observation/featuresDict/features")
            .and_then(Value::as_object)
            .ok_or_else(|| RldsError::layout(&path, "a step has no observation"))?;
        let mut cameras = Vec::new();
        for (name, feature) in observation {
            if let Some(image) = feature.get("image") {
                cameras.push(camera(name, image).ok_or_else(|| {
                    RldsError::layout(&path, format!("camera {name} has no fixed size"))
                })?);
            }
        }
        cameras.sort();
        if cameras.is_empty() {
            return Err(RldsError::layout(&path, "it describes no camera"));
        }
        let vector = |feature: Option<&Value>, name: &str| {
            feature.and_then(vector_length).ok_or_else(|| {
                RldsError::layout(&path, format!("a step has no float vector {name}"))
            })
        };
        let action_dim = vector(steps.get("action"), "action")?;
        let state_dim = vector(observation.get("state"), "observation/state")?;
        let info = json(&dir.join("dataset_info.json"))?;
        Ok(Self {
            dataset: info
                .get("name")
                .and_then(Value::as_str)
                .unwrap_or("rlds")
                .into(),
            cameras,
            action_dim,
            state_dim,
            shards: shards(dir, &info)?,
        })
    }

    /// The splits that have shards, each once, in order.
    pub fn splits(&self) -> Vec<String> {
        let mut splits: Vec<_> = self.shards.iter().map(|s| s.split.clone()).collect();
        splits.dedup();
        splits
    }

    pub fn camera_names(&self) -> String {
        let names: Vec<_> = self.cameras.iter().map(|c| c.name.as_str()).collect();
        names.join(", ")
    }
}

fn json(path: &Path) -> Result<Value, RldsError> {
    let bytes = fs::read(path).map_err(|e| RldsError::io("read", path, e))?;
    serde_json::from_slice(&bytes).map_err(|e| RldsError::layout(path, e.to_string()))
}

/// The sizes in a shape; they are written as text.
fn dimensions(feature: &Value) -> Option<Vec<usize>> {
    let sizes = feature.pointer("/shape/dimensions")?.as_array()?;
    sizes.iter().map(|d| d.as_str()?.parse().ok()).collect()
}

fn camera(name: &str, image: &Value) -> Option<CameraInfo> {
    let [height, width, 3] = dimensions(image)?[..] else {
        return None;
    };
    Some(CameraInfo {
        name: name.into(),
        width: width.try_into().ok()?,
        height: height.try_into().ok()?,
    })
}

fn vector_length(feature: &Value) -> Option<usize> {
    let tensor = feature.get("tensor")?;
    let float = tensor.get("dtype")?.as_str()? == "float32";
    let [length] = dimensions(tensor)?[..] else {
        return None;
    };
    float.then_some(length)
}

/// The shards in `dir`, `<dataset>-<split>.tfrecord-<i>-of-<n>`, sorted; all `n` must be there.
fn shards(dir: &Path, info: &Value) -> Result<Vec<Shard>, RldsError> {
    let failed = |e| RldsError::io("list", dir, e);
    let mut found = Vec::new();
    for item in fs::read_dir(dir).map_err(failed)? {
        let path = item.map_err(failed)?.path();
        if let Some((split, index, of)) = shard_name(&file_name(&path)) {
            found.push((split, index, of, path));
        }
    }
    found.sort();
    if found.is_empty() {
        return Err(RldsError::layout(dir, "there is no .tfrecord shard"));
    }
    for (split, _, of, _) in &found {
        let got = found.iter().filter(|f| f.0 == *split).count();
        if got != *of {
            return Err(RldsError::layout(
                dir,
                format!("split {split} has {got} of its {of} shards"),
            ));
        }
    }
    let announced = |split: &str, index: usize| {
        let splits = info.get("splits")?.as_array()?;
        let split = splits
            .iter()
            .find(|s| s.get("name").and_then(Value::as_str) == Some(split))?;
        split
            .get("shardLengths")?
            .get(index)?
            .as_str()?
            .parse()
            .ok()
    };
    Ok(found
        .into_iter()
        .map(|(split, index, _, path)| Shard {
            episodes: announced(&split, index),
            path,
            split,
        })
        .collect())
}

/// Split, index and number of shards in a shard's name.
fn shard_name(name: &str) -> Option<(String, usize, usize)> {
    let (head, tail) = name.split_once(".tfrecord-")?;
    let (index, of) = tail.split_once("-of-")?;
    let split = head.rsplit('-').next()?;
    Some((split.into(), index.parse().ok()?, of.parse().ok()?))
}
