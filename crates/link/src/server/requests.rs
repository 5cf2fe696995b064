//! Requests that a robot answers.

use crate::LinkError;
use crate::error::key_error;
use crate::keys::Keys;
use crate::wire::{self, AdvanceRequest, TickReply};
use apprentice_robot::RobotDescription;
use std::sync::mpsc::{SyncSender, TrySendError};
use zenoh::query::{Query, Queryable};
use zenoh::{Session, Wait as _};

/// The longest request that is read, bytes; a clock request has 25.
pub(super) const LONGEST_REQUEST: usize = 64;

/// What a message asks for.
pub(super) enum Asked {
    Advance(AdvanceRequest),
    Reset(u32, u64),
}

/// Something a robot is asked to do.
pub enum ServerRequest {
    /// Let time pass (lockstep), then publish state and, when wanted, frames.
    Advance(AdvanceRequest, Reply),
    /// Set up a new scene from this seed, then publish state and frames. The arm's owner asks.
    Reset(u64, Reply),
}

/// How a request is answered.
pub struct Reply {
    query: Query,
    /// Who asks for a new scene.
    pub(super) client: Option<u32>,
}

impl Reply {
    /// Says what was published.
    pub fn done(self, reply: &TickReply) {
        let key = self.query.key_expr().clone();
        if let Err(e) = self.query.reply(key, wire::encode_reply(reply)).wait() {
            tracing::warn!("a reply could not be sent: {e}");
        }
    }

    /// Says why not.
    pub fn refuse(self, reason: &str) {
        refuse(&self.query, reason);
    }
}

/// Says no.
pub(super) fn refuse(query: &Query, reason: &str) {
    if let Err(e) = query.reply_err(reason.to_owned()).wait() {
        tracing::warn!("a refusal could not be sent: {e}");
    }
}

/// Answers who the robot is.
pub(crate) fn describe(
    session: &Session,
    keys: &Keys,
    description: &RobotDescription,
    lockstep: bool,
) -> Result<Queryable<()>, LinkError> {
    let text = description.to_toml()?;
    let mode = if lockstep { "lockstep" } else { "real_time" };
    answer(session, keys.describe(), move |query| {
        let key = query.key_expr().clone();
        if let Err(e) = query.reply(key, text.clone()).attachment(mode).wait() {
            tracing::warn!("the description could not be sent: {e}");
        }
    })
}

/// Answers what is asked on `key`.
pub(super) fn answer(
    session: &Session,
    key: String,
    with: impl Fn(Query) + Send + Sync + 'static,
) -> Result<Queryable<()>, LinkError> {
    session
        .declare_queryable(key.clone())
        .callback(with)
        .wait()
        .map_err(|e| key_error(&key, &e))
}

/// Hands a request on to the robot, or refuses it; `read` makes it of key and message.
pub(super) fn pass_on(
    query: Query,
    sender: &SyncSender<ServerRequest>,
    read: impl Fn(&str, &[u8]) -> Result<Asked, String>,
) {
    let long = query.payload().is_some_and(|p| p.len() > LONGEST_REQUEST);
    let bytes = match query.payload() {
        Some(payload) if !long => payload.to_bytes().to_vec(),
        _ => Vec::new(),
    };
    let key = query.key_expr().clone();
    let mut reply = Reply {
        query,
        client: None,
    };
    if long {
        return reply.refuse("it is longer than any request");
    }
    let request = match read(&key, &bytes) {
        Ok(Asked::Advance(asked)) => ServerRequest::Advance(asked, reply),
        Ok(Asked::Reset(client, seed)) => {
            reply.client = Some(client);
            ServerRequest::Reset(seed, reply)
        }
        Err(problem) => return reply.refuse(&problem),
    };
    if let Err(TrySendError::Full(request) | TrySendError::Disconnected(request)) =
        sender.try_send(request)
    {
        let (ServerRequest::Advance(_, reply) | ServerRequest::Reset(_, reply)) = request;
        reply.refuse("too many requests are waiting");
    }
}
