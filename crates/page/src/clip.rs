//! A recorded episode as the page plays it.

use crate::answering::Extent;
use crate::material::Recorded;
use crate::refusal::Refusal;
use apprentice_core::Image;
use apprentice_episode::{Episode, EpisodeId};
use axum::body::Bytes;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Widest picture that is sent, pixels; wider ones are made smaller.
const WIDEST: u32 = 480;
/// Memory of the clips that are kept ready, bytes.
const READY: usize = 256 << 20;

/// One episode: when its ticks were, and for each camera its pictures.
#[derive(Debug)]
pub(crate) struct Clip {
    id: EpisodeId,
    /// Since the first tick, milliseconds.
    pub times_ms: Vec<f64>,
    /// When its ticks were by the robot's clock.
    pub stamps_ns: Vec<u64>,
    pub cameras: Vec<Pictures>,
}

/// The pictures of one camera.
#[derive(Debug)]
pub(crate) struct Pictures {
    pub name: String,
    /// Width and height, pixels.
    pub size: [u32; 2],
    /// The same, as it was recorded.
    pub recorded: [u32; 2],
    /// Number of pictures (u32, little-endian), the length of each (the same), then each as a PNG.
    pub packed: Bytes,
    pub first: Bytes,
}

impl Clip {
    /// Reads an episode, which must be the one of this name.
    ///
    /// # Errors
    /// When it cannot be read or is another.
    pub fn of(recorded: &Recorded) -> Result<Self, Refusal> {
        let broken = |why: String| Refusal::broken(format!("{}: {why}", recorded.file.display()));
        let episode =
            Episode::open(&recorded.file).map_err(|e| broken(apprentice_core::in_one_line(&e)))?;
        if episode.id != recorded.id {
            return Err(broken(format!(
                "this is episode {}, not {} that was recorded there; restore the file",
                episode.id.short(),
                recorded.id.short()
            )));
        }
        let first = episode.ticks.first().map_or(0, |t| t.stamp_ns);
        let times_ms = episode
            .ticks
            .iter()
            .map(|t| t.stamp_ns.saturating_sub(first) as f64 / 1e6)
            .collect();
        let mut cameras = Vec::new();
        for (i, camera) in episode.meta.cameras.iter().enumerate() {
            let images = episode
                .ticks
                .iter()
                .filter_map(|t| t.observation.frames.get(i));
            let pictures: Result<Vec<Vec<u8>>, png::EncodingError> =
                images.map(|frame| encoded(&frame.image)).collect();
            let pictures = pictures.map_err(|e| broken(e.to_string()))?;
            let first = episode
                .ticks
                .first()
                .and_then(|t| t.observation.frames.get(i));
            cameras.push(Pictures {
                name: camera.name.clone(),
                size: first.map_or([0, 0], |frame| fitting(&frame.image)),
                recorded: first.map_or([0, 0], |f| [f.image.width(), f.image.height()]),
                packed: packed(&pictures),
                first: pictures.into_iter().next().unwrap_or_default().into(),
            });
        }
        Ok(Self {
            stamps_ns: episode.ticks.iter().map(|t| t.stamp_ns).collect(),
            id: episode.id,
            times_ms,
            cameras,
        })
    }

    pub fn extent(&self) -> Extent {
        let last = self.times_ms.last().copied().unwrap_or(0.0);
        Extent {
            ticks: self.times_ms.len(),
            lasts: Duration::from_secs_f64(last.max(0.0) / 1e3),
            cameras: self.cameras.iter().map(|c| c.name.clone()).collect(),
        }
    }

    fn bytes(&self) -> usize {
        self.cameras
            .iter()
            .map(|c| c.packed.len() + c.first.len())
            .sum()
    }
}

fn fitting(image: &Image) -> [u32; 2] {
    let (width, height) = (image.width(), image.height());
    if width <= WIDEST {
        return [width, height];
    }
    let high = u64::from(height) * u64::from(WIDEST) / u64::from(width);
    [WIDEST, (high as u32).max(1)]
}

fn encoded(image: &Image) -> Result<Vec<u8>, png::EncodingError> {
    let [width, height] = fitting(image);
    png_of(&image.resized(width, height))
}

/// A picture as it is.
///
/// # Errors
/// When it cannot be encoded.
pub(crate) fn png_of(image: &Image) -> Result<Vec<u8>, png::EncodingError> {
    let (width, height) = (image.width(), image.height());
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(image.rgb())?;
    writer.finish()?;
    Ok(bytes)
}

fn packed(pictures: &[Vec<u8>]) -> Bytes {
    let lengths = pictures.iter().map(|p| p.len() as u32);
    let head = std::iter::once(pictures.len() as u32).chain(lengths);
    let mut bytes: Vec<u8> = head.flat_map(u32::to_le_bytes).collect();
    pictures.iter().for_each(|p| bytes.extend(p));
    bytes.into()
}

/// Clips that are ready, the newest last.
#[derive(Debug, Default)]
pub(crate) struct Clips(Mutex<VecDeque<Arc<Clip>>>);

impl Clips {
    /// A clip; reads it if it is not ready, which takes as long as its pictures take to be decoded.
    ///
    /// # Errors
    /// As [`Clip::of`].
    pub fn get(&self, recorded: &Recorded) -> Result<Arc<Clip>, Refusal> {
        if let Some(clip) = self.ready(&recorded.id) {
            return Ok(clip);
        }
        // Not while the lock is held: others go on.
        let clip = Arc::new(Clip::of(recorded)?);
        let mut ready = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ready.retain(|other| other.id != clip.id);
        ready.push_back(Arc::clone(&clip));
        while ready.len() > 1 && ready.iter().map(|c| c.bytes()).sum::<usize>() > READY {
            ready.pop_front();
        }
        Ok(clip)
    }

    fn ready(&self, id: &EpisodeId) -> Option<Arc<Clip>> {
        let mut ready = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = ready.iter().position(|clip| clip.id == *id)?;
        let clip = ready.remove(at)?;
        ready.push_back(Arc::clone(&clip));
        Some(clip)
    }
}
