//! What `apprentice record` is told.

use super::{ByPersonArgs, RunArgs};
use clap::{Args, Subcommand};

#[derive(Clone, Debug, Subcommand)]
pub enum RecordCommand {
    /// Demonstrations: by the scripted expert, in each style in equal parts; by whatever answers at a robot's controls; or
    /// by a person, with --by
    Demonstrations(DemonstrationsArgs),
    /// Rollouts of the base policy, or with --policy a further round of rollouts
    Rollouts(RolloutsArgs),
}

#[derive(Clone, Debug, Args)]
pub struct DemonstrationsArgs {
    #[command(flatten)]
    pub run: RunArgs,
    #[command(flatten)]
    pub person: ByPersonArgs,
}

#[derive(Clone, Debug, Args)]
pub struct RolloutsArgs {
    #[command(flatten)]
    pub run: RunArgs,
    #[command(flatten)]
    pub round: RoundArgs,
}

/// A round of its own.
#[derive(Clone, Debug, Args)]
pub struct RoundArgs {
    /// Record a further round of rollouts by this policy: base, aligned, current, or the file of one. It takes part from
    /// when rollouts are ranked next
    #[arg(long, value_name = "POLICY")]
    pub policy: Option<String>,
    /// Episodes of that round (as many as of the first without); of the first: --set rollouts.episodes=N
    #[arg(
        long,
        value_name = "N",
        requires = "policy",
        value_parser = clap::value_parser!(u32).range(1..=100_000)
    )]
    pub episodes: Option<u32>,
}
