//! An arm that is commanded: by its owner, by a stranger, too far at once, and a few millimetres.

use super::findings::Findings;
use super::owning::{SAID, stands};
use super::probe::{NO_ANSWER, Probe};
use crate::LinkError;
use apprentice_safety::gate::Stop;
use apprentice_safety::{GateConfig, Phase, Service};
use std::time::Duration;

/// How long an arm may take to come to rest, and its token to be seen.
const REST: Duration = Duration::from_secs(3);
/// How far the last joint is moved, rad or metres; where its unit is another, this share of half its range.
const SMALL: f64 = 0.002;
/// Half the distance from home within which `home` moves the arm by millimetres only, rad or metres.
const NEAR_HOME: f64 = 0.005;

/// Joint positions and opening, as the arm is.
pub(super) fn here(probe: &Probe) -> Option<(Vec<f64>, f64)> {
    let state = probe.state()?;
    let widest = probe.robot.gripper.map_or(f64::MAX, |g| g.max_width_m);
    Some((state.positions, state.gripper_width.clamp(0.0, widest)))
}

/// Commands the arm to go there for so long, in steps of the control rate.
pub(super) fn hold(
    probe: &mut Probe,
    (positions, width): (&[f64], f64),
    lasting: Duration,
) -> Result<(), LinkError> {
    let period = Duration::from_secs_f64(1.0 / probe.robot.control_hz);
    let mut passed = Duration::ZERO;
    while passed < lasting {
        probe.command(positions, width)?;
        probe.pass(period)?;
        passed += period;
    }
    Ok(())
}

/// Enables the arm where it does not obey, and asks it to stay; answers where it is.
pub(super) fn ready(probe: &mut Probe) -> Result<Option<(Vec<f64>, f64)>, LinkError> {
    let obeys = |s: &crate::wire::Status| matches!(s.phase, Phase::Active | Phase::Holding);
    if !probe.status().is_some_and(|s| obeys(&s)) {
        probe.own(Service::Enable, "moving", REST)?.ok();
        probe.until(SAID, obeys)?;
    }
    let Some((at, width)) = here(probe) else {
        return Ok(None);
    };
    hold(probe, (&at, width), Duration::from_millis(60))?;
    Ok(Some((at, width)))
}

pub(super) fn check(probe: &mut Probe, findings: &mut Findings) -> Result<(), LinkError> {
    let (owner, stranger) = (probe.owner, probe.stranger);
    probe.declare()?;
    probe.own(Service::Acquire, "no_lease", REST)?.ok();
    let answer = probe.serve(Service::Enable, stranger, 0)?;
    findings.refused(
        "a stranger's enable",
        &answer,
        "not_owner",
        "let the owner alone enable the arm",
    );
    let answer = probe.own(Service::Enable, "moving", REST)?;
    findings.judge(
        "enable",
        answer.is_ok(),
        answer.unwrap_or_else(|said| format!("refused: {said}")),
        "granted to its owner, once the arm is at rest",
        "see whether its velocities fall below a twentieth of their limits",
    );
    let active = (Phase::Active, Stop::None, owner);
    if !stands(probe, findings, "phase after enable", active)? {
        return Ok(());
    }
    obeyed(probe, findings)?;
    from_stranger(probe, findings)?;
    jump(probe, findings)?;
    a_little(probe, findings)?;
    home(probe, findings)
}

/// Sends something as `send` does; by how many more commands were obeyed then, and how many more were refused.
fn counted(
    probe: &mut Probe,
    send: impl FnOnce(&mut Probe, &[f64], f64) -> Result<(), LinkError>,
) -> Result<Option<(u64, u64)>, LinkError> {
    let Some((at, width)) = ready(probe)? else {
        return Ok(None);
    };
    let before = probe.fresh_status()?;
    // Silence may have stopped it meanwhile: nothing counts then.
    if !before.is_some_and(|s| matches!(s.phase, Phase::Active | Phase::Holding)) {
        return Ok(None);
    }
    send(probe, &at, width)?;
    let after = probe.fresh_status()?;
    Ok(before.zip(after).map(|(before, after)| {
        (
            after.accepted.saturating_sub(before.accepted),
            after.denials.total().saturating_sub(before.denials.total()),
        )
    }))
}

fn judge_counts(
    findings: &mut Findings,
    what: &str,
    counts: Option<(u64, u64)>,
    allowed: (std::ops::RangeInclusive<u64>, u64),
    advice: &str,
) {
    let (obeyed, refused) = allowed;
    findings.judge(
        what,
        counts.is_some_and(|(a, r)| obeyed.contains(&a) && r >= refused),
        counts.map_or(
            "no two statuses came of an arm that obeys".into(),
            |(a, r)| format!("{a} obeyed, {r} refused"),
        ),
        format!(
            "{} to {} obeyed, {refused} or more refused",
            obeyed.start(),
            obeyed.end()
        ),
        advice,
    );
}

