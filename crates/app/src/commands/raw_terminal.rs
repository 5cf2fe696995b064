//! A terminal that hands over its keys as they are pressed, and is as it was before when this goes.

use anyhow::{Context as _, Result, bail};
use crossterm::event::{
    DisableFocusChange, EnableFocusChange, KeyboardEnhancementFlags, PopKeyboardEnhancementFlags,
    PushKeyboardEnhancementFlags,
};
use crossterm::{execute, terminal};
use std::io::{IsTerminal as _, stdin, stdout};

/// The terminal; it is as it was when this goes, however that comes about.
pub struct RawTerminal {
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

impl RawTerminal {
    /// Takes the terminal's keys; `instead` is what else could be used.
    ///
    /// # Errors
    /// When there is no terminal, or it does not do that.
    pub fn open(instead: &str) -> Result<Self> {
        if !stdin().is_terminal() || !stdout().is_terminal() {
            bail!(
                "the keyboard takes a terminal to type and look at; run this in one, or use {instead}"
            );
        }
        terminal::enable_raw_mode().context("the terminal does not hand over its keys")?;
        // From here on the terminal is restored by being dropped.
        let mut raw = Self { releases: false };
        if terminal::supports_keyboard_enhancement().unwrap_or(false) {
            let flags = KeyboardEnhancementFlags::DISAMBIGUATE_ESCAPE_CODES
                | KeyboardEnhancementFlags::REPORT_EVENT_TYPES
                | KeyboardEnhancementFlags::REPORT_ALL_KEYS_AS_ESCAPE_CODES;
            execute!(stdout(), PushKeyboardEnhancementFlags(flags))?;
            raw.releases = true;
        }
        execute!(stdout(), EnableFocusChange)?;
        Ok(raw)
    }

    /// Whether the terminal tells of releases (the kitty keyboard protocol).
    pub fn releases(&self) -> bool {
        self.releases
    }
}
