//! Whom a driver lets own its arm, stop it and have scenes set up; nothing here moves it.

use super::findings::Findings;
use super::probe::{NO_ANSWER, Probe};
use crate::LinkError;
use crate::keys::ClientMessage;
use crate::wire;
use apprentice_safety::gate::Stop;
use apprentice_safety::{Phase, Service};
use std::time::Duration;

/// How long the driver may take to see a token that comes, and one that goes.
const TOKEN: Duration = Duration::from_secs(3);
/// How long until it has said how it stands.
pub(super) const SAID: Duration = Duration::from_secs(1);
const RULES: &str = "compare with the table in robots/PROTOCOL.md, \"Owning the arm\"";

/// Whether the arm is there to be owned.
pub(super) fn may_be_owned(probe: &mut Probe, findings: &mut Findings) -> Result<bool, LinkError> {
    let status = probe.fresh_status()?;
    let Some(status) = status else {
        return Ok(findings.judge(
            "owning, stopping and commanding it",
            false,
            "not tested: it does not say how it stands",
            "a status once a second",
            "publish the status",
        ));
    };
    let why = match (status.owner, status.stop, status.phase) {
        (0, Stop::None, Phase::Free) => {
            probe.stops = status.stops;
            return Ok(true);
        }
        (0, Stop::None, Phase::Faulted) => "it reports a fault",
        (0, Stop::Person | Stop::Owner, _) => {
            "it was stopped; see to it, then `apprentice acknowledge`"
        }
        (0, ..) => {
            let phase = status.phase.name();
            return Ok(findings.judge(
                "phase of an arm that belongs to nobody",
                false,
                phase,
                "free",
                RULES,
            ));
        }
        _ => "it belongs to another client; end that run",
    };
    Ok(findings.judge(
        "owning, stopping and commanding it",
        false,
        format!("not tested: {why}"),
        "an arm that is free while it is tested",
        "see to that, then check again",
    ))
}

/// Notes whether the arm says within a second that it stands so.
pub(super) fn stands(
    probe: &Probe,
    findings: &mut Findings,
    what: &str,
    (phase, stop, owner): (Phase, Stop, u32),
) -> Result<bool, LinkError> {
    let there = probe.until(SAID, |s| (s.phase, s.stop, s.owner) == (phase, stop, owner))?;
    let say = |phase: Phase, stop: Stop, owner: u32| {
        format!(
            "phase {}, stop {}, owner {owner:08x}",
            phase.name(),
            stop as u8
        )
    };
    let status = probe.status();
    Ok(findings.judge(
        what,
        there.is_some(),
        status.map_or("no status".into(), |s| say(s.phase, s.stop, s.owner)),
        format!("{}, in a status within 1 s", say(phase, stop, owner)),
        RULES,
    ))
}

/// Answers whether the arm could be owned.
pub(super) fn check(probe: &mut Probe, findings: &mut Findings) -> Result<bool, LinkError> {
    let (owner, stranger) = (probe.owner, probe.stranger);
    let answer = probe.serve(Service::Acquire, stranger, 0)?;
    findings.refused(
        "acquire without a token",
        &answer,
        "no_lease",
        "grant acquire only to a client whose liveliness token is there",
    );
    if answer.is_ok() {
        probe.serve(Service::Release, stranger, 0)?.ok();
    }
    misspelt(probe, findings)?;
    probe.declare()?;
    let answer = probe.own(Service::Acquire, "no_lease", TOKEN)?;
    findings.judge(
        "acquire",
        answer.is_ok(),
        answer.unwrap_or_else(|said| format!("refused: {said}")),
        "granted, within 3 s of its token",
        "listen to liveliness tokens on lease/*, history included",
    );
    let owned = (Phase::Owned, Stop::None, owner);
    if !stands(probe, findings, "phase after acquire", owned)? {
        return Ok(false);
    }
    let answer = probe.serve(Service::Release, stranger, 0)?;
    findings.refused("a stranger's release", &answer, "not_owner", RULES);
    let answer = probe.serve(Service::Acquire, stranger, 0)?;
    findings.refused("a stranger's acquire", &answer, "owned", RULES);
    stops(probe, findings)?;
    probe.lease = None;
    let gone = probe.until(TOKEN, |s| s.owner == 0)?;
    findings.judge(
        "the owner's token goes",
        gone.is_some(),
        gone.map_or("it still has its owner after 3 s".into(), |after| {
            format!("nobody's after {:.2} s", after.as_secs_f64())
        }),
        "the arm brakes and belongs to nobody",
        "let go of the arm when the owner's liveliness token goes",
    );
    if gone.is_none() {
        probe.serve(Service::Release, owner, 0)?.ok();
    }
    Ok(true)
}

/// Keys and messages that are nobody's.
fn misspelt(probe: &Probe, findings: &mut Findings) -> Result<(), LinkError> {
    let key = probe
        .keys
        .of(ClientMessage::Service(Service::Acquire), probe.owner);
    let answer = probe.ask(&key, vec![0; 3])?;
    let said = match &answer {
        Ok(bytes) => format!("an answer of {} bytes", bytes.len()),
        Err(said) => format!("refused: {said}"),
    };
    findings.judge(
        "a request of 3 bytes",
        answer.as_ref().is_err_and(|said| said != NO_ANSWER),
        said,
        format!(
            "an error reply (such a request has {} bytes)",
            wire::REQUEST_BYTES
        ),
        "refuse what cannot be read, with `malformed`, and go on",
    );
    if probe.has_keys {
        return Ok(());
    }
    // The number of another in the message than in the key.
    let request = wire::encode_request(wire::Request {
        client: probe.stranger,
        stops: 0,
    });
    let answer = probe.ask(&key, request)?;
    findings.judge(
        "a message with another number than its key",
        answer.is_err(),
        match &answer {
            Ok(_) => "granted".into(),
            Err(said) => format!("refused: {said}"),
        },
        "nobody's: refused",
        "compare the client in the message with the eight digits at the key's end",
    );
    Ok(())
}

