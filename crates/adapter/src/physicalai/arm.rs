//! A robot that physicalai owns, as the control loop sees it.

use super::errors::ERRORS;
use super::layout::{self, Action, Array, LONGEST, Metadata, PROTOCOL_VERSION, State};
use super::settings::{Settings, Unit};
use crate::cdr::Names;
use crate::operators::SharedNetwork;
use crate::session::{self, subscribe, unusable};
use crate::settings::{GripperScale, refuse};
use apprentice_core::{JointCommand, Observation, RobotState};
use apprentice_link::security::Security;
use apprentice_link::{
    Acceptance, Arm, Freshness, Inbox, LinkError, OperatorAccess, TakeoverInbox, wire,
};
use apprentice_robot::RobotDescription;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use zenoh::pubsub::{Publisher, Subscriber};
use zenoh::qos::{CongestionControl, Reliability};
use zenoh::{Session, Wait as _};

/// Within this a robot that can be engaged shows a state and takes actions.
const LIVENESS_TIMEOUT: Duration = Duration::from_secs(1);

/// A robot of a physicalai owner.
pub struct PhysicalAiArm {
    description: RobotDescription,
    inbox: Arc<Inbox>,
    action: Publisher<'static>,
    joints: Arc<Joints>,
    goal_time: f64,
    began: Instant,
    engaged: bool,
    _subscribers: Vec<Subscriber<()>>,
    network: SharedNetwork,
}

/// How the owner's numbers and ours go together.
struct Joints {
    /// Of each number of the owner, which of ours it is.
    sources: Vec<Source>,
    /// The owner's units a unit of the description.
    factor: f64,
}

#[derive(Clone, Copy)]
enum Source {
    /// The joint at this place of the description.
    Joint(usize),
    Gripper(GripperScale),
}

impl PhysicalAiArm {
    /// Connects to the owner (or a router) at `endpoint`, such as [`super::owner_endpoint`]; `table` is the
    /// robot's `[adapter]`, see [`Settings`]. The robot is left alone until it is engaged.
    ///
    /// # Errors
    /// When a setting is wrong, nothing listens there, no owner of that name answers within `timeout`, or it
    /// speaks another version or has other joints.
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
        let names = ask_who(&session, &settings, timeout).map_err(|e| ERRORS.of(e))?;
        let joints = Arc::new(Joints::new(&description, &settings, &names)?);
        let state_key = settings.key("state");
        let frame_key = |camera: &str| settings.cameras.get(camera).cloned().unwrap_or_default();
        let inbox = Arc::new(Inbox::new(&description, &state_key, frame_key));
        let reader = Mutex::new(Reader::new(Arc::clone(&joints), &description));
        let to = Arc::clone(&inbox);
        let mut subscribers = vec![subscribe(&session, &state_key, move |sample| {
            let bytes = sample.payload().to_bytes();
            let mut reader = reader.lock().unwrap_or_else(PoisonError::into_inner);
            let (sequence, last) = (reader.sequence, reader.last.clone());
            let taken = to.put_state(bytes.len(), reader.read(&bytes));
            if taken == Acceptance::Rejected {
                // The next builds on what was believed.
                (reader.sequence, reader.last) = (sequence, last);
            }
        })?];
        for (index, camera) in description.cameras.iter().enumerate() {
            let (to, expected) = (
                Arc::clone(&inbox),
                wire::frame_bytes(camera.width, camera.height),
            );
            subscribers.push(subscribe(
                &session,
                &frame_key(&camera.name),
                move |sample| {
                    let length = sample.payload().len();
                    // Only one of the right size is copied.
                    let frame = if length == expected {
                        wire::decode_frame(&sample.payload().to_bytes()).map_err(str::to_owned)
                    } else {
                        Err(format!("a frame of this camera has {expected} bytes"))
                    };
                    to.put_frame(index, length, frame);
                },
            )?);
        }
        let action_key = settings.key("action");
        // As physicalai's own clients: only the newest counts, and nothing waits for what is lost.
        let action = session
            .declare_publisher(action_key.clone())
            .reliability(Reliability::BestEffort)
            .congestion_control(CongestionControl::Drop)
            .express(true)
            .wait()
            .map_err(|e| unusable(&action_key, &e))?;
        Ok(Self {
            goal_time: settings.goal_time_s.unwrap_or(1.0 / description.control_hz),
            description,
            inbox,
            action,
            joints,
            began: Instant::now(),
            engaged: false,
            _subscribers: subscribers,
            network: SharedNetwork::new(session, security),
        })
    }

    fn refused(&self, reason: impl Into<String>) -> LinkError {
        LinkError::Refused {
            robot: self.description.name.clone(),
            key: self.action.key_expr().to_string(),
            reason: reason.into(),
        }
    }
}

