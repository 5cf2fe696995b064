//! Our node on a ROS 2 network: ends of topics and services, each with the token that ROS tools see it by.

use super::attachment::Attachment;
use super::keys::{Convention, Keys};
use super::liveliness::{Kind, Node, Quality, gid};
use super::type_hashes::RosType;
use crate::cdr;
use crate::session::{subscribe, unusable};
use apprentice_link::LinkError;
use serde::Serialize;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};
use zenoh::handlers::{RingChannel, RingChannelHandler};
use zenoh::liveliness::LivelinessToken;
use zenoh::pubsub::{Publisher, Subscriber};
use zenoh::qos::CongestionControl;
use zenoh::sample::Sample;
use zenoh::{Session, Wait as _};

/// Quality of what is commanded: nothing may be lost, only the newest counts.
const COMMANDS: Quality = Quality {
    reliable: true,
    depth: 1,
};
/// Quality of what sensors say, as ROS's sensor profile has it.
const SENSORS: Quality = Quality {
    reliable: false,
    depth: 5,
};
/// Quality of services, as ROS's service profile has it.
const SERVICES: Quality = Quality {
    reliable: true,
    depth: 10,
};

/// A node.
pub(super) struct RosNode {
    pub session: Session,
    node: Node,
    /// Ends so far.
    ends: AtomicUsize,
    _token: LivelinessToken,
}

/// What is sent beside messages of one end of ours.
pub(super) struct Sender {
    /// None where nobody reads it.
    gid: Option<[u8; 16]>,
    sequence: AtomicI64,
    _token: LivelinessToken,
}

/// Publishes messages of one type.
pub(super) struct RosPublisher {
    publisher: Publisher<'static>,
    sender: Sender,
}

impl RosNode {
    pub fn new(
        session: Session,
        keys: Keys,
        namespace: &str,
        name: &str,
    ) -> Result<Self, LinkError> {
        let node = Node {
            keys,
            zid: session.zid().to_string(),
            namespace: namespace.into(),
            name: name.into(),
        };
        Ok(Self {
            _token: token(&session, &node.token())?,
            session,
            node,
            ends: AtomicUsize::new(0),
        })
    }

    /// Where messages to `topic` go.
    pub fn key(&self, topic: &str, of: &RosType) -> String {
        self.node.keys.put(topic, of)
    }

    /// Where messages from `topic` come from.
    pub fn listen_key(&self, topic: &str, of: &RosType) -> String {
        self.node.keys.listen(topic, of)
    }

    /// Whether actions are seen as one, rather than by their parts.
    pub fn sees_actions_whole(&self) -> bool {
        self.node.keys.convention == Convention::Ros2dds
    }

    fn end(
        &self,
        kind: Kind,
        topic: &str,
        of: &RosType,
        quality: Quality,
    ) -> Result<Sender, LinkError> {
        let id = self.ends.fetch_add(1, Ordering::Relaxed) + 1;
        let key = self.node.end_token(id, kind, topic, of, quality);
        let rmw = self.node.keys.convention == Convention::RmwZenoh;
        Ok(Sender {
            gid: rmw.then(|| gid(&key)),
            sequence: AtomicI64::new(0),
            _token: token(&self.session, &key)?,
        })
    }

    /// An end that asks a service (or, by [`Kind::ActionClient`], an action).
    pub fn client(&self, kind: Kind, name: &str, of: &RosType) -> Result<Sender, LinkError> {
        self.end(kind, name, of, SERVICES)
    }

    pub fn publish(&self, topic: &str, of: &RosType) -> Result<RosPublisher, LinkError> {
        let key = self.key(topic, of);
        let publisher = self
            .session
            .declare_publisher(key.clone())
            .congestion_control(CongestionControl::Block)
            .express(true)
            .wait()
            .map_err(|e| unusable(&key, &e))?;
        let sender = self.end(Kind::Publisher, topic, of, COMMANDS)?;
        Ok(RosPublisher { publisher, sender })
    }

    /// Hands what comes on `topic` to `read`, which must not wait.
    pub fn subscribe(
        &self,
        topic: &str,
        of: &RosType,
        read: impl Fn(Sample) + Send + Sync + 'static,
    ) -> Result<(Subscriber<()>, Sender), LinkError> {
        let subscriber = subscribe(&self.session, &self.listen_key(topic, of), read)?;
        Ok((subscriber, self.end(Kind::Subscriber, topic, of, SENSORS)?))
    }

    /// Keeps the newest of what comes on `topic`.
    pub fn subscribe_newest(
        &self,
        topic: &str,
        of: &RosType,
    ) -> Result<(Subscriber<RingChannelHandler<Sample>>, Sender), LinkError> {
        let key = self.listen_key(topic, of);
        let subscriber = self
            .session
            .declare_subscriber(key.clone())
            .with(RingChannel::new(1))
            .wait()
            .map_err(|e| unusable(&key, &e))?;
        Ok((subscriber, self.end(Kind::Subscriber, topic, of, SENSORS)?))
    }
}

impl Sender {
    /// What to send beside the next message.
    pub fn next(&self) -> Option<[u8; super::attachment::LENGTH]> {
        let gid = self.gid?;
        let attachment = Attachment {
            sequence: self.sequence.fetch_add(1, Ordering::Relaxed) + 1,
            stamp_ns: i64::try_from(wall_ns()).unwrap_or(i64::MAX),
            gid,
        };
        Some(attachment.encode())
    }
}

impl RosPublisher {
    pub fn key(&self) -> &str {
        self.publisher.key_expr()
    }

    pub fn send<T: Serialize>(&self, message: &T) -> Result<(), LinkError> {
        let bytes = cdr::encode(message).map_err(|e| LinkError::Key {
            key: self.key().into(),
            reason: e.to_string(),
        })?;
        let put = self.publisher.put(bytes);
        let put = match self.sender.next() {
            Some(attachment) => put.attachment(attachment.as_slice()),
            None => put,
        };
        put.wait().map_err(|e| unusable(self.key(), &e))
    }

    /// Whether somebody listens.
    pub fn has_subscriber(&self) -> Result<bool, LinkError> {
        let status = self.publisher.matching_status().wait();
        status
            .map(|s| s.matching())
            .map_err(|e| unusable(self.key(), &e))
    }
}

fn token(session: &Session, key: &str) -> Result<LivelinessToken, LinkError> {
    session
        .liveliness()
        .declare_token(key.to_owned())
        .wait()
        .map_err(|e| unusable(key, &e))
}

/// This machine's clock, nanoseconds since 1970: for stamps only, nothing is decided by it.
pub(super) fn wall_ns() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| u64::try_from(d.as_nanos()).unwrap_or(u64::MAX))
}
