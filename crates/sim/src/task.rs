//! What can be asked of the simulated robot.

use crate::{
    body::Body,
    error::Result,
    expert::Expert,
    facts::{Fact, FactInfo, Facts},
    outcome::Outcome,
    scene::{Holding, Scene},
};
use apprentice_core::Seed;
use nalgebra::Isometry3;
use rand_chacha::ChaCha8Rng;
use std::fmt;

/// A way to do a task.
#[derive(Clone, Debug, PartialEq)]
pub struct Style {
    /// Its name, in files.
    pub name: &'static str,
    /// How it is done, as it completes "push the block": "with an open hand".
    pub way: &'static str,
    /// Facts of an episode that succeeded in this way, as many as tell it from the others.
    pub facts: &'static [(&'static str, Fact)],
}

/// A task's own words, for report and console. They are put into sentences such as "the arm learnt to TAKE OBJECT
/// with an open hand", "OBJECT was DONE in 7 scenes", "whether it is TAKEN with an open hand more often".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Words {
    /// What is asked, as an order: "push the block onto the mat". Written into every episode.
    pub instruction: &'static str,
    /// What the task is about, with its article: "the block".
    pub object: &'static str,
    /// The verb that a way completes: "push".
    pub take: &'static str,
    /// Its participle: "pushed".
    pub taken: &'static str,
    /// What has become of the object when the task is done, as a participle: "pushed onto the mat".
    pub done: &'static str,
    /// What is in the scenes and in what they differ, as whole sentences for the report's limits.
    pub scenes: &'static str,
}

/// A task: what is in the scene, when it is done, what is measured, how it is shown, and how it is spoken of.
///
/// It is made of its settings, so it keeps nothing between episodes; what an episode has shown so far is in the
/// [`Facts`] that it is given.
pub trait Task: fmt::Debug + Send + Sync {
    /// Checks every setting.
    ///
    /// # Errors
    /// Names the first key that is out of range, with what it was and what is allowed.
    fn validate(&self) -> Result<()>;

    /// How it is spoken of.
    fn words(&self) -> Words;

    /// The ways in which its experts can do it; at least one.
    fn styles(&self) -> &'static [Style];

    /// What is measured beside [`EVERY_TASK`](crate::facts::EVERY_TASK).
    fn facts(&self) -> &'static [FactInfo];

    /// The bodies of a new scene. All that is random in it is drawn from `rng`.
    fn reset(&self, rng: &mut ChaCha8Rng) -> Vec<Body>;

    /// How the hand holds this task's bodies.
    fn holding(&self) -> Holding {
        Holding::Attachment
    }

    /// Measures: asked when a scene has begun and after each physics step. Whether the task is done now, `None`
    /// where that cannot be known; `facts` is what was measured since the scene began, those of every task among it, to be gone on with.
    fn measure(&self, scene: &Scene, facts: &mut Facts) -> Option<bool>;

    /// A demonstration in one of its [`styles`](Self::styles), for an arm whose tool is at `tool` (base frame) now.
    fn expert(
        &self,
        style: usize,
        scene: &Scene,
        tool: &Isometry3<f64>,
        seed: Seed,
    ) -> Box<dyn Expert>;

    /// The style that a successful outcome shows, if it is one of them.
    fn style_of(&self, outcome: &Outcome) -> Option<usize> {
        let shows = |(name, fact): &(&str, Fact)| outcome.facts.get(name) == Some(fact);
        self.styles()
            .iter()
            .position(|style| style.facts.iter().all(shows))
            .filter(|_| outcome.success == Some(true))
    }

    /// What an operator who prefers the first style makes of an outcome, the more the better: 2 for a success in that
    /// style, 1 for any other, 0 for none. [`channel_control`](crate::channel_control) asks whether a robot's channel
    /// tells it.
    fn utility(&self, outcome: &Outcome) -> f64 {
        let wanted = self.style_of(outcome) == Some(0);
        f64::from(u8::from(outcome.success == Some(true)) + u8::from(wanted))
    }

    /// How an episode ended, as a caption.
    fn describe(&self, outcome: &Outcome) -> String {
        let done = self.words().done;
        match outcome.success {
            Some(true) => match self.style_of(outcome).and_then(|s| self.styles().get(s)) {
                Some(style) => format!("{done} {}", style.way),
                None => done.to_owned(),
            },
            Some(false) => format!("not {done}"),
            None => format!("not known whether {done}"),
        }
    }
}
