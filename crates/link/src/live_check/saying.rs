//! What a driver says by itself: who it is, its states, its frames, how its arm stands.

use super::findings::Findings;
use super::listening::Heard;
use super::probe::{NO_ANSWER, Probe};
use crate::LinkError;
use crate::error::key_error;
use crate::wire;
use apprentice_robot::RobotDescription;
use std::time::Duration;
use zenoh::Wait as _;

/// How long it is listened to; a status comes once a second.
const LISTENED: Duration = Duration::from_millis(2500);
/// How far a rate, and a clock, may be off.
const RATE: std::ops::RangeInclusive<f64> = 0.8..=1.25;
/// Range of a joint's position that its limits may be exceeded by, as a share of it.
const MARGIN: f64 = 0.05;

pub(super) fn check(probe: &mut Probe, findings: &mut Findings) -> Result<(), LinkError> {
    description(probe, findings);
    let answers = probe.session.liveliness().get(probe.keys.alive()).wait();
    let answers = answers.map_err(|e| key_error(&probe.keys.alive(), &e))?;
    let alive = answers.recv().is_ok_and(|r| r.result().is_ok());
    findings.judge(
        "liveliness token",
        alive,
        if alive { "declared" } else { "none" },
        format!("a token on {}", probe.keys.alive()),
        "declare it once everything else is served",
    );
    probe.log.clear();
    probe.log.lock().statuses.clear();
    probe.pass(LISTENED)?;
    states(probe, findings);
    frames(probe, findings);
    statuses(probe, findings);
    Ok(())
}

fn description(probe: &Probe, findings: &mut Findings) {
    let (text, mode) = &probe.described;
    let difference = match RobotDescription::parse(text, "the driver's answer") {
        Ok(described) => described.difference(&probe.robot),
        Err(error) => Some(error.to_string()),
    };
    let same = difference.is_none();
    findings.judge(
        "description",
        same,
        difference.map_or_else(|| "the folder's".into(), |d| format!("its {d}")),
        "the folder's, flattened",
        "answer with what `apprentice robot describe FOLDER` prints",
    );
    let mode = mode.as_deref().map(String::from_utf8_lossy);
    let known = matches!(mode.as_deref(), Some("lockstep" | "real_time"));
    findings.judge(
        "how its time passes",
        known,
        mode.map_or_else(|| "no attachment".into(), |m| format!("{m:?}")),
        "the attachment `lockstep` or `real_time`",
        "attach one of them to the answer to describe",
    );
}

/// The messages that can be read, once it was said which cannot.
fn readable<'a, T>(
    what: &str,
    list: &'a [Heard<T>],
    expected: usize,
    more: &str,
    findings: &mut Findings,
) -> Vec<(&'a Heard<T>, &'a T)> {
    let wrong = list.iter().find(|h| match &h.message {
        Err(_) => true,
        Ok(_) => more.is_empty() && h.bytes != expected,
    });
    let (holds, got) = match (list.last(), wrong) {
        (None, _) => (false, "none came".into()),
        (_, Some(wrong)) => {
            let problem = wrong.message.as_ref().err().copied();
            let problem = problem.unwrap_or("it is of another size");
            (false, format!("one of {} bytes: {problem}", wrong.bytes))
        }
        (Some(last), None) => (true, format!("{} of {} bytes", list.len(), last.bytes)),
    };
    findings.judge(
        format!("size of {what}"),
        holds,
        got,
        format!("messages of {expected} bytes{more}"),
        "lay it out as the table of messages in robots/PROTOCOL.md does",
    );
    let good = list
        .iter()
        .filter_map(|h| h.message.as_ref().ok().map(|m| (h, m)));
    good.collect()
}

/// Rate, numbers and stamps of what comes again and again: seconds since the first of each, number, stamp (ns).
fn rhythm(probe: &Probe, what: &str, hz: f64, came: &[(f64, u64, u64)], findings: &mut Findings) {
    let (Some(first), Some(last)) = (came.first(), came.last()) else {
        return;
    };
    let seconds = last.0 - first.0;
    if !probe.lockstep {
        let got = (came.len() - 1) as f64 / seconds.max(1e-9);
        findings.judge(
            format!("rate of {what}"),
            came.len() > 1 && RATE.contains(&(got / hz)),
            format!("{got:.1} Hz"),
            format!("{hz} Hz, give or take a fifth"),
            "publish at this rate, whether or not anything has changed",
        );
    }
    let falls = came.windows(2).find(|two| two[1].1 <= two[0].1);
    findings.judge(
        format!("numbers of {what}"),
        falls.is_none(),
        falls.map_or_else(
            || format!("{} to {}", first.1, last.1),
            |two| format!("{} after {}", two[1].1, two[0].1),
        ),
        "each above the one before",
        "count each key's messages; see that one program alone publishes",
    );
    let stamps = last.2.saturating_sub(first.2) as f64 * 1e-9;
    let passed = if probe.lockstep {
        // Asked for between the first and the last.
        LISTENED.as_secs_f64() - 1.0 / probe.robot.policy_hz
    } else {
        seconds
    };
    findings.judge(
        format!("stamps of {what}"),
        came.len() > 1 && RATE.contains(&(stamps / passed.max(1e-9))),
        format!("they go on by {stamps:.3e} s while {passed:.3} s pass"),
        "nanoseconds of the robot's clock, which goes as fast as others",
        "stamp with nanoseconds: milliseconds and seconds go on too slowly",
    );
}

