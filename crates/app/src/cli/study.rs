//! What `apprentice study` is told.

use super::devices;
use apprentice_pipeline::device::CPU;
use clap::Args;
use std::path::PathBuf;

#[derive(Clone, Debug, Args)]
pub struct StudyArgs {
    /// Folder of the study
    #[arg(long, value_name = "DIR", default_value = "runs/study")]
    pub out: PathBuf,
    /// The small grid, for half an hour on two cores, instead of the full one, which takes many hours
    #[arg(long, conflicts_with = "grid")]
    pub quick: bool,
    /// A grid of your own, such as configs/study-quick.toml
    #[arg(long, value_name = "FILE")]
    pub grid: Option<PathBuf>,
    /// Go on with the study in that folder
    #[arg(long)]
    pub resume: bool,
    /// Cells at a time; without, one for each two processors
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=64))]
    pub jobs: Option<u32>,
    /// Keep the runs of finished cells, with their episodes
    #[arg(long)]
    pub keep: bool,
    /// Run nothing: write the reports of the rows there are
    #[arg(long)]
    pub report: bool,
    /// Where networks compute
    #[arg(long, value_parser = devices(), default_value = CPU)]
    pub device: String,
    /// Print the rows as JSON, and nothing else on standard output
    #[arg(long)]
    pub json: bool,
}
