//! Rankings: the simulated operator of the demo puts rollouts in order, four at a time.

use crate::context::Context;
use crate::judgements::{SIMULATED, hidden_utility, read_judgements};
use crate::layout::{JUDGEMENTS, ROLLOUTS};
use crate::outcomes::read_outcomes;
use crate::stage::{Output, Stage};
use anyhow::{Result, bail};
use apprentice_episode::EpisodeId;
use apprentice_preference::{JudgementLog, SimulatedOperator, groups_of_four};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The stage.
pub static STAGE: Stage = Stage {
    name: "rank",
    about: "rank rollouts by the simulated operator",
    command: "rank",
    reads: &["operator"],
    amount: Some("operator.rankings"),
    needs: &["rollouts"],
    writes: &[Output::Judgements(JUDGEMENTS)],
    drives_robot: false,
    computes: false,
    work: |_| Vec::new(),
    run,
    summary,
};

/// Runs the stage with the simulated operator.
///
/// # Errors
/// When there are too few rollouts or the log cannot be written.
fn run(context: &Context) -> Result<()> {
    let notes = read_outcomes(context, ROLLOUTS)?;
    let config = &context.config.operator;
    if let Some(unknown) = notes.episodes.iter().find(|e| e.outcome.is_none()) {
        bail!(
            "the simulated operator judges by the simulator's notes, and there are none on {}; rank in person (apprentice rank)",
            unknown.file
        );
    }
    let needed = config.rankings.saturating_mul(4);
    if notes.episodes.len() < needed {
        bail!(
            "operator.rankings is {}, which needs {needed} rollouts, but there are {}; record more (rollouts.episodes)",
            config.rankings,
            notes.episodes.len()
        );
    }
    let utility: BTreeMap<EpisodeId, f64> = notes
        .episodes
        .iter()
        .map(|e| (e.id.clone(), hidden_utility(e, config.prefers)))
        .collect();
    let ids: Vec<EpisodeId> = notes
        .episodes
        .iter()
        .take(needed)
        .map(|e| e.id.clone())
        .collect();
    let groups: Vec<Vec<(EpisodeId, f64)>> = groups_of_four(&ids, context.seed.derive("groups", 0))
        .into_iter()
        .map(|group| {
            group
                .into_iter()
                .map(|id| (id.clone(), utility.get(&id).copied().unwrap_or(0.0)))
                .collect()
        })
        .collect();
    let operator = SimulatedOperator {
        who: SIMULATED.into(),
        error_rate: config.error_rate,
        shuffle: config.shuffle,
        // A simulated operator has no clock, so that the same run gives the same record.
        when_unix_ms: 0,
    };
    let path = context.dir.path(JUDGEMENTS);
    if path.exists() {
        let said = JudgementLog::read(&path)?;
        if let Some(person) = said.judgements.iter().find(|j| j.who != SIMULATED) {
            bail!(
                "{} holds judgements of {}; go on with `apprentice rank`, or simulate in another --out",
                path.display(),
                person.who
            );
        }
        // Left by a stage that was stopped half-way.
        std::fs::remove_file(&path)?;
    }
    let mut log = JudgementLog::open(&path)?;
    for judgement in operator.rank(&groups, context.seed.derive("operator", 0)) {
        log.append(&judgement)?;
    }
    Ok(())
}

fn summary(context: &Context) -> Result<Value> {
    let judgements = read_judgements(context, &read_outcomes(context, ROLLOUTS)?)?;
    let skipped = judgements.iter().filter(|j| j.skipped).count();
    let who: BTreeSet<&str> = judgements.iter().map(|j| j.who.as_str()).collect();
    Ok(json!({
        "rankings": judgements.len() - skipped, "skipped": skipped, "operators": who,
        "log": context.dir.path(JUDGEMENTS),
    }))
}
