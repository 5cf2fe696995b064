//! The native link towards operators' devices, for a robot that does not speak it.

use crate::error::key_error;
use crate::server::describe;
use crate::{Inbox, LinkError, keys::Keys, wire};
use apprentice_robot::RobotDescription;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;
use zenoh::liveliness::LivelinessToken;
use zenoh::pubsub::Publisher;
use zenoh::qos::{CongestionControl, Priority};
use zenoh::query::Queryable;
use zenoh::{Session, Wait as _};

/// How long others of the same name may take to say that they are there.
const PATIENCE: Duration = Duration::from_millis(500);

/// Shows a robot to operators' devices while it lives.
pub(super) struct TakeoverHost {
    /// Gone, it ends the thread that publishes.
    _end: Sender<()>,
    _describe: Queryable<()>,
    _alive: LivelinessToken,
    /// It ends with its last owner, which may be us.
    _session: Session,
}

impl TakeoverHost {
    pub fn open(
        robot: &RobotDescription,
        states: &Arc<Inbox>,
        session: &Session,
    ) -> Result<Self, LinkError> {
        let keys = Keys::new(&robot.name);
        check_name_is_free(session, robot, &keys)?;
        let state = session
            .declare_publisher(keys.state())
            .congestion_control(CongestionControl::Drop)
            .priority(Priority::RealTime)
            .express(true)
            .wait()
            .map_err(|e| key_error(&keys.state(), &e))?;
        let (end, ended) = channel();
        let states = Arc::clone(states);
        // People need no more than a hundred a second.
        let period = Duration::from_secs_f64((1.0 / robot.control_hz).clamp(0.01, 1.0));
        // Beside the control loop, which has nothing to wait for here.
        std::thread::Builder::new()
            .name("takeover-states".into())
            .spawn(move || publish(&states, &state, period, &ended))
            .map_err(|e| LinkError::Key {
                key: keys.state(),
                reason: format!("no thread to publish on it: {e}"),
            })?;
        let describe = describe(session, &keys, robot, false)?;
        let alive = session
            .liveliness()
            .declare_token(keys.alive())
            .wait()
            .map_err(|e| key_error(&keys.alive(), &e))?;
        Ok(Self {
            _end: end,
            _describe: describe,
            _alive: alive,
            _session: session.clone(),
        })
    }
}

/// Two robots of one name would both be moved by a person who sees one of them.
fn check_name_is_free(
    session: &Session,
    robot: &RobotDescription,
    keys: &Keys,
) -> Result<(), LinkError> {
    let replies = session
        .liveliness()
        .get(keys.alive())
        .timeout(PATIENCE)
        .wait()
        .map_err(|e| key_error(&keys.alive(), &e))?;
    if replies.into_iter().any(|reply| reply.result().is_ok()) {
        return Err(LinkError::Refused {
            robot: robot.name.clone(),
            key: keys.alive(),
            reason: "a robot of this name is shown to operators' devices there already, and both would be taken over; give this one another name in its robot.toml, or stop the other process".into(),
        });
    }
    Ok(())
}

/// Publishes each new state, until nobody wants that any more.
fn publish(states: &Inbox, publisher: &Publisher<'_>, period: Duration, ended: &Receiver<()>) {
    let mut said = None;
    while ended.recv_timeout(period) == Err(RecvTimeoutError::Timeout) {
        let Some(state) = states.newest_state() else {
            continue;
        };
        // What is repeated would look new.
        if said.replace((state.sequence, state.stamp_ns)) == Some((state.sequence, state.stamp_ns))
        {
            continue;
        }
        if let Err(e) = publisher.put(wire::encode_state(&state)).wait() {
            return tracing::warn!("operators' devices are not told where the robot is: {e}");
        }
    }
}
