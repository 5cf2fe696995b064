//! Clips and what people said of them.

use apprentice_encoder::FeatureClip;

/// An answer about clips by their index, best first; those of one place in one list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labelled {
    /// Its places.
    pub tiers: Vec<Vec<usize>>,
}

/// Clips and what was said of them.
#[derive(Clone, Debug)]
pub struct LabelledClips {
    /// Features of the clips, as many a frame in each.
    pub clips: Vec<FeatureClip>,
    /// The answers.
    pub labels: Vec<Labelled>,
    /// How many of a frame's numbers, from its first, are observations, the others being actions; `None` where they are
    /// features of pictures.
    pub observations: Option<usize>,
}
