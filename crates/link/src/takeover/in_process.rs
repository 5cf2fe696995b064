//! Devices in the same process as the runtime, with a clock of their own: for drivers that bring a device along,
//! for replays, and for tests that let time pass as they like.

use super::TakeoverInbox;
use super::authority_publisher::Shared;
use crate::wire::Takeover;
use std::sync::Arc;

/// Says what devices say, without a network.
pub struct InProcess(Arc<Shared>);

impl InProcess {
    /// A device is there, or gone.
    pub fn token(&self, device: u32, alive: bool) {
        self.0.change(|messages, _| messages.device(device, alive));
    }

    /// A device says this; whether the device is known.
    pub fn send(&self, takeover: Takeover) -> bool {
        self.0
            .change(|messages, now_ns| messages.receive(takeover, now_ns))
    }

    /// It is so late now, nanoseconds since the inbox was made; time does not go back.
    pub fn set_time_ns(&self, now_ns: u64) {
        self.0.set_now_ns(now_ns);
    }
}

impl TakeoverInbox {
    /// Listens to devices of this process alone. Time passes when [`InProcess::set_time_ns`] says so.
    #[must_use]
    pub fn in_process() -> (Self, InProcess) {
        let shared = Arc::new(Shared::with_clock());
        let inbox = Self::without_session(Arc::clone(&shared));
        (inbox, InProcess(shared))
    }
}
