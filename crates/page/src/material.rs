//! What operators are asked about.

use apprentice_core::Seed;
use apprentice_episode::EpisodeId;
use apprentice_robot::RobotDescription;
use std::path::PathBuf;

/// Least and most episodes beside each other.
pub const COLUMNS: std::ops::RangeInclusive<usize> = 2..=6;

/// What a page shows and asks.
#[derive(Clone, Debug)]
pub struct Material {
    /// What the page is of, for its heading.
    pub title: String,
    /// The episodes that are asked about.
    pub episodes: Vec<Recorded>,
    /// Which are shown together: 2 to 6 episodes each, at least one group.
    pub groups: Vec<Vec<EpisodeId>>,
    /// Why just these groups are asked, kept with every answer.
    pub reason: String,
    /// Where questions are kept that are not in the list of groups; `None`: nowhere.
    pub asked: Option<PathBuf>,
    /// The name an operator finds filled in.
    pub who: String,
    /// Names nobody may take.
    pub reserved: Vec<String>,
    /// Seed of the order in which episodes stand beside each other.
    pub seed: Seed,
    /// Draws the arm in the viewer; without, its cameras alone are shown.
    pub robot: Option<RobotDescription>,
}

/// Where an episode is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Its name, the hash of its content.
    pub id: EpisodeId,
    /// Its file.
    pub file: PathBuf,
}
