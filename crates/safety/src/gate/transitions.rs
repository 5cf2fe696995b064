//! The phase machine of an arm as one table: what each event does in each state.
//!
//! [`State::on`] is the table; [`table`] prints it as `robots/PROTOCOL.md` shows it. Who may ask, and whether a
//! command is within limits, is looked at before: the table says what follows.

use super::{Denial, Phase};
use std::fmt::Write as _;

/// Whether somebody asked the arm to stop, and who can lift that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Stop {
    /// Nobody did.
    None = 0,
    /// While the arm had an owner, who lifts it by `enable`.
    Owner = 1,
    /// While the arm had no owner, or its owner has gone since: a person has to acknowledge it first.
    Person = 2,
}

impl Stop {
    /// The one with this number on the wire.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        [Self::None, Self::Owner, Self::Person]
            .get(usize::from(number))
            .copied()
    }
}

/// The state of an arm for those who command it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// Its phase.
    pub phase: Phase,
    /// Whether a client owns it.
    pub owned: bool,
    /// Whether a stop is latched; only in [`Phase::Stopped`] and [`Phase::Faulted`].
    pub stop: Stop,
}

/// What happens to an arm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// A client with a lease becomes the owner, or the owner asks again.
    Acquire,
    /// The owner gives it back.
    Release,
    /// The owner wants it to obey.
    Enable,
    /// Anybody wants it to stop.
    Stop,
    /// A person says that a stop has been seen to.
    Acknowledge,
    /// The owner clears a fault.
    Recover,
    /// The owner sends it to its home posture.
    Home,
    /// The owner has a new scene set up, in which the arm may stand somewhere else.
    Reset,
    /// The owner's command, within all limits.
    Command,
    /// The owner's lease is gone.
    LeaseLost,
    /// No command for [`super::GateConfig::hold_after_ns`].
    Silent,
    /// No command for [`super::GateConfig::stop_after_ns`].
    LongSilent,
    /// The arm reports a fault.
    Fault,
    /// The way home has ended there.
    Arrived,
}

impl Event {
    /// Every event.
    pub const ALL: [Self; 14] = [
        Self::Acquire,
        Self::Release,
        Self::Enable,
        Self::Stop,
        Self::Acknowledge,
        Self::Recover,
        Self::Home,
        Self::Reset,
        Self::Command,
        Self::LeaseLost,
        Self::Silent,
        Self::LongSilent,
        Self::Fault,
        Self::Arrived,
    ];

    /// Its name in the table.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Acquire => "acquire",
            Self::Release => "release",
            Self::Enable => "enable",
            Self::Stop => "stop",
            Self::Acknowledge => "acknowledge",
            Self::Recover => "recover",
            Self::Home => "home",
            Self::Reset => "reset",
            Self::Command => "a command",
            Self::LeaseLost => "lease gone",
            Self::Silent => "silent 200 ms",
            Self::LongSilent => "silent 2 s",
            Self::Fault => "a fault",
            Self::Arrived => "home reached",
        }
    }

    /// Whether only the owner can cause it.
    #[must_use]
    pub fn is_owners(self) -> bool {
        matches!(
            self,
            Self::Release
                | Self::Enable
                | Self::Recover
                | Self::Home
                | Self::Reset
                | Self::Command
                | Self::LeaseLost
        )
    }
}

impl State {
    /// Belongs to nobody, not stopped.
    pub const FREE: Self = Self::new(Phase::Free, false, Stop::None);

    /// Every state an arm can be in.
    pub const ALL: [Self; 14] = [
        Self::FREE,
        Self::new(Phase::Owned, true, Stop::None),
        Self::new(Phase::Active, true, Stop::None),
        Self::new(Phase::Holding, true, Stop::None),
        Self::new(Phase::Homing, true, Stop::None),
        Self::new(Phase::Stopped, true, Stop::None),
        Self::new(Phase::Stopped, true, Stop::Owner),
        Self::new(Phase::Stopped, true, Stop::Person),
        Self::new(Phase::Stopped, false, Stop::Person),
        Self::new(Phase::Faulted, true, Stop::None),
        Self::new(Phase::Faulted, true, Stop::Owner),
        Self::new(Phase::Faulted, true, Stop::Person),
        Self::new(Phase::Faulted, false, Stop::None),
        Self::new(Phase::Faulted, false, Stop::Person),
    ];

    const fn new(phase: Phase, owned: bool, stop: Stop) -> Self {
        Self { phase, owned, stop }
    }

