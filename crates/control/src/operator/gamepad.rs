//! A gamepad, read on a thread of its own.

use super::gamepad_state::{EVENT, GamepadState, decode_event};
use super::operator_input::OperatorInput;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use thiserror::Error;

/// A device that cannot be used.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum DeviceError {
    /// Not there.
    #[error(
        "there is no gamepad at {0}; plug it in or pair it, then see `ls /dev/input/js*` (modprobe joydev where there are none), or use --keyboard"
    )]
    Missing(String),
    /// Not ours to read.
    #[error(
        "{0} may not be read: permission denied; add yourself to its group (`ls -l {0}` says which: sudo usermod -aG input $USER) and log in again"
    )]
    Permission(String),
    /// Not a gamepad, or one that went.
    #[error("the device at {0} cannot be read: {1}; is it of that kind, and still there?")]
    Lost(String, String),
}

/// A gamepad; it is read for as long as the program runs.
pub struct Gamepad {
    shared: Arc<Mutex<Shared>>,
}

#[derive(Default)]
struct Shared {
    pad: GamepadState,
    failed: Option<DeviceError>,
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Gamepad {
    /// Opens a joystick device, such as `/dev/input/js0`.
    ///
    /// # Errors
    /// When it is not there or may not be read, and how to get it.
    pub fn open(path: &Path) -> Result<Self, DeviceError> {
        let name = path.display().to_string();
        let file = File::open(path).map_err(|e| match e.kind() {
            ErrorKind::NotFound => DeviceError::Missing(name.clone()),
            ErrorKind::PermissionDenied => DeviceError::Permission(name.clone()),
            _ => DeviceError::Lost(name.clone(), e.to_string()),
        })?;
        if file.metadata().is_ok_and(|m| m.is_file() || m.is_dir()) {
            let what = "it is no device".to_owned();
            return Err(DeviceError::Lost(name, what));
        }
        Self::read_from(file, name)
    }

    /// Reads events of eight bytes from anything; `name` is what errors call it.
    ///
    /// # Errors
    /// When no thread can be had.
    pub fn read_from(
        mut source: impl Read + Send + 'static,
        name: String,
    ) -> Result<Self, DeviceError> {
        let shared = Arc::new(Mutex::new(Shared::default()));
        let to = Arc::clone(&shared);
        let called = name.clone();
        let read = move || {
            let mut bytes = [0; EVENT];
            let error = loop {
                match source.read_exact(&mut bytes) {
                    Ok(()) => {
                        if let Some(event) = decode_event(bytes) {
                            lock(&to).pad.apply(event);
                        }
                    }
                    Err(error) => break error,
                }
            };
            let mut shared = lock(&to);
            // Nobody holds a gamepad that is gone.
            shared.pad = GamepadState::default();
            shared.failed = Some(DeviceError::Lost(called, error.to_string()));
        };
        std::thread::Builder::new()
            .name("gamepad".into())
            .spawn(read)
            .map_err(|e| DeviceError::Lost(name, e.to_string()))?;
        Ok(Self { shared })
    }

    /// What the person asks for now.
    ///
    /// # Errors
    /// When the gamepad is gone.
    pub fn input(&self) -> Result<OperatorInput, DeviceError> {
        let mut shared = lock(&self.shared);
        match &shared.failed {
            Some(error) => Err(error.clone()),
            None => Ok(shared.pad.input()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    fn event(value: i16, kind: u8, number: u8) -> [u8; EVENT] {
        let [low, high] = value.to_ne_bytes();
        [0, 0, 0, 0, low, high, kind, number]
    }

    fn wait(until: impl Fn() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(10);
        while !until() {
            assert!(Instant::now() < deadline, "it never came");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn what_comes_in_pieces_is_put_together_and_a_pad_that_goes_is_let_go_of() {
        let (receive, mut send) = std::io::pipe().unwrap();
        let pad = Gamepad::read_from(receive, "js9".into()).unwrap();
        let stick = event(-32767, 2, 1);
        for part in [&event(1, 1, 4)[..], &stick[..3], &stick[3..]] {
            std::io::Write::write_all(&mut send, part).unwrap();
            std::thread::sleep(Duration::from_millis(5));
        }
        wait(|| pad.input().unwrap().shift == [1.0, 0.0, 0.0]);
        assert!(pad.input().unwrap().deadman);
        drop(send);
        wait(|| pad.input().is_err());
        let error = pad.input().unwrap_err().to_string();
        assert!(
            error.starts_with("the device at js9 cannot be read"),
            "{error}"
        );
    }

    #[test]
    fn devices_that_cannot_be_used_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("js0");
        let error = Gamepad::open(&missing).err().unwrap();
        assert!(matches!(error, DeviceError::Missing(_)), "{error}");
        std::fs::write(&missing, [0; 80]).unwrap();
        let error = Gamepad::open(&missing).err().unwrap().to_string();
        assert!(error.contains("it is no device"), "{error}");
    }
}
