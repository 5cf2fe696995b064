//! A person's device, read on a thread of its own for as long as the program runs.

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
    #[error("there is no {what} at {path}; {todo}")]
    Missing {
        /// What kind of device.
        what: &'static str,
        /// Where it was looked for.
        path: String,
        /// What to do.
        todo: &'static str,
    },
    /// Not ours to read.
    #[error("{path} may not be read: permission denied; {todo}")]
    Permission {
        /// The device.
        path: String,
        /// What to do.
        todo: String,
    },
    /// Not such a device, or one that went.
    #[error("the device at {0} cannot be read: {1}; is it of that kind, and still there?")]
    Lost(String, String),
}

/// How a kind of device stands, from what it sends.
pub trait DeviceState: Default + Send + 'static {
    /// What it is called.
    const NAME: &'static str;
    /// What to do where there is none.
    const MISSING: &'static str;

    /// Reads once from the device, waiting for it: the bytes of `buffer` that came.
    ///
    /// # Errors
    /// When the device is gone.
    fn read(source: &mut impl Read, buffer: &mut [u8]) -> std::io::Result<usize>;

    /// What to do where the device at this path may not be read.
    fn permission(path: &str) -> String;

    /// Bytes came.
    fn receive(&mut self, bytes: &[u8]);

    /// What the person asks for now.
    fn take_input(&mut self) -> OperatorInput;
}

/// Most bytes that are read at once.
const MOST: usize = 64;

/// A device of a kind, and how it stands.
pub struct DeviceReader<S> {
    shared: Arc<Mutex<Shared<S>>>,
}

struct Shared<S> {
    state: S,
    failed: Option<DeviceError>,
}

fn lock<S>(shared: &Mutex<Shared<S>>) -> MutexGuard<'_, Shared<S>> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<S: DeviceState> DeviceReader<S> {
    /// Opens a device file, such as `/dev/input/js0` or `/dev/hidraw0`.
    ///
    /// # Errors
    /// When it is not there or may not be read, and how to get it.
    pub fn open(path: &Path) -> Result<Self, DeviceError> {
        let name = path.display().to_string();
        let file = File::open(path).map_err(|e| match e.kind() {
            ErrorKind::NotFound => DeviceError::Missing {
                what: S::NAME,
                path: name.clone(),
                todo: S::MISSING,
            },
            ErrorKind::PermissionDenied => DeviceError::Permission {
                path: name.clone(),
                todo: S::permission(&name),
            },
            _ => DeviceError::Lost(name.clone(), e.to_string()),
        })?;
        if file.metadata().is_ok_and(|m| m.is_file() || m.is_dir()) {
            return Err(DeviceError::Lost(name, "it is no device".into()));
        }
        Self::read_from(file, name)
    }

    /// Reads from anything; `name` is what errors call it.
    ///
    /// # Errors
    /// When no thread can be had.
    pub fn read_from(
        mut source: impl Read + Send + 'static,
        name: String,
    ) -> Result<Self, DeviceError> {
        let shared = Arc::new(Mutex::new(Shared {
            state: S::default(),
            failed: None,
        }));
        let (to, called) = (Arc::clone(&shared), name.clone());
        let read = move || {
            let mut bytes = [0; MOST];
            let why = loop {
                match S::read(&mut source, &mut bytes) {
                    Ok(0) => break "it has ended".to_owned(),
                    Ok(count) => {
                        let came = bytes.get(..count).unwrap_or_default();
                        lock(&to).state.receive(came);
                    }
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(error) => break error.to_string(),
                }
            };
            let mut shared = lock(&to);
            // Nobody holds a device that is gone.
            shared.state = S::default();
            shared.failed = Some(DeviceError::Lost(called, why));
        };
        std::thread::Builder::new()
            .name(S::NAME.into())
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
            None => Ok(shared.state.take_input()),
        }
    }
}
