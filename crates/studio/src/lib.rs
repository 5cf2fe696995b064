//! Looking on: episodes, live or recorded, in the rerun viewer.
//!
//! A [`Studio`] takes what the runtime sees and does and shows cameras, joints, the arm in 3-D,
//! actions, reward, who has the arm and what the guard changed, in an `.rrd` file, in a browser, or both. The
//! caller only puts things into a bounded queue; a thread of the studio's own does the rest, so that looking on
//! never holds the arm up. Nothing is opened unasked and nothing listens beyond this machine.
//!
//! [`draw_robot`] draws a robot by itself.
//!
//! Files to read first: `studio.rs` (the caller's side), `scene.rs` (what is drawn where),
//! `layout.rs` (how the viewer arranges it).
//!
//! ```
//! use apprentice_robot::RobotDescription;
//! use apprentice_studio::Studio;
//!
//! let robot = RobotDescription::embedded("franka_fr3")?;
//! let file = std::env::temp_dir().join(format!("studio-example-{}.rrd", std::process::id()));
//! let studio = Studio::to_file(&file, &robot)?;
//! studio.reward(0, -0.25);
//! let shown = studio.finish()?;
//! assert_eq!(shown.dropped, 0);
//! # std::fs::remove_file(file)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![deny(missing_docs)]

mod error;
mod layout;
mod robot_scene;
mod rrd_file;
mod scene;
mod sinks;
mod story;
mod studio;

pub use error::StudioError;
pub use robot_scene::draw_robot;
pub use studio::{Shown, Studio, StudioOptions, WhenFull};
