//! Episodes: one recorded attempt each, one MCAP file each, the source of truth for everything
//! that is learnt later.
//!
//! A file holds a metadata record `apprentice.episode` ([`EpisodeMeta`] as JSON) and, for every
//! policy tick, one MCAP chunk with `/camera/<name>` (`foxglove.CompressedImage` with a lossless
//! PNG), `/state` and `/action` (protobuf, schemas inside the file). The chunk reaches the
//! operating system before [`EpisodeWriter::tick`] returns, so a killed process loses at most the
//! tick it was in, and the disk has it within half a second, so that a power failure loses no more. Stamps come from the ticks, never from the wall clock: the same ticks give the
//! same bytes, and an episode is named by their SHA-256 ([`EpisodeId`]).
//!
//! Files to read first: `meta.rs` and `tick.rs` (what is recorded), `writer.rs`, `reader.rs`,
//! `catalog.rs` (a directory of episodes), `rlds.rs` (somebody else's).

mod catalog;
mod error;
mod id;
mod message;
mod meta;
mod picture;
mod reader;
mod rlds;
mod schema;
mod summary_order;
mod tfexample;
mod tfrecord;
mod tick;
mod wire;
mod writer;

pub use catalog::{Catalog, EpisodeEntry, Unreadable};
pub use error::EpisodeError;
pub use id::EpisodeId;
pub use meta::{CameraInfo, EpisodeMeta, FORMAT_VERSION, Source};
pub use reader::Episode;
pub use rlds::{
    ImportOptions, ImportSummary, RldsError, import_rlds, import_rlds_watched, import_rlds_with,
};
pub use tfexample::{Feature, TfExample};
pub use tfrecord::{TfRecordError, TfRecords, write_tfrecord};
pub use tick::{DecidedBy, Tick};
pub use wire::WireError;
pub use writer::EpisodeWriter;
