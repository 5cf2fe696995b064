//! Who decides for an arm: its policy, or a person who has taken over.
//!
//! A person who presses the deadman has the arm at once. Let go of, or silent for longer than
//! [`Arbiter::silence_ns`], nobody has it and it stops; the policy gets it back only when it is handed back
//! on purpose. An emergency stop is not ours: it acts on the arm itself.

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
    /// Whether the arm is handed back to the policy; ignored while the deadman is pressed.
    pub hand_back: bool,
}

/// Why a device is not listened to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unheard {
    /// Another device has the arm.
    Taken,
    /// Its number is not above the last one's.
    Order,
}

/// Decides who decides, from what the devices say and from the time (ns, monotonic) it came.
#[derive(Clone, Debug)]
pub struct Arbiter {
    /// A device that says nothing for so long has let go, ns.
    pub silence_ns: u64,
    authority: Authority,
    device: Option<Device>,
    takeovers: u64,
    unheard: u64,
}

#[derive(Clone, Copy, Debug)]
struct Device {
    client: u32,
    sequence: u64,
    heard_ns: u64,
}

impl Default for Arbiter {
    fn default() -> Self {
        Self {
            silence_ns: 200_000_000,
            authority: Authority::Policy,
            device: None,
            takeovers: 0,
            unheard: 0,
        }
    }
}

impl Arbiter {
    /// A message came from a device.
    ///
    /// # Errors
    /// Why it changes nothing.
    pub fn hear(&mut self, grip: Grip, now_ns: u64) -> Result<(), Unheard> {
        self.decide(now_ns);
        let judged = match self.device {
            Some(device) if device.client == grip.client && grip.sequence <= device.sequence => {
                Err(Unheard::Order)
            }
            Some(device) if device.client != grip.client && self.authority == Authority::Human => {
                Err(Unheard::Taken)
            }
            _ => Ok(()),
        };
        if let Err(why) = judged {
            self.unheard += 1;
            return Err(why);
        }
        // A device that only listens, or says that it is idle, does not become the one that is heard.
        if grip.deadman || self.device.is_some_and(|d| d.client == grip.client) {
            self.device = Some(Device {
                client: grip.client,
                sequence: grip.sequence,
                heard_ns: now_ns,
            });
        }
        match (self.authority, grip.deadman) {
            (Authority::Human, true) => {}
            (_, true) => {
                self.authority = Authority::Human;
                self.takeovers += 1;
            }
            (Authority::Human, false) => self.authority = Authority::Nobody,
            (_, false) => {}
        }
        // Whoever let go knows why; another device has to take the arm before it can hand it back.
        let let_go = self.device.is_some_and(|d| d.client == grip.client);
        if grip.hand_back && !grip.deadman && let_go && self.authority == Authority::Nobody {
            self.authority = Authority::Policy;
        }
        Ok(())
    }

    /// A device is gone: if it had the arm, it has let go.
    pub fn gone(&mut self, client: u32) {
        if self.authority == Authority::Human && self.device.is_some_and(|d| d.client == client) {
            self.authority = Authority::Nobody;
        }
    }

    /// Who decides at this time.
    pub fn decide(&mut self, now_ns: u64) -> Authority {
        let silent = self
            .device
            .is_none_or(|d| now_ns.saturating_sub(d.heard_ns) > self.silence_ns);
        if self.authority == Authority::Human && silent {
            self.authority = Authority::Nobody;
        }
        self.authority
    }

    /// A new episode begins: the policy has the arm, unless a person holds it.
    pub fn begin(&mut self, now_ns: u64) {
        if self.decide(now_ns) != Authority::Human {
            self.authority = Authority::Policy;
        }
    }

    /// How often a person took over.
    #[must_use]
    pub fn takeovers(&self) -> u64 {
        self.takeovers
    }

