//! Try the base policy on held-out scenes.

use crate::config::Config;
use crate::context::Context;
use crate::evaluation::evaluate;
use crate::layout::{BASE_EVALUATION, BASE_POLICY};
use crate::stage::{Output, Stage};
use crate::summary::evaluated;
use crate::work::Work;
use anyhow::Result;

/// The stage.
pub static STAGE: Stage = Stage {
    name: "evaluate-base",
    about: "try the base policy on held-out scenes",
    command: "evaluate",
    reads: &[
        "run",
        "robot.description",
        "robot.image_size",
        "sim",
        "task",
        "guard",
        "inference",
        "evaluate",
    ],
    amount: Some("evaluate.episodes"),
    needs: &["train"],
    writes: &[Output::Episodes {
        folder: BASE_EVALUATION,
        may_be_added_to: false,
    }],
    drives_robot: true,
    computes: true,
    work,
    run,
    summary: |context| evaluated(context, BASE_EVALUATION),
};

fn work(config: &Config) -> Vec<Work> {
    vec![Work::PolicyEpisodes(config.evaluate.amount())]
}

fn run(context: &Context) -> Result<()> {
    evaluate(context, BASE_POLICY, BASE_EVALUATION, "evaluate base")
}
