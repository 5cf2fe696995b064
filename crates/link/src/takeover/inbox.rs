//! The side of whoever drives the robot.

use super::authority_publisher::{AuthorityPublisher, Shared};
use super::device_messages::Ignored;
use super::host::TakeoverHost;
use crate::error::key_error;
use crate::keys::{ClientMessage, Keys};
use crate::tokens::TokenSearch;
use crate::wire::{self, Takeover};
use crate::{EpisodeTeller, Inbox, LinkError, RunningEpisode};
use apprentice_robot::RobotDescription;
use apprentice_safety::ControlAuthority;
use std::sync::Arc;
use std::time::Duration;
use zenoh::bytes::ZBytes;
use zenoh::pubsub::Subscriber;
use zenoh::sample::{Sample, SampleKind};
use zenoh::{Session, Wait as _};

/// What operators' devices say to a runtime, and who decides because of it. Its clones hear the same.
#[derive(Clone)]
pub struct TakeoverInbox {
    shared: Arc<Shared>,
    _subscribers: Arc<Vec<Subscriber<()>>>,
    _telling: Option<Arc<AuthorityPublisher>>,
    episode: Option<EpisodeTeller>,
    /// Where the robot does not speak the native link, whoever speaks it in its place.
    _host: Option<Arc<TakeoverHost>>,
}

/// The longest message that is read, bytes; one with 64 numbers has 543.
const LONGEST_MESSAGE: usize = 1024;

impl TakeoverInbox {
    /// Listens to devices for the robot called `robot`, and publishes who decides. Only a device whose liveliness
    /// token is there is listened to.
    ///
    /// # Errors
    /// When the keys cannot be used.
    pub fn open(session: &Session, robot: &str) -> Result<Self, LinkError> {
        let keys = Keys::new(robot);
        let all = keys.all(ClientMessage::Takeover);
        let shared = Arc::new(Shared::new());
        let (to, names) = (Arc::clone(&shared), keys.clone());
        let tokens = session
            .liveliness()
            .declare_subscriber(all.clone())
            .history(true)
            .callback(move |sample| {
                let client = names.sender(ClientMessage::Takeover, sample.key_expr());
                to.change(|messages, _| match client {
                    Some(client) => messages.device(client, sample.kind() == SampleKind::Put),
                    None => messages.malformed("a token bears no device's number"),
                });
            })
            .wait()
            .map_err(|e| key_error(&all, &e))?;
        let (to, names) = (Arc::clone(&shared), keys.clone());
        let search = TokenSearch::new(session, &keys, ClientMessage::Takeover);
        let messages = session
            .declare_subscriber(all.clone())
            .callback(move |sample| {
                let takeover = match read(&names, &sample) {
                    Ok(takeover) => takeover,
                    Err(problem) => return to.change(|messages, _| messages.malformed(problem)),
                };
                let client = takeover.teleop.client;
                if !to.change(|messages, now_ns| messages.receive(takeover, now_ns)) {
                    let to = Arc::clone(&to);
                    search.look_for(client, move || {
                        to.change(|messages, _| messages.device(client, true));
                    });
                }
            })
            .wait()
            .map_err(|e| key_error(&all, &e))?;
        Ok(Self {
            _subscribers: Arc::new(vec![tokens, messages]),
            _telling: Some(Arc::new(AuthorityPublisher::start(
                &shared, session, &keys,
            )?)),
            episode: Some(EpisodeTeller::start(session, robot)?),
            _host: None,
            shared,
        })
    }

