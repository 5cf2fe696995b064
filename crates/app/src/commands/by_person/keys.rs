//! Keys of a person at the arm: pressed in a terminal, or read from standard input where that is none, one a policy
//! tick while they drive.

use crate::commands::raw_terminal::RawTerminal;
use anyhow::Result;
use apprentice_control::operator::{DeviceError, InputSource, KeyboardState, OperatorInput};
use crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use std::cell::RefCell;
use std::io::{IsTerminal as _, Read as _, Write as _, stderr, stdin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Keys that were held when an episode ended are over when none has come for so long.
const QUIET: Duration = Duration::from_millis(700);
/// Between two looks at whether the program is to end.
const LOOK: Duration = Duration::from_millis(100);
/// Longest note, characters.
const LONGEST_NOTE: usize = 2000;

/// The keys.
pub struct PersonKeys {
    /// `None`: standard input is no terminal, and what it holds is a script.
    terminal: Option<RawTerminal>,
    state: KeyboardState,
    since: Instant,
    /// The person ends the episode.
    end: bool,
    stop: Arc<AtomicBool>,
}

impl PersonKeys {
    /// Takes the terminal's keys, or those of standard input; `stop` is set by Ctrl-C.
    ///
    /// # Errors
    /// When the terminal does not hand them over.
    pub fn open(stop: Arc<AtomicBool>) -> Result<Self> {
        let terminal = stdin()
            .is_terminal()
            .then(|| RawTerminal::open("--by gamepad"));
        let terminal = terminal.transpose()?;
        // A script holds each key for one tick.
        let releases = terminal.as_ref().is_none_or(RawTerminal::releases);
        Ok(Self {
            terminal,
            state: KeyboardState::new(releases),
            since: Instant::now(),
            end: false,
            stop,
        })
    }

    /// Whether standard input is no terminal.
    pub fn is_script(&self) -> bool {
        self.terminal.is_none()
    }

    /// Forgets what was pressed before an episode.
    pub fn begin(&mut self) {
        self.state.release_all();
        self.end = false;
    }

    /// What the keys ask for at this tick.
    ///
    /// # Errors
    /// When they are gone.
    pub fn drive(&mut self) -> std::io::Result<OperatorInput> {
        if self.terminal.is_some() {
            while event::poll(Duration::ZERO)? {
                match event::read()? {
                    Event::Key(key) => self.key(&key),
                    Event::FocusLost => self.state.release_all(),
                    _ => {}
                }
            }
        } else {
            self.state.release_all();
            match next_byte()? {
                // Nobody is there any more.
                None => self.end = true,
                Some(byte) => self.state.press(char::from(byte), self.now_ns()),
            }
        }
        // Whoever ends the program ends the episode.
        self.end |= self.stop.load(Relaxed);
        let mut input = self.state.input(self.now_ns());
        input.deadman = true;
        input.hand_back |= self.end;
        Ok(input)
    }

    fn key(&mut self, key: &KeyEvent) {
        let Some(name) = self.name(key) else { return };
        if key.kind == KeyEventKind::Release {
            self.state.release(name);
        } else {
            self.end |= matches!(name, 'q' | 'Q' | '\u{1b}');
            self.state.press(name, self.now_ns());
        }
    }

    /// The key as a character; Ctrl-C ends the program.
    fn name(&self, key: &KeyEvent) -> Option<char> {
        if key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL) {
            self.stop.store(true, Relaxed);
            return None;
        }
        match key.code {
            KeyCode::Char(c) => Some(c),
            KeyCode::Enter => Some('\n'),
            KeyCode::Esc => Some('\u{1b}'),
            KeyCode::Backspace => Some('\u{8}'),
            _ => None,
        }
    }

    /// Lets keys pass that are held since the episode.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn settle(&mut self) -> Result<()> {
        if self.terminal.is_some() {
            let most = Instant::now() + 4 * QUIET;
            while Instant::now() < most && event::poll(QUIET)? {
                if let Event::Key(key) = event::read()? {
                    let _ = self.name(&key);
                }
            }
        }
        Ok(())
    }

    /// Waits for the next key; `None` when there is nobody any more.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn wait(&mut self) -> Result<Option<char>> {
        if self.terminal.is_none() {
            return Ok(next_byte()?.map(char::from));
        }
        while !self.stop.load(Relaxed) {
            if event::poll(LOOK)?
                && let Event::Key(key) = event::read()?
                && key.kind != KeyEventKind::Release
                && let Some(name) = self.name(&key)
            {
                return Ok(Some(name));
            }
        }
        Ok(None)
    }

    /// A line of words, shown as it is typed; `None` when there is nobody any more.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn line(&mut self) -> Result<Option<String>> {
        let mut bytes = Vec::new();
        if self.is_script() {
            while let Some(byte) = next_byte()?.filter(|b| *b != b'\n') {
                bytes.push(byte);
            }
            return Ok(Some(String::from_utf8_lossy(&bytes).trim().to_owned()));
        }
        let mut line = String::new();
        loop {
            let Some(key) = self.wait()? else {
                return Ok(None);
            };
            match key {
                '\n' => break,
                '\u{8}' if line.pop().is_some() => eprint!("\u{8} \u{8}"),
                c if !c.is_control() && line.chars().count() < LONGEST_NOTE => {
                    line.push(c);
                    eprint!("{c}");
                }
                _ => {}
            }
            stderr().flush()?;
        }
        self.say("");
        Ok(Some(line.trim().to_owned()))
    }

    /// Says something on a line of its own.
    pub fn say(&self, text: &str) {
        // A raw terminal goes down without going back.
        let end = if self.terminal.is_some() {
            "\r\n"
        } else {
            "\n"
        };
        eprint!("{}{end}", text.replace('\n', end));
    }

    /// Says how things stand, over what it said before; nothing where nobody looks.
    pub fn show(&self, text: &str) {
        if self.terminal.is_some() {
            eprint!("\r{text}\u{1b}[K");
        }
    }

    fn now_ns(&self) -> u64 {
        u64::try_from(self.since.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// The next byte of standard input.
fn next_byte() -> std::io::Result<Option<u8>> {
    let mut byte = [0];
    Ok((stdin().lock().read(&mut byte)? == 1).then(|| byte[0]))
}

/// The keys as a device to drive with.
pub struct KeySource(pub Rc<RefCell<PersonKeys>>);

impl InputSource for KeySource {
    fn input(&mut self) -> Result<OperatorInput, DeviceError> {
        let input = self.0.borrow_mut().drive();
        input.map_err(|e| DeviceError::Lost("the terminal".into(), e.to_string()))
    }
}
