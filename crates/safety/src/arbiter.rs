//! Who decides for an arm: its policy, or a person who has taken over.
//!
//! A person who presses the deadman has the arm at once. Let go of, or silent for longer than
//! [`Arbiter::silence_ns`], nobody has it and it stops; the policy gets it back only when it is handed back
//! on purpose, by the device that let go, in a later message than the one that let go: no single message takes
//! an arm from a person and gives it to the policy. No new episode does either. An emergency stop is not ours:
//! it acts on the arm itself.

use crate::sequence::{OutOfOrder, Sequence};

/// Who decides now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Authority {
    /// The policy.
    Policy,
    /// The person at the operator's device.
    Human,
    /// Nobody: the arm stops and stays.
    Nobody,
}

impl Authority {
    /// Its name, as in episodes.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::Human => "human",
            Self::Nobody => "nobody",
        }
    }
}

/// What an operator's device says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grip {
    /// Which device.
    pub client: u32,
    /// Its messages are numbered; the numbers rise.
    pub sequence: u64,
    /// Whether the deadman is pressed.
    pub deadman: bool,
    /// Whether the arm is handed back to the policy; ignored while the deadman is pressed, and in the message
    /// that lets go.
    pub hand_back: bool,
}

/// Why a device is not listened to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unheard {
    /// Another device has the arm.
    Taken,
    /// Its number is not above the last one's: it came before, or too late.
    Old,
    /// Its number is too far above the last one's to be the next.
    Jump,
}

impl Unheard {
    /// Its name, as in logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::Old => "old",
            Self::Jump => "jump",
        }
    }
}

impl From<OutOfOrder> for Unheard {
    fn from(why: OutOfOrder) -> Self {
        match why {
            OutOfOrder::Old => Self::Old,
            OutOfOrder::Jump => Self::Jump,
        }
    }
}

/// Messages that changed nothing, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UnheardCounts {
    /// [`Unheard::Taken`].
    pub taken: u64,
    /// [`Unheard::Old`].
    pub old: u64,
    /// [`Unheard::Jump`].
    pub jump: u64,
}

impl UnheardCounts {
    fn count(&mut self, why: Unheard) {
        let count = match why {
            Unheard::Taken => &mut self.taken,
            Unheard::Old => &mut self.old,
            Unheard::Jump => &mut self.jump,
        };
        *count = count.saturating_add(1);
    }

    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.taken
            .saturating_add(self.old)
            .saturating_add(self.jump)
    }
}

/// Devices whose last number is remembered, also after they are gone: what they said must not count again.
const MOST_DEVICES: usize = 64;

/// Decides who decides, from what the devices say and from the time (ns, monotonic) it came.
#[derive(Clone, Debug)]
pub struct Arbiter {
    /// A device that says nothing for so long has let go, ns.
    pub silence_ns: u64,
    authority: Authority,
    /// The device that has the arm, or had it last.
    holder: Option<u32>,
    /// Whether that device has said since that its deadman is up; one that only fell silent has not.
    let_go: bool,
    devices: Vec<Device>,
    takeovers: u64,
    unheard: UnheardCounts,
}

#[derive(Clone, Copy, Debug)]
struct Device {
    client: u32,
    sequence: Sequence,
    heard_ns: u64,
    here: bool,
}

impl Default for Arbiter {
    fn default() -> Self {
        Self {
            silence_ns: 200_000_000,
            authority: Authority::Policy,
            holder: None,
            let_go: false,
            devices: Vec::new(),
            takeovers: 0,
            unheard: UnheardCounts::default(),
        }
    }
}

