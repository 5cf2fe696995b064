//! Franka arms behind franka-node 0.4.0, a zenoh node of its own (crates.io).
//!
//! We hold the arm by a lease: a liveliness token `franka/<arm>/lease/<client_id>`, gone the moment we are.
//! Engaging acquires and enables a joint session, targets go out as [`wire::Target`], states come as
//! [`wire::State`]. The node checks every target again (order, step, limits, rate), flags silence after
//! 200 ms and ends the session after 2 s (its defaults). It has no authentication of its own: who may
//! connect is up to zenoh's configuration. It carries no pictures; cameras come on keys of their own.

mod exchange;
mod gripper;
mod heard;
mod settings;
pub mod wire;

pub use exchange::{ArmStatus, EpisodeMarker, NodeStatus, Verb};
pub use settings::Settings;

use apprentice_core::{JointCommand, Observation};
use apprentice_link::security::Security;
use apprentice_link::wire as native;
use apprentice_link::{Arm, Freshness, Inbox, LinkError};
use apprentice_robot::RobotDescription;
use exchange::{Request, ask, subscribe, subscribe_json, unusable};
use gripper::GripperSide;
use heard::Heard;
use std::sync::Arc;
use std::time::{Duration, Instant};
use wire::{Phase, State, Target, TargetKind};
use zenoh::liveliness::LivelinessToken;
use zenoh::pubsub::{Publisher, Subscriber};
use zenoh::qos::{CongestionControl, Priority};
use zenoh::{Session, Wait as _};

