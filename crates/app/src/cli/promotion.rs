//! What `apprentice promote`, `rollback` and `history` are told.

use clap::Args;
use std::path::PathBuf;

#[derive(Clone, Debug, Args)]
pub struct PromoteArgs {
    /// Number of the version, as `apprentice history` lists it; without, the aligned policy
    #[arg(value_name = "VERSION")]
    pub version: Option<u32>,
    /// Folder of the run
    #[arg(long, value_name = "DIR", default_value = "runs/demo")]
    pub out: PathBuf,
    /// Say yes now and not when asked
    #[arg(long, requires = "who")]
    pub yes: bool,
    /// Your name, for the record
    #[arg(long, value_name = "NAME")]
    pub who: Option<String>,
    /// Accept what is not shown yet, for this reason; never what is shown to be bad
    #[arg(long, value_name = "REASON")]
    pub accept: Option<String>,
    /// Print the result as JSON, and nothing else on standard output
    #[arg(long)]
    pub json: bool,
}

#[derive(Clone, Debug, Args)]
pub struct RollbackArgs {
    /// Why, for those who come after
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Folder of the run
    #[arg(long, value_name = "DIR", default_value = "runs/demo")]
    pub out: PathBuf,
    /// Your name, for the record
    #[arg(long, value_name = "NAME", default_value = "operator")]
    pub who: String,
    /// Print the result as JSON, and nothing else
    #[arg(long)]
    pub json: bool,
}

#[derive(Clone, Debug, Args)]
pub struct HistoryArgs {
    /// Folder of the run
    #[arg(long, value_name = "DIR", default_value = "runs/demo")]
    pub out: PathBuf,
    /// Print the result as JSON, and nothing else
    #[arg(long)]
    pub json: bool,
}
