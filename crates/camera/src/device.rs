//! V4L2 cameras of Linux.

use crate::controls::Controls;

#[cfg(target_os = "linux")]
mod capture;
#[cfg(target_os = "linux")]
mod settings;

#[cfg(target_os = "linux")]
pub use capture::Device;

/// How a device captures.
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceOptions {
    /// Its file, such as `/dev/video0`.
    pub path: String,
    /// Width and height of what it captures, pixels.
    pub size: (u32, u32),
    /// Frames a second, whole.
    pub rate: u32,
    /// Exposure and the like.
    pub controls: Controls,
}

/// A device on a system that has none of this kind.
#[cfg(not(target_os = "linux"))]
#[derive(Debug)]
pub struct Device(());

#[cfg(not(target_os = "linux"))]
impl Device {
    /// Says that there are none.
    ///
    /// # Errors
    /// Always.
    pub fn open(options: &DeviceOptions) -> Result<(Self, Vec<String>), crate::CameraError> {
        Err(crate::CameraError::Device {
            device: options.path.clone(),
            reason: "V4L2 cameras are there on Linux only; publish a clip (--file), or run this where Linux runs".into(),
        })
    }
}

#[cfg(not(target_os = "linux"))]
impl crate::Source for Device {
    fn next(
        &mut self,
        _: std::time::Duration,
    ) -> Result<Option<crate::Captured>, crate::CameraError> {
        Ok(None)
    }
}
