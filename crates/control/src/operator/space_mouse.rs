//! A SpaceMouse, read on a thread of its own. Untested on hardware: only on bytes recorded from one.

use super::gamepad::DeviceError;
use super::operator_input::OperatorInput;
use super::space_mouse_state::SpaceMouseState;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Most bytes of a report.
const REPORT: usize = 64;

/// A SpaceMouse; it is read for as long as the program runs.
pub struct SpaceMouse {
    shared: Arc<Mutex<Shared>>,
}

#[derive(Default)]
struct Shared {
    mouse: SpaceMouseState,
    failed: Option<DeviceError>,
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl SpaceMouse {
    /// Opens a raw HID device, such as `/dev/hidraw0`.
    ///
    /// # Errors
    /// When it is not there or may not be read.
    pub fn open(path: &Path) -> Result<Self, DeviceError> {
        let name = path.display().to_string();
        let lost = |why: String| DeviceError::Lost(name.clone(), why);
        let file = File::open(path).map_err(|e| match e.kind() {
            ErrorKind::NotFound => lost(
                "it is not there (`ls /dev/hidraw*`; its number may change when it is plugged in)"
                    .into(),
            ),
            ErrorKind::PermissionDenied => lost(
                "permission denied (a udev rule such as KERNEL==\"hidraw*\", \
                 ATTRS{idVendor}==\"256f\", MODE=\"0660\", GROUP=\"input\" lets its group read it)"
                    .into(),
            ),
            _ => lost(e.to_string()),
        })?;
        if file.metadata().is_ok_and(|m| m.is_file() || m.is_dir()) {
            return Err(lost("it is no device".into()));
        }
        Self::read_from(file, name.clone())
    }

    /// Reads reports, one a read, from anything; `name` is what errors call it.
    ///
    /// # Errors
    /// When no thread can be had.
    pub fn read_from(
        mut source: impl Read + Send + 'static,
        name: String,
    ) -> Result<Self, DeviceError> {
        let shared = Arc::new(Mutex::new(Shared::default()));
        let (to, called) = (Arc::clone(&shared), name.clone());
        let read = move || {
            let mut bytes = [0; REPORT];
            let why = loop {
                match source.read(&mut bytes) {
                    Ok(0) => break "it has ended".to_owned(),
                    Ok(count) => {
                        lock(&to)
                            .mouse
                            .apply(bytes.get(..count).unwrap_or_default());
                    }
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(error) => break error.to_string(),
                }
            };
            let mut shared = lock(&to);
            // Nobody holds a device that is gone.
            shared.mouse = SpaceMouseState::default();
            shared.failed = Some(DeviceError::Lost(called, why));
        };
        std::thread::Builder::new()
            .name("space-mouse".into())
            .spawn(read)
            .map_err(|e| DeviceError::Lost(name, e.to_string()))?;
        Ok(Self { shared })
    }

    /// What the person asks for now.
    ///
    /// # Errors
    /// When the device is gone.
    pub fn input(&self) -> Result<OperatorInput, DeviceError> {
        let mut shared = lock(&self.shared);
        match &shared.failed {
            Some(error) => Err(error.clone()),
            None => Ok(shared.mouse.input()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;
    use std::time::{Duration, Instant};

    #[test]
    fn reports_move_the_tool_and_a_device_that_goes_is_let_go_of() {
        let (receive, mut send) = std::io::pipe().unwrap();
        let mouse = SpaceMouse::read_from(receive, "hidraw9".into()).unwrap();
        send.write_all(&[3, 2, 0]).unwrap();
        let deadline = Instant::now() + Duration::from_secs(10);
        while mouse.input().unwrap().open <= 0.0 {
            assert!(Instant::now() < deadline, "it never came");
            std::thread::sleep(Duration::from_millis(1));
        }
        drop(send);
        let error = loop {
            assert!(Instant::now() < deadline, "it never went");
            if let Err(error) = mouse.input() {
                break error.to_string();
            }
        };
        assert!(
            error.contains("hidraw9 cannot be read: it has ended"),
            "{error}"
        );
        let missing = SpaceMouse::open(Path::new("/dev/hidraw-none"))
            .err()
            .unwrap();
        assert!(missing.to_string().contains("it is not there"), "{missing}");
    }
}
