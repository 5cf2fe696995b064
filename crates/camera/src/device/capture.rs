//! Captures on a thread of its own: waiting for a camera cannot be interrupted, waiting for the thread can.

use super::{DeviceOptions, settings};
use crate::source::{Captured, Source, monotonic_ns};
use crate::{CameraError, Picture};
use rscam::{Camera, Config};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

/// Encodings we decode, the better ones first at the rates and sizes of webcams.
const ENCODINGS: [&[u8; 4]; 2] = [b"MJPG", b"YUYV"];
/// Buffers of the driver: with two, one that is being copied leaves the driver none to spare.
const BUFFERS: u32 = 4;
/// A stamp older than this is of another clock, nanoseconds.
const OLDEST_NS: u64 = 1_000_000_000;
/// How long a device may take to begin.
const BEGIN: Duration = Duration::from_secs(10);

/// A V4L2 device at work.
pub struct Device {
    path: String,
    frames: Receiver<Result<Captured, String>>,
}

impl Device {
    /// Begins to capture; with it, how its settings stand.
    ///
    /// # Errors
    /// When there is no such device, it is in use, or it has not this size, rate, encoding or setting.
    pub fn open(options: &DeviceOptions) -> Result<(Self, Vec<String>), CameraError> {
        let refused = |reason: String| CameraError::Device {
            device: options.path.clone(),
            reason,
        };
        let (ready, begun) = sync_channel(1);
        let (send, frames) = sync_channel(2);
        let wanted = options.clone();
        std::thread::Builder::new()
            .name("camera".into())
            .spawn(move || match begin(&wanted) {
                Ok((camera, encoding, told)) => {
                    if ready.send(Ok(told)).is_ok() {
                        capture(&camera, encoding, &wanted, &send);
                    }
                }
                Err(reason) => {
                    let _ = ready.send(Err(reason));
                }
            })
            .map_err(|e| refused(e.to_string()))?;
        let told = match begun.recv_timeout(BEGIN) {
            Ok(answer) => answer.map_err(refused)?,
            Err(_) => return Err(refused(format!("it has not begun within {BEGIN:?}"))),
        };
        let path = options.path.clone();
        Ok((Self { path, frames }, told))
    }
}

impl Source for Device {
    fn next(&mut self, patience: Duration) -> Result<Option<Captured>, CameraError> {
        let gone = |reason: String| CameraError::Gone {
            device: self.path.clone(),
            reason,
        };
        match self.frames.recv_timeout(patience) {
            Ok(frame) => frame.map(Some).map_err(gone),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(gone("its thread has ended".into())),
        }
    }
}

fn begin(options: &DeviceOptions) -> Result<(Camera, [u8; 4], Vec<String>), String> {
    let open = || {
        Camera::new(&options.path).map_err(|e| {
            format!("it cannot be opened: {e}; see whether it is plugged in, is a V4L2 device, and you may read it (group video)")
        })
    };
    let mut why = Vec::new();
    for encoding in ENCODINGS {
        let mut camera = open()?;
        let config = Config {
            interval: (1, options.rate),
            resolution: options.size,
            format: encoding,
            nbuffers: BUFFERS,
            ..Config::default()
        };
        let name = String::from_utf8_lossy(encoding);
        match camera.start(&config) {
            Ok(()) => {
                let mut told = settings::apply(&camera, &options.controls)?;
                told.insert(0, name.into_owned());
                return Ok((camera, *encoding, told));
            }
            Err(rscam::Error::Io(e)) if e.raw_os_error() == Some(16) => {
                return Err("another program uses it; end that one".into());
            }
            Err(error) => why.push(format!("{name}: {error}{}", offered(&camera, encoding))),
        }
    }
    let (width, height) = options.size;
    Err(format!(
        "it does not give {width}x{height} pixels at {} Hz ({}); choose another --capture or --capture-rate",
        options.rate,
        why.join("; ")
    ))
}

/// The sizes that a device offers of an encoding, in words.
fn offered(camera: &Camera, encoding: &[u8]) -> String {
    camera
        .resolutions(encoding)
        .map_or(String::new(), |sizes| format!(", it offers {sizes:?}"))
}

fn capture(
    camera: &Camera,
    encoding: [u8; 4],
    options: &DeviceOptions,
    to: &SyncSender<Result<Captured, String>>,
) {
    let period_ns = 1_000_000_000 / u64::from(options.rate.max(1));
    let mut last = None;
    let mut unread = 0;
    loop {
        let frame = match camera.capture() {
            Ok(frame) => frame,
            Err(error) => {
                let _ = to.send(Err(error.to_string()));
                return;
            }
        };
        let now = monotonic_ns();
        let driver = frame.get_timestamp().saturating_mul(1000);
        // Some drivers stamp by another clock, or not at all.
        let sane = driver <= now && now - driver <= OLDEST_NS;
        let stamp_ns = if sane { driver } else { now };
        let missed = last.map_or(0, |last| lost_between(last, stamp_ns, period_ns));
        last = Some(stamp_ns);
        let bytes = frame.to_vec();
        // The driver has its buffer back before anybody decodes.
        drop(frame);
        let picture = match &encoding {
            b"MJPG" => Picture::File(whole_jpeg(bytes)),
            _ => {
                let (width, height) = options.size;
                let step = u32::try_from(bytes.len() / height.max(1) as usize).unwrap_or(0);
                Picture::Yuyv {
                    width,
                    height,
                    step,
                    bytes,
                }
            }
        };
        let captured = Captured {
            stamp_ns,
            picture,
            missed: missed + unread,
        };
        match to.try_send(Ok(captured)) {
            Ok(()) => unread = 0,
            // Nobody has taken the last ones: this one is lost, the camera is not held up.
            Err(TrySendError::Full(Ok(lost))) => unread = lost.missed + 1,
            Err(_) => return,
        }
    }
}

/// Frames that must have been between two stamps of a camera with this period (nanoseconds).
fn lost_between(last: u64, next: u64, period_ns: u64) -> u64 {
    let periods = (next.saturating_sub(last) + period_ns / 2) / period_ns.max(1);
    periods.saturating_sub(1)
}

/// A JPEG file without what a driver leaves behind its end.
fn whole_jpeg(mut bytes: Vec<u8>) -> Vec<u8> {
    if let Some(end) = bytes.windows(2).rposition(|two| two == [0xff, 0xd9]) {
        bytes.truncate(end + 2);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lost_frames_are_counted_from_stamps_and_padding_is_cut() {
        let period = 33_333_333;
        for (after, lost) in [(33, 0), (45, 0), (20, 0), (67, 1), (101, 2), (334, 9)] {
            assert_eq!(
                lost_between(5, 5 + after * 1_000_000, period),
                lost,
                "{after} ms"
            );
        }
        assert_eq!(lost_between(5, 3, period), 0);
        assert_eq!(
            whole_jpeg(vec![0xff, 0xd8, 1, 0xff, 0xd9, 0, 0]),
            [0xff, 0xd8, 1, 0xff, 0xd9]
        );
        assert_eq!(whole_jpeg(vec![1, 2]), [1, 2]);
    }

    #[test]
    fn a_device_that_is_not_there_is_named() {
        let options = DeviceOptions {
            path: "/dev/video-none".into(),
            size: (640, 480),
            rate: 30,
            controls: crate::controls::Controls::default(),
        };
        let said = Device::open(&options).err().unwrap().to_string();
        assert!(
            said.contains("/dev/video-none") && said.contains("plugged in"),
            "{said}"
        );
    }
}
