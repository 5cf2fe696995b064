//! What can go wrong while a robot runs.

use thiserror::Error;

/// Errors of running and recording.
#[derive(Debug, Error)]
pub enum ControlError {
    /// The link to the robot failed.
    #[error(transparent)]
    Link(#[from] apprentice_link::LinkError),
    /// The robot's description cannot be used.
    #[error(transparent)]
    Description(#[from] apprentice_robot::DescriptionError),
    /// The guard refused its settings.
    #[error(transparent)]
    Guard(#[from] apprentice_safety::GuardError),
    /// An episode could not be recorded.
    #[error(transparent)]
    Episode(#[from] apprentice_episode::EpisodeError),
    /// The agent could not decide.
    #[error(transparent)]
    Planning(Box<dyn std::error::Error + Send + Sync>),
    /// The agent gave something else than it should.
    #[error("the agent answered {got}, expected {expected}")]
    Agent {
        /// What came.
        got: String,
        /// What should have come.
        expected: String,
    },
    /// The agent gave actions that do not make a chunk.
    #[error(transparent)]
    Chunk(#[from] apprentice_core::ActionChunkError),
    /// An arm that does not come home.
    #[error(
        "robot {0} cannot be moved to its home posture: {1}; move it near there by hand, then start again"
    )]
    Home(String, String),
    /// The disk does not keep up.
    #[error(
        "the recorder of robot {robot} is {ticks} ticks behind: the disk does not keep up; what was recorded is kept. Record to a faster disk, or fewer or smaller pictures"
    )]
    Recorder {
        /// Ticks that wait.
        ticks: usize,
        /// Which robot of the session.
        robot: usize,
    },
    /// A robot that is where no command can begin.
    #[error(
        "robot {0} cannot be started from where it says it is: {1}; move it inside by hand, or see who publishes its states, then start again"
    )]
    Start(String, String),
    /// A robot that cannot be commanded yet.
    #[error(
        "robot {0} was to be commanded before it answered a reset with joints that are its own; this is a defect, please report it"
    )]
    NoStart(String),
    /// A worker thread ended without an answer.
    #[error(
        "the thread that drives robot {0} ended without an answer; this is a defect, please report it"
    )]
    Thread(usize),
    /// Stopped on request.
    #[error("stopped on request; episodes already finished are kept")]
    Stopped,
}

impl ControlError {
    /// Whether the arm does not obey any more: it stands, or somebody else moves it.
    #[must_use]
    pub fn is_control_lost(&self) -> bool {
        use apprentice_link::LinkError::ControlLost;
        matches!(self, Self::Link(ControlLost { .. }))
    }
}
