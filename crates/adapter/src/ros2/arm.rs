//! A ROS 2 robot as the control loop sees it.

use super::cameras::CameraReader;
use super::command::{Commander, Step};
use super::errors::ERRORS;
use super::gripper::{GripperClient, GripperReport};
use super::node::{RosNode, Sender};
use super::pacing::{Pacer, Scale};
use super::settings::{GripperKind, Settings};
use super::subscriptions::{listen_to_joints, listen_to_scale};
use super::type_hashes::JOINT_STATE;
use crate::operators::SharedNetwork;
use crate::session;
use apprentice_core::{JointCommand, Observation};
use apprentice_link::security::Security;
use apprentice_link::{Arm, Freshness, Inbox, LinkError, OperatorAccess, TakeoverInbox};
use apprentice_robot::RobotDescription;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use zenoh::pubsub::Subscriber;

/// Within this a robot that can be engaged shows a state, and somebody takes commands.
const LIVENESS_TIMEOUT: Duration = Duration::from_secs(1);
/// How old a state may be that a speed is computed from: MoveIt Servo's `incoming_command_timeout`.
const SPEED_STATE_AGE: Duration = Duration::from_millis(100);

/// A robot that ROS 2 drives.
pub struct Ros2Arm {
    description: RobotDescription,
    settings: Settings,
    inbox: Arc<Inbox>,
    scale: Option<Arc<Mutex<Scale>>>,
    /// Whether commands were held back last time.
    held: bool,
    commander: Commander,
    pacer: Pacer,
    gripper: Option<GripperClient>,
    engaged: bool,
    /// Where joints were told to be last.
    before: Option<Vec<f64>>,
    _eyes: Vec<CameraReader>,
    _senders: Vec<Sender>,
    _subscribers: Vec<Subscriber<()>>,
    _node: RosNode,
    network: SharedNetwork,
}

impl Ros2Arm {
    /// Connects to the router (or peer) at `endpoint`; `table` is the robot's `[adapter]`, see [`Settings`].
    /// The robot is left alone until it is engaged.
    ///
    /// # Errors
    /// When a setting is wrong, or nothing listens there within `timeout`.
    pub fn connect(
        description: RobotDescription,
        table: &toml::Table,
        endpoint: &str,
        security: &Security,
        timeout: Duration,
    ) -> Result<Self, LinkError> {
        let settings = Settings::read(table, &description)?;
        let session =
            session::open(settings.mode, endpoint, security, timeout).map_err(|e| ERRORS.of(e))?;
        let network = SharedNetwork::new(session.clone(), security);
        let rules = settings.key_rules();
        let node = RosNode::new(session, rules, &settings.namespace, &settings.node)?;
        let state_key = node.listen_key(&settings.joint_states, &JOINT_STATE);
        let inbox = Arc::new(Inbox::new(&description, &state_key, |camera| {
            let topic = settings.cameras.get(camera).map(|c| c.topic.clone());
            topic.unwrap_or_else(|| camera.to_owned())
        }));
        let mut subscribers = Vec::new();
        let mut senders = Vec::new();
        let mut keep = |(subscriber, sender)| {
            subscribers.push(subscriber);
            senders.push(sender);
        };
        keep(listen_to_joints(&node, &description, &settings, &inbox)?);
        let mut scale = None;
        if let Some(scaling) = &settings.speed_scaling {
            let (newest, ends) = listen_to_scale(&node, &scaling.topic, scaling.full)?;
            keep(ends);
            scale = Some(newest);
        }
        let mut cameras = Vec::new();
        for (index, camera) in description.cameras.iter().enumerate() {
            // That each camera has settings has been checked.
            if let Some(source) = settings.cameras.get(&camera.name) {
                cameras.push(CameraReader::open(&node, index, camera, source, &inbox)?);
            }
        }
        let mut gripper = None;
        if let Some(g) = settings
            .gripper
            .as_ref()
            .filter(|g| g.kind == GripperKind::Action)
        {
            let (client, seen) = GripperClient::open(&node, g)?;
            senders.extend(seen);
            gripper = Some(client);
        }
        let speeds = description.joints.iter().map(|j| j.velocity);
        Ok(Self {
            commander: Commander::new(&node, &description, &settings)?,
            pacer: Pacer::new(speeds, description.control_hz),
            settings,
            inbox,
            scale,
            held: false,
            gripper,
            engaged: false,
            before: None,
            _eyes: cameras,
            _senders: senders,
            _subscribers: subscribers,
            _node: node,
            network,
            description,
        })
    }

