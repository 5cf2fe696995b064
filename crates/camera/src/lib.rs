//! Publishes a camera's frames on the native link: for a robot whose driver has no cameras, or an arm whose own
//! protocol carries none.
//!
//! A [`Source`] captures: a V4L2 device ([`device`]) or a clip that was recorded before ([`clip`]). [`publishing`] gives
//! frames their size, rate and number, and [`robot_clock`] carries capture times over to the robot's clock.
//!
//! ```
//! use apprentice_camera::Picture;
//!
//! // Two pixels of Y'CbCr 4:2:2, as a webcam sends them: white, then black.
//! let picture = Picture::Yuyv { width: 2, height: 1, step: 4, bytes: vec![235, 128, 16, 128] };
//! let image = picture.image(2, 1)?;
//! assert_eq!(image.rgb(), [255, 255, 255, 0, 0, 0]);
//! # Ok::<(), String>(())
//! ```

#![deny(missing_docs)]

pub mod clip;
pub mod controls;
pub mod device;
mod error;
mod picture;
pub mod publishing;
pub mod robot_clock;
mod source;

pub use error::CameraError;
pub use picture::Picture;
pub use source::{Captured, Source, monotonic_ns};
