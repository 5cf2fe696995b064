//! The eye: what turns pictures into a space where the operator's preference is a distance.
//!
//! RAPL (Tian et al. 2024, arXiv 2412.04835) in three steps. A [`backbone`] turns each frame of a
//! [`clip`] into features: a compact network that [`cycle`] teaches itself on the run's own
//! frames, or EfficientNet-Lite0 with ImageNet weights. [`head`] is the linear map on top, and
//! [`alignment`] trains it so that the optimal-transport similarity of videos agrees with the
//! operator's rankings.

#![recursion_limit = "256"]

pub mod alignment;
pub mod backbone;
pub mod clip;
pub mod cycle;
pub mod error;
pub mod head;

pub use alignment::{AlignmentConfig, AlignmentReport, BradleyTerryLoss, Comparison, align};
pub use backbone::{Backbone, BackboneKind, CompactBackbone};
pub use clip::{Clip, ClipConfig, FeatureClip};
pub use cycle::{CycleConfig, self_supervise};
pub use error::EncoderError;
pub use head::AlignmentHead;
