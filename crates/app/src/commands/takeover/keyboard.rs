//! Keys of the terminal, and the terminal as it was before.

use crate::commands::raw_terminal::RawTerminal;
use anyhow::Result;
use apprentice_control::operator::{KeyboardState, OperatorInput};
use crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use std::time::Instant;

/// The keyboard; the terminal is as it was when this goes, however that comes about.
pub struct Keyboard {
    keys: KeyboardState,
    since: Instant,
    terminal: RawTerminal,
}

impl Keyboard {
    /// Takes the terminal's keys as they are pressed.
    ///
    /// # Errors
    /// When there is no terminal, or it does not do that.
    pub fn open() -> Result<Self> {
        let terminal = RawTerminal::open("--gamepad /dev/input/js0")?;
        Ok(Self {
            keys: KeyboardState::new(terminal.releases()),
            since: Instant::now(),
            terminal,
        })
    }

    /// What the person asks for at a time; `None` when the person leaves.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn input(&mut self, at: Instant) -> Result<Option<OperatorInput>> {
        loop {
            let left = at.saturating_duration_since(Instant::now());
            if !event::poll(left)? {
                return Ok(Some(self.keys.input(self.now_ns())));
            }
            match event::read()? {
                Event::Key(key) if leaves(&key) => return Ok(None),
                Event::Key(key) => self.key(&key),
                Event::FocusLost => self.keys.release_all(),
                _ => {}
            }
            // However fast keys come, what they do is said in time.
            if Instant::now() >= at {
                return Ok(Some(self.keys.input(self.now_ns())));
            }
        }
    }

    fn key(&mut self, key: &KeyEvent) {
        let name = match key.code {
            KeyCode::Char(c) => c,
            KeyCode::Enter => '\n',
            _ => return,
        };
        match key.kind {
            KeyEventKind::Release => self.keys.release(name),
            // A key that is repeated although its release was told was pressed all along.
            KeyEventKind::Press | KeyEventKind::Repeat => self.keys.press(name, self.now_ns()),
        }
    }

    fn now_ns(&self) -> u64 {
        u64::try_from(self.since.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// How to use it, where the tool is moved or single joints are.
    pub fn legend(&self, tool: bool) -> String {
        let moves = if tool {
            "w s x, a d y, r f z; u o, i k, j l turn the tool"
        } else {
            "n p choose a joint, w s move it"
        };
        let hold = if self.terminal.releases() {
            "Hold SPACE to have the arm, and move it: "
        } else {
            "This terminal does not tell when a key is let go of: you have the arm from each key that moves it\r\n\
             until its next repeat is overdue (SPACE: stay). A terminal with the kitty \
             keyboard protocol, or a\r\ngamepad, is better. Keys: "
        };
        format!(
            "{hold}{moves}; v opens, c closes the gripper; t goes on with single joints, or back.\r\n\
             Let go and the arm stops; ENTER hands it back to the policy. Esc or q leaves."
        )
    }
}

fn leaves(key: &KeyEvent) -> bool {
    let control_c = key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
    let named = matches!(key.code, KeyCode::Esc | KeyCode::Char('q' | 'Q'));
    key.kind != KeyEventKind::Release && (control_c || named)
}
