//! The watch over a promoted policy: it goes back by itself when what was promised does not hold.

use super::event::{Event, THE_WATCH};
use super::fresh::FreshEpisode;
use super::promotion::rollback;
use super::store::History;
use crate::run_dir::RunDir;
use anyhow::Result;
use apprentice_statistics::ChangeDetector;
use serde::{Deserialize, Serialize};

/// How the watch stands, kept after every episode: a process that ends loses nothing of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Standing {
    /// The promotion's number: the same version promoted anew is watched anew.
    promotion: u32,
    episodes: u64,
    succeeded: u64,
    unknown: u64,
    bad: u64,
    success: Option<ChangeDetector>,
    clean: ChangeDetector,
}

impl Standing {
    /// How near going back is: 0 to 1.
    fn level(&self) -> f64 {
        let success = self.success.map_or(0.0, |d| d.level());
        success.max(self.clean.level())
    }
}

/// Watches the arm's policy.
#[derive(Debug)]
pub struct Watch {
    dir: RunDir,
    version: u32,
    sha256: String,
    promised: Option<f64>,
    bad_limit: f64,
    standing: Standing,
}

impl Watch {
    /// Over the run's current version, as far as it has got; `None` where none was promoted, or the arm went back to
    /// one that was never promised anything.
    ///
    /// # Errors
    /// When the history or the watch's file cannot be read.
    pub fn of_current(dir: &RunDir) -> Result<Option<Self>> {
        let history = History::of(dir)?;
        let Some(event) = history.promotion_of_current() else {
            return Ok(None);
        };
        let Some(promise) = event.promise else {
            return Ok(None);
        };
        let file = file(event.number);
        let standing = if dir.path(&file).exists() {
            dir.read(&file)?
        } else {
            Standing {
                promotion: event.number,
                episodes: 0,
                succeeded: 0,
                unknown: 0,
                bad: 0,
                success: promise.success_detector()?,
                clean: promise.clean_detector()?,
            }
        };
        Ok(Some(Self {
            dir: dir.clone(),
            version: event.version,
            // What is kept of it may be damaged: then nothing of it drives, and the history says so.
            sha256: (history.version(event.version))
                .map_or_else(|_| String::new(), |v| v.sha256.clone()),
            promised: promise.success,
            bad_limit: promise.bad,
            standing,
        }))
    }

    /// The version that is watched.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.version
    }

    /// Whether the version that is watched has this content: episodes of any other say nothing of it.
    #[must_use]
    pub fn watches(&self, sha256: &str) -> bool {
        self.sha256 == sha256
    }

    /// How it stands, for scripts.
    #[must_use]
    pub fn described(&self) -> serde_json::Value {
        let standing = &self.standing;
        serde_json::json!({
            "version": self.version,
            "episodes": standing.episodes,
            "succeeded": standing.succeeded,
            "success_unknown": standing.unknown,
            "bad": standing.bad,
            "promised_success": self.promised,
            "bad_limit": self.bad_limit,
            "level": standing.level(),
        })
    }

    /// How it stands, for people.
    #[must_use]
    pub fn in_words(&self) -> String {
        let standing = &self.standing;
        format!(
            "version {}, {} episodes since its promotion, {} succeeded, {} unknown, {} bad; {:.0} % of the way to \
             going back",
            self.version,
            standing.episodes,
            standing.succeeded,
            standing.unknown,
            standing.bad,
            100.0 * standing.level()
        )
    }

    /// One episode has ended (of a trial: [`FreshEpisode::of_trial`]). Answers with the way back, if that had to be taken:
    /// the caller then loads the current policy anew, before the next episode. What nobody knows counts neither way.
    ///
    /// # Errors
    /// When the watch or the way back cannot be written.
    pub fn finished(&mut self, episode: FreshEpisode) -> Result<Option<Event>> {
        let standing = &mut self.standing;
        standing.episodes += 1;
        standing.bad += u64::from(episode.is_bad());
        standing.succeeded += u64::from(episode.success == Some(true));
        standing.unknown += u64::from(episode.success.is_none());
        let fallen = match (&mut standing.success, episode.success) {
            (Some(detector), Some(success)) => detector.observe(success),
            _ => false,
        };
        let unsafe_now = standing.clean.observe(!episode.is_bad());
        self.dir.write(&file(standing.promotion), standing)?;
        if !fallen && !unsafe_now {
            return Ok(None);
        }
        let known = standing.episodes - standing.unknown;
        let reason = if fallen {
            format!(
                "success has fallen: {} of the {known} episodes since the promotion of which it is known, and at \
                 least {:.1} % were promised",
                standing.succeeded,
                100.0 * self.promised.unwrap_or_default()
            )
        } else {
            format!(
                "{} of the {} episodes since the promotion were bad, and less than {:.1} % were promised",
                standing.bad,
                standing.episodes,
                100.0 * self.bad_limit
            )
        };
        rollback(&self.dir, THE_WATCH, &reason).map(Some)
    }
}

/// Where the watch over what was promoted by this event is kept.
fn file(event: u32) -> String {
    format!("versions/watch/{event:06}.json")
}