    /// Messages that changed nothing because another device has the arm, or they came late.
    #[must_use]
    pub fn unheard(&self) -> u64 {
        self.unheard
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    const MS: u64 = 1_000_000;

    fn grip(client: u32, sequence: u64, deadman: bool) -> Grip {
        Grip {
            client,
            sequence,
            deadman,
            hand_back: false,
        }
    }

    #[test]
    fn a_person_takes_over_at_once_and_gives_back_on_purpose_only() {
        let mut arbiter = Arbiter::default();
        assert_eq!(arbiter.decide(0), Authority::Policy);
        arbiter.hear(grip(1, 1, false), 0).unwrap();
        assert_eq!(arbiter.decide(MS), Authority::Policy);
        arbiter.hear(grip(1, 2, true), 2 * MS).unwrap();
        assert_eq!(arbiter.decide(2 * MS), Authority::Human);
        assert_eq!(arbiter.decide(202 * MS), Authority::Human);
        assert_eq!(arbiter.decide(203 * MS), Authority::Nobody);
        let back = Grip {
            hand_back: true,
            ..grip(1, 3, true)
        };
        arbiter.hear(back, 204 * MS).unwrap();
        assert_eq!(
            arbiter.decide(204 * MS),
            Authority::Human,
            "the deadman is pressed"
        );
        arbiter.hear(grip(1, 4, false), 205 * MS).unwrap();
        assert_eq!(arbiter.decide(206 * MS), Authority::Nobody);
        let back = Grip {
            hand_back: true,
            ..grip(1, 5, false)
        };
        arbiter.hear(back, 207 * MS).unwrap();
        assert_eq!(arbiter.decide(207 * MS), Authority::Policy);
        assert_eq!(arbiter.takeovers(), 2);
    }

    #[test]
    fn only_the_device_that_let_go_hands_back_and_one_that_is_gone_has_let_go() {
        let mut arbiter = Arbiter::default();
        let back = |client, sequence| Grip {
            hand_back: true,
            ..grip(client, sequence, false)
        };
        arbiter.hear(grip(1, 1, true), 0).unwrap();
        arbiter.gone(2);
        assert_eq!(arbiter.decide(0), Authority::Human);
        arbiter.gone(1);
        assert_eq!(arbiter.decide(0), Authority::Nobody);
        arbiter.hear(back(2, 1), 0).unwrap();
        assert_eq!(arbiter.decide(0), Authority::Nobody);
        arbiter.hear(grip(2, 2, true), 0).unwrap();
        arbiter.hear(back(2, 3), 0).unwrap();
        assert_eq!(arbiter.decide(0), Authority::Policy);
    }

    #[test]
    fn a_second_device_and_old_messages_are_not_heard() {
        let mut arbiter = Arbiter::default();
        arbiter.hear(grip(1, 5, true), 0).unwrap();
        assert_eq!(arbiter.hear(grip(2, 1, true), MS), Err(Unheard::Taken));
        assert_eq!(arbiter.hear(grip(1, 5, false), MS), Err(Unheard::Order));
        assert_eq!(arbiter.decide(MS), Authority::Human);
        // Once the first has let go the second may.
        arbiter.hear(grip(1, 6, false), 2 * MS).unwrap();
        arbiter.hear(grip(2, 2, true), 3 * MS).unwrap();
        assert_eq!(
            (arbiter.decide(3 * MS), arbiter.unheard()),
            (Authority::Human, 2)
        );
    }

    /// Two people, messages at any time: only one of them ever has the arm, and the policy never moves
    /// it again before it was handed back.
    #[test]
    fn ownership_is_never_double_at_any_interleaving() {
        let mut switches = 0;
        for seed in 0..50 {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let mut arbiter = Arbiter::default();
            let (mut now, mut holder, mut before) = (0, None, Authority::Policy);
            let mut handed_back = true;
            for sequence in 1..2000 {
                now += rng.random_range(0..150) * MS;
                let client = rng.random_range(1..3);
                let said = Grip {
                    client,
                    sequence,
                    deadman: rng.random_bool(0.5),
                    hand_back: rng.random_bool(0.2),
                };
                let expired = arbiter.decide(now) != Authority::Human;
                if expired {
                    holder = None;
                }
                let heard = arbiter.hear(said, now);
                if let Some(h) = holder {
                    assert_eq!(heard.is_ok(), h == client, "someone else was heard");
                }
                let authority = arbiter.decide(now);
                if heard.is_ok() {
                    holder = (authority == Authority::Human).then_some(client);
                }
                handed_back |= heard.is_ok() && said.hand_back && !said.deadman;
                if authority == Authority::Policy && before != Authority::Policy {
                    assert!(handed_back, "the policy got the arm back by itself");
                }
                if authority == Authority::Human {
                    handed_back = false;
                }
                switches += u64::from(authority != before);
                before = authority;
            }
        }
        println!("{switches} changes of who decides");
        assert!(switches > 10_000);
    }
}
