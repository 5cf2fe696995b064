//! Reading an episode back.

use crate::{
    EpisodeError, EpisodeId, EpisodeMeta, FORMAT_VERSION, Tick,
    message::{decode_action, decode_effort, decode_image, decode_state},
    picture::decode_png,
    topics::{ACTION_TOPIC, EFFORT_TOPIC, META_KEY, META_RECORD, STATE_TOPIC, camera_topic},
};
use apprentice_core::{CameraFrame, Observation};
use mcap::{McapError, read::ChunkFlattener, records::Record};
use std::{borrow::Cow, collections::BTreeMap, path::Path};

/// One episode in memory, pictures decoded.
#[derive(Clone, Debug, PartialEq)]
pub struct Episode {
    /// SHA-256 of the file.
    pub id: EpisodeId,
    /// What it says about itself.
    pub meta: EpisodeMeta,
    /// Every whole tick.
    pub ticks: Vec<Tick>,
    /// Whether the recording was finished; `false` when its end is cut off.
    pub complete: bool,
}

impl Episode {
    /// Reads the episode at `path`. Of a file that was cut off at any byte, every whole tick is
    /// read and [`Self::complete`] is `false`.
    ///
    /// # Errors
    /// When the file cannot be read, is not an episode, is damaged other than by a cut-off end, or
    /// comes from a newer build.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, EpisodeError> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(|e| EpisodeError::io("read episode", path, e))?;
        Self::decode(&bytes, path)
    }

    /// The picture of a camera (by its place in the meta, from 0) at a tick (from 0) of the episode at `path`, as it was
    /// recorded: a PNG. `None` where there is none. Nothing else of the episode is decoded.
    ///
    /// # Errors
    /// As [`Self::open`], of the file but not of what else is in it.
    pub fn picture(
        path: impl AsRef<Path>,
        tick: usize,
        camera: usize,
    ) -> Result<Option<Vec<u8>>, EpisodeError> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(|e| EpisodeError::io("read episode", path, e))?;
        let scan = EpisodeScan::of(&bytes, path)?;
        let picture = scan.ticks.get(tick).and_then(|t| t.pictures.get(camera));
        let png = picture.map(|bytes| decode_image(bytes).map(<[u8]>::to_vec));
        png.transpose()
            .map_err(|problem| EpisodeError::corrupt(path, problem))
    }

    pub(crate) fn decode(bytes: &[u8], path: &Path) -> Result<Self, EpisodeError> {
        let scan = EpisodeScan::of(bytes, path)?;
        let ticks = scan
            .ticks
            .iter()
            .map(|parts| parts.tick(&scan.meta))
            .collect::<Result<_, _>>()
            .map_err(|problem: String| EpisodeError::corrupt(path, problem))?;
        Ok(Self {
            id: EpisodeId::new(apprentice_core::sha256_bytes(bytes)),
            meta: scan.meta,
            ticks,
            complete: scan.complete,
        })
    }
}

/// The messages of one tick, undecoded. One picture a camera.
struct EncodedTick<'a> {
    pictures: Vec<Cow<'a, [u8]>>,
    state: Cow<'a, [u8]>,
    action: Cow<'a, [u8]>,
    effort: Option<Cow<'a, [u8]>>,
}

impl EncodedTick<'_> {
    fn tick(&self, meta: &EpisodeMeta) -> Result<Tick, String> {
        let mut state = decode_state(&self.state).map_err(|e| e.to_string())?;
        if let Some(bytes) = &self.effort {
            let effort = decode_effort(bytes).map_err(|e| e.to_string())?;
            let wrench = effort.external_wrench;
            if !wrench.is_empty() {
                let got = wrench.len();
                let wrong = |_| {
                    format!(
                        "tick {}: {got} numbers of an external wrench, it has 6",
                        state.index
                    )
                };
                state.robot.external_wrench = Some(wrench.try_into().map_err(wrong)?);
            }
            if !effort.joint_torques.is_empty() {
                state.robot.efforts = Some(effort.joint_torques);
            }
        }
        let action = decode_action(&self.action).map_err(|e| e.to_string())?;
        let stamps = state.frame_sequences.iter().zip(&state.frame_stamps_ns);
        if stamps.len() != meta.cameras.len() {
            return Err(format!(
                "tick {} stamps {} frames of {} cameras",
                state.index,
                stamps.len(),
                meta.cameras.len()
            ));
        }
        let mut frames = Vec::with_capacity(meta.cameras.len());
        for ((camera, bytes), (&sequence, &stamp_ns)) in
            meta.cameras.iter().zip(&self.pictures).zip(stamps)
        {
            let image = decode_image(bytes)
                .map_err(|e| e.to_string())
                .and_then(decode_png)
                .map_err(|e| format!("tick {} camera {:?}: {e}", state.index, camera.name))?;
            frames.push(CameraFrame {
                sequence,
                stamp_ns,
                image,
            });
        }
        // An action without numbers has nothing that was not executed.
        let numbers = action.values.len().max(1);
        if !action.unexecuted.len().is_multiple_of(numbers) {
            return Err(format!(
                "tick {}: {} numbers of actions that were not executed, an action has {numbers}",
                state.index,
                action.unexecuted.len()
            ));
        }
        let unexecuted = action
            .unexecuted
            .chunks(numbers)
            .map(<[f32]>::to_vec)
            .collect();
        Ok(Tick {
            index: state.index,
            stamp_ns: state.stamp_ns,
            observation: Observation {
                state: state.robot,
                frames,
            },
            proprioception: state.proprioception,
            action: action.values,
            guard_interventions: action.guard_interventions,
            decided_by: action.decided_by,
            unexecuted,
        })
    }
}

