//! R27: numbers spelt otherwise, more tokens than can be known, and numbers that would be the last.

use crate::intruder::Intruder;
use crate::link_robot::LinkRobot;
use crate::stub_agent::fr3;
use crate::{Rows, Scale};
use anyhow::{Context as _, Result, ensure};
use apprentice_core::JointCommand;
use apprentice_link::keys::ClientMessage;
use apprentice_link::wire;
use apprentice_link::{Arm as _, OperatorLink, RobotLink, TakeoverInbox};
use apprentice_safety::{ControlAuthority, Denial};
use std::thread::sleep;
use std::time::{Duration, Instant};
use zenoh::Session;

const PATIENCE: Duration = Duration::from_secs(10);

/// Crowds of 16, 64 and 600; of 10, 16, 64, 100, 600 and 2,000 in full.
pub fn run(scale: Scale, rows: &mut Rows) -> Result<()> {
    let mut description = fr3()?;
    description.cameras.clear();
    let robot = LinkRobot::start(description)?;
    spelt_otherwise(&robot, rows)?;
    let crowds: &[u32] = scale.pick(&[16, 64, 600], &[10, 16, 64, 100, 600, 2_000]);
    let (mut took_over, mut acquired, mut stayed) = (0, 0, 0);
    let (mut salt, mut longest) = (0, 0.0f64);
    for &count in crowds {
        salt += 10;
        let begun = Instant::now();
        took_over += u64::from(person_among(&robot, count, salt)?);
        let (got, kept) = client_among(&robot, count, salt)?;
        acquired += u64::from(got);
        stayed += u64::from(kept);
        longest = longest.max(begun.elapsed().as_secs_f64());
    }
    let all = crowds.len() as u64;
    rows.exactly(
        format!("{crowds:?} tokens of strangers, before and after the person comes: persons who took over"),
        took_over,
        all,
    );
    rows.exactly(
        "the same with leases: clients that acquired the arm",
        acquired,
        all,
    );
    rows.exactly("and stayed its owner", stayed, all);
    last_numbers(&robot, rows)
}

fn intruder(robot: &LinkRobot) -> Result<Intruder> {
    Intruder::at(robot.endpoint(), &robot.description.name)
}

/// Waits until it is so.
fn until(mut so: impl FnMut() -> Result<bool>) -> Result<bool> {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        if so()? {
            return Ok(true);
        }
        sleep(Duration::from_millis(2));
    }
    Ok(false)
}

/// What a runtime hears of devices; one that nobody disturbs is believed for a minute.
fn listening(robot: &LinkRobot) -> Result<(Session, TakeoverInbox)> {
    let session = crate::guest::session(robot.endpoint())?;
    let inbox = TakeoverInbox::open(&session, &robot.description.name)?;
    Ok((session, inbox.with_silence(Duration::from_secs(60))))
}

fn device(robot: &LinkRobot) -> Result<OperatorLink> {
    let name = &robot.description.name;
    Ok(OperatorLink::connect(robot.endpoint(), name, PATIENCE)?)
}

fn takes_over(device: &mut OperatorLink, inbox: &TakeoverInbox) -> Result<bool> {
    until(|| {
        device.send(true, false, &[])?;
        sleep(Duration::from_millis(5));
        Ok(inbox.decide().0 == ControlAuthority::Human && inbox.device() == Some(device.client()))
    })
}

fn malformed(robot: &LinkRobot) -> u64 {
    let heard = robot.log();
    heard.status.map_or(0, |s| s.denials.of(Denial::Malformed))
}

fn owner(robot: &LinkRobot) -> u32 {
    robot.log().status.map_or(0, |s| s.owner)
}

/// Spellings that a parser of numbers would take for this one.
fn aliases(client: u32) -> Vec<String> {
    let own = format!("{client:08x}");
    let mut all = vec![
        format!("{client:x}"),
        format!("+{client:x}"),
        format!("+{client:07x}"),
        format!("{client:09x}"),
        format!("{client:08X}"),
        format!("0x{client:x}"),
    ];
    all.retain(|alias| *alias != own);
    all
}

