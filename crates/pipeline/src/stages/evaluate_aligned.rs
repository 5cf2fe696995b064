//! Try the aligned policy on the same scenes, and the reward on episodes it never saw.

use crate::config::Config;
use crate::context::Context;
use crate::evaluation::evaluate;
use crate::layout::{ALIGNED_EVALUATION, HELD_OUT_SCORES, REWARD_EXAM, ROLLOUT_SCORES};
use crate::policies::aligned_policy;
use crate::reward_exam::{RewardExam, examine_reward};
use crate::scores::Scores;
use crate::stage::{Output, Stage};
use crate::summary::evaluated;
use crate::viewer_file::{ALIGNED_SHOWN, write_recording};
use crate::work::{Episodes, Work};
use anyhow::Result;
use serde_json::Value;

/// The stage.
pub static STAGE: Stage = Stage {
    name: "evaluate-aligned",
    about: "try the aligned policy on the same scenes, and the reward on episodes it never saw",
    command: "evaluate",
    reads: &[
        "run",
        "robot.description",
        "robot.image_size",
        "sim",
        "guard",
        "inference",
        "task",
        "operator.prefers",
        "encoder",
        "evaluate",
    ],
    amount: Some("evaluate.episodes"),
    needs: &["rollouts", "reward", "align", "evaluate-base"],
    writes: &[
        Output::Episodes {
            folder: ALIGNED_EVALUATION,
            may_be_added_to: false,
        },
        Output::Computed(HELD_OUT_SCORES),
        Output::Computed(REWARD_EXAM),
    ],
    drives_robot: true,
    computes: true,
    work,
    run,
    summary,
};

fn work(config: &Config) -> Vec<Work> {
    let tried = config.evaluate.amount();
    let shown = Episodes {
        count: tried.count.min(ALIGNED_SHOWN as u64),
        ..tried
    };
    vec![
        Work::PolicyEpisodes(tried),
        Work::ReadEpisodes(tried),
        Work::EncodedEpisodes(tried.count),
        Work::ReadEpisodes(config.rollouts.amount()),
        Work::ViewerEpisodes(config.rollouts.amount()),
        Work::ReadEpisodes(shown),
        Work::ViewerEpisodes(shown),
    ]
}

fn run(context: &Context) -> Result<()> {
    evaluate(
        context,
        aligned_policy(context)?,
        ALIGNED_EVALUATION,
        "evaluate align",
    )?;
    examine_reward(context)?;
    let scores: Scores = context.dir.read(ROLLOUT_SCORES)?;
    write_recording(context, Some(&scores.episodes), true)
}

fn summary(context: &Context) -> Result<Value> {
    let mut value = evaluated(context, ALIGNED_EVALUATION)?;
    let exam: RewardExam = context.dir.read(REWARD_EXAM)?;
    value["reward"] = serde_json::to_value(exam)?;
    Ok(value)
}