/// Asks the owner for its joints' names.
fn ask_who(session: &Session, settings: &Settings, timeout: Duration) -> Result<Names, LinkError> {
    let key = settings.key("metadata");
    let deadline = Instant::now() + timeout;
    let refused = |reason: String| LinkError::Refused {
        robot: settings.robot.clone(),
        key: key.clone(),
        reason,
    };
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let replies = session
            .get(&key)
            .timeout(left.max(Duration::from_millis(1)))
            .wait()
            .map_err(|e| unusable(&key, &e))?;
        let answer = replies
            .into_iter()
            .find_map(|reply| reply.into_result().ok());
        if let Some(sample) = answer {
            let length = sample.payload().len();
            if length > LONGEST {
                return Err(refused(format!(
                    "its answer has {length} bytes, allowed: {LONGEST}"
                )));
            }
            let who: Metadata = layout::decode(&sample.payload().to_bytes()).map_err(refused)?;
            if who.protocol_version != PROTOCOL_VERSION {
                let got = who.protocol_version;
                return Err(refused(format!(
                    "its owner speaks version {got} of the transport, allowed: {PROTOCOL_VERSION}; physicalai 0.3.0 does"
                )));
            }
            return Ok(who.joint_names);
        }
        // Right after connecting, the other side's declarations may still be on their way.
        if Instant::now() + Duration::from_millis(20) > deadline {
            return Err(LinkError::Silent {
                robot: settings.robot.clone(),
                key,
                timeout_ms: u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX),
            });
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

impl Joints {
    fn new(
        robot: &RobotDescription,
        settings: &Settings,
        owner: &Names,
    ) -> Result<Self, LinkError> {
        let listed = || owner.iter().take(16).collect::<Vec<_>>().join(", ");
        let mut sources = Vec::with_capacity(owner.len());
        for name in owner.iter() {
            let joint = robot
                .joints
                .iter()
                .position(|j| settings.owner_name(&j.name) == name);
            let gripper = settings.gripper.as_ref().filter(|g| g.joint == name);
            sources.push(match (joint, gripper) {
                (Some(joint), None) => Source::Joint(joint),
                (None, Some(gripper)) => Source::Gripper(gripper.gripper_scale()),
                _ => {
                    let got = format!("the owner's joints are {}", listed());
                    let allowed = format!("a joint of the description, or the gripper, for {name}");
                    return Err(refuse(robot, "joint_names", got, allowed));
                }
            });
        }
        let wanted = robot.joints.len() + usize::from(settings.gripper.is_some());
        if owner.len() != wanted {
            let got = format!("the owner's joints are {}", listed());
            return Err(refuse(
                robot,
                "joint_names",
                got,
                format!("each of {wanted} joints once"),
            ));
        }
        let factor = match settings.unit {
            Unit::Native => 1.0,
            Unit::Degree => 180.0 / std::f64::consts::PI,
        };
        Ok(Self { sources, factor })
    }

    /// The owner's numbers for a command.
    fn encode(&self, command: &JointCommand) -> Vec<f64> {
        let each = self.sources.iter();
        each.map(|source| match source {
            Source::Joint(i) => command
                .positions
                .get(*i)
                .map_or(f64::NAN, |q| q * self.factor),
            Source::Gripper(opening) => opening.position(command.gripper_width),
        })
        .collect()
    }

    /// Our numbers, and the opening (m), for the numbers of the owner; of speeds only the first are of use.
    fn understand(&self, numbers: &[f64], joints: usize) -> (Vec<f64>, f64) {
        let (mut ours, mut width) = (vec![0.0; joints], 0.0);
        for (source, number) in self.sources.iter().zip(numbers) {
            match source {
                Source::Joint(i) => {
                    if let Some(place) = ours.get_mut(*i) {
                        *place = number / self.factor;
                    }
                }
                Source::Gripper(opening) => width = opening.width(*number),
            }
        }
        (ours, width)
    }
}

/// Puts states together.
struct Reader {
    joints: Arc<Joints>,
    count: usize,
    sequence: u64,
    /// Time (owner's, s) and joints before.
    last: Option<(f64, Vec<f64>)>,
}

impl Reader {
    fn new(joints: Arc<Joints>, description: &RobotDescription) -> Self {
        Self {
            joints,
            count: description.joints.len(),
            sequence: 0,
            last: None,
        }
    }

    fn read(&mut self, bytes: &[u8]) -> Result<RobotState, String> {
        let state: State = layout::decode(bytes)?;
        let owners = self.joints.sources.len();
        let numbers = state.joint_positions.list(owners)?;
        let at = state.timestamp;
        if !numbers.iter().chain([&at]).all(|v| v.is_finite()) || at < 0.0 {
            return Err("a number in it is not finite, or its time is negative".into());
        }
        let (positions, gripper_width) = self.joints.understand(&numbers, self.count);
        let measured = state.sensor_data.and_then(|s| s.velocities);
        let velocities = match (measured, &self.last) {
            (Some(measured), _) => {
                let numbers = measured.list(owners)?;
                self.joints.understand(&numbers, self.count).0
            }
            (None, Some((before, last))) if at > *before => {
                let each = positions.iter().zip(last);
                each.map(|(q, last)| (q - last) / (at - before)).collect()
            }
            (None, _) => vec![0.0; self.count],
        };
        // An owner whose robot hangs may repeat itself.
        let news = self.last.as_ref().is_none_or(|(before, _)| *before != at);
        self.sequence += u64::from(news);
        self.last = Some((at, positions.clone()));
        Ok(RobotState {
            sequence: self.sequence,
            stamp_ns: (at * 1e9) as u64,
            positions,
            velocities: velocities
                .into_iter()
                .map(|v: f64| if v.is_finite() { v } else { 0.0 })
                .collect(),
            gripper_width,
            efforts: None,
            external_wrench: None,
        })
    }
}

impl Arm for PhysicalAiArm {
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
        self.latest(false, fresh)?;
        loop {
            let status = self.action.matching_status().wait();
            if status
                .map_err(|e| unusable(self.action.key_expr(), &e))?
                .matching()
            {
                break;
            }
            if Instant::now() >= deadline {
                return Err(self.refused("nobody takes actions there: does the owner still run?"));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        self.inbox.set_commanding(true);
        self.engaged = true;
        Ok(())
    }

    fn disengage(&mut self) -> Result<(), LinkError> {
        self.inbox.set_commanding(false);
        // Without actions the owner's servos hold where they were told to be last.
        self.engaged = false;
        Ok(())
    }

    fn send(&mut self, command: &JointCommand) -> Result<(), LinkError> {
        if !self.engaged {
            return Err(self.refused("it is not engaged; engage it first"));
        }
        let (got, wanted) = (command.positions.len(), self.description.joints.len());
        let numbers = command.positions.iter().chain([&command.gripper_width]);
        if got != wanted || !numbers.clone().all(|v| v.is_finite()) {
            let reason = format!("the command has {got} joints, wanted {wanted}, all finite");
            return Err(self.refused(reason));
        }
        let said = self.joints.encode(command);
        let data: Vec<u8> = said.iter().flat_map(|v| v.to_le_bytes()).collect();
        let action = Action {
            action: Array::doubles(&data),
            goal_time: self.goal_time,
            ts: self.began.elapsed().as_secs_f64(),
        };
        let bytes = layout::encode(&action).map_err(|reason| self.refused(reason))?;
        self.action
            .put(bytes)
            .wait()
            .map_err(|e| unusable(self.action.key_expr(), &e))
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