    /// The table: the state after an event.
    ///
    /// # Errors
    /// Why nothing follows from it; the state stays.
    pub fn on(self, event: Event) -> Result<Self, Denial> {
        use Phase::{Active, Faulted, Free, Holding, Homing, Owned, Stopped};
        if event.is_owners() && !self.owned {
            return Err(Denial::NotOwner);
        }
        let to = |phase| Ok(Self { phase, ..self });
        let stay = Ok(self);
        match (event, self.phase) {
            (Event::Acquire, Free) => Ok(Self::new(Owned, true, Stop::None)),
            (Event::Acquire, _) => Ok(Self {
                owned: true,
                ..self
            }),
            (Event::Release | Event::LeaseLost, _) => Ok(self.without_owner()),

            // Anybody may stop an arm; nobody's stop is ever lost.
            (Event::Stop, Faulted) => Ok(self.stopped(Faulted)),
            (Event::Stop, _) => Ok(self.stopped(Stopped)),
            (Event::Acknowledge, Stopped) if !self.owned => Ok(Self::FREE),
            (Event::Acknowledge, _) => Ok(Self {
                stop: Stop::None,
                ..self
            }),

            (Event::Enable, Owned | Stopped) if self.stop != Stop::Person => {
                Ok(Self::new(Active, true, Stop::None))
            }
            (Event::Enable, Owned | Stopped) => Err(Denial::Stopped),
            (Event::Enable, Homing) => Err(Denial::Homing),
            // It obeys already: nothing starts anew.
            (Event::Enable, Active | Holding) => stay,

            (Event::Home, Active | Holding | Homing) => to(Homing),
            (Event::Reset, Owned | Active | Holding | Homing) => to(Owned),
            (Event::Reset, Stopped) if self.stop == Stop::None => to(Owned),
            (Event::Reset, Stopped) => Err(Denial::Stopped),
            (Event::Command, Active | Holding) => to(Active),
            (Event::Home | Event::Command, Owned | Stopped | Homing) => Err(Denial::NotActive),

            (Event::Recover, Faulted) => to(Stopped),
            (Event::Recover, _) => stay,
            (Event::Enable | Event::Home | Event::Reset | Event::Command, Faulted) => {
                Err(Denial::Faulted)
            }
            (Event::Fault, _) => to(Faulted),

            (Event::Silent, Active) => to(Holding),
            (Event::LongSilent, Active | Holding) => to(Stopped),
            (Event::Arrived, Homing) => to(Active),
            (Event::Silent | Event::LongSilent | Event::Arrived, _) => stay,

            // A free arm has no owner: what only an owner can cause was refused above.
            (Event::Enable | Event::Home | Event::Reset | Event::Command, Free) => {
                Err(Denial::NotOwner)
            }
        }
    }

    /// Nobody owns it any more. A stop that its owner could have lifted is a person's now.
    fn without_owner(self) -> Self {
        let stop = match self.stop {
            Stop::None => Stop::None,
            Stop::Owner | Stop::Person => Stop::Person,
        };
        match (self.phase, stop) {
            (Phase::Faulted, stop) => Self::new(Phase::Faulted, false, stop),
            (_, Stop::None) => Self::FREE,
            (_, stop) => Self::new(Phase::Stopped, false, stop),
        }
    }

    fn stopped(self, phase: Phase) -> Self {
        let stop = match (self.stop, self.owned) {
            (Stop::Person, _) | (_, false) => Stop::Person,
            (_, true) => Stop::Owner,
        };
        Self {
            phase,
            stop,
            ..self
        }
    }

    /// Its name in the table, such as `stopped, unowned, to be acknowledged`.
    #[must_use]
    pub fn name(self) -> String {
        let mut name = self.phase.name().to_owned();
        if matches!(self.phase, Phase::Faulted | Phase::Stopped) && !self.owned {
            name += " (no owner)";
        }
        name += match self.stop {
            Stop::None => "",
            Stop::Owner => " *",
            Stop::Person => " **",
        };
        name
    }
}

/// The table in Markdown: a row for each state, a column for each event.
#[must_use]
pub fn table() -> String {
    let mut text = String::from("| state |");
    for event in Event::ALL {
        let _ = write!(text, " {} |", event.name());
    }
    text += "\n|---|";
    text += &"---|".repeat(Event::ALL.len());
    for state in State::ALL {
        let _ = write!(text, "\n| {} |", state.name());
        for event in Event::ALL {
            let cell = match state.on(event) {
                Ok(after) if after == state => "-".to_owned(),
                Ok(after) => after.name(),
                Err(denial) => format!("`{}`", denial.name()),
            };
            let _ = write!(text, " {cell} |");
        }
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests;
