//! Listening to what a robot publishes.

use super::reported_status::ReportedStatus;
use crate::error::key_error;
use crate::keys::Keys;
use crate::{Inbox, LinkError, wire};
use apprentice_robot::RobotDescription;
use std::borrow::Cow;
use std::sync::Arc;
use zenoh::bytes::ZBytes;
use zenoh::pubsub::Subscriber;
use zenoh::{Session, Wait as _};

/// Everything the robot publishes.
pub(super) fn subscribe_all(
    session: &Session,
    keys: &Keys,
    description: &RobotDescription,
    inbox: &Arc<Inbox>,
    reported: &Arc<ReportedStatus>,
) -> Result<Vec<Subscriber<()>>, LinkError> {
    let to = Arc::clone(inbox);
    let joints = description.joints.len();
    let mut subscribers = vec![subscribe(session, keys.state(), move |bytes| {
        let state = wire::decode_state(&bytes).map_err(|problem| {
            let expected = wire::state_bytes(joints);
            format!("{problem}; a state of {joints} joints has {expected} bytes, and more with efforts or wrench")
        });
        to.put_state(bytes.len(), state);
    })?];
    for (index, camera) in description.cameras.iter().enumerate() {
        let to = Arc::clone(inbox);
        let expected = wire::frame_bytes(camera.width, camera.height);
        subscribers.push(listen(
            session,
            keys.camera(&camera.name),
            move |payload| {
                // Only one of the right size is copied.
                let length = payload.len();
                let frame = if length == expected {
                    wire::join_frame(payload.slices(), length, to.spare(index))
                        .map_err(str::to_owned)
                } else {
                    Err(format!("a frame of this camera has {expected} bytes"))
                };
                to.put_frame(index, length, frame);
            },
        )?);
    }
    let to = Arc::clone(reported);
    subscribers.push(subscribe(session, keys.event(), move |b| to.on_event(&b))?);
    let to = Arc::clone(reported);
    subscribers.push(subscribe(session, keys.status(), move |b| {
        to.on_status(&b)
    })?);
    Ok(subscribers)
}

/// Hands the bytes of what comes on `key` to `read`.
fn subscribe(
    session: &Session,
    key: String,
    read: impl Fn(Cow<'_, [u8]>) + Send + Sync + 'static,
) -> Result<Subscriber<()>, LinkError> {
    listen(session, key, move |payload| read(payload.to_bytes()))
}

/// Hands what comes on `key` to `read`.
fn listen(
    session: &Session,
    key: String,
    read: impl Fn(&ZBytes) + Send + Sync + 'static,
) -> Result<Subscriber<()>, LinkError> {
    session
        .declare_subscriber(key.clone())
        .callback(move |sample| read(sample.payload()))
        .wait()
        .map_err(|e| key_error(&key, &e))
}
