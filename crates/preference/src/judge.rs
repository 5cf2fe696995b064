//! Whoever answers questions about episodes.

use crate::{Judgement, PreferenceError, Question, Terminal};
use apprentice_core::Seed;
use apprentice_episode::EpisodeId;

/// A judge: a person, or something in a person's place. Its settings say which; what it judges by is passed in.
pub trait Judge {
    /// Whether it asks a person and so needs a terminal.
    fn needs_person(&self) -> bool {
        false
    }

    /// Answers `questions`, one answer each, in their order. `None` is no answer: the judge cannot tell, the kind of
    /// question is beyond it, or a person wants to stop.
    ///
    /// The same questions, inputs and seed have the same answers (a person's excepted).
    ///
    /// # Errors
    /// When there is no way to answer at all, such as a person without a terminal.
    fn answer(
        &self,
        questions: &[Question],
        inputs: &mut JudgeInputs<'_>,
    ) -> Result<Vec<Option<Judgement>>, PreferenceError>;
}

/// What judges may use.
pub struct JudgeInputs<'a> {
    /// How much an episode is worth to a simulated operator, more is better; `None` where that is not known.
    pub utility: &'a dyn Fn(&EpisodeId) -> Option<f64>,
    /// A fact of an episode's outcome by name, in the fact's unit; `None` where it was not measured.
    pub fact: &'a dyn Fn(&EpisodeId, &str) -> Option<f64>,
    /// Where a person reads and types, if anywhere.
    pub terminal: Option<&'a mut dyn Terminal>,
    /// Seed of whatever is random.
    pub seed: Seed,
}

impl JudgeInputs<'_> {
    /// Nothing but a seed: no utility, no facts, nobody there.
    #[must_use]
    pub fn nothing(seed: Seed) -> Self {
        Self {
            utility: &|_| None,
            fact: &|_, _| None,
            terminal: None,
            seed,
        }
    }
}
