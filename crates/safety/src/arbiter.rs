//! Who decides for an arm: its policy, or a person who has taken over.
//!
//! A person who presses the deadman has the arm at once. Let go of, or silent for longer than
//! [`Arbiter::silence_ns`], nobody has it and it stops; the policy gets it back only when it is handed back
//! on purpose, by the device that let go, in a message of a while later ([`Arbiter::hand_back_after_ns`]) and
//! only if it has not said meanwhile that its deadman is pressed: no single message, and no burst of them, takes an
//! arm from a person and gives it to the policy. No new episode does either. An emergency stop is not ours:
//! it acts on the arm itself.

use crate::sequence::{OutOfOrder, Sequence};

/// Who decides now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ControlAuthority {
    /// The policy.
    Policy,
    /// The person at the operator's device.
    Human,
    /// Nobody: the arm stops and stays.
    Nobody,
}

impl ControlAuthority {
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
pub struct TeleopMessage {
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
pub enum TeleopRejection {
    /// Another device has the arm.
    Taken,
    /// Its number is not above the last one's: it came before, or too late.
    Old,
    /// Its number is too far above the last one's to be the next.
    Jump,
}

impl TeleopRejection {
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

impl From<OutOfOrder> for TeleopRejection {
    fn from(why: OutOfOrder) -> Self {
        match why {
            OutOfOrder::Old => Self::Old,
            OutOfOrder::Jump => Self::Jump,
        }
    }
}

/// Messages that changed nothing, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TeleopRejectionCounts {
    /// [`TeleopRejection::Taken`].
    pub taken: u64,
    /// [`TeleopRejection::Old`].
    pub old: u64,
    /// [`TeleopRejection::Jump`].
    pub jump: u64,
}

impl TeleopRejectionCounts {
    fn count(&mut self, why: TeleopRejection) {
        let count = match why {
            TeleopRejection::Taken => &mut self.taken,
            TeleopRejection::Old => &mut self.old,
            TeleopRejection::Jump => &mut self.jump,
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

/// A device's number rises by no more than this from one message to the next, and by one more for each
/// [`NUMBER_EVERY_NS`] between them: a number forged far ahead would have all of the person's own refused.
const NUMBERS_AT_ONCE: u64 = 64;
/// The shortest time between two messages of a device, ns.
const NUMBER_EVERY_NS: u64 = 1_000_000;

/// Devices whose last number is remembered, also after they are gone: what they said must not count again.
const MOST_DEVICES: usize = 64;

/// Decides who decides, from what the devices say and from the time (ns, monotonic) it came.
#[derive(Clone, Debug)]
pub struct Arbiter {
    /// A device that says nothing for so long has let go, ns.
    pub silence_ns: u64,
    /// An arm that is handed back is the policy's no sooner than this after its device let go, ns: a person whose
    /// deadman is pressed says so meanwhile, and whoever speaks in their name is found out.
    pub hand_back_after_ns: u64,
    authority: ControlAuthority,
    /// The device that has the arm, or had it last.
    holder: Option<u32>,
    /// Since when (ns) that device has said nothing but that its deadman is up; one that only fell silent has not
    /// said so.
    released_ns: Option<u64>,
    /// Whether it has handed the arm back since.
    handed_back: bool,
    devices: Vec<Device>,
    takeovers: u64,
    rejections: TeleopRejectionCounts,
}

#[derive(Clone, Copy, Debug)]
struct Device {
    client: u32,
    sequence: Sequence,
    last_message_ns: u64,
    connected: bool,
}

impl Default for Arbiter {
    fn default() -> Self {
        Self {
            silence_ns: 200_000_000,
            hand_back_after_ns: 200_000_000,
            authority: ControlAuthority::Policy,
            holder: None,
            released_ns: None,
            handed_back: false,
            devices: Vec::new(),
            takeovers: 0,
            rejections: TeleopRejectionCounts::default(),
        }
    }
}

impl Arbiter {
    /// A message came from a device.
    ///
    /// # Errors
    /// Why it changes nothing about who decides.
    pub fn receive(&mut self, teleop: TeleopMessage, now_ns: u64) -> Result<(), TeleopRejection> {
        self.decide(now_ns);
        let heard = self.record(teleop, now_ns).and_then(|()| {
            let others =
                self.authority == ControlAuthority::Human && self.holder != Some(teleop.client);
            // Its number was used all the same: it must not be obeyed later.
            if others {
                Err(TeleopRejection::Taken)
            } else {
                Ok(())
            }
        });
        if let Err(why) = heard {
            self.rejections.count(why);
            self.contradict(teleop, why);
            return Err(why);
        }
        if teleop.deadman {
            if self.authority != ControlAuthority::Human {
                self.takeovers = self.takeovers.saturating_add(1);
            }
            self.authority = ControlAuthority::Human;
            self.holder = Some(teleop.client);
            self.cancel_hand_back();
            return Ok(());
        }
        // A device that only listens, or says that it is idle, does not become the one that is heard: another
        // device has to take the arm before it can hand it back.
        if self.holder != Some(teleop.client) {
            return Ok(());
        }
        match (self.authority, self.released_ns) {
            (ControlAuthority::Policy, _) => {}
            (ControlAuthority::Human, _) | (ControlAuthority::Nobody, None) => {
                self.authority = ControlAuthority::Nobody;
                self.released_ns = Some(now_ns);
            }
            (ControlAuthority::Nobody, Some(_)) => self.handed_back |= teleop.hand_back,
        }
        Ok(())
    }

    /// A message that is not obeyed says that a deadman is pressed, in the name of the device that let go: two
    /// speak under one number. The arm stays nobody's until both have let go.
    fn contradict(&mut self, teleop: TeleopMessage, why: TeleopRejection) {
        let released =
            self.authority == ControlAuthority::Nobody && self.holder == Some(teleop.client);
        if why == TeleopRejection::Old && teleop.deadman && released {
            self.cancel_hand_back();
        }
    }

    /// What the device said of letting go does not hold any more.
    fn cancel_hand_back(&mut self) {
        self.released_ns = None;
        self.handed_back = false;
    }

    /// Notes the number of a message; what is refused leaves everything as it was.
    fn record(&mut self, teleop: TeleopMessage, now_ns: u64) -> Result<(), TeleopRejection> {
        if let Some(device) = self.devices.iter_mut().find(|d| d.client == teleop.client) {
            let silent_ns = now_ns.saturating_sub(device.last_message_ns);
            let most = NUMBERS_AT_ONCE.saturating_add(silent_ns / NUMBER_EVERY_NS);
            device.sequence.next_within(teleop.sequence, most)?;
            device.last_message_ns = now_ns;
            device.connected = true;
            return Ok(());
        }
        let mut sequence = Sequence::default();
        sequence.next(teleop.sequence)?;
        if self.devices.len() >= MOST_DEVICES {
            self.forget_one();
        }
        self.devices.push(Device {
            client: teleop.client,
            sequence,
            last_message_ns: now_ns,
            connected: true,
        });
        Ok(())
    }

    /// Forgets the device that has said nothing for longest: one that is gone if there is one, and never the
    /// one that has the arm or had it last.
    fn forget_one(&mut self) {
        let others = self.devices.iter().enumerate();
        let oldest = others
            .filter(|(_, d)| self.holder != Some(d.client))
            .min_by_key(|(_, d)| (d.connected, d.last_message_ns))
            .map(|(i, _)| i);
        if let Some(index) = oldest {
            self.devices.swap_remove(index);
        }
    }

    /// A device is gone: if it had the arm, it is nobody's. What it said last is remembered.
    pub fn disconnect(&mut self, client: u32) {
        if let Some(device) = self.devices.iter_mut().find(|d| d.client == client) {
            device.connected = false;
        }
        if self.authority == ControlAuthority::Human && self.holder == Some(client) {
            self.authority = ControlAuthority::Nobody;
        }
    }

    /// Who decides at this time.
    pub fn decide(&mut self, now_ns: u64) -> ControlAuthority {
        if self.authority == ControlAuthority::Human && self.silent_at(now_ns) {
            self.authority = ControlAuthority::Nobody;
        }
        if self.authority == ControlAuthority::Nobody
            && self.handed_back_at().is_some_and(|at_ns| now_ns >= at_ns)
        {
            self.authority = ControlAuthority::Policy;
        }
        self.authority
    }

    /// When (ns) the policy gets the arm that was handed back.
    fn handed_back_at(&self) -> Option<u64> {
        let released_ns = self.released_ns.filter(|_| self.handed_back)?;
        Some(released_ns.saturating_add(self.hand_back_after_ns))
    }

    fn silent_at(&self, now_ns: u64) -> bool {
        let last_message_ns = self.last_message_ns();
        last_message_ns
            .is_none_or(|last_message_ns| now_ns.saturating_sub(last_message_ns) > self.silence_ns)
    }

    fn last_message_ns(&self) -> Option<u64> {
        let holder = self.devices.iter().find(|d| self.holder == Some(d.client));
        holder.map(|d| d.last_message_ns)
    }

    /// When (ns) somebody else decides without another word from a device: once a person has been silent for too
    /// long, or once the arm they handed back is the policy's. `None` while nothing is to come.
    #[must_use]
    pub fn changes_at(&self) -> Option<u64> {
        match self.authority {
            ControlAuthority::Human => {
                Some(self.last_message_ns()?.saturating_add(self.silence_ns))
            }
            ControlAuthority::Nobody => self.handed_back_at(),
            ControlAuthority::Policy => None,
        }
    }

    /// The device that has the arm, or let go of it last and alone may hand it back; `None` while the policy
    /// has it.
    #[must_use]
    pub fn device(&self) -> Option<u32> {
        self.holder
            .filter(|_| self.authority != ControlAuthority::Policy)
    }

    /// How often a person took over.
    #[must_use]
    pub fn takeovers(&self) -> u64 {
        self.takeovers
    }

    /// Messages that changed nothing, by reason.
    #[must_use]
    pub fn rejections(&self) -> TeleopRejectionCounts {
        self.rejections
    }
}

#[cfg(test)]
mod tests;
