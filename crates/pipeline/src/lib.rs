//! The loop as a run: its configuration, its folder, its stages, and what is out of date.
//!
//! A run is a folder. [`run::open`] starts one or takes it up, [`run::run_stage`] runs a [`stage::Stage`] of the table
//! [`stages::STAGES`], and [`run::run_all`] all that is left. Each stage reads what the stages it needs wrote, and its
//! mark keeps what it started from ([`inputs::Inputs`]): from that follows what has to run again.
//!
//! Adding a stage is a file below `stages/` with a `STAGE`, and a line in `stages.rs`.
//!
//! ```
//! use apprentice_pipeline::config::Config;
//! use apprentice_pipeline::stages::{STAGES, named, needed};
//!
//! let config = Config::load(None, &["train.steps=100".into()])?;
//! assert_eq!(config.train.steps, 100);
//! let align = named("align").ok_or(anyhow::anyhow!("there is no such stage"))?;
//! assert!(align.reads_setting("align.steps"));
//! let before: Vec<&str> = needed(align).iter().map(|s| s.name).collect();
//! assert_eq!(before, ["demonstrate", "train", "rollouts", "rank", "reward"]);
//! assert_eq!(STAGES[0].name, "demonstrate");
//! # Ok::<(), anyhow::Error>(())
//! ```
//!
//! Files to read first: `stage.rs`, `stages.rs`, `run.rs`, `freshness.rs`.

#![recursion_limit = "256"]
#![deny(missing_docs)]

pub mod by_person;
pub mod checked_log;
pub mod config;
pub mod context;
pub mod device;
pub mod episode_verdict;
pub mod estimate;
pub mod evaluation;
pub mod evidence_words;
pub mod folder_changes;
mod found;
pub mod freshness;
pub mod inputs;
pub mod judgements;
pub mod layout;
pub mod learning_share;
mod lookers_on;
pub mod next_question;
pub mod next_step;
pub mod on_robot;
pub mod outcomes;
pub mod policies;
pub mod preference;
pub mod recording;
pub mod resume;
pub mod resume_recording;
pub mod reward_exam;
pub mod reward_panel;
pub mod robots;
pub mod rounds;
pub mod run;
pub mod run_dir;
pub mod run_lock;
pub mod sample_episode;
pub mod scores;
pub mod shell_word;
pub mod stage;
pub mod stages;
pub mod start_policy;
pub mod success;
pub mod summary;
pub mod takes;
pub mod timing;
pub mod tournament;
pub mod trials;
pub mod versions;
pub mod viewer_file;
pub mod wishes;
pub mod work;