/// An episode's meta and whole ticks, without decoding any.
pub(crate) struct EpisodeScan<'a> {
    pub meta: EpisodeMeta,
    ticks: Vec<EncodedTick<'a>>,
    pub complete: bool,
}

impl<'a> EpisodeScan<'a> {
    pub fn ticks(&self) -> usize {
        self.ticks.len()
    }

    pub fn of(bytes: &'a [u8], path: &Path) -> Result<Self, EpisodeError> {
        let foreign = |problem: &str| EpisodeError::Foreign {
            path: path.to_owned(),
            problem: problem.into(),
        };
        let records = ChunkFlattener::new(bytes).map_err(|e| foreign(&e.to_string()))?;
        let mut meta = None;
        let mut topics = BTreeMap::new();
        // Tick number, then topic.
        let mut ticks: BTreeMap<u32, BTreeMap<u16, Cow<'a, [u8]>>> = BTreeMap::new();
        let mut complete = true;
        for record in records {
            match record {
                Ok(Record::Metadata(m)) if m.name == META_RECORD => {
                    let json = m.metadata.get(META_KEY).map_or("", String::as_str);
                    meta = Some(parse_meta(json, path)?);
                }
                Ok(Record::Channel(c)) => drop(topics.insert(c.topic, c.id)),
                Ok(Record::Message { header, data }) => {
                    let tick = ticks.entry(header.sequence).or_default();
                    tick.insert(header.channel_id, data);
                }
                Ok(_) => {}
                Err(McapError::UnexpectedEof | McapError::UnexpectedEoc) => {
                    complete = false;
                    break;
                }
                Err(McapError::BadMagic) if topics.is_empty() => {
                    return Err(foreign("it does not begin as an MCAP file"));
                }
                Err(e) => return Err(EpisodeError::corrupt(path, e)),
            }
        }
        let Some(meta) = meta else {
            return Err(foreign(if complete {
                "it is an MCAP file without an apprentice.episode record"
            } else {
                "it ends before its apprentice.episode record"
            }));
        };
        let ticks = whole_ticks(ticks, &topics, &meta, complete)
            .map_err(|problem| EpisodeError::corrupt(path, problem))?;
        Ok(Self {
            meta,
            ticks,
            complete,
        })
    }
}

/// Sorts messages into ticks; a last tick that lacks some is left out when the file is cut off.
fn whole_ticks<'a>(
    found: BTreeMap<u32, BTreeMap<u16, Cow<'a, [u8]>>>,
    topics: &BTreeMap<String, u16>,
    meta: &EpisodeMeta,
    complete: bool,
) -> Result<Vec<EncodedTick<'a>>, String> {
    let last = found.len().saturating_sub(1);
    let mut ticks = Vec::with_capacity(found.len());
    for (expected, (index, mut messages)) in found.into_iter().enumerate() {
        if index as usize != expected {
            return Err(format!("tick {expected} is missing"));
        }
        let effort = topics.get(EFFORT_TOPIC).and_then(|id| messages.remove(id));
        let mut part = |topic: &str| {
            topics
                .get(topic)
                .and_then(|id| messages.remove(id))
                .ok_or_else(|| format!("tick {index} has no message on {topic}"))
        };
        let parts = meta
            .cameras
            .iter()
            .map(|c| part(&camera_topic(&c.name)))
            .collect::<Result<_, _>>()
            .and_then(|pictures| {
                Ok(EncodedTick {
                    pictures,
                    state: part(STATE_TOPIC)?,
                    action: part(ACTION_TOPIC)?,
                    effort,
                })
            });
        match parts {
            Ok(parts) => ticks.push(parts),
            Err(_) if expected == last && !complete => {}
            Err(problem) => return Err(problem),
        }
    }
    Ok(ticks)
}

fn parse_meta(json: &str, path: &Path) -> Result<EpisodeMeta, EpisodeError> {
    let damaged = |e: serde_json::Error| EpisodeError::corrupt(path, format!("its meta: {e}"));
    // The version comes first: a newer meta need not look like ours.
    let value: serde_json::Value = serde_json::from_str(json).map_err(damaged)?;
    let got = value.get("format_version").and_then(|v| v.as_u64());
    if let Some(got) = got
        && got > u64::from(FORMAT_VERSION)
    {
        return Err(EpisodeError::NewerVersion {
            path: path.to_owned(),
            got,
            allowed: FORMAT_VERSION,
        });
    }
    serde_json::from_value(value).map_err(damaged)
}
