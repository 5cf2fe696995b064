//! Pairs of segments as arrays of observations and actions, in a NumPy archive.

use crate::array::{Array, read_array};
use crate::{Labelled, LabelledClips, LabelsError};
use apprentice_encoder::FeatureClip;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use zip::ZipArchive;

/// Most files of an archive.
const MOST_FILES: usize = 64;
/// Largest array, bytes.
const LARGEST: u64 = 1 << 30;

/// Reads `obs_1`, `obs_2`, `action_1`, `action_2` [pairs, steps, numbers] and `label`, one a pair (0: the first is better,
/// 0.5: equal, 1: the second is) from an .npz file. Clip `2 i` is the first of pair `i`, `2 i + 1` the second.
///
/// # Errors
/// Names the array that is missing, misshapen or too large, and the row whose label is none of these.
pub fn read_npz(path: &Path) -> Result<LabelledClips, LabelsError> {
    let refuse = |what: String| LabelsError::file(path, what);
    let file = File::open(path).map_err(LabelsError::io(path))?;
    let mut archive = ZipArchive::new(BufReader::new(file))
        .map_err(|e| refuse(format!("it is no archive of NumPy (.npz): {e}")))?;
    if archive.len() > MOST_FILES {
        return Err(refuse(format!(
            "{} arrays, allowed: up to {MOST_FILES}",
            archive.len()
        )));
    }
    let mut array = |name: &str| -> Result<Array, LabelsError> {
        let entry = archive
            .by_name(&format!("{name}.npy"))
            .map_err(|e| refuse(format!("array {name}: {e}")))?;
        let size = entry.size();
        if size > LARGEST {
            return Err(refuse(format!(
                "array {name} of {size} bytes, allowed: up to {LARGEST}"
            )));
        }
        read_array(entry, size).map_err(|e| refuse(format!("array {name}: {e}")))
    };
    let (obs, actions) = (
        [array("obs_1")?, array("obs_2")?],
        [array("action_1")?, array("action_2")?],
    );
    let label = array("label")?;
    let &[pairs, steps, of_obs] = obs[0].shape.as_slice() else {
        return Err(refuse(format!(
            "obs_1 is {:?}, allowed: pairs x steps x numbers",
            obs[0].shape
        )));
    };
    let of_action = actions[0].shape.last().copied().unwrap_or_default();
    for (name, got, wanted) in [
        ("obs_2", &obs[1].shape, vec![pairs, steps, of_obs]),
        ("action_1", &actions[0].shape, vec![pairs, steps, of_action]),
        ("action_2", &actions[1].shape, vec![pairs, steps, of_action]),
    ] {
        if *got != wanted {
            return Err(refuse(format!(
                "{name} is {got:?}, allowed: {wanted:?} as obs_1 has it"
            )));
        }
    }
    if label.values.len() != pairs {
        return Err(refuse(format!(
            "label is {:?}, allowed: one for each of {pairs} pairs",
            label.shape
        )));
    }
    let width = of_obs + of_action;
    if steps == 0 || width == 0 {
        return Err(refuse(format!(
            "obs_1 is {:?}, allowed: 1 or more steps and numbers",
            obs[0].shape
        )));
    }
    let mut read = LabelledClips {
        clips: Vec::new(),
        labels: Vec::new(),
        observations: Some(of_obs),
    };
    for (row, &said) in label.values.iter().enumerate() {
        for side in 0..2 {
            let mut values = Vec::with_capacity(steps * width);
            for step in row * steps..(row + 1) * steps {
                values.extend_from_slice(&obs[side].values[step * of_obs..][..of_obs]);
                values.extend_from_slice(&actions[side].values[step * of_action..][..of_action]);
            }
            read.clips.push(FeatureClip::vision(width, values));
        }
        let (a, b) = (2 * row, 2 * row + 1);
        let tiers = match said {
            0.0 => vec![vec![a], vec![b]],
            0.5 => vec![vec![a, b]],
            1.0 => vec![vec![b], vec![a]],
            other => {
                return Err(refuse(format!(
                    "label[{row}] is {other}, allowed: 0 (first better), 0.5 (equal) or 1 (second better)"
                )));
            }
        };
        read.labels.push(Labelled { tiers });
    }
    Ok(read)
}
