//! Franka arms behind franka-node 0.4.0, a zenoh node of its own (crates.io).
//!
//! We hold the arm by a lease: a liveliness token `franka/<arm>/lease/<client_id>`, gone the moment we are.
//! Engaging acquires and enables a joint session, targets go out as [`wire::Target`], states come as
//! [`wire::State`]. The node checks every target again (order, step, limits, rate), flags silence after
//! 200 ms and ends the session after 2 s (its defaults). It has no authentication of its own: who may
//! connect is up to zenoh's configuration. It carries no pictures; cameras come on keys of their own.

mod commanding;
mod exchange;
mod gripper;
mod received;
mod settings;
pub mod wire;

pub use exchange::{ArmStatus, EpisodeMarker, NodeStatus, Verb};
pub use settings::Settings;

use crate::error_context::ErrorContext;
use crate::operators::SharedNetwork;
use apprentice_link::security::Security;
use apprentice_link::wire as native;
use apprentice_link::{Arm, Inbox, LinkError};
use apprentice_robot::RobotDescription;
use exchange::{Request, ask, publisher, subscribe, subscribe_json};
use gripper::GripperSide;
use received::Received;
use std::sync::Arc;
use std::time::Duration;
use wire::{Phase, State};
use zenoh::liveliness::LivelinessToken;
use zenoh::pubsub::{Publisher, Subscriber};

/// How what goes wrong is said.
const ERRORS: ErrorContext = ErrorContext {
    adapter: "franka-node",
    no_session: "see whether franka-node runs and listens there",
    silent: "see whether the node runs, and whether `arm` in [adapter] is what it calls the arm",
    message: "see whether the node is franka-node 0.4.0",
};
/// Within this an arm that can be engaged shows a state and takes targets.
const LIVENESS_TIMEOUT: Duration = Duration::from_secs(1);
/// Within this a lease must have reached the node, and a session have begun.
const SETTLING: Duration = Duration::from_secs(3);
/// How long a stop waits for the target before it to be taken; states come every 10 ms.
const LAST_TARGET: Duration = Duration::from_millis(100);
/// A gripper's state comes 20 times a second, when the arm's thread has time.
const GRIPPER_AGE: Duration = Duration::from_millis(500);

/// Connects to the node at `endpoint` (such as `tcp/10.0.0.2:7447`) for the robot described; `table` is its
/// `[adapter]`, see [`Settings`]. The arm is left alone until it is engaged.
///
/// # Errors
/// When a setting is wrong, or nothing listens there within `timeout`.
pub fn connect(
    description: RobotDescription,
    table: &toml::Table,
    endpoint: &str,
    security: &Security,
    timeout: Duration,
) -> Result<Box<dyn Arm>, LinkError> {
    FrankaNode::connect(description, table, endpoint, security, timeout)
        .map(|arm| Box::new(arm) as _)
}

/// One arm of a node.
pub struct FrankaNode {
    description: RobotDescription,
    settings: Settings,
    client_id: u32,
    received: Arc<Received>,
    inbox: Arc<Inbox>,
    target: Publisher<'static>,
    gripper: Option<GripperSide>,
    sequence: u64,
    /// What it was when the session began.
    begun_at: u64,
    /// Ours while we hold the arm; without it the node stops it.
    lease: Option<LivelinessToken>,
    _subscribers: Vec<Subscriber<()>>,
    network: SharedNetwork,
}

impl FrankaNode {
    /// As [`connect`].
    ///
    /// # Errors
    /// As [`connect`].
    pub fn connect(
        description: RobotDescription,
        table: &toml::Table,
        endpoint: &str,
        security: &Security,
        timeout: Duration,
    ) -> Result<Self, LinkError> {
        let settings = Settings::read(table, &description)?;
        let session =
            exchange::open(endpoint, &settings, security, timeout).map_err(|e| ERRORS.of(e))?;
        let client_id = settings
            .client_id
            .unwrap_or_else(|| client_id(session.zid().to_le_bytes()));
        let received = Arc::new(Received::default());
        let state_key = settings.key("state");
        let camera_key = |name: &str| settings.cameras.get(name).cloned().unwrap_or_default();
        let inbox = Arc::new(Inbox::new(&description, &state_key, camera_key));
        let wants_gripper = description.gripper.is_some();
        let mut subscribers = vec![{
            let (received, inbox) = (Arc::clone(&received), Arc::clone(&inbox));
            subscribe(&session, &state_key, wire::STATE_BYTES, move |message| {
                let bytes = message.map_or_else(|n| n, <[u8]>::len);
                match message
                    .map_err(|_| "it is longer than a state")
                    .and_then(wire::decode_state)
                {
                    Ok(state) => {
                        if let Some(seen) = received.put_state(state, wants_gripper) {
                            inbox.put_state(bytes, Ok(seen));
                        }
                    }
                    Err(problem) => {
                        inbox.put_state(bytes, Err(problem.into()));
                    }
                }
            })?
        }];
        for (index, camera) in description.cameras.iter().enumerate() {
            let inbox = Arc::clone(&inbox);
            let expected = native::frame_bytes(camera.width, camera.height);
            let key = camera_key(&camera.name);
            subscribers.push(subscribe(&session, &key, expected, move |message| {
                let bytes = message.map_or_else(|n| n, <[u8]>::len);
                let frame = match message {
                    Ok(bytes) if bytes.len() == expected => {
                        native::decode_frame(bytes).map_err(str::to_owned)
                    }
                    _ => Err(format!("a frame of this camera has {expected} bytes")),
                };
                inbox.put_frame(index, bytes, frame);
            })?);
        }
        if wants_gripper {
            let received = Arc::clone(&received);
            let key = settings.key("gripper/state");
            let named = key.clone();
            subscribers.push(subscribe(
                &session,
                &key,
                wire::GRIPPER_BYTES,
                move |message| match message
                    .map_err(|_| "it is longer than a gripper's state")
                    .and_then(wire::decode_gripper_state)
                {
                    Ok(state) => received.put_gripper(state),
                    Err(problem) => {
                        tracing::warn!("a message on {named} cannot be used: {problem}");
                    }
                },
            )?);
        }
        {
            let received = Arc::clone(&received);
            let arm = settings.arm.clone();
            let take = move |status| received.put_status(status, &arm);
            subscribers.push(subscribe_json(&session, "franka/node/*/status", take)?);
        }
        {
            let received = Arc::clone(&received);
            let take = move |marker| received.put_marker(marker);
            subscribers.push(subscribe_json(&session, &settings.key("episode"), take)?);
        }
        let gripper = match description.gripper {
            Some(_) => Some(GripperSide::new(&session, &settings, client_id)?),
            None => None,
        };
        let target = publisher(&session, &settings.key("target"))?;
        let network = match settings.zenoh_config {
            Some(_) => SharedNetwork::guarded(session),
            None => SharedNetwork::new(session, security),
        };
        Ok(Self {
            description,
            settings,
            client_id,
            received,
            inbox,
            target,
            gripper,
            sequence: 0,
            begun_at: 0,
            lease: None,
            _subscribers: subscribers,
            network,
        })
    }

