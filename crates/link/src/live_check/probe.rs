//! Two clients beside a driver: one that owns the arm, and a stranger.

use super::listening::{SharedLog, listen};
use crate::error::key_error;
use crate::keys::{ClientMessage, Keys};
use crate::security::{Role, Security};
use crate::session::{Connection, Participant};
use crate::wire::{self, AdvanceRequest, Request, Status};
use crate::{LinkError, session};
use apprentice_core::{JointCommand, RobotState};
use apprentice_robot::RobotDescription;
use apprentice_safety::Service;
use std::time::{Duration, Instant};
use zenoh::liveliness::LivelinessToken;
use zenoh::pubsub::Subscriber;
use zenoh::{Session, Wait as _};

/// How long an answer may take.
pub(super) const ANSWER: Duration = Duration::from_secs(3);
/// How long the connection may take.
const CONNECT: Duration = Duration::from_secs(10);
/// What is said of a question that nobody answers.
pub(super) const NO_ANSWER: &str = "no answer within 3 s";

/// The connection, and what came over it.
pub(super) struct Probe {
    pub robot: RobotDescription,
    pub keys: Keys,
    pub session: Session,
    pub log: SharedLog,
    pub lockstep: bool,
    /// Whether certificates decide who may acknowledge.
    pub has_keys: bool,
    /// The client that owns the arm, and another.
    pub owner: u32,
    pub stranger: u32,
    /// Last number of the owner's commands, and of the stranger's.
    pub sent: u64,
    pub stranger_sent: u64,
    pub lease: Option<LivelinessToken>,
    /// Stops that there were before, and those asked for here. Any more are a person's, whose to lift they are.
    pub stops: u64,
    /// What it answers about itself, and how its time passes.
    pub described: (String, Option<Vec<u8>>),
    _subscribers: Vec<Subscriber<()>>,
}

impl Probe {
    pub fn connect(
        wanted: &RobotDescription,
        endpoint: &str,
        security: &Security,
    ) -> Result<Self, LinkError> {
        let participant = Participant {
            role: Role::Runtime,
            connection: Connection::Join,
            robot: &wanted.name,
            endpoint,
        };
        let session = participant.open(security, CONNECT)?;
        let keys = Keys::new(&wanted.name);
        let id = session.zid().to_le_bytes();
        let random = id.iter().fold(7u32, |sum, byte| {
            sum.wrapping_mul(31).wrapping_add((*byte).into())
        });
        let log = SharedLog::default();
        let subscribers = listen(&session, &keys, wanted, &log)?;
        let deadline = Instant::now() + CONNECT;
        let described = loop {
            match question(&session, &keys.describe(), Vec::new())? {
                Some(Ok(answer)) => break answer,
                _ if Instant::now() > deadline => {
                    return Err(LinkError::Silent {
                        robot: wanted.name.clone(),
                        key: keys.describe(),
                        timeout_ms: CONNECT.as_millis() as u64,
                    });
                }
                _ => std::thread::sleep(Duration::from_millis(20)),
            }
        };
        Ok(Self {
            robot: wanted.clone(),
            owner: participant.number(security, random)?,
            stranger: participant.number(security, random ^ 0x5_5a5a)?,
            lockstep: described.1.as_deref() == Some(b"lockstep"),
            has_keys: matches!(security, Security::Keys { .. }),
            described: (
                String::from_utf8_lossy(&described.0).into_owned(),
                described.1,
            ),
            keys,
            session,
            log,
            sent: 0,
            stranger_sent: 0,
            lease: None,
            stops: 0,
            _subscribers: subscribers,
        })
    }

    /// Asks something: the answer's bytes, or the text of the refusal.
    pub fn ask(&self, key: &str, payload: Vec<u8>) -> Result<Result<Vec<u8>, String>, LinkError> {
        let answer = question(&self.session, key, payload)?;
        Ok(answer.map_or_else(|| Err(NO_ANSWER.into()), |a| a.map(|(bytes, _)| bytes)))
    }

    /// Asks for a service as `client`, who knows of so many stops: the phase's name, or the refusal.
    pub fn serve(
        &self,
        service: Service,
        client: u32,
        stops: u64,
    ) -> Result<Result<String, String>, LinkError> {
        let key = self.keys.of(ClientMessage::Service(service), client);
        let request = wire::encode_request(Request { client, stops });
        let answer = self.ask(&key, request)?;
        Ok(answer.and_then(|bytes| match wire::decode_granted(&bytes) {
            Ok(phase) => Ok(phase.name().to_owned()),
            Err(problem) => Err(format!(
                "an answer of {} bytes that cannot be read ({problem}); it has {}",
                bytes.len(),
                wire::GRANTED_BYTES
            )),
        }))
    }

    /// Asks for a stop, as the stranger.
    pub fn stop(&mut self) -> Result<Result<String, String>, LinkError> {
        let answer = self.serve(Service::Stop, self.stranger, 0)?;
        self.stops += u64::from(answer.is_ok());
        Ok(answer)
    }

    /// Stops that may be lifted here; a driver that counts too few knows of fewer.
    pub fn known_stops(&self) -> u64 {
        self.status().map_or(0, |s| s.stops.min(self.stops))
    }

    /// Whether somebody else stopped the arm while it is tested.
    pub fn is_stopped_by_others(&self) -> bool {
        self.status().is_some_and(|s| s.stops > self.stops)
    }

