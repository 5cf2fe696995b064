//! How learning shares the computer with a robot at work.

use serde::{Deserialize, Serialize};

/// What learning may take of the computer. None of it changes a result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComputeConfig {
    /// Threads that learn; 0 for one a processor.
    pub threads: usize,
    /// Whether learning goes behind everything else that wants a processor.
    pub priority: ComputePriority,
    /// Share of the GPU's memory that learning may reserve, above 0 to 1.
    pub gpu_memory_share: f64,
}

/// Who learning lets go first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ComputePriority {
    /// Everyone, where there is a real robot or something is being recorded in the same run; else nobody.
    Auto,
    /// Everyone.
    Low,
    /// Nobody.
    Normal,
}
