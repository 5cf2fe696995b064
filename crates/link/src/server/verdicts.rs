//! Answers what the robot says of the episode that has just ended.

use super::requests::{answer, refuse};
use crate::keys::Keys;
use crate::{EpisodeVerdict, LinkError};
use std::sync::{Arc, Mutex, PoisonError};
use zenoh::query::Queryable;
use zenoh::{Session, Wait as _};

/// The newest verdict, and the key it is asked for on.
pub(super) struct Verdicts {
    newest: Arc<Mutex<Option<Vec<u8>>>>,
    _queryable: Queryable<()>,
}

impl Verdicts {
    /// Answers from now on.
    pub(super) fn serve(session: &Session, keys: &Keys) -> Result<Self, LinkError> {
        let newest = Arc::new(Mutex::new(None::<Vec<u8>>));
        let known = Arc::clone(&newest);
        let queryable = answer(session, keys.verdict(), move |query| {
            let verdict = known.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let Some(verdict) = verdict else {
                refuse(&query, "no episode has been measured yet");
                return;
            };
            let key = query.key_expr().clone();
            if let Err(e) = query.reply(key, verdict).wait() {
                tracing::warn!("a verdict could not be sent: {e}");
            }
        })?;
        Ok(Self {
            newest,
            _queryable: queryable,
        })
    }

    /// What is answered from now on.
    pub(super) fn set(&self, verdict: &EpisodeVerdict) -> Result<(), String> {
        let bytes = verdict.encode()?;
        *self.newest.lock().unwrap_or_else(PoisonError::into_inner) = Some(bytes);
        Ok(())
    }
}
