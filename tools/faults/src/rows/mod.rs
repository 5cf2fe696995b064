//! The rows of the fault table, one file each.

mod adversarial;
mod aliases;
mod bad_actions;
mod cameras;
mod clocks;
mod deadman_release;
mod disk_full;
mod flood;
mod frequent_requests;
mod intruders;
mod jitter;
mod killed_writer;
mod latency;
mod malformed;
mod owners;
mod pictures;
mod policy_killed;
mod power_loss;
mod replayed;
mod router_killed;
mod silence;
mod slow_agent;
mod soak;
mod spoofed_states;
mod starved_cpu;
mod stops;
mod topology;
mod versions;

use crate::{Row, Rows, Scale};
use anyhow::Result;

/// A row: its name, what is done to what, and how.
pub struct Named {
    /// As in the fault table.
    pub name: &'static str,
    /// In a few words.
    pub title: &'static str,
    run: fn(Scale, &mut Rows) -> Result<()>,
}

const fn row(
    name: &'static str,
    title: &'static str,
    run: fn(Scale, &mut Rows) -> Result<()>,
) -> Named {
    Named { name, title, run }
}

/// All rows.
pub const TABLE: &[Named] = &[
    row("R1", "the router is killed", router_killed::run),
    row(
        "R2",
        "the policy's process is killed or frozen",
        policy_killed::run,
    ),
    row(
        "R3",
        "cameras stall, lose, freeze and shuffle frames",
        cameras::run,
    ),
    row("R4", "actions that are none", bad_actions::run),
    row("R5", "adversarial actions", adversarial::run),
    row("R6", "replayed, old and foreign commands", intruders::run),
    row("R7", "malformed messages", malformed::run),
    row("R8", "the disk is full", disk_full::run),
    row("R9", "the recorder is killed", killed_writer::run),
    row("R10", "the power fails", power_loss::run),
    row("R11", "clocks jump", clocks::run),
    row("R12", "the policy is slow", slow_agent::run),
    row("R13", "a flood of commands and frames", flood::run),
    row("R14", "no processor time is left", starved_cpu::run),
    row("R16", "an episode is replayed", replayed::run),
    row("R17", "a long run", soak::run),
    row("R20", "another version of the protocol", versions::run),
    row("R21", "two runtimes want one arm", owners::run),
    row("R22", "peers that do not hear each other", topology::run),
    row("R23", "stop, in every phase", stops::run),
    row("R24", "a person lets go", deadman_release::run),
    row("R25", "asking often gives no speed", frequent_requests::run),
    row("R26", "silence, and chunks that are none", silence::run),
    row("R27", "aliases and floods of tokens", aliases::run),
    row(
        "R28",
        "somebody else says where the arm is",
        spoofed_states::run,
    ),
    row("R29", "pictures and states that are none", pictures::run),
    row(
        "LINK",
        "how long our link takes beside plain zenoh",
        latency::run,
    ),
    row(
        "JITTER",
        "how late control ticks are while a policy is fine-tuned",
        jitter::run,
    ),
];

/// Runs the row called `name`; `None` when there is none. One that cannot be run has failed.
#[must_use]
pub fn run(name: &str, scale: Scale) -> Option<Vec<Row>> {
    let named = TABLE.iter().find(|r| r.name.eq_ignore_ascii_case(name))?;
    let mut rows = Rows::new(named.name);
    if let Err(error) = (named.run)(scale, &mut rows) {
        rows.failed(&format!("{error:#}"));
    }
    Some(rows.finish())
}