impl Arbiter {
    /// A message came from a device.
    ///
    /// # Errors
    /// Why it changes nothing about who decides.
    pub fn hear(&mut self, grip: Grip, now_ns: u64) -> Result<(), Unheard> {
        self.decide(now_ns);
        let heard = self.note(grip, now_ns).and_then(|()| {
            let others = self.authority == Authority::Human && self.holder != Some(grip.client);
            // Its number was used all the same: it must not be obeyed later.
            if others { Err(Unheard::Taken) } else { Ok(()) }
        });
        if let Err(why) = heard {
            self.unheard.count(why);
            return Err(why);
        }
        if grip.deadman {
            if self.authority != Authority::Human {
                self.takeovers = self.takeovers.saturating_add(1);
            }
            self.authority = Authority::Human;
            self.holder = Some(grip.client);
            self.let_go = false;
            return Ok(());
        }
        // A device that only listens, or says that it is idle, does not become the one that is heard: another
        // device has to take the arm before it can hand it back.
        if self.holder != Some(grip.client) {
            return Ok(());
        }
        if self.authority == Authority::Nobody && self.let_go && grip.hand_back {
            self.authority = Authority::Policy;
        }
        if self.authority == Authority::Human {
            self.authority = Authority::Nobody;
        }
        self.let_go = true;
        Ok(())
    }

    /// Notes the number of a message; what is refused leaves everything as it was.
    fn note(&mut self, grip: Grip, now_ns: u64) -> Result<(), Unheard> {
        if let Some(device) = self.devices.iter_mut().find(|d| d.client == grip.client) {
            device.sequence.next(grip.sequence)?;
            device.heard_ns = now_ns;
            device.here = true;
            return Ok(());
        }
        let mut sequence = Sequence::default();
        sequence.next(grip.sequence)?;
        if self.devices.len() >= MOST_DEVICES {
            self.forget_one();
        }
        self.devices.push(Device {
            client: grip.client,
            sequence,
            heard_ns: now_ns,
            here: true,
        });
        Ok(())
    }

    /// Forgets the device that has said nothing for longest: one that is gone if there is one, and never the
    /// one that has the arm or had it last.
    fn forget_one(&mut self) {
        let others = self.devices.iter().enumerate();
        let oldest = others
            .filter(|(_, d)| self.holder != Some(d.client))
            .min_by_key(|(_, d)| (d.here, d.heard_ns))
            .map(|(i, _)| i);
        if let Some(index) = oldest {
            self.devices.swap_remove(index);
        }
    }

    /// A device is gone: if it had the arm, it is nobody's. What it said last is remembered.
    pub fn gone(&mut self, client: u32) {
        if let Some(device) = self.devices.iter_mut().find(|d| d.client == client) {
            device.here = false;
        }
        if self.authority == Authority::Human && self.holder == Some(client) {
            self.authority = Authority::Nobody;
        }
    }

    /// Who decides at this time.
    pub fn decide(&mut self, now_ns: u64) -> Authority {
        if self.authority == Authority::Human && self.silent_at(now_ns) {
            self.authority = Authority::Nobody;
        }
        self.authority
    }

    fn silent_at(&self, now_ns: u64) -> bool {
        let heard_ns = self.heard_ns();
        heard_ns.is_none_or(|heard_ns| now_ns.saturating_sub(heard_ns) > self.silence_ns)
    }

    fn heard_ns(&self) -> Option<u64> {
        let holder = self.devices.iter().find(|d| self.holder == Some(d.client));
        holder.map(|d| d.heard_ns)
    }

    /// Until when (ns) a person has the arm without another word from their device; `None` while no person has it.
    #[must_use]
    pub fn held_until(&self) -> Option<u64> {
        let heard_ns = self
            .heard_ns()
            .filter(|_| self.authority == Authority::Human);
        heard_ns.map(|heard_ns| heard_ns.saturating_add(self.silence_ns))
    }

    /// The device that has the arm, or let go of it last and alone may hand it back; `None` while the policy
    /// has it.
    #[must_use]
    pub fn device(&self) -> Option<u32> {
        self.holder.filter(|_| self.authority != Authority::Policy)
    }

    /// How often a person took over.
    #[must_use]
    pub fn takeovers(&self) -> u64 {
        self.takeovers
    }

    /// Messages that changed nothing, by reason.
    #[must_use]
    pub fn unheard(&self) -> UnheardCounts {
        self.unheard
    }
}

#[cfg(test)]
mod tests;