    /// Ends the test where somebody else has stopped the arm.
    fn check_stops(&self) -> Result<(), LinkError> {
        if !self.is_stopped_by_others() {
            return Ok(());
        }
        Err(LinkError::ControlLost {
            robot: self.robot.name.clone(),
            said: "it was stopped by somebody else".into(),
        })
    }

    /// As [`Self::serve`] as the owner who knows of the stops of this test, again while that is the refusal.
    pub fn own(
        &self,
        service: Service,
        while_refused: &str,
        patience: Duration,
    ) -> Result<Result<String, String>, LinkError> {
        let deadline = Instant::now() + patience;
        loop {
            self.check_stops()?;
            match self.serve(service, self.owner, self.known_stops())? {
                Err(said) if said.starts_with(while_refused) && Instant::now() < deadline => {
                    self.pass(Duration::from_millis(20))?;
                }
                answer => return Ok(answer),
            }
        }
    }

    /// Lets time pass.
    pub fn pass(&self, duration: Duration) -> Result<(), LinkError> {
        if !self.lockstep {
            std::thread::sleep(duration);
            return Ok(());
        }
        let tick = Duration::from_secs_f64(1.0 / self.robot.policy_hz);
        let mut left = duration;
        while !left.is_zero() {
            let now = left.min(tick);
            left -= now;
            let request = wire::encode_advance(&AdvanceRequest {
                duration_ns: now.as_nanos() as u64,
                command_sequence: self.sent,
                want_frames: true,
            });
            if let Err(said) = self.ask(&self.keys.clock(), request)? {
                return Err(LinkError::Refused {
                    robot: self.robot.name.clone(),
                    key: self.keys.clock(),
                    reason: said,
                });
            }
        }
        Ok(())
    }

    /// How the arm said last it stands.
    pub fn status(&self) -> Option<Status> {
        let log = self.log.lock();
        log.statuses.iter().rev().find_map(|s| s.message.ok())
    }

    /// Waits until the arm says so of itself; how long that took.
    pub fn until(
        &self,
        patience: Duration,
        stands: impl Fn(&Status) -> bool,
    ) -> Result<Option<Duration>, LinkError> {
        let began = Instant::now();
        let mut passed = Duration::ZERO;
        loop {
            if self.status().is_some_and(|s| stands(&s)) {
                return Ok(Some(if self.lockstep {
                    passed
                } else {
                    began.elapsed()
                }));
            }
            if passed.max(began.elapsed()) > patience && (!self.lockstep || passed > patience) {
                return Ok(None);
            }
            let step = Duration::from_millis(10);
            self.pass(step)?;
            passed += step;
        }
    }

    /// A status that the robot sent after now.
    pub fn fresh_status(&self) -> Result<Option<Status>, LinkError> {
        let before = self.log.lock().statuses.len();
        let deadline = Duration::from_millis(2500);
        self.until(deadline, |_| self.log_len() > before)?;
        Ok(self.status())
    }

    fn log_len(&self) -> usize {
        self.log.lock().statuses.len()
    }

    /// The newest state.
    pub fn state(&self) -> Option<RobotState> {
        let log = self.log.lock();
        let mut newest_first = log.states.iter().rev();
        newest_first.find_map(|s| s.message.as_ref().ok().cloned())
    }

    /// Sends a target of the owner's, numbered on.
    pub fn command(&mut self, positions: &[f64], width: f64) -> Result<(), LinkError> {
        self.check_stops()?;
        self.sent += 1;
        self.put_command(self.owner, self.sent, positions, width)
    }

    /// Sends a target under this number.
    pub fn put_command(
        &self,
        client: u32,
        sequence: u64,
        positions: &[f64],
        gripper_width: f64,
    ) -> Result<(), LinkError> {
        let key = self.keys.of(ClientMessage::Command, client);
        let command = JointCommand {
            sequence,
            stamp_ns: 0,
            positions: positions.to_vec(),
            gripper_width,
        };
        let bytes = wire::encode_command(client, &command);
        let sent = self.session.put(key.clone(), bytes).express(true).wait();
        sent.map_err(|e| key_error(&key, &e))
    }

    /// Declares the owner's token.
    pub fn declare(&mut self) -> Result<(), LinkError> {
        let key = self.keys.of(ClientMessage::Lease, self.owner);
        let token = self.session.liveliness().declare_token(key.clone()).wait();
        self.lease = Some(token.map_err(|e| key_error(&key, &e))?);
        Ok(())
    }

    /// Gives the arm back, whatever came before.
    pub fn leave(&mut self) {
        if let Err(why) = self.serve(Service::Release, self.owner, 0) {
            tracing::warn!("the arm could not be given back: {why}");
        }
        self.lease = None;
        // The token's end travels by itself.
        std::thread::sleep(Duration::from_millis(session::LEASE_MS / 10));
    }
}

/// An answer with its attachment, or the text of a refusal; `None` where nobody answers.
type Answered = Option<Result<(Vec<u8>, Option<Vec<u8>>), String>>;

fn question(session: &Session, key: &str, payload: Vec<u8>) -> Result<Answered, LinkError> {
    let replies = session
        .get(key)
        .payload(payload)
        .timeout(ANSWER)
        .wait()
        .map_err(|e| key_error(key, &e))?;
    let Ok(reply) = replies.recv() else {
        return Ok(None);
    };
    Ok(Some(match reply.result() {
        Ok(sample) => Ok((
            sample.payload().to_bytes().to_vec(),
            sample.attachment().map(|a| a.to_bytes().to_vec()),
        )),
        Err(refusal) => Err(String::from_utf8_lossy(&refusal.payload().to_bytes()).into_owned()),
    }))
}
