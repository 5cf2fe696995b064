//! A network of its own for programs that listen on every address, and the programs in it.

use super::setup::ran;
use std::error::Error;
use std::fs::File;
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// The network; when it goes out of scope its programs are ended and it is gone.
pub struct Namespace {
    name: String,
    children: Vec<Child>,
}

impl Namespace {
    /// A network with nothing but a loopback.
    pub fn new(name: &str) -> Result<Self, Box<dyn Error>> {
        ran(Command::new("ip").args(["netns", "add", name]))?;
        let space = Self {
            name: name.into(),
            children: Vec::new(),
        };
        ran(Command::new("ip").args(["-n", name, "link", "set", "lo", "up"]))?;
        Ok(space)
    }

    /// A program in it, behind `words` that change how it runs. All of them replace themselves with the
    /// next, so that ending the command ends the program.
    pub fn command(&self, words: &[&str], program: &Path) -> Command {
        let mut command = Command::new("ip");
        command
            .args(["netns", "exec", &self.name])
            .args(words)
            .arg(program);
        command
    }

    /// Starts a program that says what it does in `log`, and waits until it listens on `port`.
    pub fn start(
        &mut self,
        name: &str,
        mut command: Command,
        log: &Path,
        port: u16,
        patience: Duration,
    ) -> Result<(), Box<dyn Error>> {
        let file = File::create(log)?;
        let child = command
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .map_err(|e| format!("{name} could not be started: {e}"))?;
        self.children.push(child);
        let deadline = Instant::now() + patience;
        loop {
            let Some(child) = self.children.last_mut() else {
                return Ok(());
            };
            if let Some(status) = child.try_wait()? {
                return Err(
                    format!("{name} ended ({status}); it said: {}", last_lines(log)).into(),
                );
            }
            if listens(child.id(), port) {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(format!(
                    "{name} does not listen on port {port} after {} s; it said: {}",
                    patience.as_secs(),
                    last_lines(log)
                )
                .into());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        for child in self.children.iter_mut().rev() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if let Err(error) = ran(Command::new("ip").args(["netns", "del", &self.name])) {
            eprintln!("{error}");
        }
    }
}

/// Whether someone in the network of a process listens on a TCP port.
fn listens(process: u32, port: u16) -> bool {
    let listed = |table: &str| {
        std::fs::read_to_string(format!("/proc/{process}/net/{table}")).unwrap_or_default()
    };
    let wanted = format!(":{port:04X}");
    [listed("tcp"), listed("tcp6")].iter().any(|table| {
        table.lines().any(|line| {
            let mut words = line.split_whitespace();
            let local = words.nth(1).is_some_and(|a| a.ends_with(&wanted));
            // 0A is the state of a socket that listens.
            local && words.nth(1) == Some("0A")
        })
    })
}

fn last_lines(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let from = lines.len().saturating_sub(5);
    lines.get(from..).unwrap_or_default().join(" | ")
}
