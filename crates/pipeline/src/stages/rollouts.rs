//! Rollouts of the base policy: what the operator sees and ranks.

use crate::config::Config;
use crate::context::Context;
use crate::layout::{BASE_POLICY, ROLLOUTS};
use crate::policies::watch_policy;
use crate::stage::{Output, Stage};
use crate::summary::recorded;
use crate::viewer_file::write_recording;
use crate::work::Work;
use anyhow::Result;

/// The stage.
pub static STAGE: Stage = Stage {
    name: "rollouts",
    about: "record rollouts of the base policy",
    command: "record rollouts",
    reads: &[
        "run",
        "robot.description",
        "robot.image_size",
        "sim",
        "guard",
        "inference",
        "rollouts",
    ],
    amount: Some("rollouts.episodes"),
    needs: &["train"],
    writes: &[Output::Episodes {
        folder: ROLLOUTS,
        may_be_added_to: true,
    }],
    drives_robot: true,
    computes: true,
    work,
    run,
    summary: |context| recorded(context, ROLLOUTS),
};

fn work(config: &Config) -> Vec<Work> {
    let amount = config.rollouts.amount();
    vec![
        Work::PolicyEpisodes(amount),
        Work::ReadEpisodes(amount),
        Work::ViewerEpisodes(amount),
    ]
}

fn run(context: &Context) -> Result<()> {
    let config = &context.config.rollouts;
    let seeds = (0..config.episodes as u64)
        .map(|i| context.seed.derive("rollout", i))
        .collect();
    watch_policy(
        context,
        BASE_POLICY,
        ROLLOUTS,
        "rollouts",
        seeds,
        config.ticks,
    )?;
    write_recording(context, None, false)
}
