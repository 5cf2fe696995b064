//! Asking a robot something.

use crate::LinkError;
use crate::error::key_error;
use std::time::{Duration, Instant};
use zenoh::{Session, Wait as _};

/// The longest answer that is read, bytes.
const LONGEST_ANSWER: usize = 1 << 20;

/// A question and its answer, with the answer's attachment.
pub(super) type Answer = (Vec<u8>, Option<Vec<u8>>);

/// Asks once, and again while nobody has answered, until `timeout`.
pub(super) fn ask(
    session: &Session,
    robot: &str,
    key: &str,
    payload: Vec<u8>,
    timeout: Duration,
) -> Result<Answer, LinkError> {
    let deadline = Instant::now() + timeout;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let replies = session
            .get(key)
            .payload(payload.clone())
            .timeout(left.max(Duration::from_millis(1)))
            .wait()
            .map_err(|e| key_error(key, &e))?;
        if let Ok(reply) = replies.recv() {
            return match reply.result() {
                Ok(sample) if sample.payload().len() > LONGEST_ANSWER => Err(LinkError::Message {
                    key: key.into(),
                    bytes: sample.payload().len(),
                    reason: format!("an answer has at most {LONGEST_ANSWER} bytes"),
                }),
                Ok(sample) => Ok((
                    sample.payload().to_bytes().to_vec(),
                    sample.attachment().map(|a| a.to_bytes().to_vec()),
                )),
                Err(refusal) => Err(LinkError::Refused {
                    robot: robot.into(),
                    key: key.into(),
                    reason: String::from_utf8_lossy(&refusal.payload().to_bytes()).into_owned(),
                }),
            };
        }
        // Right after connecting, the other side's declarations may still be on their way.
        if Instant::now() + Duration::from_millis(20) > deadline {
            return Err(LinkError::Silent {
                robot: robot.into(),
                key: key.into(),
                timeout_ms: timeout.as_millis() as u64,
            });
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}