/// Stops of an arm that is owned and not enabled.
fn stops(probe: &mut Probe, findings: &mut Findings) -> Result<(), LinkError> {
    if probe.has_keys {
        findings.not_tried(
            "stop and acknowledge",
            "with keys an operator alone may acknowledge",
            "try `apprentice stop`, then `apprentice acknowledge`",
        );
        return Ok(());
    }
    let (owner, stranger) = (probe.owner, probe.stranger);
    let before = probe.stops;
    let answer = probe.stop()?;
    findings.judge(
        "stop by anyone",
        answer.is_ok(),
        answer.unwrap_or_else(|said| format!("refused: {said}")),
        "granted, always",
        "grant stop to every client, in every phase",
    );
    let stopped = (Phase::Stopped, Stop::Owner, owner);
    stands(probe, findings, "phase after a stop", stopped)?;
    let counted = probe.status().map_or(0, |s| s.stops);
    findings.judge(
        "stops are counted",
        counted == before + 1,
        counted.to_string(),
        (before + 1).to_string(),
        "count each stop: who knows of fewer lifts none",
    );
    let answer = probe.serve(Service::Acknowledge, stranger, counted.wrapping_sub(1))?;
    findings.refused(
        "acknowledge by one who does not know of the last stop",
        &answer,
        "stopped",
        RULES,
    );
    probe.serve(Service::Release, owner, counted)?.ok();
    let nobodys = (Phase::Stopped, Stop::Person, 0);
    stands(probe, findings, "a stop outlives its owner", nobodys)?;
    probe.own(Service::Acquire, "no_lease", TOKEN)?.ok();
    let still = (Phase::Stopped, Stop::Person, owner);
    stands(probe, findings, "and the next one's acquire", still)?;
    // As many as are known here: a person's stop that comes now stays.
    let answer = probe.serve(Service::Acknowledge, stranger, probe.known_stops())?;
    findings.judge(
        "acknowledge",
        answer.is_ok(),
        answer.unwrap_or_else(|said| format!("refused: {said}")),
        "granted to who knows of all stops",
        RULES,
    );
    let seen_to = (Phase::Stopped, Stop::None, owner);
    stands(probe, findings, "phase after acknowledge", seen_to)?;
    Ok(())
}

/// New scenes, where the robot sets them up.
pub(super) fn check_reset(
    probe: &mut Probe,
    findings: &mut Findings,
    may_reset: bool,
) -> Result<(), LinkError> {
    let seed = 1;
    let as_client = |probe: &Probe, client| {
        let key = probe.keys.of(ClientMessage::Reset, client);
        probe.ask(&key, wire::encode_reset(client, seed))
    };
    let answer = as_client(probe, probe.stranger)?;
    if answer.as_ref().is_err_and(|said| said == NO_ANSWER) {
        if probe.lockstep {
            findings.judge(
                "reset",
                false,
                NO_ANSWER,
                "an answer: a robot in lockstep sets up scenes",
                "answer reset/*",
            );
        } else {
            findings.not_tried(
                "reset (optional)",
                "nobody answers: it sets up no scenes",
                "people are asked to, and the arm moves home",
            );
        }
        return Ok(());
    }
    let answer = answer.map(|_| "a new scene".to_owned());
    findings.refused("a stranger's reset", &answer, "not_owner", RULES);
    if !may_reset {
        findings.not_tried(
            "reset (optional)",
            "it moves the arm as far as the robot likes",
            "add --reset once everybody is clear of the arm",
        );
        return Ok(());
    }
    probe.declare()?;
    probe.own(Service::Acquire, "no_lease", TOKEN)?.ok();
    probe.log.clear();
    let answer = as_client(probe, probe.owner)?;
    let cameras = probe.robot.cameras.len();
    let reply = answer.and_then(|bytes| {
        wire::decode_reply(&bytes).map_err(|problem| format!("{} bytes: {problem}", bytes.len()))
    });
    findings.judge(
        "reset",
        reply
            .as_ref()
            .is_ok_and(|r| r.frame_sequences.len() == cameras),
        match &reply {
            Ok(reply) => format!("numbers of {} frames", reply.frame_sequences.len()),
            Err(said) => said.clone(),
        },
        format!(
            "numbers of the state and of {cameras} frames ({} bytes)",
            wire::reply_bytes(cameras)
        ),
        "publish state and frames of the new scene, then answer with their numbers",
    );
    if let Ok(reply) = reply {
        if !probe.lockstep {
            probe.pass(SAID)?;
        }
        let log = probe.log.lock();
        let state = log.states.iter().any(|s| {
            let read = s.message.as_ref();
            read.is_ok_and(|s| s.sequence >= reply.state_sequence)
        });
        let mut pairs = log.frames.iter().zip(&reply.frame_sequences);
        let frames = pairs.all(|(list, wanted)| {
            let mut read = list.iter().filter_map(|f| f.message.as_ref().ok());
            read.any(|f| f.0 >= *wanted)
        });
        findings.judge(
            "state and frames of a new scene",
            state && frames,
            match (state, frames) {
                (true, true) => "both came",
                (false, _) => "the state did not come",
                (true, false) => "a frame did not come",
            },
            "published, with the numbers answered or later ones",
            "publish both before the answer, on the keys of state and cameras",
        );
    }
    Ok(())
}
