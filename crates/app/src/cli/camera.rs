//! Arguments of `apprentice camera`.

use super::ReachArgs;
use apprentice_camera::controls::Setting;
use clap::Args;
use std::path::PathBuf;

/// Which camera, where its frames go, and how it captures.
#[derive(Clone, Debug, Args)]
pub struct CameraArgs {
    /// V4L2 device, such as /dev/video0
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with = "file",
        required_unless_present = "file"
    )]
    pub device: Option<String>,
    /// A clip instead: a folder of PNG or JPEG files, or an episode (.mcap), played as fast as it was recorded
    #[arg(long, value_name = "CLIP")]
    pub file: Option<PathBuf>,
    /// Play the clip once, not over and over
    #[arg(long, conflicts_with = "device")]
    pub once: bool,
    #[command(flatten)]
    pub reach: ReachArgs,
    /// Name of the camera, as in the robot's description
    #[arg(long, value_name = "NAME", default_value = "front")]
    pub camera: String,
    /// Publish on this key instead of the robot's, such as that of `cameras` in a franka_node robot's adapter
    #[arg(long, value_name = "KEY")]
    pub key: Option<String>,
    /// Width of published frames, pixels; as the robot describes, without
    #[arg(long, value_name = "PIXELS", requires = "height")]
    pub width: Option<u32>,
    /// Height of published frames, pixels
    #[arg(long, value_name = "PIXELS", requires = "width")]
    pub height: Option<u32>,
    /// Frames a second at most, Hz; the robot's policy_hz, without, or 30
    #[arg(long, value_name = "HZ")]
    pub rate: Option<f64>,
    /// Width and height that the device captures, pixels
    #[arg(long, value_name = "WxH", default_value = "640x480")]
    pub capture: String,
    /// Frames a second that the device captures, Hz
    #[arg(long, value_name = "HZ", default_value_t = 30)]
    pub capture_rate: u32,
    /// How long the shutter is open: auto, or ms
    #[arg(long, value_name = "auto|MS")]
    pub exposure: Option<Setting>,
    /// Amplification: auto, or a number in the camera's own unit
    #[arg(long, value_name = "auto|N")]
    pub gain: Option<Setting>,
    /// Light that is taken for white: auto, or K
    #[arg(long, value_name = "auto|K")]
    pub white_balance: Option<Setting>,
    /// Print the counts at the end as JSON
    #[arg(long)]
    pub json: bool,
}
