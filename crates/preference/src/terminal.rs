//! Where a person is asked.

use std::io;

/// A person's terminal.
pub trait Terminal {
    /// Shows a line.
    fn say(&mut self, text: &str);

    /// Shows `prompt` and waits for a line; `None` when there is none to come.
    ///
    /// # Errors
    /// When the terminal fails.
    fn ask(&mut self, prompt: &str) -> io::Result<Option<String>>;

    /// The time, milliseconds since 1970 UTC.
    fn now_unix_ms(&self) -> u64;
}
