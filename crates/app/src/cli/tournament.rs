//! What `apprentice tournament` is told.

use clap::Args;
use std::path::PathBuf;

#[derive(Clone, Debug, Args)]
pub struct TournamentArgs {
    /// Folder of the run
    #[arg(value_name = "RUN", default_value = "runs/demo")]
    pub run: PathBuf,
    /// Numbers of the versions, as `apprentice history` lists them; without, all that have episodes
    #[arg(long, value_name = "A,B,...", value_delimiter = ',')]
    pub versions: Vec<u32>,
    /// Your name: each operator has answers, and a table, of their own
    #[arg(long, value_name = "NAME", default_value = "operator")]
    pub by: String,
    /// Ask so many questions and no more, even where nothing more needs to be asked
    #[arg(long, value_name = "N", conflicts_with = "table")]
    pub matches: Option<u64>,
    /// Ask nothing, print the table
    #[arg(long)]
    pub table: bool,
    /// Say after each answer which version was which; what you learn so may sway later answers
    #[arg(long)]
    pub reveal: bool,
    /// Probability at most of a wrong statement of the table, however often one looks
    #[arg(long, value_name = "X", default_value_t = 0.05)]
    pub error_rate: f64,
    /// A version may stand behind one that it is preferred to in up to this share of the comparisons
    #[arg(long, value_name = "X", default_value_t = 0.667)]
    pub tolerated: f64,
    /// Print the result as JSON, and nothing else on standard output
    #[arg(long)]
    pub json: bool,
}
