//! Recording an episode.

use crate::{
    EpisodeEntry, EpisodeError, EpisodeId, EpisodeMeta, Tick,
    file_name::file_name,
    summary_order,
    tick_check::TickCheck,
    tick_stream::{TickStream, failure},
};
use mcap::McapError;
use std::{
    fs::{File, OpenOptions},
    io::{self, BufWriter},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// How often the disk is waited for while recording: what a power failure may cost at most, with the time
/// that waiting takes.
const SYNC_EVERY: Duration = Duration::from_millis(500);

/// Records one episode. Dropped without [`Self::finish`], the file keeps every tick and reads as
/// not complete.
pub struct EpisodeWriter {
    path: PathBuf,
    meta: EpisodeMeta,
    stream: Option<TickStream<BufWriter<File>>>,
    /// The same open file, to cut a half-written tick off.
    file: File,
    /// Bytes that hold whole ticks only.
    safe_bytes: u64,
    /// When the disk had everything.
    synced: Instant,
    check: TickCheck,
}

impl EpisodeWriter {
    /// Starts a new file at `path` with `meta` in it.
    ///
    /// # Errors
    /// When the meta is not usable, the file exists already, or it cannot be written.
    pub fn create(path: impl AsRef<Path>, meta: &EpisodeMeta) -> Result<Self, EpisodeError> {
        let path = path.as_ref().to_owned();
        if let Some(problem) = meta.problem() {
            return Err(EpisodeError::Meta { path, problem });
        }
        let opened = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(&path);
        let file = match opened {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
                return Err(EpisodeError::Exists { path });
            }
            Err(e) => return Err(EpisodeError::io("create episode", &path, e)),
        };
        let started = file
            .try_clone()
            .map_err(McapError::Io)
            .and_then(|f| TickStream::start(BufWriter::with_capacity(1 << 18, f), meta));
        let stream = match started {
            Ok(stream) => stream,
            Err(error) => {
                // Nothing was recorded; an empty file would only be in the way of the next try.
                let _ = std::fs::remove_file(&path);
                return Err(failure(&path, 0, error));
            }
        };
        let mut writer = Self {
            path,
            meta: meta.clone(),
            stream: Some(stream),
            file,
            safe_bytes: 0,
            synced: Instant::now(),
            check: TickCheck::default(),
        };
        writer.safe_bytes = writer.length()?;
        // A file is there after a power failure only once its directory is on the disk too.
        writer.sync()?;
        sync_directory(&writer.path)?;
        Ok(writer)
    }

    /// Appends `tick`; when this returns, the operating system has it, so that a killed process loses
    /// nothing. The disk is waited for twice a second: no more is lost when the power fails.
    ///
    /// # Errors
    /// [`EpisodeError::Tick`] when the tick does not fit (nothing is written, recording can go
    /// on); [`EpisodeError::DiskFull`] or [`EpisodeError::Io`] when it cannot be written (the ticks
    /// before are kept, recording is over).
    pub fn tick(&mut self, tick: &Tick) -> Result<(), EpisodeError> {
        let index = self.check.ticks;
        if let Some(problem) = self.check.problem(tick, &self.meta) {
            return Err(EpisodeError::Tick {
                path: self.path.clone(),
                index,
                problem,
            });
        }
        let Some(stream) = self.stream.as_mut() else {
            return Err(failure(
                &self.path,
                index,
                McapError::AttemptedWriteAfterFailure,
            ));
        };
        if let Err(error) = stream.tick(tick, &self.meta) {
            self.give_up();
            return Err(failure(&self.path, index, error));
        }
        self.safe_bytes = self.length()?;
        self.check.advance(tick);
        if self.synced.elapsed() >= SYNC_EVERY {
            self.sync()?;
        }
        Ok(())
    }

    /// Waits until the disk has every tick so far.
    fn sync(&mut self) -> Result<(), EpisodeError> {
        self.file
            .sync_data()
            .map_err(|e| EpisodeError::io("write episode", &self.path, e))?;
        self.synced = Instant::now();
        Ok(())
    }

    /// Ticks recorded so far.
    #[must_use]
    pub fn ticks(&self) -> u64 {
        self.check.ticks
    }

    /// Closes the file, waits until the disk has it, and names it.
    ///
    /// # Errors
    /// When the end cannot be written; the ticks are kept and the episode reads as not complete.
    pub fn finish(mut self) -> Result<EpisodeEntry, EpisodeError> {
        let ticks = self.check.ticks;
        let ended = match self.stream.as_mut() {
            Some(stream) => stream.finish(),
            None => Err(McapError::AttemptedWriteAfterFailure),
        };
        if let Err(error) = ended {
            self.give_up();
            return Err(failure(&self.path, ticks, error));
        }
        self.stream = None;
        summary_order::sort(&mut self.file)
            .and_then(|()| self.file.sync_all())
            .map_err(|e| EpisodeError::io("finish episode", &self.path, e))?;
        let hash = apprentice_core::sha256_file(&self.path)
            .map_err(|e| EpisodeError::io("hash episode", &self.path, e))?;
        Ok(EpisodeEntry {
            id: EpisodeId::new(hash),
            file: file_name(&self.path),
            meta: self.meta.clone(),
            ticks: usize::try_from(ticks).unwrap_or(usize::MAX),
            complete: true,
            bytes: self.length()?,
        })
    }

    fn length(&self) -> Result<u64, EpisodeError> {
        let metadata = self.file.metadata();
        metadata
            .map(|m| m.len())
            .map_err(|e| EpisodeError::io("measure episode", &self.path, e))
    }

    /// Ends recording and cuts off what is not a whole tick.
    fn give_up(&mut self) {
        if let Some(stream) = self.stream.take() {
            stream.abandon(|w| drop(w.into_parts()));
        }
        // Best effort: a reader ignores a torn tick anyway.
        let _ = self.file.set_len(self.safe_bytes);
    }
}

impl Drop for EpisodeWriter {
    fn drop(&mut self) {
        if self.stream.is_some() {
            self.give_up();
        }
    }
}

/// Waits until the disk knows of a new file.
fn sync_directory(file: &Path) -> Result<(), EpisodeError> {
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|e| EpisodeError::io("record in", folder, e))
}
