//! What both ends of the link measurement agree on: keys, the robot, and the figures.

use crate::measured::quantile;
use crate::stub_agent::fr3;
use apprentice_robot::{DescriptionError, RobotDescription};
use serde::{Deserialize, Serialize};

/// Where plain commands go.
pub const RAW_COMMAND: &str = "plain/command";
/// Where plain frames go.
pub const RAW_FRAME: &str = "plain/frame";
/// Frames are so many pixels each way.
pub const FRAME_EDGE: u32 = 224;

/// The robot at the other end.
///
/// # Errors
/// As [`fr3`].
pub fn latency_robot() -> Result<RobotDescription, DescriptionError> {
    let mut description = fr3()?;
    description.control_hz = 1000.0;
    description.cameras.truncate(1);
    for camera in &mut description.cameras {
        (camera.width, camera.height) = (FRAME_EDGE, FRAME_EDGE);
    }
    Ok(description)
}

/// How long messages took one way, microseconds.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct LinkFigures {
    /// Messages measured.
    pub messages: usize,
    /// Half of them took no longer.
    pub p50: f64,
    /// 99 of 100 took no longer.
    pub p99: f64,
}

impl LinkFigures {
    /// Of these times, microseconds.
    #[must_use]
    pub fn of(times: &[f64]) -> Self {
        Self {
            messages: times.len(),
            p50: quantile(times, 0.5),
            p99: quantile(times, 0.99),
        }
    }
}