    /// Our number among the node's clients.
    #[must_use]
    pub fn client_id(&self) -> u32 {
        self.client_id
    }

    /// What the node said last of the arm, and how long ago.
    #[must_use]
    pub fn node_state(&self) -> Option<(State, Duration)> {
        self.received.state()
    }

    /// What the node said last of itself; it does once a second.
    #[must_use]
    pub fn node_status(&self) -> Option<NodeStatus> {
        self.received.status()
    }

    /// The node's last word on a session's begin or end.
    #[must_use]
    pub fn episode_marker(&self) -> Option<EpisodeMarker> {
        self.received.marker()
    }

    /// Clears the errors of an arm in a fault; it does not move.
    ///
    /// # Errors
    /// When the node does not answer, or says no.
    pub fn recover(&self) -> Result<(), LinkError> {
        self.demand(Verb::Recover, &self.request())
    }

    /// Sends the arm, which must not be engaged, to the node's ready pose at this share of its joint
    /// limits (the node keeps it within 0.05 to 0.5). Waits until it is there.
    ///
    /// # Errors
    /// When the arm cannot be acquired, or the node says no.
    pub fn home(&mut self, speed: f64) -> Result<(), LinkError> {
        self.while_held(|arm| {
            let request = Request {
                speed: Some(speed),
                ..arm.request()
            };
            arm.demand(Verb::Home, &request)
        })
    }

    /// Lets the gripper find its zero. Waits until it has.
    ///
    /// # Errors
    /// When the arm cannot be acquired, or the node says no.
    pub fn home_gripper(&mut self) -> Result<(), LinkError> {
        self.while_held(|arm| arm.demand(Verb::GripperHome, &arm.request()))
    }

    /// Stops the gripper, whoever holds the arm.
    ///
    /// # Errors
    /// When the node does not answer, or says no.
    pub fn stop_gripper(&self) -> Result<(), LinkError> {
        self.demand(Verb::GripperStop, &self.request())
    }

    /// Does something as the arm's holder, and is the holder afterwards only if it was before.
    fn while_held(
        &mut self,
        act: impl FnOnce(&Self) -> Result<(), LinkError>,
    ) -> Result<(), LinkError> {
        if self.lease.is_some() {
            return act(self);
        }
        self.check_liveness()?;
        self.acquire()?;
        let done = act(self);
        let released = self.disengage();
        done.and(released)
    }

    fn request(&self) -> Request {
        Request {
            client_id: self.client_id,
            ..Request::default()
        }
    }

    fn ask(&self, verb: Verb, request: &Request) -> Result<Result<(), String>, LinkError> {
        let robot = &self.description.name;
        let answer = ask(&self.network.session, &self.settings, robot, verb, request);
        answer.map_err(|e| ERRORS.of(e))
    }

    fn demand(&self, verb: Verb, request: &Request) -> Result<(), LinkError> {
        self.ask(verb, request)?
            .map_err(|reason| self.refused(verb, reason))
    }

    fn refused(&self, verb: Verb, reason: String) -> LinkError {
        let key = self.settings.key(&format!("cmd/{}", verb.name()));
        let faulted = self.phase() == Some(Phase::Faulted);
        let advice = if faulted && verb != Verb::Recover {
            "; the arm stands in a fault: see to it, then recover it (recover = true in [adapter] does, when it is engaged)"
        } else if reason.starts_with("held by") {
            "; let that client release the arm first"
        } else {
            ""
        };
        LinkError::Refused {
            robot: self.description.name.clone(),
            key,
            reason: format!("franka-node says {reason:?}{advice}"),
        }
    }

    fn phase(&self) -> Option<Phase> {
        self.received.state().map(|(state, _)| state.phase)
    }
}

/// A number for a session, from its identity; never 0.
fn client_id(identity: [u8; 16]) -> u32 {
    let hash = xxhash_rust::xxh3::xxh3_64(&identity);
    ((hash ^ (hash >> 32)) as u32).max(1)
}
