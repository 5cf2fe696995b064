//! The device's side.

use crate::error::key_error;
use crate::keys::{ClientMessage, Keys};
use crate::running_episode::EpisodeListener;
use crate::security::{Role, Security};
use crate::wire::{self, AuthorityStatus, Status, Takeover};
use crate::{Arm as _, Freshness, LinkError, RobotLink, RunningEpisode};
use apprentice_core::RobotState;
use apprentice_robot::RobotDescription;
use apprentice_safety::TeleopMessage;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use zenoh::Wait as _;
use zenoh::liveliness::LivelinessToken;
use zenoh::pubsub::{Publisher, Subscriber};
use zenoh::qos::{CongestionControl, Priority};

/// For how long what the runtime says of who decides is believed: four times as long as it may wait between two
/// messages.
const BELIEVED: Duration = Duration::from_secs(2);

/// What the runtime said last, and when it came.
type Told = Arc<Mutex<Option<(AuthorityStatus, Instant)>>>;

/// An operator's device on the link: sees where the robot is, and says what the person wants.
pub struct OperatorLink {
    robot: RobotLink,
    takeover: Publisher<'static>,
    sequence: u64,
    since: Instant,
    told: Told,
    episode: EpisodeListener,
    _deciders: Subscriber<()>,
    _token: LivelinessToken,
}

impl OperatorLink {
    /// Connects a device to the robot called `robot`, or to whoever drives it, at `endpoint` of this machine.
    ///
    /// # Errors
    /// As [`RobotLink::connect`].
    pub fn connect(endpoint: &str, robot: &str, timeout: Duration) -> Result<Self, LinkError> {
        Self::connect_with(endpoint, robot, &Security::LoopbackOnly, timeout)
    }

    /// Connects a device, with or without keys.
    ///
    /// # Errors
    /// As [`RobotLink::connect_as`].
    pub fn connect_with(
        endpoint: &str,
        robot: &str,
        security: &Security,
        timeout: Duration,
    ) -> Result<Self, LinkError> {
        let robot = RobotLink::connect_as(Role::Operator, endpoint, robot, security, timeout)?;
        let keys = Keys::new(&robot.description().name);
        let token = keys.of(ClientMessage::Takeover, robot.client());
        let session = robot.session();
        let takeover = session
            .declare_publisher(token.clone())
            .congestion_control(CongestionControl::Drop)
            .priority(Priority::RealTime)
            .express(true)
            .wait()
            .map_err(|e| key_error(&token, &e))?;
        let told = Told::default();
        let to = Arc::clone(&told);
        let deciders = session
            .declare_subscriber(keys.authority())
            .callback(move |sample| {
                match wire::decode_authority_status(&sample.payload().to_bytes()) {
                    Ok(status) => {
                        let mut told = to.lock().unwrap_or_else(PoisonError::into_inner);
                        *told = Some((status, Instant::now()));
                    }
                    Err(problem) => tracing::warn!("who decides cannot be read: {problem}"),
                }
            })
            .wait()
            .map_err(|e| key_error(&keys.authority(), &e))?;
        let held = session
            .liveliness()
            .declare_token(token.clone())
            .wait()
            .map_err(|e| key_error(&token, &e))?;
        Ok(Self {
            takeover,
            sequence: 0,
            since: Instant::now(),
            told,
            episode: EpisodeListener::start(session, &robot.description().name)?,
            _deciders: deciders,
            _token: held,
            robot,
        })
    }

    /// The robot.
    #[must_use]
    pub fn description(&self) -> &RobotDescription {
        self.robot.description()
    }

    /// Where it is now: no older than 100 ms, or five of its control periods.
    ///
    /// # Errors
    /// When it is silent. Waits for the first state as long as that.
    pub fn state(&self) -> Result<RobotState, LinkError> {
        let periods = 5.0 / self.description().control_hz;
        let age = Duration::from_secs_f64(periods.clamp(0.1, 60.0));
        let within = Freshness {
            state: age,
            frame: age,
        };
        Ok(self.robot.latest(false, within)?.state)
    }

    /// How the arm says it stands, if it has said so.
    #[must_use]
    pub fn status(&self) -> Option<Status> {
        self.robot.status()
    }

    /// Who has the arm, as the runtime that drives it said within the last 2 s; `None` where it did not.
    #[must_use]
    pub fn authority_status(&self) -> Option<AuthorityStatus> {
        let told = *self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.filter(|(_, at)| at.elapsed() < BELIEVED)
            .map(|(status, _)| status)
    }

    /// How far the episode is that the runtime runs, as it said within the last 2 s; `None` where it did not.
    #[must_use]
    pub fn running_episode(&self) -> Option<RunningEpisode> {
        self.episode.now()
    }

    /// The connection itself: what the robot shows and says, and a stop.
    #[must_use]
    pub fn robot(&self) -> &RobotLink {
        &self.robot
    }

    /// Under which number it is known to the runtime.
    #[must_use]
    pub fn client(&self) -> u32 {
        self.robot.client()
    }

    /// Says what the person does now. The deadman is believed for 200 ms.
    ///
    /// # Errors
    /// When the session is gone.
    pub fn send(
        &mut self,
        deadman: bool,
        hand_back: bool,
        action: &[f32],
    ) -> Result<(), LinkError> {
        self.sequence += 1;
        let message = wire::encode_takeover(&Takeover {
            teleop: TeleopMessage {
                client: self.robot.client(),
                sequence: self.sequence,
                deadman,
                hand_back,
            },
            stamp_ns: self.since.elapsed().as_nanos() as u64,
            action: action.to_vec(),
        });
        self.takeover
            .put(message)
            .wait()
            .map_err(|e| key_error(self.takeover.key_expr(), &e))
    }

    /// Whether somebody listens: the runtime that drives the robot.
    #[must_use]
    pub fn has_listener(&self) -> bool {
        let status = self.takeover.matching_status().wait();
        status.is_ok_and(|s| s.matching())
    }
}
