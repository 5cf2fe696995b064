//! How an agent's chunks reach a robot that moves while the agent computes.

/// How chunks that overlap are put together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Blending {
    /// The newest chunk alone.
    Switch,
    /// The newest chunk, planned on from what of the one before is certainly executed (real-time chunking, Black et
    /// al. 2025, arXiv 2506.07339).
    #[default]
    Inpaint,
    /// The weighted mean of all chunks that reach a tick (temporal ensembling, Zhao et al. 2023, arXiv 2304.13705).
    Ensemble,
}

/// How an agent's decisions reach a robot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ChunkingConfig {
    /// How chunks that overlap are put together.
    pub blending: Blending,
    /// Time added to every decision, milliseconds: to see what a slower computer would do. The simulation goes on
    /// meanwhile.
    pub latency_ms: u64,
}
