//! What `apprentice record rollouts` is told to record a round of its own.

use clap::Args;

#[derive(Clone, Debug, Args)]
pub struct RoundArgs {
    /// Record a further round of rollouts by this policy: base, aligned, current, or the file of one. It takes part from
    /// when rollouts are ranked next
    #[arg(long, value_name = "POLICY")]
    pub policy: Option<String>,
    /// Episodes of that round (as many as of the first without), or with --by demonstrations to keep, those of before
    /// included
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub episodes: Option<u32>,
}
