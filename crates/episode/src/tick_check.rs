//! What a tick must agree with.

use crate::{EpisodeMeta, Tick};

/// What a tick must agree with, kept by the writer.
#[derive(Default)]
pub(crate) struct TickCheck {
    /// Ticks written.
    pub ticks: u64,
    stamp_ns: u64,
    proprioception: Option<usize>,
}

impl TickCheck {
    /// What stops `tick` from being the next one, if anything.
    pub fn problem(&self, tick: &Tick, meta: &EpisodeMeta) -> Option<String> {
        if tick.index != self.ticks || tick.index > u64::from(u32::MAX) {
            return Some(format!(
                "its index is {}, the next one is {}",
                tick.index, self.ticks
            ));
        }
        if tick.stamp_ns < self.stamp_ns {
            return Some(format!(
                "its stamp {} ns is before the previous tick's {} ns",
                tick.stamp_ns, self.stamp_ns
            ));
        }
        if tick.action.len() != meta.action_dim {
            return Some(format!(
                "its action has {} numbers, the episode's have {}",
                tick.action.len(),
                meta.action_dim
            ));
        }
        if let Some(wrong) = tick.unexecuted.iter().find(|a| a.len() != meta.action_dim) {
            return Some(format!(
                "an action that was not executed has {} numbers, the episode's have {}",
                wrong.len(),
                meta.action_dim
            ));
        }
        if let Some(expected) = self.proprioception
            && expected != tick.proprioception.len()
        {
            return Some(format!(
                "its proprioception has {} numbers, the ticks before had {expected}",
                tick.proprioception.len()
            ));
        }
        let state = &tick.observation.state;
        if let Some(efforts) = &state.efforts
            && efforts.len() != state.positions.len()
        {
            return Some(format!(
                "it has {} joint torques (N m) for {} joints, one a joint is allowed",
                efforts.len(),
                state.positions.len()
            ));
        }
        let frames = &tick.observation.frames;
        if frames.len() != meta.cameras.len() {
            let names: Vec<_> = meta.cameras.iter().map(|c| c.name.as_str()).collect();
            return Some(format!(
                "it has {} frames, the episode has {} cameras ({})",
                frames.len(),
                names.len(),
                names.join(", ")
            ));
        }
        for (camera, frame) in meta.cameras.iter().zip(frames) {
            let got = (frame.image.width(), frame.image.height());
            if got != (camera.width, camera.height) {
                return Some(format!(
                    "its frame of camera {:?} is {}x{} pixels, the episode's are {}x{}",
                    camera.name, got.0, got.1, camera.width, camera.height
                ));
            }
        }
        None
    }

    /// Takes note of a tick that was written.
    pub fn advance(&mut self, tick: &Tick) {
        self.ticks += 1;
        self.stamp_ns = tick.stamp_ns;
        self.proprioception = Some(tick.proprioception.len());
    }
}
