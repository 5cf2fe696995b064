//! What `apprentice studio` is told.

use clap::Args;
use std::path::PathBuf;

#[derive(Clone, Debug, Args)]
pub struct StudioArgs {
    /// Folder of the run
    #[arg(long, value_name = "DIR", default_value = "runs/demo")]
    pub run: PathBuf,
    /// Where the page listens, on this machine alone; 0 is any port that is free
    #[arg(long, value_name = "P", default_value_t = 8080)]
    pub port: u16,
    /// What a browser needs to come in, 16 to 128 letters, digits, - and _; without, a new one each time
    #[arg(long, value_name = "T")]
    pub token: Option<String>,
    /// The name that the page finds filled in
    #[arg(long, value_name = "NAME")]
    pub who: Option<String>,
    /// Print where the page is, and what came of it, as JSON lines, and nothing else
    #[arg(long)]
    pub json: bool,
}
