//! A judge that passes or fails.

use crate::judge::{Judge, JudgeInputs};
use crate::{Answer, Judgement, PreferenceError, Question, QuestionKind};
use serde::{Deserialize, Serialize};

/// Says yes to a flag where the utility reaches the mark.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PassMark {
    /// The mark, in units of utility.
    pub mark: f64,
}

impl Judge for PassMark {
    fn answer(
        &self,
        questions: &[Question],
        inputs: &mut JudgeInputs<'_>,
    ) -> Result<Vec<Option<Judgement>>, PreferenceError> {
        let flag = |question: &Question| {
            let ([item], QuestionKind::Flag) = (&question.items[..], question.kind) else {
                return None;
            };
            let yes = (inputs.utility)(&item.episode)? >= self.mark;
            let item = item.clone();
            Some(question.answered(0, "pass mark", Answer::Flag { item, yes }))
        };
        Ok(questions.iter().map(flag).collect())
    }
}
