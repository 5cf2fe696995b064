//! A clip that was recorded before, played as if it were seen now.

use crate::source::{Captured, Source, monotonic_ns};
use crate::{CameraError, Picture};
use apprentice_episode::Episode;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A clip at work.
pub struct Clip {
    pictures: Vec<PictureAt>,
    period_ns: u64,
    begun_ns: Option<u64>,
    next: u64,
    once: bool,
}

enum PictureAt {
    File(PathBuf),
    Memory(Picture),
}

impl Clip {
    /// The PNG and JPEG files of a folder in the order of their names (2 before 10), `rate` pictures a second (Hz); or
    /// what the camera called `camera` saw in an episode (`.mcap`), as fast as it was recorded. It begins anew at its
    /// end, unless it is played `once`.
    ///
    /// # Errors
    /// When there is no such clip, it has no pictures, or the episode has no such camera.
    pub fn open(path: &Path, camera: &str, rate: f64, once: bool) -> Result<Self, CameraError> {
        let refused = |reason: String| CameraError::Clip {
            path: path.to_owned(),
            reason,
        };
        if !(rate.is_finite() && rate > 0.0 && rate <= 1000.0) {
            return Err(refused(format!(
                "its rate is {rate} Hz, allowed: above 0 and at most 1000"
            )));
        }
        let (pictures, rate) = if path.is_dir() {
            (files(path).map_err(|e| refused(e.to_string()))?, rate)
        } else if path.extension().is_some_and(|end| end == "mcap") {
            frames(path, camera)?
        } else {
            return Err(refused(
                "allowed: a folder of PNG or JPEG files, or an episode (.mcap)".into(),
            ));
        };
        if pictures.is_empty() {
            return Err(refused("it has no pictures, at least 1 is needed".into()));
        }
        Ok(Self {
            pictures,
            period_ns: (1e9 / rate) as u64,
            begun_ns: None,
            next: 0,
            once,
        })
    }
}

fn files(folder: &Path) -> std::io::Result<Vec<PictureAt>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let end = path.extension().and_then(|end| end.to_str());
        let end = end.map(str::to_ascii_lowercase);
        if matches!(end.as_deref(), Some("png" | "jpg" | "jpeg")) {
            found.push(path);
        }
    }
    found.sort_by_cached_key(|path| (in_order(path), path.clone()));
    Ok(found.into_iter().map(PictureAt::File).collect())
}

/// A name as it is put in order: a number in it counts as a number.
fn in_order(path: &Path) -> Vec<(String, u64)> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut parts = vec![(String::new(), 0_u64)];
    let mut in_number = false;
    for c in name.chars() {
        let digit = c.to_digit(10);
        if digit.is_none() && in_number {
            parts.push((String::new(), 0));
        }
        in_number = digit.is_some();
        if let Some((text, number)) = parts.last_mut() {
            match digit {
                Some(digit) => *number = number.saturating_mul(10).saturating_add(digit.into()),
                None => text.push(c),
            }
        }
    }
    parts
}

/// The pictures of an episode, and how many there are a second.
fn frames(path: &Path, camera: &str) -> Result<(Vec<PictureAt>, f64), CameraError> {
    let episode = Episode::open(path)?;
    let names: Vec<&str> = episode
        .meta
        .cameras
        .iter()
        .map(|c| c.name.as_str())
        .collect();
    let Some(index) = names.iter().position(|name| *name == camera) else {
        return Err(CameraError::Clip {
            path: path.to_owned(),
            reason: format!("it has no camera {camera:?}, allowed: {}", names.join(", ")),
        });
    };
    let rate = episode.meta.policy_hz;
    if !(rate.is_finite() && rate > 0.0 && rate <= 1000.0) {
        return Err(CameraError::Clip {
            path: path.to_owned(),
            reason: format!("it was recorded at {rate} Hz, allowed: above 0 and at most 1000"),
        });
    }
    let frames = episode.ticks.into_iter();
    let frames = frames.filter_map(|tick| tick.observation.frames.into_iter().nth(index));
    let pictures = frames.map(|frame| PictureAt::Memory(Picture::Rgb(frame.image)));
    Ok((pictures.collect(), rate))
}

impl Source for Clip {
    fn next(&mut self, patience: Duration) -> Result<Option<Captured>, CameraError> {
        let count = self.pictures.len() as u64;
        if self.ended() {
            return Ok(None);
        }
        let now = monotonic_ns();
        let begun = *self.begun_ns.get_or_insert(now);
        let mut due = begun.saturating_add(self.next.saturating_mul(self.period_ns));
        // Pictures whose time is over by a period are as lost as a camera's.
        let mut missed = now.saturating_sub(due) / self.period_ns;
        if self.once {
            missed = missed.min(count - 1 - self.next);
        }
        self.next += missed;
        due = due.saturating_add(missed.saturating_mul(self.period_ns));
        let wait = Duration::from_nanos(due.saturating_sub(now));
        if wait > patience {
            std::thread::sleep(patience);
            return Ok(None);
        }
        std::thread::sleep(wait);
        let picture = match &self.pictures[(self.next % count) as usize] {
            PictureAt::Memory(picture) => picture.clone(),
            PictureAt::File(path) => {
                let bytes = std::fs::read(path).map_err(|e| CameraError::Clip {
                    path: path.clone(),
                    reason: format!("it cannot be read any more: {e}"),
                })?;
                Picture::File(bytes)
            }
        };
        self.next += 1;
        Ok(Some(Captured {
            stamp_ns: due,
            picture,
            missed,
        }))
    }

    fn ended(&self) -> bool {
        self.once && self.next >= self.pictures.len() as u64
    }
}
