//! The page on which operators rank episodes: in a browser, side by side, on this machine.
//!
//! A [`Page`] serves its files, the pictures of the episodes, rerun's viewer and the questions from one port, and puts
//! every answer into the log of judgements, on the disk before the browser is told so. An answer that is sent again,
//! because its acknowledgement was lost, is kept once. Which episodes they are, their reward and their policy are not
//! told.
//!
//! Where there is a [`LiveRobot`], the page also shows it at work and lets people stop it, as one more client of the link
//! (`live.rs`).
//!
//! Files to read first: `material.rs` (what is asked about), `board.rs` (which question is next), `answering.rs` (from
//! an answer to a judgement), `entrance.rs` (who may come in), `routes.rs`; `web/` is what runs in the browser.
//!
//! ```
//! use apprentice_core::Seed;
//! use apprentice_page::{Access, Material, Page, Parts, Recorded};
//! use apprentice_preference::JudgementLog;
//!
//! # let folder = tempfile::tempdir()?;
//! let recorded = ["a", "b"].map(|id| Recorded { id: id.into(), file: format!("{id}.mcap").into() });
//! let material = Material {
//!     title: "rollouts".into(),
//!     groups: vec![recorded.iter().map(|r| r.id.clone()).collect()],
//!     episodes: recorded.into(),
//!     reason: "all there are".into(),
//!     asked: None,
//!     who: "Ada".into(),
//!     reserved: Vec::new(),
//!     seed: Seed(1),
//!     robot: None,
//! };
//! let log = JudgementLog::open(folder.path().join("judgements.jsonl"))?;
//! let page = Page::serve(material, log, &Access::here(0, None), Parts::default())?;
//! assert!(page.address().ip().is_loopback());
//! assert_eq!(page.progress().ranked, 0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![deny(missing_docs)]

mod access;
mod agreement;
mod answering;
mod assets;
mod board;
mod choosing;
mod clip;
mod entrance;
mod error;
mod insertion;
mod live;
mod live_routes;
mod marking;
mod material;
mod page;
mod patient;
mod questions;
mod refusal;
mod reply;
mod routes;
mod serving;
mod shared;
mod viewer;

pub use access::{Access, Tls};
pub use agreement::{Agreement, agreements};
pub use board::Progress;
pub use choosing::{Chooser, Chosen, InOrder, Wanted};
pub use error::PageError;
pub use insertion::Insertion;
pub use live::LiveRobot;
pub use material::{COLUMNS, Material, Recorded};
pub use page::{Page, Parts};
