//! Episodes of an RLDS dataset (TensorFlow Datasets on disk), read without TensorFlow.
//!
//! A dataset is a directory with `features.json` (what each step holds), `dataset_info.json` (how
//! many episodes each shard has) and TFRecord shards with one `tf.train.Example` an episode; a step
//! feature holds the values of all steps one after another. Sources:
//! <https://github.com/google-research/rlds> and
//! <https://www.tensorflow.org/datasets/external_tfrecord>.

mod episode;
mod error;
mod layout;

pub use error::RldsError;

mod sample;

use crate::{
    CameraInfo, EpisodeEntry, EpisodeMeta, EpisodeWriter, ImportError, ImportSummary, Importer,
    Sample, Source, TfExample, TfRecords, file_name::file_name,
};
use episode::Clip;
use layout::{Layout, Shard};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, fs, fs::File, io::BufReader, path::Path};

/// What an RLDS dataset's files do not say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rlds {
    /// Steps per second; the format stores no times. BridgeData V2 was recorded at 5 Hz
    /// (arXiv 2308.12952, section 4).
    pub rate_hz: f64,
    /// Name of the robot.
    pub robot: String,
    /// What the numbers of an action mean.
    pub action_kind: String,
    /// Cameras to keep; `None` keeps all but those whose pictures are one flat colour throughout,
    /// which is how a missing camera is stored.
    pub cameras: Option<Vec<String>>,
}

impl Default for Rlds {
    fn default() -> Self {
        Self {
            rate_hz: 5.0,
            robot: "widowx".into(),
            action_kind: "rlds_action".into(),
            cameras: None,
        }
    }
}

impl Importer for Rlds {
    fn about(&self) -> &'static str {
        "an RLDS data set (TFRecord shards with features.json)"
    }

    fn import(
        &self,
        from: &Path,
        to: &Path,
        watch: &mut dyn FnMut(usize) -> bool,
    ) -> Result<ImportSummary, ImportError> {
        import(from, to, self, watch).map_err(ImportError::new)
    }

    fn sample(&self, folder: &Path) -> Result<Sample, ImportError> {
        Ok(sample::write(folder)?)
    }
}

/// Imports the RLDS dataset in `from` as episodes into `to` (made when missing), one file
/// `<split>-<number>.mcap` each. Running it again gives the same files. `watch` is told before each clip, the first
/// look for blank cameras included.
///
/// Joint positions stay empty: the datasets store `state` in their own terms, which becomes the
/// proprioception as it is.
fn import(
    from: &Path,
    to: &Path,
    options: &Rlds,
    watch: &mut dyn FnMut(usize) -> bool,
) -> Result<ImportSummary, RldsError> {
    let layout = Layout::read(from)?;
    let blank_cameras = match &options.cameras {
        Some(_) => Vec::new(),
        None => blank_cameras(&layout, watch)?,
    };
    let kept = kept_cameras(&layout, options, &blank_cameras)?;
    fs::create_dir_all(to).map_err(|e| RldsError::io("create", to, e))?;
    let mut summary = ImportSummary {
        dataset: layout.dataset.clone(),
        episodes: Vec::new(),
        ticks: 0,
        cameras: kept.clone(),
        blank_cameras,
        action_dim: layout.action_dim,
        proprioception_dim: layout.state_dim,
    };
    for split in layout.splits() {
        let mut number = 0;
        for shard in layout.shards.iter().filter(|s| s.split == split) {
            each_clip(&layout, shard, |clip| {
                go_on(watch, summary.episodes.len())?;
                let name = format!("{split}-{number:05}.mcap");
                let entry = write(&clip, &kept, &layout, options, to, &name)?;
                number += 1;
                summary.ticks += entry.ticks;
                summary.episodes.push(entry);
                Ok(())
            })?;
        }
    }
    Ok(summary)
}

fn go_on(watch: &mut dyn FnMut(usize) -> bool, written: usize) -> Result<(), RldsError> {
    if watch(written) {
        Ok(())
    } else {
        Err(RldsError::Stopped(written))
    }
}

/// Reads a shard's episodes and checks their number.
fn each_clip(
    layout: &Layout,
    shard: &Shard,
    mut use_clip: impl FnMut(Clip<'_>) -> Result<(), RldsError>,
) -> Result<(), RldsError> {
    let path = &shard.path;
    let file = File::open(path).map_err(|e| RldsError::io("open", path, e))?;
    let mut got = 0;
    for record in TfRecords::new(BufReader::new(file)) {
        let bytes = record.map_err(|source| RldsError::Shard {
            path: path.clone(),
            source,
        })?;
        let example = TfExample::decode(&bytes).map_err(|source| RldsError::Example {
            path: path.clone(),
            record: got,
            source,
        })?;
        use_clip(Clip::new(&example, layout, path, got)?)?;
        got += 1;
    }
    match shard.episodes {
        Some(expected) if expected != got => Err(RldsError::Count {
            path: path.clone(),
            got,
            expected,
        }),
        _ => Ok(()),
    }
}

/// The cameras whose pictures are one flat colour in every episode.
fn blank_cameras(
    layout: &Layout,
    watch: &mut dyn FnMut(usize) -> bool,
) -> Result<Vec<String>, RldsError> {
    let mut blank: BTreeSet<&CameraInfo> = layout.cameras.iter().collect();
    for shard in &layout.shards {
        each_clip(layout, shard, |clip| {
            go_on(watch, 0)?;
            let mut shown = Vec::new();
            for camera in &blank {
                if !clip.is_flat(camera)? {
                    shown.push(*camera);
                }
            }
            blank.retain(|camera| !shown.contains(camera));
            Ok(())
        })?;
    }
    Ok(blank.into_iter().map(|c| c.name.clone()).collect())
}

fn kept_cameras(
    layout: &Layout,
    options: &Rlds,
    blank: &[String],
) -> Result<Vec<CameraInfo>, RldsError> {
    if let Some(wanted) = &options.cameras {
        let find = |name: &String| layout.cameras.iter().find(|c| c.name == *name);
        return wanted
            .iter()
            .map(|name| {
                find(name).cloned().ok_or_else(|| RldsError::NoCamera {
                    wanted: name.clone(),
                    present: layout.camera_names(),
                })
            })
            .collect();
    }
    let shown = layout.cameras.iter().filter(|c| !blank.contains(&c.name));
    Ok(shown.cloned().collect())
}

fn write(
    clip: &Clip<'_>,
    cameras: &[CameraInfo],
    layout: &Layout,
    options: &Rlds,
    to: &Path,
    name: &str,
) -> Result<EpisodeEntry, RldsError> {
    let mut meta = EpisodeMeta::new(
        &layout.dataset,
        &options.robot,
        Source::Import,
        cameras.to_vec(),
        &options.action_kind,
        layout.action_dim,
        options.rate_hz,
    );
    meta.instruction = clip.instruction();
    meta.notes.insert("format".into(), "rlds".into());
    meta.notes.insert(
        "record".into(),
        format!("{}:{}", file_name(clip.shard), clip.record),
    );
    // Under another ending until it is whole, so that a cut-off import leaves no half episode.
    let (aside, place) = (to.join(format!("{name}.part")), to.join(name));
    let _ = fs::remove_file(&aside);
    let mut writer = EpisodeWriter::create(&aside, &meta)?;
    for step in 0..clip.steps {
        writer.tick(&clip.tick(step, cameras, options.rate_hz)?)?;
    }
    let mut entry = writer.finish()?;
    fs::rename(&aside, &place).map_err(|e| RldsError::io("rename", &aside, e))?;
    entry.file = name.into();
    Ok(entry)
}