/// Within this an arm that can be engaged shows a state and takes targets.
const SIGN_OF_LIFE: Duration = Duration::from_secs(1);
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
    heard: Arc<Heard>,
    inbox: Arc<Inbox>,
    target: Publisher<'static>,
    gripper: Option<GripperSide>,
    sequence: u64,
    /// What it was when the session began.
    begun_at: u64,
    /// Ours while we hold the arm; without it the node stops it.
    lease: Option<LivelinessToken>,
    _subscribers: Vec<Subscriber<()>>,
    session: Session,
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
        let session = exchange::open(endpoint, &settings, security, timeout)?;
        let client_id = settings
            .client_id
            .unwrap_or_else(|| client_id(session.zid().to_le_bytes()));
        let heard = Arc::new(Heard::default());
        let state_key = settings.key("state");
        let camera_key = |name: &str| settings.cameras.get(name).cloned().unwrap_or_default();
        let inbox = Arc::new(Inbox::new(&description, &state_key, camera_key));
        let wants_gripper = description.gripper.is_some();
        let mut subscribers = vec![{
            let (heard, inbox) = (Arc::clone(&heard), Arc::clone(&inbox));
            subscribe(&session, &state_key, wire::STATE_BYTES, move |message| {
                let bytes = message.map_or_else(|n| n, <[u8]>::len);
                match message
                    .map_err(|_| "it is longer than a state")
                    .and_then(wire::decode_state)
                {
                    Ok(state) => {
                        if let Some(seen) = heard.put_state(state, wants_gripper) {
                            inbox.put_state(bytes, Ok(seen));
                        }
                    }
                    Err(problem) => inbox.put_state(bytes, Err(problem.into())),
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
            let heard = Arc::clone(&heard);
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
                    Ok(state) => heard.put_gripper(state),
                    Err(problem) => {
                        tracing::warn!("a message on {named} cannot be used: {problem}");
                    }
                },
            )?);
        }
        {
            let heard = Arc::clone(&heard);
            let arm = settings.arm.clone();
            let take = move |status| heard.put_status(status, &arm);
            subscribers.push(subscribe_json(&session, "franka/node/*/status", take)?);
        }
        {
            let heard = Arc::clone(&heard);
            let take = move |marker| heard.put_marker(marker);
            subscribers.push(subscribe_json(&session, &settings.key("episode"), take)?);
        }
        let gripper = match description.gripper {
            Some(_) => Some(GripperSide::new(&session, &settings, client_id)?),
            None => None,
        };
        let target = publisher(&session, &settings.key("target"))?;
        Ok(Self {
            description,
            settings,
            client_id,
            heard,
            inbox,
            target,
            gripper,
            sequence: 0,
            begun_at: 0,
            lease: None,
            _subscribers: subscribers,
            session,
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
        self.heard.state()
    }

    /// What the node said last of itself; it does once a second.
    #[must_use]
    pub fn node_status(&self) -> Option<NodeStatus> {
        self.heard.status()
    }

    /// The node's last word on a session's begin or end.
    #[must_use]
    pub fn episode_marker(&self) -> Option<EpisodeMarker> {
        self.heard.marker()
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
        self.look_for_life()?;
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
        ask(&self.session, &self.settings, robot, verb, request)
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
        self.heard.state().map(|(state, _)| state.phase)
    }

    /// Refuses an arm that shows no state, or that nobody would hear commands for.
    fn look_for_life(&self) -> Result<(), LinkError> {
        let fresh = |state: Option<&(State, Instant)>, _: Option<&_>| {
            state
                .is_some_and(|(_, came)| came.elapsed() < SIGN_OF_LIFE)
                .then_some(())
        };
        if self.heard.wait(SIGN_OF_LIFE, fresh).is_none() {
            // An unreadable state says more than none.
            let within = Freshness {
                state: Duration::from_millis(1),
                frame: Duration::from_millis(1),
            };
            if let Err(error @ LinkError::Message { .. }) = self.inbox.latest(false, within) {
                return Err(error);
            }
            return Err(LinkError::Silent {
                robot: self.description.name.clone(),
                key: self.settings.key("state"),
                timeout_ms: SIGN_OF_LIFE.as_millis() as u64,
            });
        }
        let key = self.settings.key("target");
        let deadline = Instant::now() + SIGN_OF_LIFE;
        loop {
            let status = self.target.matching_status().wait();
            if status.map_err(|e| unusable(&key, e))?.matching() {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(unusable(
                    &key,
                    "its state arrives, but nobody listens to targets: they would be lost without a word; see which zenoh peers and routers are linked",
                ));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Declares the lease and becomes the holder.
    fn acquire(&mut self) -> Result<(), LinkError> {
        let key = self.settings.key(&format!("lease/{}", self.client_id));
        let token = self.session.liveliness().declare_token(key.clone()).wait();
        self.lease = Some(token.map_err(|e| unusable(&key, e))?);
        let deadline = Instant::now() + SETTLING;
        loop {
            match self.ask(Verb::Acquire, &self.request()) {
                Ok(Ok(())) => return Ok(()),
                // The token may still be on its way.
                Ok(Err(reason)) if reason == "no lease" && Instant::now() < deadline => {
                    std::thread::sleep(Duration::from_millis(10));
                }
                Ok(Err(reason)) => {
                    self.lease = None;
                    return Err(self.refused(Verb::Acquire, reason));
                }
                Err(error) => {
                    self.lease = None;
                    return Err(error);
                }
            }
        }
    }

    fn enable(&self) -> Result<(), LinkError> {
        let request = Request {
            mode: Some("joints"),
            ..self.request()
        };
        self.demand(Verb::Enable, &request)?;
        let (ours, enabled) = (self.client_id, Instant::now());
        let active = |state: Option<&(State, Instant)>, _: Option<&_>| {
            let (state, came) = state?;
            let settled = matches!(state.phase, Phase::Active | Phase::Faulted);
            // What was said before may be of a fault that is over.
            (settled && *came >= enabled && state.client_id == ours).then_some(state.phase)
        };
        match self.heard.wait(SETTLING, active) {
            Some(Phase::Active) => {}
            _ => return Err(self.lost()),
        }
        // While a session ends or begins the node says nothing of the gripper either.
        let heard = |_: Option<&_>, gripper: Option<&(wire::GripperState, Instant)>| {
            gripper
                .is_some_and(|(_, came)| *came >= enabled)
                .then_some(())
        };
        if self.gripper.is_some() && self.heard.wait(SETTLING, heard).is_none() {
            return Err(LinkError::Silent {
                robot: self.description.name.clone(),
                key: self.settings.key("gripper/state"),
                timeout_ms: SETTLING.as_millis() as u64,
            });
        }
        Ok(())
    }

    /// Waits until the node has taken the last target: a stop overtakes targets that wait beside it, and
    /// they would be refused.
    fn drain(&self) {
        let (before, last) = (self.begun_at, self.sequence);
        if last == before {
            return;
        }
        let _ = self.heard.wait(LAST_TARGET, |state, _| {
            let (state, _) = state?;
            let waited_for = state.phase == Phase::Active && state.accepted_sequence < last;
            (!waited_for).then_some(())
        });
    }

    /// Why the arm does not follow us.
    fn lost(&self) -> LinkError {
        let reason = match self.heard.state() {
            None => "the node has said nothing of it".to_owned(),
            Some((state, age)) => {
                let holder = match state.client_id {
                    0 => "nobody".to_owned(),
                    id if id == self.client_id => "us".to_owned(),
                    id => format!("client {id}"),
                };
                format!(
                    "the node took control away: it is {}, held by {holder}, the arm's mode is {}{} ({} ms ago); engage it again when the cause is gone",
                    state.phase.name(),
                    state.robot_mode.name(),
                    if state.has_errors { " with errors" } else { "" },
                    age.as_millis()
                )
            }
        };
        self.refuse_target(reason)
    }

    fn refuse_target(&self, reason: String) -> LinkError {
        LinkError::Refused {
            robot: self.description.name.clone(),
            key: self.settings.key("target"),
            reason,
        }
    }
}

impl Arm for FrankaNode {
    fn description(&self) -> &RobotDescription {
        &self.description
    }

    fn engage(&mut self) -> Result<(), LinkError> {
        if self.lease.is_some() && self.phase() == Some(Phase::Active) {
            return Ok(());
        }
        self.disengage()?;
        self.look_for_life()?;
        if self.settings.recover && self.phase() == Some(Phase::Faulted) {
            self.recover()?;
        }
        self.acquire()?;
        // It goes on: a target of a session before must not pass for one of this.
        self.begun_at = self.sequence;
        if let Err(error) = self.enable() {
            if let Err(also) = self.disengage() {
                tracing::warn!("{also}");
            }
            return Err(error);
        }
        let measured = self.heard.gripper().map(|(g, _)| g.width_m);
        if let Some(gripper) = &mut self.gripper {
            gripper.restart(measured);
        }
        Ok(())
    }

    fn disengage(&mut self) -> Result<(), LinkError> {
        if self.lease.is_none() {
            return Ok(());
        }
        let request = self.request();
        let stopped = match self.phase() {
            Some(Phase::Active | Phase::Homing) => {
                self.drain();
                self.ask(Verb::Stop, &request)
            }
            _ => Ok(Ok(())),
        };
        let released = self.ask(Verb::Release, &request);
        // Without its lease the node ends the session, whatever became of the questions.
        self.lease = None;
        match (stopped?, released?) {
            (_, Ok(())) => Ok(()),
            (Err(reason), Err(_)) => Err(self.refused(Verb::Stop, reason)),
            // A watchdog, or a lease seen as lost, has let it go before us.
            (Ok(()), Err(reason)) if reason.contains("is not the holder") => Ok(()),
            (Ok(()), Err(reason)) => Err(self.refused(Verb::Release, reason)),
        }
    }

    fn send(&mut self, command: &JointCommand) -> Result<(), LinkError> {
        let got = &command.positions;
        let Ok(numbers) = <[f64; wire::JOINTS]>::try_from(got.as_slice()) else {
            return Err(self.refuse_target(format!(
                "a command for {} joints, the arm has 7; nothing was sent",
                got.len()
            )));
        };
        if let Some(joint) = numbers.iter().position(|v| !v.is_finite()) {
            return Err(self.refuse_target(format!(
                "a command with joint {} at {}, which is not finite; nothing was sent",
                joint + 1,
                got.get(joint).copied().unwrap_or(f64::NAN)
            )));
        }
        if self.lease.is_none() {
            return Err(self.refuse_target("the arm is not engaged; nothing was sent".into()));
        }
        let ours = |s: &State| s.phase == Phase::Active && s.client_id == self.client_id;
        if !self.heard.state().is_some_and(|(state, _)| ours(&state)) {
            return Err(self.lost());
        }
        self.sequence += 1;
        let target = Target {
            kind: TargetKind::Joints,
            anchor: false,
            client_id: self.client_id,
            sequence: self.sequence,
            stamp_ns: command.stamp_ns,
            numbers,
        };
        self.target
            .put(wire::encode_target(&target))
            .wait()
            .map_err(|e| unusable(&self.settings.key("target"), e))?;
        match &mut self.gripper {
            Some(gripper) => gripper.send(command.gripper_width, command.stamp_ns),
            None => Ok(()),
        }
    }

    fn latest(&self, want_frames: bool, within: Freshness) -> Result<Observation, LinkError> {
        if self.gripper.is_some() {
            let allowed = within.state.max(GRIPPER_AGE);
            let key = self.settings.key("gripper/state");
            let robot = self.description.name.clone();
            let heard = self
                .heard
                .wait(allowed, |_, g| g.map(|(g, t)| (*g, t.elapsed())));
            match heard {
                None => {
                    return Err(LinkError::Silent {
                        robot,
                        key,
                        timeout_ms: allowed.as_millis() as u64,
                    });
                }
                Some((_, age)) if age > allowed => {
                    return Err(LinkError::Stale {
                        robot,
                        key,
                        age_ms: age.as_millis() as u64,
                        allowed_ms: allowed.as_millis() as u64,
                    });
                }
                Some((gripper, _)) if gripper.fault => {
                    return Err(LinkError::Refused {
                        robot,
                        key,
                        reason: "the node has lost the gripper; see to its cable and power, then restart the node".into(),
                    });
                }
                Some(_) => {}
            }
        }
        self.inbox.latest(want_frames, within)
    }
}

/// A publisher that loses nothing on the way and waits for no others.
fn publisher(session: &Session, key: &str) -> Result<Publisher<'static>, LinkError> {
    session
        .declare_publisher(key.to_owned())
        .congestion_control(CongestionControl::Block)
        .priority(Priority::RealTime)
        .express(true)
        .wait()
        .map_err(|e| unusable(key, e))
}

/// A number for a session, from its identity; never 0.
fn client_id(identity: [u8; 16]) -> u32 {
    let hash = xxhash_rust::xxh3::xxh3_64(&identity);
    ((hash ^ (hash >> 32)) as u32).max(1)
}
