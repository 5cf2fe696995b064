//! Keys of the terminal, and the terminal as it was before.

use anyhow::{Context as _, Result, bail};
use apprentice_control::operator::{KeyboardState, OperatorInput};
use crossterm::event::{
    self, DisableFocusChange, EnableFocusChange, Event, KeyCode, KeyEvent, KeyEventKind,
    KeyModifiers, KeyboardEnhancementFlags, PopKeyboardEnhancementFlags,
    PushKeyboardEnhancementFlags,
};
use crossterm::{execute, terminal};
use std::io::{IsTerminal as _, stdin, stdout};
use std::time::Instant;

/// The keyboard; the terminal is as it was when this goes, however that comes about.
pub struct Keyboard {
    keys: KeyboardState,
    /// Whether the terminal tells of releases (the kitty keyboard protocol).
    releases: bool,
    since: Instant,
    _terminal: RawTerminal,
}

struct RawTerminal {
    releases: bool,
}

impl Drop for RawTerminal {
    fn drop(&mut self) {
        // Each on its own: one that fails must not keep the next from being tried.
        if self.releases {
            let _ = execute!(stdout(), PopKeyboardEnhancementFlags);
        }
        let _ = execute!(stdout(), DisableFocusChange);
        let _ = terminal::disable_raw_mode();
    }
}

impl Keyboard {
    /// Takes the terminal's keys as they are pressed.
    ///
    /// # Errors
    /// When there is no terminal, or it does not do that.
    pub fn open() -> Result<Self> {
        if !stdin().is_terminal() || !stdout().is_terminal() {
            bail!(
                "the keyboard takes a terminal to type and look at; run this in one, or use --gamepad /dev/input/js0"
            );
        }
        terminal::enable_raw_mode().context("the terminal does not hand over its keys")?;
        // From here on the terminal is restored by being dropped.
        let mut raw = RawTerminal { releases: false };
        let releases = terminal::supports_keyboard_enhancement().unwrap_or(false);
        if releases {
            let flags = KeyboardEnhancementFlags::DISAMBIGUATE_ESCAPE_CODES
                | KeyboardEnhancementFlags::REPORT_EVENT_TYPES
                | KeyboardEnhancementFlags::REPORT_ALL_KEYS_AS_ESCAPE_CODES;
            execute!(stdout(), PushKeyboardEnhancementFlags(flags))?;
            raw.releases = true;
        }
        execute!(stdout(), EnableFocusChange)?;
        Ok(Self {
            keys: KeyboardState::new(releases),
            releases,
            since: Instant::now(),
            _terminal: raw,
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

    /// How to use it.
    pub fn legend(&self, cartesian: bool) -> String {
        let moves = if cartesian {
            "w s x, a d y, r f z; u o, i k, j l turn the tool"
        } else {
            "n p choose a joint, w s move it"
        };
        let hold = if self.releases {
            "Hold SPACE to have the arm, and move it: "
        } else {
            "This terminal does not tell when a key is let go of: you have the arm for 150 ms after each key that \
             moves it,\r\nwhile the key repeats (SPACE: stay); it stops in between. A terminal with the kitty \
             keyboard protocol, or a\r\ngamepad, is better. Keys: "
        };
        format!(
            "{hold}{moves}; v opens, c closes the gripper.\r\n\
             Let go and the arm stops; ENTER input it back to the policy. Esc or q leaves."
        )
    }
}

fn leaves(key: &KeyEvent) -> bool {
    let control_c = key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
    let named = matches!(key.code, KeyCode::Esc | KeyCode::Char('q' | 'Q'));
    key.kind != KeyEventKind::Release && (control_c || named)
}
