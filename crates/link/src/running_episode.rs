//! What a runtime says of the episode that is running, for whoever looks on: an optional key of the protocol.

use crate::LinkError;
use crate::error::key_error;
use crate::keys::Keys;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use zenoh::pubsub::{Publisher, Subscriber};
use zenoh::qos::{CongestionControl, Priority};
use zenoh::{Session, Wait as _};

/// The longest message that is read, bytes.
const LONGEST: usize = 4096;
/// For how long what was said last is believed.
const BELIEVED: Duration = Duration::from_secs(2);
/// Messages that wait to be published; more are left out.
const WAITING: usize = 4;

/// How far an episode is that is being run and recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunningEpisode {
    /// Its file below the folder of the run, such as `rollouts/episode-0003.mcap`.
    pub episode: String,
    /// The policy tick that has passed, from 0.
    pub tick: u64,
    /// The stamp of that tick as the episode has it, nanoseconds.
    pub stamp_ns: u64,
    /// SHA-256 of the policy's file, where a policy acts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// Ticks of this episode in which the guard changed what was wanted, by its reason.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub interventions: BTreeMap<String, u64>,
}

impl RunningEpisode {
    /// Reads one from its JSON.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn decode(bytes: &[u8]) -> Result<Self, String> {
        if bytes.len() > LONGEST {
            return Err(format!(
                "it has {} bytes, what is said of an episode has at most {LONGEST}",
                bytes.len()
            ));
        }
        serde_json::from_slice(bytes).map_err(|e| format!("nothing is said of an episode: {e}"))
    }
}

/// Tells of the running episode while its last clone lives, on a thread of its own.
#[derive(Clone)]
pub struct EpisodeTeller {
    waiting: SyncSender<Vec<u8>>,
    now: Arc<Mutex<RunningEpisode>>,
}

impl EpisodeTeller {
    /// Publishes for the robot called `robot`.
    ///
    /// # Errors
    /// When the key cannot be used.
    pub fn start(session: &Session, robot: &str) -> Result<Self, LinkError> {
        let key = Keys::new(robot).episode();
        let publisher = session
            .declare_publisher(key.clone())
            .congestion_control(CongestionControl::Drop)
            .priority(Priority::Data)
            .express(true)
            .wait()
            .map_err(|e| key_error(&key, &e))?;
        let (waiting, told) = sync_channel(WAITING);
        std::thread::Builder::new()
            .name("tells-episode".into())
            .spawn(move || publish(&told, &publisher))
            .map_err(|e| LinkError::Key {
                key,
                reason: format!("no thread to publish on it: {e}"),
            })?;
        Ok(Self {
            waiting,
            now: Arc::default(),
        })
    }

    /// A tick of `episode` has passed in which the guard gave these reasons. Never waits: what there is no room for
    /// is left out, but for the reasons, which are counted on.
    pub fn tick(&self, episode: RunningEpisode, reasons: &[String]) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        let counted = if now.episode == episode.episode && now.tick < episode.tick {
            std::mem::take(&mut now.interventions)
        } else {
            BTreeMap::new()
        };
        *now = episode;
        now.interventions = counted;
        for reason in reasons {
            *now.interventions.entry(reason.clone()).or_default() += 1;
        }
        if let Ok(bytes) = serde_json::to_vec(&*now) {
            // Full: the next one says the same and more. Nobody there: nobody listens.
            let _ = self.waiting.try_send(bytes);
        }
    }
}

fn publish(told: &Receiver<Vec<u8>>, publisher: &Publisher<'_>) {
    while let Ok(bytes) = told.recv() {
        if let Err(e) = publisher.put(bytes).wait() {
            return tracing::warn!("nobody is told how far the episode is: {e}");
        }
    }
}

/// Hears of the running episode.
pub(crate) struct EpisodeListener {
    told: Arc<Mutex<Option<(RunningEpisode, Instant)>>>,
    _subscriber: Subscriber<()>,
}

impl EpisodeListener {
    pub fn start(session: &Session, robot: &str) -> Result<Self, LinkError> {
        let key = Keys::new(robot).episode();
        let told = Arc::<Mutex<Option<(RunningEpisode, Instant)>>>::default();
        let to = Arc::clone(&told);
        let subscriber = session
            .declare_subscriber(key.clone())
            .callback(move |sample| {
                if sample.payload().len() > LONGEST {
                    return tracing::warn!("what is said of the episode is too long");
                }
                match RunningEpisode::decode(&sample.payload().to_bytes()) {
                    Ok(episode) => {
                        let mut told = to.lock().unwrap_or_else(PoisonError::into_inner);
                        *told = Some((episode, Instant::now()));
                    }
                    Err(problem) => {
                        tracing::warn!("what is said of the episode cannot be read: {problem}");
                    }
                }
            })
            .wait()
            .map_err(|e| key_error(&key, &e))?;
        Ok(Self {
            told,
            _subscriber: subscriber,
        })
    }

    /// What was said within the last 2 s.
    pub fn now(&self) -> Option<RunningEpisode> {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = told.as_ref().filter(|(_, at)| at.elapsed() < BELIEVED);
        fresh.map(|(episode, _)| episode.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_counted_within_an_episode_and_nothing_waits() {
        let (waiting, told) = sync_channel(2);
        let teller = EpisodeTeller {
            waiting,
            now: Arc::default(),
        };
        let episode = |name: &str, tick| RunningEpisode {
            episode: name.into(),
            tick,
            ..RunningEpisode::default()
        };
        let reason = ["velocity".to_owned()];
        for tick in 0..5 {
            teller.tick(episode("a", tick), &reason);
        }
        // Two were room for; the rest is counted all the same.
        let read = || told.try_iter().collect::<Vec<_>>();
        assert_eq!(read().len(), 2);
        teller.tick(episode("a", 5), &reason);
        let last = read().pop().unwrap_or_default();
        let last = RunningEpisode::decode(&last).unwrap();
        assert_eq!((last.tick, last.interventions["velocity"]), (5, 6));
        teller.tick(episode("b", 0), &[]);
        let last = RunningEpisode::decode(&read().pop().unwrap_or_default()).unwrap();
        assert!(last.interventions.is_empty(), "{last:?}");
    }

    #[test]
    fn what_is_too_long_or_no_episode_is_not_read() {
        assert!(RunningEpisode::decode(b"{}").is_err());
        assert!(RunningEpisode::decode(&vec![b' '; LONGEST + 1]).is_err());
        let good = br#"{"episode": "a", "tick": 1, "stamp_ns": 2}"#;
        assert_eq!(RunningEpisode::decode(good).unwrap().tick, 1);
    }
}
