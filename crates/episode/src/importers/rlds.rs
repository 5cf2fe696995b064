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

use crate::{
    CameraInfo, EpisodeEntry, EpisodeMeta, EpisodeWriter, Source, TfExample, TfRecords,
    writer::file_name,
};
use episode::Clip;
use layout::{Layout, Shard};
use std::{collections::BTreeSet, fs, fs::File, io::BufReader, path::Path};

/// What the dataset's files do not say.
#[derive(Clone, Debug, PartialEq)]
pub struct ImportOptions {
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

impl Default for ImportOptions {
    fn default() -> Self {
        Self {
            rate_hz: 5.0,
            robot: "widowx".into(),
            action_kind: "rlds_action".into(),
            cameras: None,
        }
    }
}

/// What was imported.
#[derive(Clone, Debug, PartialEq)]
pub struct ImportSummary {
    /// Name of the dataset.
    pub dataset: String,
    /// The episodes written, in the order of the shards.
    pub episodes: Vec<EpisodeEntry>,
    /// Ticks in all of them.
    pub ticks: usize,
    /// The cameras kept.
    pub cameras: Vec<CameraInfo>,
    /// Cameras left out because all their pictures are one flat colour.
    pub blank_cameras: Vec<String>,
    /// Numbers in an action.
    pub action_dim: usize,
    /// Numbers in the proprioception, which is the dataset's `state`.
    pub proprioception_dim: usize,
}

/// Imports the RLDS dataset in `from` as episodes into `to`, as a WidowX at 5 Hz.
///
/// # Errors
/// As [`import_rlds_with`].
pub fn import_rlds(
    from: impl AsRef<Path>,
    to: impl AsRef<Path>,
) -> Result<ImportSummary, RldsError> {
    import_rlds_with(from.as_ref(), to.as_ref(), &ImportOptions::default())
}

/// Imports the RLDS dataset in `from` as episodes into `to` (made when missing), one file
/// `<split>-<number>.mcap` each. Running it again gives the same files.
///
/// Joint positions stay empty: the datasets store `state` in their own terms, which becomes the
/// proprioception as it is.
///
/// # Errors
/// When a file is missing, damaged or cut off, an episode lacks a camera or a field or has one of
/// the wrong length, or an episode cannot be written. Episodes imported before stay.
pub fn import_rlds_with(
    from: &Path,
    to: &Path,
    options: &ImportOptions,
) -> Result<ImportSummary, RldsError> {
    import_rlds_watched(from, to, options, &mut |_| true)
}

/// As [`import_rlds_with`]; `watch` is told before each clip how many episodes are written, the first
/// look for blank cameras included, and stops the import by answering `false`.
///
/// # Errors
/// As [`import_rlds_with`], and when `watch` stops it.
pub fn import_rlds_watched(
    from: &Path,
    to: &Path,
    options: &ImportOptions,
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
    options: &ImportOptions,
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
    options: &ImportOptions,
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
