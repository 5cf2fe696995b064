//! An arm whose owner falls silent, and one that is stopped while it obeys.

use super::findings::Findings;
use super::moving::{here, ready};
use super::owning::{SAID, stands};
use super::probe::Probe;
use crate::LinkError;
use apprentice_safety::gate::Stop;
use apprentice_safety::{GateConfig, Phase, Service};
use std::time::Duration;

/// How much later than asked for silence may be noticed and said.
const LATE: Duration = Duration::from_millis(300);
const REST: Duration = Duration::from_secs(3);

pub(super) fn check(probe: &mut Probe, findings: &mut Findings) -> Result<(), LinkError> {
    if ready(probe)?.is_none() {
        return Ok(());
    }
    let config = GateConfig::of(&probe.robot);
    let after = Duration::from_nanos(config.hold_after_ns);
    let held = probe.until(after + LATE, |s| s.phase == Phase::Holding)?;
    let said = |found: Option<Duration>| {
        let phase = probe.status().map_or("unknown", |s| s.phase.name());
        found.map_or(format!("still {phase}"), |t| {
            format!("{phase} after {:.2} s", t.as_secs_f64())
        })
    };
    // What is measured begins with the period after the last command.
    let early = |found: Option<Duration>, after: Duration| found.is_none_or(|t| t < after / 2);
    findings.judge(
        "silence of 200 ms",
        !early(held, after),
        said(held),
        "holding, not before, said within 0.5 s",
        "brake and hold when the owner says nothing for 200 ms: judge it once a control period",
    );
    let after = Duration::from_nanos(config.stop_after_ns);
    let stopped = probe.until(after + LATE, |s| s.phase == Phase::Stopped)?;
    let stopped = stopped.map(|t| t + held.unwrap_or_default());
    findings.judge(
        "silence of 2 s",
        !early(stopped, after),
        said(stopped),
        "stopped, not before, said within 2.3 s",
        "stop when the owner says nothing for 2 s: it moves again once it is enabled",
    );
    if stopped.is_some() {
        not_obeyed(probe, findings, "a command to an arm that silence stopped")?;
    }
    if !probe.has_keys {
        stop_while_active(probe, findings)?;
    }
    Ok(())
}

/// A command to stay, which must not count.
fn not_obeyed(probe: &mut Probe, findings: &mut Findings, what: &str) -> Result<(), LinkError> {
    let Some((at, width)) = here(probe) else {
        return Ok(());
    };
    let before = probe.status().map_or(0, |s| s.accepted);
    probe.command(&at, width)?;
    let after = probe.fresh_status()?;
    let more = after.map_or(0, |s| s.accepted.saturating_sub(before));
    findings.judge(
        what,
        after.is_some() && more == 0,
        format!("{more} obeyed"),
        "0 obeyed",
        "refuse commands until the arm is enabled (`not_active`)",
    );
    Ok(())
}

fn stop_while_active(probe: &mut Probe, findings: &mut Findings) -> Result<(), LinkError> {
    let owner = probe.owner;
    if ready(probe)?.is_none() {
        return Ok(());
    }
    probe.stop()?.ok();
    let stopped = (Phase::Stopped, Stop::Owner, owner);
    if !stands(probe, findings, "stop of an arm that obeys", stopped)? {
        return Ok(());
    }
    not_obeyed(probe, findings, "a command to a stopped arm")?;
    let stops = probe.known_stops();
    let answer = probe.serve(Service::Enable, owner, stops.wrapping_sub(1))?;
    findings.refused(
        "enable by an owner who does not know of the stop",
        &answer,
        "stopped",
        "lift a stop only for who knows of as many as there were",
    );
    let answer = probe.own(Service::Enable, "moving", REST)?;
    findings.judge(
        "enable by an owner who does",
        answer.is_ok() && probe.until(SAID, |s| s.phase == Phase::Active)?.is_some(),
        answer.unwrap_or_else(|said| format!("refused: {said}")),
        "active again",
        "let the owner lift a stop that came while it owned the arm",
    );
    Ok(())
}