    /// How much of the commanded speed the controller allows, 0 to 1: 0 without news, 1 where it does not say.
    #[must_use]
    pub fn speed_scale(&self) -> f64 {
        match (&self.scale, &self.settings.speed_scaling) {
            (Some(newest), Some(scaling)) => {
                let newest = *newest.lock().unwrap_or_else(PoisonError::into_inner);
                newest.now(Duration::from_millis(scaling.stale_ms))
            }
            _ => 1.0,
        }
    }

    /// What became of the gripper's goals; none without an action.
    #[must_use]
    pub fn gripper_report(&self) -> Option<GripperReport> {
        self.gripper.as_ref().map(GripperClient::report)
    }

    fn refused(&self, key: &str, reason: String) -> LinkError {
        LinkError::Refused {
            robot: self.description.name.clone(),
            key: key.into(),
            reason,
        }
    }

    /// Where the arm is, unless that is too old.
    fn measured(&self, within: Duration) -> Option<Vec<f64>> {
        let fresh = Freshness {
            state: within,
            frame: within,
        };
        // One has come before it was engaged, so that this does not wait.
        let newest = self.inbox.latest(false, fresh).ok()?;
        Some(newest.state.positions)
    }

    /// Fails unless `command` can be sent.
    fn check(&self, command: &JointCommand) -> Result<(), LinkError> {
        let key = self.commander.publisher().key();
        if !self.engaged {
            return Err(self.refused(key, "it is not engaged; engage it first".into()));
        }
        let (got, wanted) = (command.positions.len(), self.description.joints.len());
        let numbers = command.positions.iter().chain([&command.gripper_width]);
        if got != wanted || !numbers.clone().all(|v| v.is_finite()) {
            let reason = format!("the command has {got} joints, wanted {wanted}, all finite");
            return Err(self.refused(key, reason));
        }
        Ok(())
    }

    /// The share of the speed that is allowed now, and where the arm is when it is not all of it. Says when
    /// commands begin and end to be held.
    fn allowance(&mut self) -> (f64, Option<Vec<f64>>) {
        let share = self.speed_scale();
        let held = share <= 0.0;
        if held != self.held {
            let name = &self.description.name;
            if held {
                tracing::warn!("{name}: the controller allows no speed, commands are held");
            } else {
                tracing::info!("{name}: the controller allows speed again");
            }
            self.held = held;
        }
        let measured = (share < 1.0)
            .then(|| self.measured(LIVENESS_TIMEOUT))
            .flatten();
        (share, measured)
    }

    fn pace(&mut self, target: &[f64], share: f64, measured: Option<&[f64]>) -> Vec<f64> {
        // Where the arm is not known, the last command is the nearest there is to it.
        let last = self.before.clone();
        let at = measured.or(last.as_deref()).unwrap_or(target);
        self.pacer.pace(target, at, share)
    }
}

impl Arm for Ros2Arm {
    fn description(&self) -> &RobotDescription {
        &self.description
    }

