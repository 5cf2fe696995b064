//! R20: messages of another version of the protocol.

use crate::link_robot::LinkRobot;
use crate::stub_agent::fr3;
use crate::{Rows, Scale};
use anyhow::{Context as _, Result};
use apprentice_core::JointCommand;
use apprentice_link::Arm as _;
use apprentice_link::keys::{ClientMessage, Keys};
use apprentice_link::wire::{self, VERSION};
use apprentice_safety::{Denial, Service};
use std::time::Duration;
use zenoh::Wait as _;

/// Every kind of message, read by its decoder and by every other, then at a running robot.
pub fn run(_scale: Scale, rows: &mut Rows) -> Result<()> {
    let decoders = super::malformed::native();
    let (mut read, mut tried, mut own) = (0, 0, 0);
    for message in &decoders {
        for good in &message.good {
            own += u64::from(!(message.read)(good));
            for version in [0, 1, VERSION + 1, VERSION + 256, u16::MAX] {
                let mut other = good.clone();
                let Some(place) = other.get_mut(4..6) else {
                    continue;
                };
                place.copy_from_slice(&version.to_le_bytes());
                for decoder in &decoders {
                    tried += 1;
                    read += u64::from((decoder.read)(&other));
                }
            }
        }
    }
    rows.exactly(
        format!(
            "{} kinds of message in 5 other versions, {tried} tries: taken for something",
            decoders.len()
        ),
        read,
        0,
    );
    rows.exactly("messages of this version that are not read", own, 0);
    at_a_robot(rows)
}

fn newer(mut bytes: Vec<u8>) -> Vec<u8> {
    if let Some(place) = bytes.get_mut(4..6) {
        place.copy_from_slice(&(VERSION + 1).to_le_bytes());
    }
    bytes
}

fn at_a_robot(rows: &mut Rows) -> Result<()> {
    let robot = LinkRobot::start(fr3()?)?;
    let keys = Keys::new(&robot.description.name);
    let mut link = robot.link()?;
    link.engage()?;
    let session = crate::guest::session(robot.endpoint())?;
    let command = JointCommand {
        sequence: 1,
        stamp_ns: 0,
        positions: robot.description.home.clone(),
        gripper_width: 0.04,
    };
    let bytes = newer(wire::encode_command(link.client(), &command));
    session
        .put(keys.of(ClientMessage::Command, link.client()), bytes)
        .wait()
        .map_err(crate::guest::zenoh_error)?;
    let mut refused = 0;
    let mut reason = String::new();
    for service in Service::ALL {
        let answer = session
            .get(keys.of(ClientMessage::Service(service), link.client()))
            .payload(newer(wire::encode_request(wire::Request {
                client: link.client(),
                stops: 0,
            })))
            .timeout(Duration::from_secs(2))
            .wait()
            .map_err(crate::guest::zenoh_error)?
            .recv()
            .map_err(crate::guest::zenoh_error)?;
        if let Err(error) = answer.result() {
            reason = String::from_utf8_lossy(&error.payload().to_bytes()).into_owned();
            refused += u64::from(reason.contains("version"));
        }
    }
    rows.exactly(
        format!(
            "services asked for in version {}, refused with the words {reason:?}",
            VERSION + 1
        ),
        refused,
        Service::ALL.len() as u64,
    );
    let counted = robot.wait_for(Duration::from_secs(2), |h| {
        h.status
            .is_some_and(|s| s.denials.of(Denial::Malformed) > refused)
    });
    let status = robot.log().status.context("no status")?;
    rows.exactly(
        format!("a command in version {}: counted as malformed", VERSION + 1),
        u64::from(counted),
        1,
    );
    rows.exactly("and obeyed", status.accepted, 0);
    Ok(())
}
