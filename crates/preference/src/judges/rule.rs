//! A judge that goes by one measured fact.

use crate::judge::{Judge, JudgeInputs};
use crate::{Answer, Item, Judgement, PreferenceError, Question, QuestionKind, Verdict, by_number};
use serde::{Deserialize, Serialize};

/// Judges by a fact of the outcome: rankings, ratings and similarities by its value, flags by whether it reaches a
/// threshold, success by the fact `success` (1 or 0). It knows whole episodes only, and no axis but the fact itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rule {
    /// Name of the fact.
    pub fact: String,
    /// Whether more of it is better.
    pub more_is_better: bool,
    /// From which value on a flag says yes, in the fact's unit.
    pub threshold: f64,
}

impl Default for Rule {
    fn default() -> Self {
        Self {
            fact: "duration_s".into(),
            more_is_better: false,
            threshold: 0.0,
        }
    }
}

/// The fact that tells of success.
const SUCCESS: &str = "success";

impl Judge for Rule {
    fn answer(
        &self,
        questions: &[Question],
        inputs: &mut JudgeInputs<'_>,
    ) -> Result<Vec<Option<Judgement>>, PreferenceError> {
        let who = format!("rule on {}", self.fact);
        let judge = |question: &Question| {
            // A rule has no clock, so that the same run gives the same record.
            let answer = self.one(question, inputs)?;
            Some(question.answered(0, &who, answer))
        };
        Ok(questions.iter().map(judge).collect())
    }
}

impl Rule {
    fn one(&self, question: &Question, inputs: &JudgeInputs<'_>) -> Option<Answer> {
        if question
            .axis
            .as_ref()
            .is_some_and(|axis| *axis != self.fact)
        {
            return None;
        }
        let fact = |item: &Item, name: &str| {
            let whole = item.span.is_none();
            whole.then(|| (inputs.fact)(&item.episode, name)).flatten()
        };
        match (question.kind, &question.items[..]) {
            (QuestionKind::Flag, [item]) => Some(Answer::Flag {
                item: item.clone(),
                yes: fact(item, &self.fact)? >= self.threshold,
            }),
            (QuestionKind::Success, [item]) if question.axis.is_none() => Some(Answer::Success {
                item: item.clone(),
                verdict: if fact(item, SUCCESS)? > 0.0 {
                    Verdict::Yes
                } else {
                    Verdict::No
                },
            }),
            (QuestionKind::Ranking, _) => {
                let sign = if self.more_is_better { 1.0 } else { -1.0 };
                let liking = |item: &Item| fact(item, &self.fact).map(|v| sign * v);
                by_number::answer(question, liking, false)
            }
            // A rating tells the value itself.
            _ => by_number::answer(question, |item| fact(item, &self.fact), false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use apprentice_core::Seed;
    use apprentice_episode::EpisodeId;

    #[test]
    fn the_fact_decides() {
        let rule = Rule {
            threshold: 2.0,
            ..Rule::default()
        };
        let fact = |id: &EpisodeId, name: &str| match name {
            "duration_s" => id.as_str().parse().ok(),
            SUCCESS => Some(0.0),
            _ => None,
        };
        let mut inputs = JudgeInputs {
            fact: &fact,
            ..JudgeInputs::nothing(Seed(0))
        };
        let of =
            |kind, ids: &[&str]| Question::new(kind, ids.iter().map(|&id| EpisodeId::from(id)));
        let questions = [
            of(QuestionKind::Ranking, &["3", "1", "2"]),
            of(QuestionKind::Flag, &["1"]),
            of(QuestionKind::Flag, &["2"]),
            of(QuestionKind::Success, &["2"]),
            of(QuestionKind::Ranking, &["3", "unmeasured"]),
        ];
        let answers = rule.answer(&questions, &mut inputs).unwrap();
        let flag = |id: &str, yes| Answer::Flag {
            item: EpisodeId::from(id).into(),
            yes,
        };
        let expected = [
            Some(Answer::ranking(
                ["1", "2", "3"].map(|id| vec![EpisodeId::from(id)]),
            )),
            Some(flag("1", false)),
            Some(flag("2", true)),
            Some(Answer::Success {
                item: EpisodeId::from("2").into(),
                verdict: Verdict::No,
            }),
            None,
        ];
        let answers: Vec<_> = answers.into_iter().map(|j| Some(j?.answer)).collect();
        assert_eq!(answers, expected);
    }
}