    /// Hears what is put into `shared`, and tells nobody.
    pub(super) fn without_session(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            _subscribers: Arc::default(),
            _telling: None,
            episode: None,
            _host: None,
        }
    }

    /// Tells whoever looks on that a tick of `episode` has passed, in which the guard gave these reasons. Never waits.
    pub fn tell(&self, episode: RunningEpisode, reasons: &[String]) {
        if let Some(teller) = &self.episode {
            teller.tick(episode, reasons);
        }
    }

    /// Listens to devices for a robot that does not speak the native link, and shows it to them in its place:
    /// answers who it is, and publishes the newest of `states` at its control rate, up to 100 Hz. Ends with the last
    /// clone.
    ///
    /// # Errors
    /// When somebody does that under the robot's name already, or the keys cannot be used.
    pub fn in_place_of(
        robot: &RobotDescription,
        states: &Arc<Inbox>,
        session: &Session,
    ) -> Result<Self, LinkError> {
        let host = TakeoverHost::open(robot, states, session)?;
        Ok(Self {
            _host: Some(Arc::new(host)),
            ..Self::open(session, &robot.name)?
        })
    }

    /// Believes a device's last message for so long, instead of 200 ms.
    #[must_use]
    pub fn with_silence(self, silence: Duration) -> Self {
        let silence_ns = u64::try_from(silence.as_nanos()).unwrap_or(u64::MAX);
        self.shared.lock().arbiter.silence_ns = silence_ns;
        self
    }

    /// Lets the policy have an arm that is handed back so long after its device let go, instead of 200 ms.
    #[must_use]
    pub fn with_hand_back_after(self, wait: Duration) -> Self {
        let wait_ns = u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX);
        self.shared.lock().arbiter.hand_back_after_ns = wait_ns;
        self
    }

    /// Who decides now, and the action (A numbers) the person wants; empty where the arm is to stay.
    #[must_use]
    pub fn decide(&self) -> (ControlAuthority, Vec<f32>) {
        let mut messages = self.shared.lock();
        let authority = messages.decide(self.shared.now_ns()).0;
        let action = match authority {
            ControlAuthority::Human => messages.action.clone(),
            _ => Vec::new(),
        };
        (authority, action)
    }

    /// As [`TakeoverInbox::decide`], into `action`, which keeps its room, and with the takeovers so far: without
    /// allocating and without waiting. `None`, with `action` as it was, where a message is being heard just now.
    pub fn try_decide(&self, action: &mut Vec<f32>) -> Option<(ControlAuthority, u64)> {
        let mut messages = self.shared.try_lock()?;
        let authority = messages.decide(self.shared.now_ns()).0;
        action.clear();
        if authority == ControlAuthority::Human {
            action.extend_from_slice(&messages.action);
        }
        Some((authority, messages.arbiter.takeovers()))
    }

    /// The device that has the arm, or let go of it and alone may hand it back; `None` while the policy has it.
    #[must_use]
    pub fn device(&self) -> Option<u32> {
        let mut messages = self.shared.lock();
        messages.decide(self.shared.now_ns()).1
    }

    /// How often people took over, and how many messages of devices whose token is there were not listened to.
    #[must_use]
    pub fn counts(&self) -> (u64, u64) {
        let messages = self.shared.lock();
        (
            messages.arbiter.takeovers(),
            messages.arbiter.rejections().total(),
        )
    }

    /// What changed nothing, by reason.
    #[must_use]
    pub fn ignored(&self) -> Ignored {
        self.shared.lock().ignored()
    }

    /// Messages that could be read, listened to or not.
    #[must_use]
    pub fn messages(&self) -> u64 {
        self.shared.lock().messages
    }

    /// Devices whose token is known.
    #[must_use]
    pub fn devices(&self) -> usize {
        self.shared.lock().devices.len()
    }
}

/// A message, copied only if it can be one, of the device that its key names.
fn read(keys: &Keys, sample: &Sample) -> Result<Takeover, wire::Problem> {
    let takeover = decode(sample.payload())?;
    if keys.sender(ClientMessage::Takeover, sample.key_expr()) == Some(takeover.teleop.client) {
        Ok(takeover)
    } else {
        Err("its key does not bear the number of the device it names")
    }
}

fn decode(payload: &ZBytes) -> Result<Takeover, wire::Problem> {
    if payload.len() > LONGEST_MESSAGE {
        return Err("it is longer than any takeover message");
    }
    wire::decode_takeover(&payload.to_bytes())
}
