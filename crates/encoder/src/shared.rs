//! Sections of the configuration that encoders share when they are given by name alone.

use crate::{CycleConsistencyConfig, InputConfig};
use std::path::Path;

/// `encoder.weights`, `encoder.input` and `encoder.cycle`.
#[derive(Clone, Copy, Debug)]
pub struct SharedSettings<'a> {
    /// File of pretrained weights; empty for none.
    pub weights: &'a Path,
    /// How images are prepared for a pretrained network.
    pub input: &'a InputConfig,
    /// How a network that is trained on the run's own clips is.
    pub cycle: &'a CycleConsistencyConfig,
}
