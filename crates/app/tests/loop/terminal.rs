//! A real terminal: the program under `script`, with somebody who looks at its screen and presses keys.

use crate::program::repository;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What programs ask a terminal that may have the kitty keyboard protocol, and what one without answers.
const ASKED: &str = "\u{1b}[c";
const ANSWER: &[u8] = b"\x1b[?62;22c";
/// Longest wait for something on the screen.
const PATIENCE: Duration = Duration::from_secs(30);

/// A terminal in which a command runs; it ends with it.
pub struct Terminal {
    script: Child,
    keys: Arc<Mutex<ChildStdin>>,
    screen: Arc<Mutex<String>>,
    seen: usize,
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.script.kill();
        let _ = self.script.wait();
    }
}

impl Terminal {
    /// Runs the program with these arguments, each without spaces or quotes, and says `AFTER` and how the terminal is
    /// set when it has ended. A terminal that tells of releases answers so.
    pub fn start(arguments: &[&str], releases: bool) -> Self {
        let program = Path::new(env!("CARGO_BIN_EXE_apprentice"));
        let line = format!(
            "{} {}; echo AFTER $?; stty -a",
            program.display(),
            arguments.join(" ")
        );
        let mut script = Command::new("script")
            .args(["-q", "-c", &line, "/dev/null"])
            .current_dir(repository())
            .env("XDG_DATA_HOME", "/nonexistent")
            .env("TERM", "xterm-256color")
            .env("SHELL", "/bin/sh")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let keys = Arc::new(Mutex::new(script.stdin.take().unwrap()));
        let screen = Arc::new(Mutex::new(String::new()));
        let (to, answers) = (Arc::clone(&screen), Arc::clone(&keys));
        let mut said = script.stdout.take().unwrap();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            let mut rest = String::new();
            while let Ok(count @ 1..) = said.read(&mut bytes) {
                let text = String::from_utf8_lossy(&bytes[..count]).into_owned();
                rest += &text;
                while let Some(at) = rest.find(ASKED) {
                    rest.drain(..at + ASKED.len());
                    let mut keys = answers.lock().unwrap();
                    if releases {
                        keys.write_all(b"\x1b[?0u").unwrap();
                    }
                    keys.write_all(ANSWER).unwrap();
                    keys.flush().unwrap();
                }
                // What may be the beginning of a question stays.
                let kept = rest.len().saturating_sub(ASKED.len());
                rest.drain(..rest.ceil_char_boundary(kept));
                let Ok(mut screen) = to.lock() else { break };
                screen.push_str(&text);
            }
        });
        Self {
            script,
            keys,
            screen,
            seen: 0,
        }
    }

    /// Presses these keys.
    pub fn press(&self, keys: &str) {
        let mut to = self.keys.lock().unwrap();
        to.write_all(keys.as_bytes()).unwrap();
        to.flush().unwrap();
    }

    /// Waits until this text stands on the screen, after what was waited for before.
    pub fn wait(&mut self, text: &str) {
        let begun = Instant::now();
        loop {
            let screen = self.screen.lock().unwrap();
            if let Some(at) = screen[self.seen..].find(text) {
                self.seen += at + text.len();
                return;
            }
            let last = screen
                .floor_char_boundary(screen.len().saturating_sub(800))
                .max(self.seen);
            let ended = begun.elapsed() > PATIENCE;
            assert!(!ended, "{text:?} never came after:\n{}", &screen[last..]);
            drop(screen);
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until the program has ended; everything that was on the screen. The terminal must be as it was.
    pub fn end(mut self, status: i32) -> String {
        self.wait(&format!("AFTER {status}"));
        // Of the settings that are told last: lines are handed over whole, and echoed.
        self.wait(" icanon");
        self.wait(" echo ");
        self.screen.lock().unwrap().clone()
    }
}
