//! What an importer's own small data set is, for the conformance suite.

use apprentice_core::Image;
use std::io;
use std::path::Path;

/// A small data set, and what is in it.
pub struct Sample {
    /// Its episodes, in the order they are imported; two at least.
    pub episodes: Vec<SampleEpisode>,
    /// Ways to damage it.
    pub damages: Vec<Damage>,
}

/// What an episode of the sample must become.
pub struct SampleEpisode {
    /// What was asked for.
    pub instruction: Option<String>,
    /// Action and proprioception of each tick.
    pub ticks: Vec<[Vec<f32>; 2]>,
    /// Pictures of each tick, one a camera that is kept.
    pub pictures: Vec<Vec<Image>>,
}

/// Damages a sample, in the folder of the data set.
type Damaging = dyn Fn(&Path) -> io::Result<()>;

/// One way to damage a sample.
pub struct Damage {
    /// Does it.
    pub damage: Box<Damaging>,
    /// What the refusal must say: the file, the place in it, what is wrong.
    pub said: Vec<&'static str>,
}
