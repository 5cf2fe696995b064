//! What `apprentice judge` is told.

use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// How episodes are named.
const EPISODES: &str = "EPISODE is the file of an episode of the run, such as rollouts/episode-0003.mcap, or the first \
digits of its hash;\na part of it is EPISODE@START-END, in seconds from its start.";

#[derive(Clone, Debug, Args)]
#[command(after_help = EPISODES)]
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
    #[command(after_help = EPISODES)]
    Success {
        /// Whether it was done
        #[arg(value_enum)]
        verdict: VerdictArg,
        /// Of which episodes
        #[arg(value_name = "EPISODE", required = true)]
        episodes: Vec<String>,
    },
    /// Yes or no, to what --axis names
    #[command(after_help = EPISODES)]
    Flag {
        /// The answer
        #[arg(value_enum)]
        answer: YesNoArg,
        /// Of which episodes
        #[arg(value_name = "EPISODE", required = true)]
        episodes: Vec<String>,
    },
    /// A value on a scale
    #[command(after_help = EPISODES)]
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
    #[command(after_help = EPISODES)]
    Similarity {
        /// What the two are compared with
        anchor: String,
        /// The one more like it
        nearer: String,
        /// The other
        farther: String,
    },
    /// What should have been instead
    #[command(after_help = EPISODES)]
    Correction {
        /// What was not as it should be
        #[arg(value_name = "EPISODE")]
        episode: String,
        /// An episode, or a part of one, that is
        instead: String,
    },
    /// Take back what you said before: judgements by their ids, or all your wishes on --axis. They stay in the log and
    /// are not learnt from
    Revoke {
        /// First digits of the ids of judgements; without, all you said before of how things should be
        #[arg(value_name = "JUDGEMENT")]
        judgements: Vec<String>,
    },
    /// Something in your own words
    #[command(after_help = EPISODES)]
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
