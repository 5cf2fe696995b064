//! A camera's pictures, decoded on a thread of their own: only the newest counts.

use super::node::{RosNode, Sender};
use super::picture;
use super::settings::CameraSettings;
use super::type_hashes::{COMPRESSED_IMAGE, IMAGE};
use crate::cdr::{self, CompressedImage, RawImage};
use apprentice_core::{CameraFrame, Image};
use apprentice_link::{Inbox, LinkError};
use apprentice_robot::Camera;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How often a camera without pictures looks whether it should end.
const WAIT: Duration = Duration::from_millis(200);

/// The longest picture that is read, bytes: 4096 x 4096 pixels of three bytes, and a header.
const LONGEST_PICTURE: usize = 4096 * 4096 * 3 + 1024;

/// A camera; its thread ends with it.
pub(super) struct CameraReader {
    end: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    _sender: Sender,
}

impl CameraReader {
    /// Puts the pictures of `camera`, at `index` of the description, into `inbox`.
    pub fn open(
        node: &RosNode,
        index: usize,
        camera: &Camera,
        settings: &CameraSettings,
        inbox: &Arc<Inbox>,
    ) -> Result<Self, LinkError> {
        let of = if settings.compressed {
            COMPRESSED_IMAGE
        } else {
            IMAGE
        };
        let (subscriber, sender) = node.subscribe_newest(&settings.topic, &of)?;
        let end = Arc::new(AtomicBool::new(false));
        let (ended, inbox) = (Arc::clone(&end), Arc::clone(inbox));
        let (width, height, compressed) = (camera.width, camera.height, settings.compressed);
        let began = Instant::now();
        let mut last = Numbering::default();
        let mut tally = PictureCounts::default();
        let name = camera.name.clone();
        let work = move || {
            while !ended.load(Ordering::Relaxed) {
                let sample = match subscriber.recv_timeout(WAIT) {
                    Ok(Some(sample)) => sample,
                    Ok(None) => continue,
                    // The session is gone.
                    Err(_) => break,
                };
                let length = sample.payload().len();
                if length > LONGEST_PICTURE {
                    let reason = format!("allowed for a picture: {LONGEST_PICTURE} bytes");
                    tally.count(Some(&reason));
                    inbox.put_frame(index, length, Err(reason));
                    continue;
                }
                let bytes = sample.payload().to_bytes();
                let read = read(&bytes, compressed, width, height);
                let elapsed = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
                let frame = read.map(|(header_ns, image)| {
                    let (sequence, stamp_ns) = last.number(header_ns, elapsed);
                    CameraFrame {
                        sequence,
                        stamp_ns,
                        image,
                    }
                });
                tally.count(frame.as_ref().err());
                inbox.put_frame(index, bytes.len(), frame);
            }
            if let Some(words) = tally.describe() {
                tracing::warn!("camera {name}: {words}");
            }
        };
        let thread = std::thread::Builder::new()
            .name(format!("camera {}", camera.name))
            .spawn(work)
            .map_err(|e| LinkError::Key {
                key: settings.topic.clone(),
                reason: format!("no thread for the camera: {e}"),
            })?;
        Ok(Self {
            end,
            thread: Some(thread),
            _sender: sender,
        })
    }
}

impl Drop for CameraReader {
    fn drop(&mut self) {
        self.end.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been printed already.
            let _ = thread.join();
        }
    }
}

/// What became of a camera's pictures. One that cannot be read ends nothing by itself: the one before grows old.
#[derive(Default)]
struct PictureCounts {
    came: u64,
    left_out: u64,
    last: String,
}

impl PictureCounts {
    /// One more, left out where there is a reason.
    fn count(&mut self, reason: Option<&String>) {
        self.came += 1;
        if let Some(reason) = reason {
            self.left_out += 1;
            self.last.clone_from(reason);
        }
    }

    /// How many were left out; `None` where all could be read.
    fn describe(&self) -> Option<String> {
        let Self {
            came,
            left_out,
            last,
        } = self;
        (*left_out > 0)
            .then(|| format!("{left_out} of {came} pictures were left out; the last: {last}"))
    }
}

/// Numbers what says it is new by its time.
#[derive(Default)]
struct Numbering {
    sequence: u64,
    header_ns: u64,
}

impl Numbering {
    fn number(&mut self, header_ns: u64, elapsed_ns: u64) -> (u64, u64) {
        if header_ns == 0 {
            self.sequence += 1;
            return (self.sequence, elapsed_ns);
        }
        if header_ns != self.header_ns {
            self.sequence += 1;
            self.header_ns = header_ns;
        }
        (self.sequence, header_ns)
    }
}

/// The header's time, ns, and the picture.
fn read(bytes: &[u8], compressed: bool, width: u32, height: u32) -> Result<(u64, Image), String> {
    if compressed {
        let image: CompressedImage = cdr::decode(bytes).map_err(|e| e.to_string())?;
        let stamp = image.header.stamp.as_ns();
        return picture::compressed(&image, width, height).map(|i| (stamp, i));
    }
    let image: RawImage = cdr::decode(bytes).map_err(|e| e.to_string())?;
    let stamp = image.header.stamp.as_ns();
    picture::raw(&image, width, height).map(|i| (stamp, i))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_counted_and_said_at_the_end() {
        let mut tally = PictureCounts::default();
        tally.count(None);
        assert_eq!(tally.describe(), None);
        tally.count(Some(&"it is cut short".into()));
        tally.count(None);
        tally.count(Some(&"it is no file".into()));
        tally.count(None);
        let said = "2 of 5 pictures were left out; the last: it is no file";
        assert_eq!(tally.describe().unwrap(), said);
    }
}
