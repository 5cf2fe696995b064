//! How a person demonstrates.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "A person demonstrates, with --by")]
pub struct ByPersonArgs {
    /// Let a person demonstrate with this device, episode by episode: keep, redo or discard each
    #[arg(long, value_enum, value_name = "DEVICE")]
    pub by: Option<DeviceKind>,
    /// Where the device is: /dev/input/js0, /dev/hidraw0, or the endpoint of a leader such as tcp/127.0.0.1:7448
    #[arg(long = "input", value_name = "PATH", requires = "by")]
    pub input: Option<PathBuf>,
    /// Demonstrations to keep, those of before included; without --by: --set demonstrations.episodes=N
    #[arg(
        long,
        value_name = "N",
        requires = "by",
        value_parser = clap::value_parser!(u32).range(1..=100_000)
    )]
    pub episodes: Option<u32>,
    /// Longest demonstration, s
    #[arg(long, value_name = "S", default_value_t = 120.0, requires = "by")]
    pub seconds: f64,
    /// Your name, for the record
    #[arg(long, default_value = "operator", requires = "by")]
    pub who: String,
    /// Speed of the tool, m/s
    #[arg(long, value_name = "M/S", default_value_t = 0.1, requires = "by")]
    pub speed: f64,
    /// Speed of turning, and of joints, rad/s
    #[arg(long, value_name = "RAD/S", default_value_t = 0.5, requires = "by")]
    pub turn: f64,
    /// Name of the leader arm, or its folder
    #[arg(long, value_name = "NAME|FOLDER", requires = "by")]
    pub leader: Option<String>,
    /// A joint of another name, scale or zero than the leader's (may be given again): JOINT=LEADER_JOINT*SCALE+OFFSET
    #[arg(long = "map", value_name = "MAP", requires = "by")]
    pub map: Vec<String>,
    /// Farthest a joint may be from the leader's to begin, rad (or the joint's unit)
    #[arg(long, value_name = "RAD", default_value_t = 0.5, requires = "by")]
    pub apart: f64,
    /// How fast a leader is approached before it is followed, rad/s (or the joint's unit)
    #[arg(long, value_name = "RAD/S", default_value_t = 0.3, requires = "by")]
    pub approach: f64,
    /// Folder with keys to listen to the leader; without, only leaders on this machine are listened to
    #[arg(
        long,
        value_name = "DIR",
        default_value = "",
        hide_default_value = true,
        requires = "by"
    )]
    pub leader_keys: String,
}

impl ByPersonArgs {
    /// Whether a person is to demonstrate.
    pub fn is_given(&self) -> bool {
        self.by.is_some()
    }
}

/// What a person's hands are on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DeviceKind {
    /// The keys of this terminal
    Keyboard,
    /// A gamepad, as a joystick device of Linux
    Gamepad,
    /// A SpaceMouse, as a raw HID device of Linux; decoded from recorded reports, untested on hardware
    Spacemouse,
    /// A second arm, moved by hand, by its joint states
    Leader,
    /// Whatever answers the teleop question of robots/PROTOCOL.md
    Network,
}