fn states(probe: &Probe, findings: &mut Findings) {
    let log = probe.log.lock();
    let joints = probe.robot.joints.len();
    let more = ", and more with efforts or wrench";
    let expected = wire::state_bytes(joints);
    let good = readable("states", &log.states, expected, more, findings);
    let Some((heard, newest)) = good.last() else {
        return;
    };
    findings.judge(
        "joints of states",
        newest.positions.len() == joints,
        format!("{} ({} bytes)", newest.positions.len(), heard.bytes),
        format!("{joints} ({expected} bytes)"),
        "send the joints of the description, in its order",
    );
    let began = good[0].0.at;
    let came: Vec<_> = good
        .iter()
        .map(|(h, s)| {
            let at = h.at.duration_since(began).as_secs_f64();
            (at, s.sequence, s.stamp_ns)
        })
        .collect();
    rhythm(probe, "states", probe.robot.control_hz, &came, findings);
    let mut pairs = probe.robot.joints.iter().zip(&newest.positions);
    let outside = pairs.find(|(joint, q)| {
        let [low, high] = joint.position;
        let margin = MARGIN * (high - low);
        !(low - margin..=high + margin).contains(*q)
    });
    findings.judge(
        "positions in states",
        outside.is_none(),
        outside.map_or_else(
            || "within limits".into(),
            |(joint, q)| format!("{} at {q} {}", joint.name, joint.unit),
        ),
        "within the description's limits, in its units",
        "see to units (rad or the joint's unit), signs and offsets",
    );
}

fn frames(probe: &Probe, findings: &mut Findings) {
    let log = probe.log.lock();
    for (camera, list) in probe.robot.cameras.iter().zip(&log.frames) {
        let what = format!("frames of {}", camera.name);
        let expected = wire::frame_bytes(camera.width, camera.height);
        let good = readable(&what, list, expected, "", findings);
        let Some((first, (_, _, width, height))) = good.first().copied() else {
            continue;
        };
        findings.judge(
            format!("pixels of {what}"),
            (*width, *height) == (camera.width, camera.height),
            format!("{width} x {height}"),
            format!("{} x {}", camera.width, camera.height),
            "send pictures of the described size, or describe the size they have",
        );
        let came: Vec<_> = good
            .iter()
            .map(|(h, head)| {
                let at = h.at.duration_since(first.at).as_secs_f64();
                (at, head.0, head.1)
            })
            .collect();
        rhythm(probe, &what, probe.robot.policy_hz, &came, findings);
    }
}

fn statuses(probe: &Probe, findings: &mut Findings) {
    let log = probe.log.lock();
    let good = readable("statuses", &log.statuses, wire::STATUS_BYTES, "", findings);
    if !log.statuses.is_empty() {
        let seconds = LISTENED.as_secs_f64();
        findings.judge(
            "rate of statuses",
            good.len() >= 2,
            format!("{} in {seconds} s", good.len()),
            "once a second, and whenever it has changed",
            "publish it once a second all the same: who comes late learns of stops from it",
        );
    }
}

/// What a robot may answer or send, and need not.
pub(super) fn check_optional(probe: &mut Probe, findings: &mut Findings) -> Result<(), LinkError> {
    let state = probe.state();
    let joints = probe.robot.joints.len();
    if let Some(efforts) = state.and_then(|s| s.efforts) {
        let finite = efforts.iter().all(|e| e.is_finite());
        findings.judge(
            "efforts in states (optional)",
            efforts.len() == joints && finite,
            format!("{} numbers", efforts.len()),
            format!("{joints} finite numbers, or none at all"),
            "send one a joint, or leave the part out",
        );
    }
    let numbers = probe.robot.action_dim();
    match probe.ask(&probe.keys.teleop(), Vec::new())? {
        Err(said) if said == NO_ANSWER => findings.not_tried(
            "teleop (optional)",
            "nobody answers",
            "a control device answers it, or people use `apprentice takeover`",
        ),
        Err(said) => findings.not_tried("teleop (optional)", format!("refused: {said}"), ""),
        Ok(bytes) => {
            let read = wire::decode_action(&bytes);
            findings.judge(
                "teleop (optional)",
                read.as_ref().is_ok_and(|a| a.len() == numbers),
                match &read {
                    Ok(action) => format!("{} numbers", action.len()),
                    Err(problem) => format!("{} bytes: {problem}", bytes.len()),
                },
                format!("{numbers} numbers, {} bytes", wire::action_bytes(numbers)),
                "answer with an action of this robot",
            );
        }
    }
    Ok(())
}