    fn engage(&mut self) -> Result<(), LinkError> {
        // It may have been moved since it was commanded last.
        self.inbox.set_commanding(false);
        let deadline = Instant::now() + LIVENESS_TIMEOUT;
        let fresh = Freshness {
            state: LIVENESS_TIMEOUT,
            frame: LIVENESS_TIMEOUT,
        };
        let state = self.latest(false, fresh)?;
        let publisher = self.commander.publisher();
        wait_for(deadline, || publisher.has_subscriber())?.then_some(()).ok_or_else(|| {
            let reason = "nobody takes commands there: is the controller active, its topic, domain and hashes right?";
            self.refused(publisher.key(), reason.into())
        })?;
        if let Some(gripper) = &self.gripper {
            wait_for(deadline, || gripper.has_subscriber())?.then_some(()).ok_or_else(|| {
                let reason = "the gripper's action is not there: is its controller active, its name right?";
                self.refused(gripper.key(), reason.into())
            })?;
        }
        if self.settings.speed_scaling.is_some()
            && !wait_for(deadline, || Ok(self.speed_scale() > 0.0))?
        {
            let topic = self
                .settings
                .speed_scaling
                .as_ref()
                .map_or("", |s| &s.topic);
            let reason = "the controller allows no speed, or does not say within 1 s: release its stop, raise its speed";
            return Err(self.refused(topic, reason.into()));
        }
        self.pacer.restart();
        self.before = Some(state.state.positions);
        self.inbox.set_commanding(true);
        self.engaged = true;
        Ok(())
    }

    fn disengage(&mut self) -> Result<(), LinkError> {
        if !std::mem::take(&mut self.engaged) {
            return Ok(());
        }
        if let Some(gripper) = &self.gripper {
            gripper.release();
        }
        // Where the arm is not known, the last command is the nearest there is to it.
        let at = self.measured(LIVENESS_TIMEOUT).or(self.before.take());
        self.inbox.set_commanding(false);
        self.commander.hold(at.as_deref())
    }

    fn send(&mut self, command: &JointCommand) -> Result<(), LinkError> {
        self.check(command)?;
        let (share, measured) = self.allowance();
        // A trajectory's controller scales its speed by itself: it only must not be made to jump.
        let paced = if self.takes_paths() {
            f64::from(u8::from(share > 0.0))
        } else {
            share
        };
        let target = self.pace(&command.positions, paced, measured.as_deref());
        let before = self.before.replace(target.clone());
        self.commander.send(&Step {
            before: before.as_deref().unwrap_or(&target),
            target: &target,
            // A controller that allows no speed gets none.
            measured: self
                .measured(SPEED_STATE_AGE)
                .filter(|_| share > 0.0)
                .as_deref(),
            width: command.gripper_width,
        })?;
        if let (Some(gripper), true) = (&self.gripper, share > 0.0) {
            gripper.aim(command.gripper_width);
        }
        Ok(())
    }

    fn takes_paths(&self) -> bool {
        self.commander.takes_paths()
    }

    fn send_path(&mut self, path: &[JointCommand]) -> Result<(), LinkError> {
        if !self.takes_paths() {
            return path.iter().try_for_each(|command| self.send(command));
        }
        // Nothing of a path is sent when part of it cannot be.
        path.iter().try_for_each(|command| self.check(command))?;
        let Some(last) = path.last() else {
            return Ok(());
        };
        let was_held = self.held;
        let (share, measured) = self.allowance();
        let points = if share > 0.0 {
            // A path replaces what is under way and begins where the arm is. Only behind a stop it may
            // begin elsewhere; from there on the controller scales its speed by itself.
            if !was_held {
                self.pacer.restart();
            }
            let each = path.iter();
            let points = each.map(|c| self.pace(&c.positions, 1.0, None)).collect();
            self.pacer.restart();
            points
        } else {
            vec![self.pace(&last.positions, 0.0, measured.as_deref())]
        };
        self.before = points.last().cloned();
        self.commander.send_path(&points)?;
        if let (Some(gripper), true) = (&self.gripper, share > 0.0) {
            gripper.aim(last.gripper_width);
        }
        Ok(())
    }

    fn latest(&self, want_frames: bool, within: Freshness) -> Result<Observation, LinkError> {
        let newest = self.inbox.latest(want_frames, within);
        newest.map_err(|e| ERRORS.of(e))
    }

    fn takeover(&self, access: OperatorAccess<'_>) -> Result<TakeoverInbox, LinkError> {
        self.network
            .takeover(&self.description, &self.inbox, access)
    }
}

/// Asks again until it is so, or the deadline passes.
fn wait_for(
    deadline: Instant,
    so: impl Fn() -> Result<bool, LinkError>,
) -> Result<bool, LinkError> {
    loop {
        if so()? {
            return Ok(true);
        }
        if Instant::now() >= deadline {
            return Ok(false);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}
