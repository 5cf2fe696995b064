//! An `.rrd` file that is being written. rerun's own sink waits without end when its writing thread has given up, as
//! on a full disk; this one writes where it is called, keeps the first failure, and tells it whenever it is asked.

use rerun::{
    external::{
        re_log_encoding::{Encoder, rrd::EncodingOptions},
        re_log_types::LogMsg,
    },
    sink::{LogSink, SinkFlushError},
};
use std::{
    fs::File,
    io::{self, BufWriter},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// The file, for rerun to write to and for its owner to end. Copies are one file.
#[derive(Clone)]
pub(crate) struct RrdFile(Arc<Mutex<Writing>>);

struct Writing {
    path: PathBuf,
    /// Until the end, or the first failure.
    encoder: Option<Encoder<BufWriter<File>>>,
    failure: Option<String>,
}

impl RrdFile {
    /// Makes the file, or empties the one that is there.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        let file = BufWriter::new(File::create(path)?);
        let encoder = Encoder::new_eager(
            rerun::build_info().version,
            EncodingOptions::PROTOBUF_COMPRESSED,
            file,
        )
        .map_err(io::Error::other)?;
        Ok(Self(Arc::new(Mutex::new(Writing {
            path: path.to_owned(),
            encoder: Some(encoder),
            failure: None,
        }))))
    }

    /// Writes the index at the end, and closes the file.
    ///
    /// # Errors
    /// The first failure of all that was written.
    pub(crate) fn finish(&self) -> Result<(), String> {
        let mut writing = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        writing.try_to(Encoder::finish);
        writing.try_to(Encoder::flush_blocking);
        writing.encoder = None;
        writing.outcome()
    }
}

impl Writing {
    fn try_to<T, E: std::fmt::Display>(
        &mut self,
        write: impl FnOnce(&mut Encoder<BufWriter<File>>) -> Result<T, E>,
    ) {
        let Some(encoder) = &mut self.encoder else {
            return;
        };
        if let Err(error) = write(encoder) {
            self.failure = Some(format!(
                "writing {}: {error}; free some space, or choose another place",
                self.path.display()
            ));
            // Without the index, and without what is still in memory: it would fail again.
            if let Some(Ok(buffer)) = self.encoder.take().map(Encoder::into_inner) {
                let _ = buffer.into_parts();
            }
        }
    }

    fn outcome(&self) -> Result<(), String> {
        self.failure.clone().map_or(Ok(()), Err)
    }
}

impl LogSink for RrdFile {
    fn send(&self, message: LogMsg) {
        let mut writing = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        writing.try_to(|encoder| encoder.append(&message));
    }

    fn flush_blocking(&self, _: Duration) -> Result<(), SinkFlushError> {
        let mut writing = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        writing.try_to(Encoder::flush_blocking);
        writing.outcome().map_err(SinkFlushError::failed)
    }

    fn defers_finalization_to_shutdown(&self) -> bool {
        true
    }
}
