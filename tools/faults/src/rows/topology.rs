//! R22: zenoh connects, but what should be heard is not.

use crate::measured::{largest, ms};
use crate::stub_agent::fr3;
use crate::{Rows, Scale};
use anyhow::{Context as _, Result, ensure};
use apprentice_core::RobotState;
use apprentice_link::keys::{ClientMessage, Keys};
use apprentice_link::security::{Role, Security};
use apprentice_link::session::{Connection, Participant};
use apprentice_link::{Arm as _, LinkError, RobotLink, wire};
use apprentice_robot::RobotDescription;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};
use zenoh::{Session, Wait as _};

/// A robot whose states do not arrive, one that nobody's commands reach, and two peers of a third.
pub fn run(_scale: Scale, rows: &mut Rows) -> Result<()> {
    let description = fr3()?;
    let mut took = Vec::new();
    let mut words = String::new();
    for (states, ears) in [(false, true), (true, false), (false, false)] {
        let (error, time) = half_a_robot(&description, states, ears)?;
        ensure!(
            matches!(error, LinkError::Unreachable { .. }),
            "it was refused for something else: {error}"
        );
        words = error.to_string();
        took.push(ms(time));
    }
    rows.exactly(
        format!("robots half of which is not heard, refused: {words}"),
        took.len() as u64,
        3,
    );
    rows.at_most("until refused, longest", largest(&took), 1_500.0, "ms");
    let (error, time) = peers_of_a_peer(&description)?;
    rows.exactly(
        format!("robot and runtime are peers of a third that passes nothing on, refused: {error}"),
        1,
        1,
    );
    rows.at_most(
        "until refused, when a second is to be waited",
        ms(time),
        1_500.0,
        "ms",
    );
    Ok(())
}

/// Something that says it is a robot, and publishes states or listens to commands or not.
fn half_a_robot(
    description: &RobotDescription,
    states: bool,
    ears: bool,
) -> Result<(LinkError, Duration)> {
    let endpoint = crate::guest::free_endpoint()?;
    let participant = Participant {
        role: Role::Robot,
        connection: Connection::Listen,
        robot: &description.name,
        endpoint: &endpoint,
    };
    let session = participant.open(&Security::LoopbackOnly, Duration::from_secs(5))?;
    let keys = Keys::new(&description.name);
    let text = description.to_toml()?;
    let _describes = session
        .declare_queryable(keys.describe())
        .callback(move |query| {
            let answer = query.reply(query.key_expr().clone(), text.clone());
            // The runtime says so when no answer comes.
            let _ = answer.attachment("real_time").wait();
        })
        .wait()
        .map_err(crate::guest::zenoh_error)?;
    let _hears = if ears {
        let ears = session
            .declare_subscriber(keys.all(ClientMessage::Command))
            .callback(|_| {});
        Some(ears.wait().map_err(crate::guest::zenoh_error)?)
    } else {
        None
    };
    let done = AtomicBool::new(false);
    scope(|scope| {
        let speaks = scope.spawn(|| publish(&session, &keys, description, states, &done));
        let refused = engage(&endpoint, description);
        done.store(true, Relaxed);
        speaks.join().ok().context("a panic")??;
        refused
    })
}

fn engage(endpoint: &str, description: &RobotDescription) -> Result<(LinkError, Duration)> {
    let patience = Duration::from_secs(5);
    let mut link = RobotLink::connect(endpoint, &description.name, patience)?;
    let begun = Instant::now();
    let error = link.engage().err().context("it was engaged all the same")?;
    Ok((error, begun.elapsed()))
}

fn publish(
    session: &Session,
    keys: &Keys,
    description: &RobotDescription,
    states: bool,
    done: &AtomicBool,
) -> Result<()> {
    for sequence in 1.. {
        if done.load(Relaxed) {
            break;
        }
        if states {
            let state = RobotState {
                sequence,
                stamp_ns: 0,
                positions: description.home.clone(),
                velocities: vec![0.0; description.home.len()],
                gripper_width: 0.04,
                efforts: None,
                external_wrench: None,
            };
            let put = session.put(keys.state(), wire::encode_state(&state));
            put.wait().map_err(crate::guest::zenoh_error)?;
        }
        sleep(Duration::from_millis(10));
    }
    Ok(())
}

/// A robot that is a plain zenoh peer of a hub, and a runtime beside it.
fn peers_of_a_peer(description: &RobotDescription) -> Result<(LinkError, Duration)> {
    let endpoint = crate::guest::free_endpoint()?;
    let peer = |place: &str| -> Result<Session> {
        let mut config = zenoh::Config::default();
        for (key, value) in [
            ("mode", "\"peer\"".to_owned()),
            ("scouting/multicast/enabled", "false".to_owned()),
            ("scouting/gossip/enabled", "false".to_owned()),
            ("listen/endpoints", "[]".to_owned()),
            (place, format!("[{endpoint:?}]")),
        ] {
            config
                .insert_json5(key, &value)
                .map_err(crate::guest::zenoh_error)?;
        }
        zenoh::open(config)
            .wait()
            .map_err(crate::guest::zenoh_error)
    };
    let _hub = peer("listen/endpoints")?;
    let robot = peer("connect/endpoints")?;
    let _describes = robot
        .declare_queryable(Keys::new(&description.name).describe())
        .callback(|_| {})
        .wait()
        .map_err(crate::guest::zenoh_error)?;
    let begun = Instant::now();
    let error = RobotLink::connect(&endpoint, &description.name, Duration::from_secs(1))
        .err()
        .context("it was connected all the same")?;
    Ok((error, begun.elapsed()))
}
