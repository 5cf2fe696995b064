//! What devices said, and who decides because of it.

use crate::tokens::Tokens;
use crate::wire::Takeover;
use apprentice_safety::{Arbiter, ControlAuthority, TeleopRejectionCounts};

/// Devices that are known at once: as many as there can be certificates of operators.
const MOST_DEVICES: usize = 16;

/// Messages of devices that changed nothing, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ignored {
    /// By devices whose token is there.
    pub rejections: TeleopRejectionCounts,
    /// By devices whose token is not there.
    pub no_token: u64,
    /// Messages that cannot be read or bear another number than their key, and keys and tokens that bear no number.
    pub malformed: u64,
}

impl Ignored {
    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        let others = self.no_token.saturating_add(self.malformed);
        self.rejections.total().saturating_add(others)
    }
}

/// Everything devices have said.
pub(super) struct DeviceMessages {
    pub arbiter: Arbiter,
    /// What the person who holds the arm wants; empty to stay.
    pub action: Vec<f32>,
    pub devices: Tokens,
    pub messages: u64,
    pub no_token: u64,
    pub malformed: u64,
    /// Nobody wants to know any more.
    pub ended: bool,
}

impl DeviceMessages {
    pub fn new() -> Self {
        Self {
            arbiter: Arbiter::default(),
            action: Vec::new(),
            devices: Tokens::new(MOST_DEVICES),
            messages: 0,
            no_token: 0,
            malformed: 0,
            ended: false,
        }
    }

    /// Who decides, and which device has the arm or let go of it.
    pub fn decide(&mut self, now_ns: u64) -> (ControlAuthority, Option<u32>) {
        let authority = self.arbiter.decide(now_ns);
        (authority, self.arbiter.device())
    }

    /// A device's token has come up, or is gone.
    pub fn device(&mut self, client: u32, alive: bool) {
        if alive {
            self.devices.insert(client, self.arbiter.device());
        } else if self.devices.remove(client) {
            self.arbiter.disconnect(client);
        }
    }

    /// A message came; whether its sender's token is known.
    pub fn receive(&mut self, takeover: Takeover, now_ns: u64) -> bool {
        self.messages = self.messages.saturating_add(1);
        let client = takeover.teleop.client;
        if !self.devices.touch(client) {
            self.no_token = self.no_token.saturating_add(1);
            complain(self.no_token, client, "it holds no token that is known");
            return false;
        }
        match self.arbiter.receive(takeover.teleop, now_ns) {
            Ok(()) if self.arbiter.device() == Some(client) => self.action = takeover.action,
            Ok(()) => {}
            Err(why) => complain(self.arbiter.rejections().total(), client, why.name()),
        }
        true
    }

    /// Something came that is no message of a device.
    pub fn malformed(&mut self, problem: &str) {
        self.malformed = self.malformed.saturating_add(1);
        if self.malformed.is_power_of_two() {
            tracing::warn!(
                "{} takeover messages cannot be used: {problem}",
                self.malformed
            );
        }
    }

    pub fn ignored(&self) -> Ignored {
        Ignored {
            rejections: self.arbiter.rejections(),
            no_token: self.no_token,
            malformed: self.malformed,
        }
    }
}

/// Says so the first time, and then ever more rarely: whoever floods us must not fill the disk.
fn complain(count: u64, client: u32, why: &str) {
    if count.is_power_of_two() {
        tracing::warn!("takeover message number {count} is not obeyed, of {client:08x}: {why}");
    }
}
