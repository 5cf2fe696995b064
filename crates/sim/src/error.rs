//! What can go wrong in the simulator.

use thiserror::Error;

/// Errors of the simulator.
#[derive(Debug, Error)]
pub enum SimError {
    /// A configuration value is out of range.
    #[error(
        "{table}.{key} is {got} {unit}; allowed: {allowed}. Change it in the configuration or with --set {table}.{key}=VALUE"
    )]
    Config {
        /// Table of the configuration.
        table: &'static str,
        /// The key, without its table.
        key: &'static str,
        /// What was given.
        got: String,
        /// Unit of the value.
        unit: &'static str,
        /// What is allowed.
        allowed: &'static str,
    },
    /// The robot description does not fit the simulator.
    #[error("the simulated scene cannot use robot '{robot}': {reason}")]
    Robot {
        /// Name of the robot.
        robot: String,
        /// What is wrong and what to do.
        reason: String,
    },
    /// A joint command does not fit the arm.
    #[error(
        "command with {got} joint targets for an arm with {expected} joints, or with numbers that are not finite; the arm keeps its last target"
    )]
    Command {
        /// Targets given.
        got: usize,
        /// Joints of the arm.
        expected: usize,
    },
    /// There is no such camera.
    #[error("no camera {index}; the robot description has {count} (numbered from 0)")]
    Camera {
        /// What was asked for.
        index: usize,
        /// Cameras there are.
        count: usize,
    },
    /// A picture could not be built.
    #[error(transparent)]
    Image(#[from] apprentice_core::ImageError),
    /// The simulator's thread could not be started.
    #[error("cannot start the simulator's thread: {0}")]
    Thread(#[from] std::io::Error),
    /// The robot description cannot be used.
    #[error(transparent)]
    Description(#[from] apprentice_robot::DescriptionError),
    /// The link to the runtime failed.
    #[error(transparent)]
    Link(#[from] apprentice_link::LinkError),
}

/// Result of the simulator.
pub type Result<T, E = SimError> = std::result::Result<T, E>;