/// Commands to stay, and the same one again.
fn obeyed(probe: &mut Probe, findings: &mut Findings) -> Result<(), LinkError> {
    let counts = counted(probe, |probe, at, width| {
        hold(probe, (at, width), Duration::from_millis(200))
    })?;
    let sent = (0.2 * probe.robot.control_hz).ceil() as u64;
    judge_counts(
        findings,
        "the owner's commands",
        counts,
        (sent.div_ceil(2)..=sent + 1, 0),
        "take and count commands of the owner that are within limits",
    );
    let counts = counted(probe, |probe, at, width| {
        probe.put_command(probe.owner, probe.sent, at, width)
    })?;
    judge_counts(
        findings,
        "a command whose number came before",
        counts,
        (0..=0, 1),
        "refuse numbers that do not rise (`sequence`), and count that",
    );
    Ok(())
}

/// Commands to stay by somebody who does not own the arm.
fn from_stranger(probe: &mut Probe, findings: &mut Findings) -> Result<(), LinkError> {
    let counts = counted(probe, |probe, at, width| {
        for _ in 0..3 {
            probe.stranger_sent += 1;
            probe.put_command(probe.stranger, probe.stranger_sent, at, width)?;
        }
        Ok(())
    })?;
    judge_counts(
        findings,
        "a stranger's commands",
        counts,
        (0..=0, 3),
        "take commands of the owner alone; refuse others (`not_owner`), and count that",
    );
    Ok(())
}

/// A target further away than the joint may have moved, and at once the command to stay.
fn jump(probe: &mut Probe, findings: &mut Findings) -> Result<(), LinkError> {
    let Some(joint) = probe.robot.joints.last().cloned() else {
        return Ok(());
    };
    let config = GateConfig::of(&probe.robot);
    let allowed = joint.velocity * config.burst_ns as f64 * 1e-9;
    let counts = counted(probe, |probe, at, width| {
        let mut there = at.to_vec();
        if let Some(last) = there.last_mut() {
            let [low, high] = joint.position;
            let way = if high - *last > *last - low {
                1.0
            } else {
                -1.0
            };
            *last += way * 1.5 * allowed;
        }
        probe.command(&there, width)?;
        probe.command(at, width)
    })?;
    judge_counts(
        findings,
        &format!(
            "a jump of {:.3} {} ({allowed:.3} may be made up for)",
            1.5 * allowed,
            joint.unit
        ),
        counts,
        (1..=1, 1),
        "refuse targets further than the joint may have moved since the last one (`step`)",
    );
    Ok(())
}

/// A few millimetres there and back.
fn a_little(probe: &mut Probe, findings: &mut Findings) -> Result<(), LinkError> {
    let (Some((at, width)), Some(joint)) = (ready(probe)?, probe.robot.joints.last().cloned())
    else {
        return Ok(());
    };
    let [low, high] = joint.position;
    let small = match joint.unit.as_str() {
        "rad" | "m" => SMALL,
        _ => SMALL * (high - low) / 2.0,
    };
    let from = at.last().copied().unwrap_or_default();
    let way = if high - from > from - low {
        small
    } else {
        -small
    };
    let step = |share: f64| {
        let mut there = at.clone();
        if let Some(last) = there.last_mut() {
            *last += way * share;
        }
        there
    };
    let period = Duration::from_secs_f64(1.0 / probe.robot.control_hz);
    let ticks = (0.2 * probe.robot.control_hz).ceil().max(1.0) as u32;
    for tick in 1..=ticks {
        let there = step(f64::from(tick) / f64::from(ticks));
        hold(probe, (&there, width), period)?;
    }
    hold(probe, (&step(1.0), width), Duration::from_millis(400))?;
    let reached = here(probe).and_then(|(q, _)| q.last().copied());
    for tick in (0..ticks).rev() {
        let there = step(f64::from(tick) / f64::from(ticks));
        hold(probe, (&there, width), period)?;
    }
    let moved = reached.map_or(0.0, |q| (q - from) / way);
    findings.judge(
        format!("{} moves by {way} {}", joint.name, joint.unit),
        (0.25..=2.0).contains(&moved),
        format!("{:.4} {}", moved * way, joint.unit),
        "a quarter to twice of it",
        "see whether commands reach the joints, in their order, units and signs",
    );
    Ok(())
}

/// The way home, where that is near.
fn home(probe: &mut Probe, findings: &mut Findings) -> Result<(), LinkError> {
    let Some((at, _)) = ready(probe)? else {
        return Ok(());
    };
    let far = at
        .iter()
        .zip(&probe.robot.home)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f64::max);
    if far > 2.0 * NEAR_HOME {
        findings.not_tried(
            "home",
            format!("the arm is {far:.3} away, more than {}", 2.0 * NEAR_HOME),
            "move it home, then check again",
        );
        return Ok(());
    }
    let answer = probe.serve(Service::Home, probe.owner, 0)?;
    if let Err(said) = &answer
        && said != NO_ANSWER
    {
        findings.not_tried("home (optional)", format!("refused: {said}"), "");
        return Ok(());
    }
    let active = probe.until(Duration::from_secs(5), |s| s.phase == Phase::Active)?;
    let now = probe.status();
    findings.judge(
        "phase after the way home",
        answer.is_ok() && active.is_some(),
        now.map_or("no status", |s| s.phase.name()),
        "homing, then active within 5 s",
        "go on in active once the arm is home, and count silence from then on",
    );
    Ok(())
}
