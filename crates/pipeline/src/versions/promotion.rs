//! A version becomes the arm's policy, and the arm goes back to the one before.

use super::event::{Event, EventKind};
use super::evidence::fresh_episodes;
use super::gate::{Check, checks};
use super::keeping::{keep_aligned, keep_base};
use super::promise::Promise;
use super::store::{History, check_content, keep_event, now_s};
use super::version::Version;
use crate::context::Context;
use crate::layout::{ALIGNED_POLICY, ALIGNMENT};
use crate::run_dir::RunDir;
use crate::stages::align::{self, Alignment};
use anyhow::{Context as _, Result, bail};

/// A version that may become the arm's policy, and what the gate found.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposal {
    /// The version.
    pub version: Version,
    /// Number of the one that is the arm's now.
    pub from: u32,
    /// What the gate found.
    pub checks: Vec<Check>,
    /// What would be promised.
    pub promise: Promise,
    /// Why a person accepts what is not shown yet; `None` where nobody does.
    pub accepted: Option<String>,
}

impl Proposal {
    /// The checks that stand against it: what is shown to be bad, and what is not shown yet and not accepted either.
    #[must_use]
    pub fn failed(&self) -> Vec<&Check> {
        let accepted = self.accepted.as_ref().is_some_and(|a| !a.trim().is_empty());
        let stands = |c: &&Check| !(c.passed || c.open && accepted);
        self.checks.iter().filter(stands).collect()
    }

    /// Whether the gate lets it through.
    #[must_use]
    pub fn passes(&self) -> bool {
        self.failed().is_empty()
    }
}

/// Looks whether a version may become the arm's policy: the one of this number, or without one the aligned policy.
///
/// # Errors
/// When there is no such version, its file is another, or it is the arm's already.
pub fn propose(context: &Context, number: Option<u32>) -> Result<Proposal> {
    let version = match number {
        Some(number) => History::of(&context.dir)?.version(number)?.clone(),
        None => aligned(context)?,
    };
    check_content(&context.dir, &version)?;
    let history = History::of(&context.dir)?;
    let from = match history.current()? {
        Some(current) => current.number,
        None => keep_base(context)?.number,
    };
    if from == version.number {
        bail!("version {from} is the arm's policy already");
    }
    let fresh = fresh_episodes(context, &version, History::of(&context.dir)?.version(from)?)?;
    Ok(Proposal {
        from,
        checks: checks(&version, &fresh, &context.config.promotion)?,
        promise: Promise::of(&fresh, &context.config.promotion),
        accepted: None,
        version,
    })
}

/// The aligned policy as a version; runs of before have kept none yet.
fn aligned(context: &Context) -> Result<Version> {
    context.dir.needs(align::STAGE.name, align::STAGE.command)?;
    if !context.dir.path(ALIGNED_POLICY).is_file() {
        bail!("{ALIGNED_POLICY} is missing; run `apprentice align` again");
    }
    let alignment: Alignment = context.dir.read(ALIGNMENT)?;
    let report = alignment.report.as_ref().filter(|_| alignment.evidence);
    let start = alignment.start.as_ref().map(|s| s.sha256.as_str());
    keep_aligned(context, start, report)
}

/// Makes it the arm's policy: `who` said yes.
///
/// # Errors
/// When the gate does not let it through, or it cannot be written.
pub fn promote(dir: &RunDir, proposal: Proposal, who: &str) -> Result<Event> {
    if who.trim().is_empty() {
        bail!("a promotion needs the name of who says yes; give it by --who NAME");
    }
    let failed: Vec<&str> = proposal
        .failed()
        .into_iter()
        .map(|c| c.name.as_str())
        .collect();
    if !failed.is_empty() {
        bail!(
            "version {} is not promoted: {} failed",
            proposal.version.number,
            failed.join(" and ")
        );
    }
    let current = History::of(dir)?.events.last().map(|e| e.version);
    if current.is_some_and(|now| now != proposal.from) {
        bail!(
            "version {} is not promoted: the arm's policy has changed meanwhile; look again by apprentice promote",
            proposal.version.number
        );
    }
    check_content(dir, &proposal.version)?;
    let open = proposal.checks.iter().any(|c| !c.passed);
    keep_event(dir, |number| Event {
        number,
        at_s: now_s(),
        what: EventKind::Promoted,
        sha256: Some(proposal.version.sha256),
        accepted: proposal.accepted.filter(|_| open),
        version: proposal.version.number,
        from: proposal.from,
        who: who.to_owned(),
        reason: None,
        checks: proposal.checks,
        promise: Some(proposal.promise),
    })
}

/// Goes back to the version that was the arm's before this one.
///
/// # Errors
/// When there is none, its file is damaged, or it cannot be written.
pub fn rollback(dir: &RunDir, who: &str, reason: &str) -> Result<Event> {
    if reason.trim().is_empty() {
        bail!("going back needs a reason, for those who come after; give it by --reason TEXT");
    }
    let history = History::of(dir)?;
    let back = history.before_current().context(
        "there is no version to go back to: the arm's policy is the first (apprentice history lists all)",
    )?;
    let version = history.version(back)?;
    // By number: what is kept of the one that is left may be damaged.
    let from = history.events.last().map_or(back, |e| e.version);
    check_content(dir, version)?;
    keep_event(dir, |number| Event {
        number,
        at_s: now_s(),
        what: EventKind::RolledBack,
        version: back,
        from,
        sha256: Some(version.sha256.clone()),
        accepted: None,
        who: who.to_owned(),
        reason: Some(reason.to_owned()),
        checks: Vec::new(),
        promise: None,
    })
}
