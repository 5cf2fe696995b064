//! How evenly the arm moved in the rollouts: the mean change of its joints' velocity from tick to tick.

use crate::context::Context;
use crate::layout::ROLLOUTS;
use crate::outcomes::{open_all, read_outcomes};
use crate::stage::{Output, Stage};
use anyhow::Result;
use serde_json::{Value, json};

const FILE: &str = "smoothness.json";

/// The stage.
pub static STAGE: Stage = Stage {
    name: "smoothness",
    about: "measure how evenly the arm moved in the rollouts",
    command: "run smoothness",
    reads: &[],
    amount: None,
    needs: &["rollouts"],
    writes: &[Output::Computed(FILE)],
    drives_robot: false,
    computes: false,
    work: |_| Vec::new(),
    run,
    summary: |context| context.dir.read::<Value>(FILE),
};

fn run(context: &Context) -> Result<()> {
    let episodes = open_all(context, ROLLOUTS, &read_outcomes(context, ROLLOUTS)?)?;
    let (mut sum, mut count) = (0.0, 0usize);
    for pair in episodes.iter().flat_map(|e| e.ticks.windows(2)) {
        let velocities = |i: usize| &pair[i].observation.state.velocities;
        for (before, after) in velocities(0).iter().zip(velocities(1)) {
            sum += (after - before).abs();
            count += 1;
        }
    }
    let mean = sum / count.max(1) as f64;
    context.dir.write(FILE, &json!({ "rad_s": mean }))
}
