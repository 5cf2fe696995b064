//! Ticks as MCAP records.

use crate::{
    EpisodeError, EpisodeMeta, Tick,
    message::{encode_action, encode_effort, encode_image, encode_state},
    picture::encode_png,
    schema,
    topics::{ACTION_TOPIC, EFFORT_TOPIC, META_KEY, META_RECORD, STATE_TOPIC, camera_topic},
};
use mcap::{McapError, WriteOptions, Writer, records::MessageHeader, write::Metadata};
use std::{
    collections::BTreeMap,
    io::{self, Seek, Write},
    path::Path,
};

/// An error of the MCAP writer, in words.
pub(crate) fn failure(path: &Path, ticks: u64, error: McapError) -> EpisodeError {
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
    /// Only once a tick has efforts: the files of other robots stay what they are.
    effort: Option<u16>,
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
            effort: None,
        })
    }

    pub fn tick(&mut self, tick: &Tick, meta: &EpisodeMeta) -> Result<(), McapError> {
        let mcap = self
            .mcap
            .as_mut()
            .ok_or(McapError::AttemptedWriteAfterFailure)?;
        let effort = match encode_effort(tick) {
            None => None,
            Some(message) => {
                let channel = match self.effort {
                    Some(channel) => channel,
                    None => add_effort(mcap)?,
                };
                self.effort = Some(channel);
                Some((channel, message))
            }
        };
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
        if let Some((channel, message)) = effort {
            mcap.write_to_known_channel(&header(channel, stamp), &message)?;
        }
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

fn add_effort<W: Write + Seek>(mcap: &mut Writer<W>) -> Result<u16, McapError> {
    let schema = mcap.add_schema(schema::EFFORT, "protobuf", &schema::effort())?;
    mcap.add_channel(schema, EFFORT_TOPIC, "protobuf", &BTreeMap::new())
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
            guard_interventions: vec![],
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
