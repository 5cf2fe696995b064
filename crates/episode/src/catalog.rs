//! A directory of episodes and its index.

use crate::{
    Episode, EpisodeEntry, EpisodeError, EpisodeId, file_name::file_name, reader::EpisodeScan,
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

/// Name of the index in a directory of episodes.
const INDEX: &str = "index.json";
/// Layout of the index; another one is rebuilt, since the episodes are the source of truth.
const INDEX_VERSION: u32 = 1;

/// A file named like an episode that cannot be read as one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unreadable {
    /// Name of the file in the directory.
    pub file: String,
    /// Size of the file, bytes.
    pub bytes: u64,
    /// Why, in one line.
    pub problem: String,
}

/// The episodes of a directory, sorted by file name.
#[derive(Clone, Debug)]
pub struct Catalog {
    dir: PathBuf,
    entries: Vec<EpisodeEntry>,
    unreadable: Vec<Unreadable>,
}

#[derive(Default, PartialEq, Serialize, Deserialize)]
struct Index {
    index_version: u32,
    entries: Vec<EpisodeEntry>,
    unreadable: Vec<Unreadable>,
}

impl Catalog {
    /// Lists the episodes (`*.mcap`) in `dir`. What the index knows is taken from it; files that
    /// are new or changed are read, and the index is written anew.
    ///
    /// # Errors
    /// When the directory or a file cannot be read, the index cannot be written, or an episode
    /// comes from a newer build. Damaged and foreign files are no error: see
    /// [`Self::unreadable`].
    pub fn open(dir: impl AsRef<Path>) -> Result<Self, EpisodeError> {
        let dir = dir.as_ref();
        let known = fs::read(dir.join(INDEX))
            .ok()
            .and_then(|bytes| serde_json::from_slice::<Index>(&bytes).ok())
            .filter(|index| index.index_version == INDEX_VERSION)
            .unwrap_or_default();
        Self::list(dir, known)
    }

    /// As [`Self::open`], from the episodes alone.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn rebuild(dir: impl AsRef<Path>) -> Result<Self, EpisodeError> {
        Self::list(dir.as_ref(), Index::default())
    }

    /// The episodes, sorted by file name.
    #[must_use]
    pub fn entries(&self) -> &[EpisodeEntry] {
        &self.entries
    }

    /// Files named like an episode that are damaged or something else.
    #[must_use]
    pub fn unreadable(&self) -> &[Unreadable] {
        &self.unreadable
    }

    /// The directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The entry named `id`.
    #[must_use]
    pub fn entry(&self, id: &EpisodeId) -> Option<&EpisodeEntry> {
        self.entries.iter().find(|e| e.id == *id)
    }

    /// Reads the episode named `id`.
    ///
    /// # Errors
    /// When there is none, it cannot be read, or its file is no longer the one that was listed.
    pub fn load(&self, id: &EpisodeId) -> Result<Episode, EpisodeError> {
        let entry = self.entry(id).ok_or_else(|| EpisodeError::Unknown {
            id: id.clone(),
            dir: self.dir.clone(),
        })?;
        let path = self.dir.join(&entry.file);
        let episode = Episode::open(&path)?;
        if episode.id != *id {
            return Err(EpisodeError::Changed {
                path,
                expected: id.clone(),
                got: episode.id,
            });
        }
        Ok(episode)
    }

    fn list(dir: &Path, known: Index) -> Result<Self, EpisodeError> {
        // A file no older than the index may have changed since.
        let indexed_at = modified(&dir.join(INDEX)).ok();
        let old: BTreeMap<&str, &EpisodeEntry> =
            known.entries.iter().map(|e| (e.file.as_str(), e)).collect();
        let old_bad: BTreeMap<&str, &Unreadable> =
            (known.unreadable.iter().map(|u| (u.file.as_str(), u))).collect();
        let mut now = Index {
            index_version: INDEX_VERSION,
            ..Index::default()
        };
        for path in episode_files(dir)? {
            let file = file_name(&path);
            let meta =
                fs::metadata(&path).map_err(|e| EpisodeError::io("read episode", &path, e))?;
            let unchanged = matches!((meta.modified(), indexed_at), (Ok(m), Some(i)) if m < i);
            let same = |bytes: u64| unchanged && bytes == meta.len();
            if let Some(entry) = old.get(file.as_str()).filter(|e| same(e.bytes)) {
                now.entries.push((*entry).clone());
            } else if let Some(bad) = old_bad.get(file.as_str()).filter(|u| same(u.bytes)) {
                now.unreadable.push((*bad).clone());
            } else {
                read_entry(&path, file, &mut now)?;
            }
        }
        if now != known {
            write_index(dir, &now)?;
        }
        Ok(Self {
            dir: dir.to_owned(),
            entries: now.entries,
            unreadable: now.unreadable,
        })
    }
}

fn modified(path: &Path) -> io::Result<SystemTime> {
    fs::metadata(path)?.modified()
}

fn episode_files(dir: &Path) -> Result<Vec<PathBuf>, EpisodeError> {
    let failed = |e| EpisodeError::io("list episodes in", dir, e);
    let mut paths = Vec::new();
    for item in fs::read_dir(dir).map_err(failed)? {
        let path = item.map_err(failed)?.path();
        if path.extension().is_some_and(|e| e == "mcap") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

fn read_entry(path: &Path, file: String, into: &mut Index) -> Result<(), EpisodeError> {
    let bytes = fs::read(path).map_err(|e| EpisodeError::io("read episode", path, e))?;
    let length = bytes.len() as u64;
    match EpisodeScan::of(&bytes, path) {
        Ok(scan) => into.entries.push(EpisodeEntry {
            id: EpisodeId::new(apprentice_core::sha256_bytes(&bytes)),
            file,
            ticks: scan.ticks(),
            meta: scan.meta,
            complete: scan.complete,
            bytes: length,
        }),
        Err(e @ (EpisodeError::Foreign { .. } | EpisodeError::Corrupt { .. })) => {
            into.unreadable.push(Unreadable {
                file,
                bytes: length,
                problem: e.to_string(),
            });
        }
        Err(e) => return Err(e),
    }
    Ok(())
}

/// Writes the index beside its place and moves it there, so that it is never half written.
fn write_index(dir: &Path, index: &Index) -> Result<(), EpisodeError> {
    let path = dir.join(INDEX);
    let aside = dir.join("index.json.part");
    let written = serde_json::to_vec_pretty(index)
        .map_err(io::Error::from)
        .and_then(|json| fs::write(&aside, json))
        .and_then(|()| fs::rename(&aside, &path));
    match written {
        // The index only saves time: a directory that cannot be written is still readable.
        Err(e)
            if matches!(
                e.kind(),
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
            ) =>
        {
            Ok(())
        }
        other => other.map_err(|e| EpisodeError::io("write index", &path, e)),
    }
}
