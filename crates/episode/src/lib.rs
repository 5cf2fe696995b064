//! Episodes: one recorded attempt each, one MCAP file each, the source of truth for everything
//! that is learnt later.
//!
//! A file holds a metadata record `apprentice.episode` ([`EpisodeMeta`] as JSON) and, for every
//! policy tick, one MCAP chunk with `/camera/<name>` (`foxglove.CompressedImage` with a lossless
//! PNG), `/state` and `/action`, and `/effort` where the robot measures torques or forces (protobuf, schemas inside
//! the file). The chunk reaches the
//! operating system before [`EpisodeWriter::tick`] returns, so a killed process loses at most the
//! tick it was in, and the disk has it within half a second, so that a power failure loses no more. Stamps come from the ticks, never from the wall clock: the same ticks give the
//! same bytes, and an episode is named by their SHA-256 ([`EpisodeId`]).
//!
//! Files to read first: `meta.rs` and `tick.rs` (what is recorded), `writer.rs`, `reader.rs`,
//! `catalog.rs` (a directory of episodes), `importers.rs` (somebody else's).
//!
//! ```
//! use apprentice_core::{Observation, RobotState};
//! use apprentice_episode::{DecidedBy, Episode, EpisodeMeta, EpisodeWriter, Source, Tick};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! let path = folder.path().join("first.mcap");
//! let meta = EpisodeMeta::new("wave", "two joints", Source::Teleop, vec![], "joint_positions", 2, 10.0);
//! let mut writer = EpisodeWriter::create(&path, &meta)?;
//! let state = RobotState {
//!     sequence: 0,
//!     stamp_ns: 0,
//!     positions: vec![0.1, 0.2],
//!     velocities: vec![0.0, 0.0],
//!     gripper_width: 0.0,
//!     efforts: Some(vec![1.5, -0.25]),
//!     external_wrench: None,
//! };
//! writer.tick(&Tick {
//!     index: 0,
//!     stamp_ns: 0,
//!     observation: Observation { state, frames: vec![] },
//!     proprioception: vec![0.1, 0.2],
//!     action: vec![0.15, 0.2],
//!     guard_interventions: vec![],
//!     decided_by: DecidedBy::Agent,
//!     unexecuted: vec![],
//! })?;
//! let entry = writer.finish()?;
//! let episode = Episode::open(&path)?;
//! assert_eq!(episode.id, entry.id);
//! assert_eq!(episode.ticks[0].observation.state.efforts, Some(vec![1.5, -0.25]));
//! # Ok(())
//! # }
//! ```

#![deny(missing_docs)]

mod catalog;
mod entry;
mod error;
mod file_name;
mod id;
mod import_sample;
mod importer;
pub mod importers;
mod message;
mod meta;
mod picture;
mod reader;
mod schema;
mod summary_order;
mod tfexample;
mod tfrecord;
mod tick;
mod tick_check;
mod tick_stream;
mod topics;
mod wire;
mod writer;

pub use catalog::{Catalog, Unreadable};
pub use entry::EpisodeEntry;
pub use error::EpisodeError;
pub use id::EpisodeId;
pub use import_sample::{Damage, Sample, SampleEpisode};
pub use importer::{ImportError, ImportSummary, Importer};
pub use importers::ImportKind;
pub use importers::rlds::{Rlds, RldsError};
pub use meta::{CameraInfo, EpisodeMeta, FORMAT_VERSION, Source};
pub use reader::Episode;
pub use tfexample::{Feature, TfExample};
pub use tfrecord::{TfRecordError, TfRecords, write_tfrecord};
pub use tick::{DecidedBy, Tick};
pub use wire::WireError;
pub use writer::EpisodeWriter;
