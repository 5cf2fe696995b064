//! What `apprentice robot describe` and `apprentice robot check --live` are told.

use clap::Args;

#[derive(Clone, Debug, Args)]
pub struct DescribeArgs {
    /// A robot's folder, or the name of one that comes with Apprentice
    #[arg(value_name = "FOLDER")]
    pub robot: String,
    /// Print JSON: the description, and as `toml` what a driver answers with
    #[arg(long)]
    pub json: bool,
}

/// How a running driver is tested.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "A running driver, with --live")]
pub struct LiveArgs {
    /// Test the driver that runs there, such as tcp/127.0.0.1:7447, against robots/PROTOCOL.md
    #[arg(long, value_name = "ENDPOINT", conflicts_with = "rrd")]
    pub live: Option<String>,
    /// Enable the arm, and move its last joint by millimetres (a driver that obeys the jump it has to refuse: for one
    /// control period further): everybody is clear of it (otherwise a terminal is asked)
    #[arg(long = "move", requires = "live")]
    pub moves: bool,
    /// Have a new scene set up, where the robot can: that moves it as far as it likes
    #[arg(long, requires = "live")]
    pub reset: bool,
    /// Folder with the keys of a runtime for that robot; without, only robots on this machine are spoken to
    #[arg(
        long,
        value_name = "DIR",
        default_value = "",
        hide_default_value = true,
        requires = "live"
    )]
    pub keys: String,
    /// "off" to speak to robots elsewhere without keys: then anyone on the network may command them
    #[arg(
        long,
        value_name = "WORD",
        default_value = "",
        hide_default_value = true,
        requires = "live"
    )]
    pub security: String,
}
