//! One policy tick as it is recorded.

use crate::EpisodeMeta;
use apprentice_core::Observation;

/// What was seen and what was asked for at one policy tick.
#[derive(Clone, Debug, PartialEq)]
pub struct Tick {
    /// Counts up from 0 by one a tick.
    pub index: u64,
    /// Robot clock, nanoseconds; never decreases.
    pub stamp_ns: u64,
    /// The joints and one frame a camera, in the order of [`EpisodeMeta::cameras`].
    pub observation: Observation,
    /// The numbers the policy sees beside the pictures; the same length every tick.
    pub proprioception: Vec<f32>,
    /// The action as the policy gave it, [`EpisodeMeta::action_dim`] numbers.
    pub action: Vec<f32>,
    /// Names of the guard's rules that changed or refused this action; empty when it passed.
    pub guard_interventions: Vec<String>,
    /// Who decided what was done; where it was not the policy, `action` is the person's, or that the arm
    /// stays where it is.
    pub decided_by: DecidedBy,
    /// What the policy had planned from this tick on and a takeover kept from being done, each
    /// [`EpisodeMeta::action_dim`] numbers; empty except at the tick of a takeover.
    pub unexecuted: Vec<Vec<f32>>,
}

/// Who decided at a tick.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DecidedBy {
    /// The episode's source: policy, expert or demonstrator.
    #[default]
    Agent,
    /// A person who had taken over.
    Human,
    /// Nobody: the arm stayed where it was.
    Nobody,
}

/// What a tick must agree with, kept by the writer.
#[derive(Default)]
pub(crate) struct Before {
    /// Ticks written.
    pub ticks: u64,
    stamp_ns: u64,
    proprioception: Option<usize>,
}

impl Before {
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