fn spelt_otherwise(robot: &LinkRobot, rows: &mut Rows) -> Result<()> {
    let (_runtime, inbox) = listening(robot)?;
    let mut person = device(robot)?;
    let mut link = robot.link()?;
    link.engage()?;
    ensure!(takes_over(&mut person, &inbox)?, "the person is not heard");
    let by = intruder(robot)?;
    let before = malformed(robot);
    let (mut tokens, mut commands, mut ejected, mut down) = (0, 0, 0, 0);
    let command = home(robot, 1);
    let name = &robot.description.name;
    for (path, client) in [
        ("takeover", person.client()),
        ("lease", link.client()),
        ("command", link.client()),
        ("chunk", link.client()),
    ] {
        for alias in aliases(client) {
            let key = format!("apprentice/{name}/{path}/{alias}");
            if matches!(path, "command" | "chunk") {
                by.put(&key, wire::encode_command(client, &command))?;
                commands += 1;
                continue;
            }
            // It comes up and goes.
            drop(by.token(&key)?);
            tokens += 1;
            sleep(Duration::from_millis(20));
            ejected += u64::from(owner(robot) != link.client());
            down += u64::from(inbox.devices() != 1 || inbox.decide().0 != ControlAuthority::Human);
        }
    }
    let devices = aliases(person.client()).len() as u64;
    let leases = aliases(link.client()).len() as u64;
    let wanted = (2 * devices, 2 * leases + commands);
    until(|| Ok((inbox.ignored().malformed, malformed(robot) - before) == wanted))?;
    let counted = (inbox.ignored().malformed, malformed(robot) - before);
    rows.exactly(
        format!("{tokens} tokens spelt otherwise came up and went: owners ejected"),
        ejected,
        0,
    );
    rows.exactly("live devices that went down", down, 0);
    rows.exactly(
        format!("these, and {commands} messages on keys spelt otherwise: counted as malformed"),
        counted.0 + counted.1,
        wanted.0 + wanted.1,
    );
    let obeyed = robot.log().commands.len() as u64;
    rows.exactly("and obeyed", obeyed, 0);
    link.disengage()?;
    Ok(())
}

/// Whether a person takes over among so many, some of whom are gone, some there before, some later.
fn person_among(robot: &LinkRobot, count: u32, salt: u32) -> Result<bool> {
    let (_runtime, inbox) = listening(robot)?;
    let (first, second) = (intruder(robot)?, intruder(robot)?);
    drop(first.crowd(ClientMessage::Takeover, count, salt)?);
    let _before = first.crowd(ClientMessage::Takeover, count, salt + 1)?;
    let mut person = device(robot)?;
    let _after = second.crowd(ClientMessage::Takeover, count + 1, salt + 2)?;
    until(|| Ok(inbox.devices() >= count.min(16) as usize))?;
    let took = takes_over(&mut person, &inbox)?;
    ensure!(
        inbox.devices() <= 16,
        "{} devices are known",
        inbox.devices()
    );
    Ok(took)
}

/// Whether a client acquires the arm among so many leases, and whether it stays the owner.
fn client_among(robot: &LinkRobot, count: u32, salt: u32) -> Result<(bool, bool)> {
    let (first, second) = (intruder(robot)?, intruder(robot)?);
    let before = first.crowd(ClientMessage::Lease, count, salt + 3)?;
    let mut link = robot.link()?;
    let got = link.engage().is_ok();
    let _after = second.crowd(ClientMessage::Lease, count + 1, salt + 4)?;
    sleep(Duration::from_millis(200));
    drop(before);
    sleep(Duration::from_millis(200));
    let kept = got && owner(robot) == link.client();
    link.disengage()?;
    Ok((got, kept))
}

fn home(robot: &LinkRobot, sequence: u64) -> JointCommand {
    JointCommand {
        sequence,
        stamp_ns: 0,
        positions: robot.description.home.clone(),
        gripper_width: 0.04,
    }
}

/// The last number there is, in the owner's name.
fn last_numbers(robot: &LinkRobot, rows: &mut Rows) -> Result<()> {
    let by = intruder(robot)?;
    let mut link: RobotLink = robot.link()?;
    link.engage()?;
    let before = robot.log().status.context("no status")?;
    let (times, mut sent) = (50, 0);
    for round in 1..=times {
        by.command(link.client(), &home(robot, u64::MAX - round))?;
        by.command(link.client(), &home(robot, u64::MAX))?;
        if round == times / 2 {
            // Nor after the arm was given back and taken again.
            link.disengage()?;
            link.engage()?;
        }
        link.send(&home(robot, round))?;
        sent += 1;
        sleep(Duration::from_millis(20));
    }
    let done = |now: u64| now - before.accepted >= sent;
    robot.wait_for(Duration::from_secs(2), |h| {
        h.status.is_some_and(|s| done(s.accepted))
    });
    let after = robot.log().status.context("no status")?;
    let refused = after.denials.of(Denial::Sequence) - before.denials.of(Denial::Sequence);
    rows.exactly(
        format!(
            "{} commands in the owner's name with the last numbers there are, {refused} refused for that: the owner's own {sent} obeyed",
            2 * times
        ),
        after.accepted - before.accepted,
        sent,
    );
    Ok(())
}
