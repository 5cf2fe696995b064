//! What `apprentice preferences` is told.

use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub enum PreferencesCommand {
    /// Measure how well each way of learning foretells labels of clips that it has not seen
    Evaluate(EvaluatePreferencesArgs),
}

#[derive(Clone, Debug, Args)]
pub struct EvaluatePreferencesArgs {
    /// Folder of clips (folders of pictures; videos where ffmpeg is installed), or an .npz file of obs_1, obs_2,
    /// action_1, action_2 and label
    #[arg(value_name = "CLIPS")]
    pub clips: PathBuf,
    /// File of labels: `a b 1` (a better), 2 (equal) or 3 (b better) a line, or lists, a place a line, a blank line
    /// between them; none for an .npz file
    #[arg(value_name = "LABELS")]
    pub labels_file: Option<PathBuf>,
    /// Numbers of labels to learn from
    #[arg(
        long,
        value_name = "N,N,...",
        value_delimiter = ',',
        default_value = "5,10,20,50,100"
    )]
    pub labels: Vec<usize>,
    /// Draws of clips and labels for each number
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub draws: usize,
    /// Seed of the draws
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// Weights of EfficientNet-Lite0 for features of pictures; without, those that `weights get` fetched, or else a
    /// random network
    #[arg(long, value_name = "FILE")]
    pub weights: Option<PathBuf>,
    /// Print the table as JSON, and nothing else
    #[arg(long)]
    pub json: bool,
}
