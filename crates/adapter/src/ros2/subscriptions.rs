//! What is heard of a ROS 2 robot: its joint states and its speed scaling.

use super::attachment::Attachment;
use super::joints::{JointReader, MessageOrigin, Unusable};
use super::node::{RosNode, Sender};
use super::pacing::Scale;
use super::settings::Settings;
use super::type_hashes::{FLOAT64, JOINT_STATE};
use crate::cdr::{self, Float64, JointState};
use apprentice_link::{Inbox, LinkError};
use apprentice_robot::RobotDescription;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use zenoh::pubsub::Subscriber;

/// The longest joint state that is read, bytes: thousands of joints.
const LONGEST_STATE: usize = 256 << 10;

pub(super) type Ends = (Subscriber<()>, Sender);

/// Puts the states of the arm into `inbox`.
pub(super) fn listen_to_joints(
    node: &RosNode,
    description: &RobotDescription,
    settings: &Settings,
    inbox: &Arc<Inbox>,
) -> Result<Ends, LinkError> {
    let reader = Mutex::new(JointReader::new(description, settings));
    let (to, began) = (Arc::clone(inbox), Instant::now());
    node.subscribe(&settings.joint_states, &JOINT_STATE, move |sample| {
        let length = sample.payload().len();
        if length > LONGEST_STATE {
            let reason = format!("allowed for a joint state: {LONGEST_STATE} bytes");
            to.put_state(length, Err(reason));
            return;
        }
        let bytes = sample.payload().to_bytes();
        let attachment = sample.attachment().map(zenoh::bytes::ZBytes::to_bytes);
        let origin = MessageOrigin {
            sender: attachment
                .and_then(|a| Attachment::decode(&a))
                .map(|a| a.gid),
            now: Instant::now(),
            elapsed_ns: u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX),
            commanding: to.is_commanding(),
        };
        let mut reader = reader.lock().unwrap_or_else(PoisonError::into_inner);
        let read = cdr::decode::<JointState>(&bytes)
            .map_err(|e| Unusable::Wrong(e.to_string()))
            .and_then(|message| reader.read(&message, origin));
        match read {
            Ok(None) => {}
            Ok(Some(proposal)) => {
                let state = proposal.state.clone();
                let taken = to.put_state_of(length, Ok(state), proposal.came);
                reader.keep(proposal, taken);
            }
            Err(Unusable::Wrong(reason)) => {
                to.put_state(length, Err(reason));
            }
            Err(Unusable::OtherSender(who)) => {
                to.put_other_sender(who);
            }
        }
    })
}

/// The newest speed scaling, and what keeps it coming.
pub(super) type ScaleEnds = (Arc<Mutex<Scale>>, Ends);

/// Keeps the newest speed scaling, as a share of `full`.
pub(super) fn listen_to_scale(
    node: &RosNode,
    topic: &str,
    full: f64,
) -> Result<ScaleEnds, LinkError> {
    let newest = Arc::new(Mutex::new(Scale::default()));
    let to = Arc::clone(&newest);
    let ends = node.subscribe(topic, &FLOAT64, move |sample| {
        // What cannot be read leaves the last word to grow old, which then holds commands.
        match cdr::decode::<Float64>(&sample.payload().to_bytes()) {
            Ok(message) => {
                *to.lock().unwrap_or_else(PoisonError::into_inner) = Scale {
                    share: message.data / full,
                    came: Some(Instant::now()),
                };
            }
            Err(problem) => tracing::warn!("a speed scaling cannot be used: {problem}"),
        }
    })?;
    Ok((newest, ends))
}
