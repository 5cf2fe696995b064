//! Recording an episode.

use crate::{
    EpisodeEntry, EpisodeError, EpisodeId, EpisodeMeta, Tick,
    message::{encode_action, encode_image, encode_state},
    picture::encode_png,
    schema, summary_order,
    tick::Before,
};
use mcap::{McapError, WriteOptions, Writer, records::MessageHeader, write::Metadata};
use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions},
    io::{self, BufWriter, Seek, Write},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// How often the disk is waited for while recording: what a power failure may cost at most, with the time
/// that waiting takes.
const SYNC_EVERY: Duration = Duration::from_millis(500);

/// Name of the metadata record that holds [`EpisodeMeta`].
pub(crate) const META_RECORD: &str = "apprentice.episode";
/// The key in that record under which the JSON lies.
pub(crate) const META_KEY: &str = "json";
/// Topic of [`crate::message::State`].
pub(crate) const STATE_TOPIC: &str = "/state";
/// Topic of [`crate::message::Action`], the last message of a tick.
pub(crate) const ACTION_TOPIC: &str = "/action";

/// Topic of a camera's pictures.
pub(crate) fn camera_topic(name: &str) -> String {
    format!("/camera/{name}")
}

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
    before: Before,
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
            before: Before::default(),
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
        let index = self.before.ticks;
        if let Some(problem) = self.before.problem(tick, &self.meta) {
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
        self.before.advance(tick);
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
        self.before.ticks
    }

    /// Closes the file, waits until the disk has it, and names it.
    ///
    /// # Errors
    /// When the end cannot be written; the ticks are kept and the episode reads as not complete.
    pub fn finish(mut self) -> Result<EpisodeEntry, EpisodeError> {
        let ticks = self.before.ticks;
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

/// The last part of a path, as text.
pub(crate) fn file_name(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

fn failure(path: &Path, ticks: u64, error: McapError) -> EpisodeError {
    let path = path.to_owned();
    match error {
        McapError::Io(e) if e.kind() == io::ErrorKind::StorageFull => {
            EpisodeError::DiskFull { path, ticks }
        }
        McapError::Io(e) => EpisodeError::io("write episode", &path, e),
        other => EpisodeError::io("write episode", &path, io::Error::other(other)),
    }
}

/// The MCAP records of an episode, onto anything that can be written.
pub(crate) struct TickStream<W: Write + Seek> {
    mcap: Option<Writer<W>>,
    cameras: Vec<u16>,
    state: u16,
    action: u16,
}

impl<W: Write + Seek> TickStream<W> {
    pub fn start(to: W, meta: &EpisodeMeta) -> Result<Self, McapError> {
        let mut mcap = WriteOptions::new()
            .profile("apprentice")
            .library("apprentice-episode")
            .compression(None)
            .chunk_size(None)
            // A chunk is built in memory and written in one go: a tick is there or it is not.
            .disable_seeking(true)
            .create(to)?;
        let json = serde_json::to_string(meta).map_err(io::Error::from)?;
        mcap.write_metadata(&Metadata {
            name: META_RECORD.into(),
            metadata: BTreeMap::from([(META_KEY.into(), json)]),
        })?;
        let none = BTreeMap::new();
        let image = mcap.add_schema(schema::IMAGE, "protobuf", &schema::image())?;
        let ours = schema::state_and_action();
        let state = mcap.add_schema(schema::STATE, "protobuf", &ours)?;
        let action = mcap.add_schema(schema::ACTION, "protobuf", &ours)?;
        let mut cameras = Vec::new();
        for camera in &meta.cameras {
            let topic = camera_topic(&camera.name);
            cameras.push(mcap.add_channel(image, &topic, "protobuf", &none)?);
        }
        let state = mcap.add_channel(state, STATE_TOPIC, "protobuf", &none)?;
        let action = mcap.add_channel(action, ACTION_TOPIC, "protobuf", &none)?;
        mcap.flush()?;
        Ok(Self {
            mcap: Some(mcap),
            cameras,
            state,
            action,
        })
    }

    pub fn tick(&mut self, tick: &Tick, meta: &EpisodeMeta) -> Result<(), McapError> {
        let mcap = self
            .mcap
            .as_mut()
            .ok_or(McapError::AttemptedWriteAfterFailure)?;
        let header = |channel_id, publish_time| MessageHeader {
            channel_id,
            // The writer refuses ticks whose index does not fit.
            sequence: tick.index as u32,
            log_time: tick.stamp_ns,
            publish_time,
        };
        let frames = &tick.observation.frames;
        for ((channel, camera), frame) in self.cameras.iter().zip(&meta.cameras).zip(frames) {
            let png = encode_png(&frame.image).map_err(io::Error::other)?;
            let data = encode_image(frame.stamp_ns, &camera.name, &png);
            mcap.write_to_known_channel(&header(*channel, frame.stamp_ns), &data)?;
        }
        let stamp = tick.observation.state.stamp_ns;
        mcap.write_to_known_channel(&header(self.state, stamp), &encode_state(tick))?;
        mcap.write_to_known_channel(&header(self.action, tick.stamp_ns), &encode_action(tick))?;
        mcap.flush()
    }

    pub fn finish(&mut self) -> Result<(), McapError> {
        let mcap = self
            .mcap
            .as_mut()
            .ok_or(McapError::AttemptedWriteAfterFailure)?;
        mcap.finish().map(drop)
    }

    /// Lets go without writing an end: dropping an MCAP writer would write one, and an episode that
    /// was cut short would look complete.
    pub fn abandon(mut self, close: impl FnOnce(W)) {
        if let Some(mcap) = self.mcap.take() {
            close(mcap.into_inner());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CameraInfo, Episode, Source};
    use apprentice_core::{CameraFrame, Image, Observation, RobotState};
    use std::io::{Cursor, SeekFrom};

    /// A disk with room for so many bytes.
    struct SmallDisk(Cursor<Vec<u8>>, usize);

    impl Write for SmallDisk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let room = self.1.saturating_sub(self.0.get_ref().len());
            if room == 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.0.write(&bytes[..room.min(bytes.len())])
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Seek for SmallDisk {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            self.0.seek(to)
        }
    }

    #[test]
    fn a_full_disk_keeps_every_tick_before() {
        let camera = CameraInfo {
            name: "front".into(),
            width: 4,
            height: 4,
        };
        let meta = EpisodeMeta::new("t", "r", Source::Expert, vec![camera], "none", 0, 10.0);
        let tick = |index| Tick {
            index,
            stamp_ns: index,
            observation: Observation {
                state: RobotState {
                    sequence: index,
                    stamp_ns: index,
                    positions: vec![0.5; 7],
                    velocities: vec![0.0; 7],
                    gripper_width: 0.0,
                    efforts: None,
                    external_wrench: None,
                },
                frames: vec![CameraFrame {
                    sequence: index,
                    stamp_ns: index,
                    image: Image::new(4, 4, vec![index as u8; 48]).unwrap(),
                }],
            },
            proprioception: vec![],
            action: vec![],
            guard_refusals: vec![],
            decided_by: crate::DecidedBy::Agent,
            unexecuted: Vec::new(),
        };
        let mut kept = Vec::new();
        for room in (2000..6000).step_by(97) {
            let mut stream = TickStream::start(SmallDisk(Cursor::default(), room), &meta).unwrap();
            let mut written = 0;
            let error = loop {
                match stream.tick(&tick(written), &meta) {
                    Ok(()) => written += 1,
                    Err(error) => break failure(Path::new("e"), written, error),
                }
            };
            assert!(error.to_string().starts_with("disk full"), "{error}");
            let mut bytes = Vec::new();
            stream.abandon(|disk| bytes = disk.0.into_inner());
            let episode = Episode::decode(&bytes, Path::new("e")).unwrap();
            assert!(!episode.complete);
            // The tick that did not fit may lack only the end of its chunk.
            let read = episode.ticks.len() as u64;
            assert!(read == written || read == written + 1);
            assert_eq!(episode.ticks, (0..read).map(tick).collect::<Vec<_>>());
            kept.push(written);
        }
        assert!(kept.first() < kept.last());
    }
}
