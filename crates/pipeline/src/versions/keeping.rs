//! A new policy is kept, with what it was made from.

use super::store::{History, keep_version, now_s};
use super::version::{Drift, Judged, RewardEvidence, Version};
use crate::context::Context;
use crate::layout::{ALIGNED_POLICY, BASE_POLICY, JUDGEMENTS};
use crate::scores::read_reward;
use anyhow::Result;
use apprentice_align::AlignReport;
use apprentice_core::sha256_file;
use apprentice_preference::JudgementLog;

/// Keeps the base policy as a version, unless it is one already.
///
/// # Errors
/// When it cannot be read or kept.
pub fn keep_base(context: &Context) -> Result<Version> {
    let new = New {
        name: "base",
        file: BASE_POLICY,
        made_from: None,
        judgements: None,
        reward: None,
        alignment: None,
    };
    new.keep(context)
}

/// Keeps the aligned policy as a version, unless it is one already. `start` is the SHA-256 of the policy it was made
/// from, `report` how the alignment went; `None` where the rankings were no evidence.
///
/// # Errors
/// When it cannot be read or kept.
pub fn keep_aligned(
    context: &Context,
    start: Option<&str>,
    report: Option<&AlignReport>,
) -> Result<Version> {
    let base = keep_base(context)?;
    let history = History::of(&context.dir)?;
    let made_from = match start {
        Some(start) => history.with_content(start).map(|v| v.number),
        None => Some(base.number),
    };
    let learned = read_reward(context)?;
    let log = context.dir.path(JUDGEMENTS);
    let new = New {
        name: "aligned",
        file: ALIGNED_POLICY,
        made_from,
        judgements: Some(Judged {
            judgements: JudgementLog::read(&log)?.judgements.len(),
            sha256: sha256_file(&log)?,
        }),
        reward: Some(RewardEvidence {
            accuracy: learned.evidence.accuracy,
            pairs: learned.evidence.pairs,
            p_value: learned.evidence.p_value,
            allowed: context.config.reward.significance,
        }),
        alignment: Some(Drift {
            evidence: report.is_some(),
            steps: report.map_or(0, |r| r.steps),
            drift: report.map_or(0.0, |r| r.drift),
            budget: Some(context.config.align.drift_budget).filter(|b| b.is_finite()),
        }),
    };
    new.keep(context)
}

struct New {
    name: &'static str,
    file: &'static str,
    made_from: Option<u32>,
    judgements: Option<Judged>,
    reward: Option<RewardEvidence>,
    alignment: Option<Drift>,
}

impl New {
    fn keep(self, context: &Context) -> Result<Version> {
        let path = context.dir.path(self.file);
        let history = History::of(&context.dir)?;
        let sha256 = sha256_file(&path)?;
        let same = |v: &&Version| v.sha256 == sha256 && v.name == self.name;
        if let Some(kept) = history.versions.iter().rev().find(same) {
            return Ok(kept.clone());
        }
        let settings = serde_json::to_value(&context.config)?;
        keep_version(&context.dir, &path, |number, file, sha256| Version {
            number,
            name: self.name.to_owned(),
            file,
            sha256,
            made_at_s: now_s(),
            made_from: self.made_from,
            judgements: self.judgements,
            reward: self.reward,
            alignment: self.alignment,
            seed: context.seed.0,
            settings,
        })
    }
}
