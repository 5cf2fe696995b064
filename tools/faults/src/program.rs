//! This program as other processes, which can be killed.

use anyhow::{Context as _, Result, anyhow, bail};
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

static PROGRAM: OnceLock<PathBuf> = OnceLock::new();

/// Says where the program is; the first to say so is believed.
pub fn is_at(path: impl Into<PathBuf>) {
    let _ = PROGRAM.set(path.into());
}

/// The program.
///
/// # Errors
/// When nobody has said where it is.
pub fn path() -> Result<&'static PathBuf> {
    PROGRAM
        .get()
        .ok_or_else(|| anyhow!("nobody has said where apprentice-faults is"))
}

/// A command that runs the program as the child `name`.
///
/// # Errors
/// As [`path`].
pub fn command(name: &str, arguments: &[&str]) -> Result<Command> {
    let mut command = Command::new(path()?);
    command.arg("child").arg(name).args(arguments);
    Ok(command)
}

/// A process of ours and what it prints; it is killed when dropped, and ends by itself when we do.
pub struct Process {
    child: Child,
    lines: Receiver<String>,
}

impl Process {
    /// Starts the child `name`.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(name: &str, arguments: &[&str]) -> Result<Self> {
        Self::spawn(command(name, arguments)?)
    }

    /// Starts what `command` says.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn spawn(mut command: Command) -> Result<Self> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("{command:?}"))?;
        let output = child.stdout.take().context("it has no output")?;
        let (sender, lines) = channel();
        std::thread::Builder::new()
            .name("reads-child".into())
            .spawn(move || {
                for line in BufReader::new(output).lines().map_while(Result::ok) {
                    if sender.send(line).is_err() {
                        return;
                    }
                }
            })?;
        Ok(Self { child, lines })
    }

    /// The rest of the next line that begins with `prefix`.
    ///
    /// # Errors
    /// When it does not come in time.
    pub fn line(&self, prefix: &str, patience: Duration) -> Result<String> {
        let deadline = Instant::now() + patience;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => {
                    if let Some(rest) = line.strip_prefix(prefix) {
                        return Ok(rest.trim().to_owned());
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    bail!("the child did not print {prefix:?} within {patience:?}")
                }
                Err(RecvTimeoutError::Disconnected) => {
                    bail!("the child ended before it printed {prefix:?}")
                }
            }
        }
    }

    /// Lines that were printed and not read so far; all there will be once it has ended.
    #[must_use]
    pub fn rest(&self) -> Vec<String> {
        let mut lines = Vec::new();
        while let Ok(line) = self.lines.recv_timeout(Duration::from_secs(5)) {
            lines.push(line);
        }
        lines
    }

    /// Kills it (SIGKILL) and answers when; it is gone afterwards.
    ///
    /// # Errors
    /// When it cannot be killed.
    pub fn kill(&mut self) -> Result<Instant> {
        let moment = Instant::now();
        self.child.kill()?;
        self.child.wait()?;
        Ok(moment)
    }

    /// Freezes it (SIGSTOP) and answers when.
    ///
    /// # Errors
    /// When it cannot be.
    pub fn freeze(&self) -> Result<Instant> {
        let moment = Instant::now();
        self.signal(Signal::STOP)?;
        Ok(moment)
    }

    /// Lets it go on (SIGCONT).
    ///
    /// # Errors
    /// When it cannot.
    pub fn thaw(&self) -> Result<()> {
        self.signal(Signal::CONT)
    }

    /// Waits for it to end by itself, and answers whether that was well.
    ///
    /// # Errors
    /// When it does not in time.
    pub fn ended(&mut self, patience: Duration) -> Result<bool> {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status.success());
            }
            if Instant::now() > deadline {
                bail!("the child did not end within {patience:?}");
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        let id = i32::try_from(self.child.id())?;
        let id = Pid::from_raw(id).context("a process has no number 0")?;
        Ok(kill_process(id, signal)?)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
