//! What commands are told that let policies drive a robot.

use super::RunArgs;
use clap::{Args, ValueEnum};

/// Over the options that are for trials on the robot.
const ON_ROBOT: &str = "Trials on the robot, with --on-robot";

/// Who says how a trial of a comparison went: somebody has to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TrialVerdictBy {
    /// The person at the robot
    Ask,
    /// The robot itself, if it can tell
    Robot,
}

impl From<TrialVerdictBy> for VerdictBy {
    fn from(by: TrialVerdictBy) -> Self {
        match by {
            TrialVerdictBy::Ask => Self::Ask,
            TrialVerdictBy::Robot => Self::Robot,
        }
    }
}

/// Who says how an episode went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum VerdictBy {
    /// The person at the robot
    Ask,
    /// The robot itself, if it can tell
    Robot,
    /// Nobody: it stays unknown
    None,
}

/// How people are asked.
#[derive(Clone, Debug, Args)]
pub struct AskArgs {
    /// Ask this, too, after each success: whether it was done the way you like
    #[arg(long, value_name = "WORDS")]
    pub ask_which: Option<String>,
    /// Your name, for the record
    #[arg(long, default_value = "operator")]
    pub who: String,
}

#[derive(Clone, Debug, Args)]
pub struct EvaluateArgs {
    #[command(flatten)]
    pub run: RunArgs,
    /// Try both policies on the robot instead, blind and in turns from the same starts
    #[arg(long, help_heading = ON_ROBOT)]
    pub on_robot: bool,
    /// Trials on the robot, two a start
    #[arg(
        long,
        value_name = "N",
        default_value_t = 60,
        requires = "on_robot",
        help_heading = ON_ROBOT,
        value_parser = clap::value_parser!(u64).range(2..=100_000)
    )]
    pub trials: u64,
    /// Who says how a trial went
    #[arg(long, value_enum, default_value = "ask", requires = "on_robot", help_heading = ON_ROBOT)]
    pub verdict: TrialVerdictBy,
    #[command(flatten, next_help_heading = ON_ROBOT)]
    pub ask: AskArgs,
    /// Probability at most of a wrong statement, however often one looks
    #[arg(long, value_name = "X", default_value_t = 0.05, requires = "on_robot", help_heading = ON_ROBOT)]
    pub error_rate: f64,
    /// The loss of success that is still fine, 0 to 1
    #[arg(long, value_name = "X", default_value_t = 0.03, requires = "on_robot", help_heading = ON_ROBOT)]
    pub margin: f64,
    /// Go on to the last trial when the test has decided
    #[arg(long, requires = "on_robot", help_heading = ON_ROBOT)]
    pub all: bool,
}

/// A policy to run instead of a stage.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "A policy drives, with --policy")]
pub struct RunPolicyArgs {
    /// Let a policy drive the robot until told to stop: base, aligned, current (promoted last) or a file
    #[arg(long, value_name = "POLICY", conflicts_with = "stage")]
    pub policy: Option<String>,
    /// End after so many episodes
    #[arg(long, value_name = "N", requires = "policy")]
    pub episodes: Option<u64>,
    /// Who says how an episode went
    #[arg(long, value_enum, default_value = "none", requires = "policy")]
    pub verdict: VerdictBy,
    #[command(flatten)]
    pub ask: AskArgs,
}
