//! What a judge is asked.

use crate::{Answer, Asked, Item, Judgement, PreferenceError, Presentation, Scale};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A question about some items.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// What to answer.
    pub kind: QuestionKind,
    /// About what. A ranking has any number, a similarity three (the first is what the others are compared with),
    /// an utterance any, the others one.
    pub items: Vec<Item>,
    /// About which side of it; `None` is what the judge likes over all.
    #[serde(default)]
    pub axis: Option<String>,
    /// Why this is asked, kept with the answer.
    #[serde(default)]
    pub reason: Option<String>,
    /// Which strategy chose it, and what it expects of the answer; kept with the answer.
    #[serde(default)]
    pub asked: Option<Asked>,
    /// How the items are shown, kept with the answer.
    #[serde(default)]
    pub presentation: Option<Presentation>,
}

/// The kinds of questions. Corrections and takeovers are volunteered, not asked for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuestionKind {
    /// Put the items in order, best first; ties are allowed.
    Ranking,
    /// Rate the item on this scale.
    Rating(Scale),
    /// Say yes or no of the item.
    Flag,
    /// Say which of the second and third item is more like the first.
    Similarity,
    /// Say something about the items.
    Utterance,
    /// Say whether the task was done.
    Success,
}

impl QuestionKind {
    /// The name of the kind, as that of the answer it wants.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ranking => "ranking",
            Self::Rating(_) => "rating",
            Self::Flag => "flag",
            Self::Similarity => "similarity",
            Self::Utterance => "utterance",
            Self::Success => "success",
        }
    }
}

impl Question {
    /// A question without axis.
    #[must_use]
    pub fn new<I: Into<Item>>(kind: QuestionKind, items: impl IntoIterator<Item = I>) -> Self {
        Self {
            kind,
            items: items.into_iter().map(Into::into).collect(),
            axis: None,
            reason: None,
            asked: None,
            presentation: None,
        }
    }

    /// The judgement of `who` that answers this.
    #[must_use]
    pub fn answered(&self, when_unix_ms: u64, who: &str, answer: Answer) -> Judgement {
        Judgement {
            axis: self.axis.clone(),
            query_reason: self.reason.clone(),
            asked: self.asked.clone(),
            presentation: self.presentation.clone(),
            ..Judgement::new(when_unix_ms, who, answer)
        }
        .with_id()
    }

    /// Checks that a judgement answers this and nothing else.
    ///
    /// # Errors
    /// When its kind, axis, scale or items are others.
    pub fn check_answer(&self, judgement: &Judgement) -> Result<(), PreferenceError> {
        let matches = |what, got: String, asked: String| {
            if got == asked {
                return Ok(());
            }
            Err(PreferenceError::NotAsked {
                judgement: judgement.short_id().to_owned(),
                what,
                got,
                asked,
            })
        };
        let kind = judgement.answer.kind();
        matches("the kind", kind.to_owned(), self.kind.name().to_owned())?;
        let axis = |axis: &Option<String>| axis.clone().unwrap_or("none".to_owned());
        matches("the axis", axis(&judgement.axis), axis(&self.axis))?;
        if let (Answer::Rating { scale, .. }, QuestionKind::Rating(asked)) =
            (&judgement.answer, self.kind)
        {
            let ends = |s: &Scale| format!("{} to {}", s.low, s.high);
            matches("the scale", ends(scale), ends(&asked))?;
        }
        if let (Answer::Similarity { anchor, .. }, Some(first)) =
            (&judgement.answer, self.items.first())
        {
            matches("the anchor", anchor.to_string(), first.to_string())?;
        }
        let list = |items: BTreeSet<&Item>| {
            let names: Vec<String> = items.iter().map(ToString::to_string).collect();
            names.join(", ")
        };
        let got = judgement.answer.items().into_iter().collect();
        matches(
            "what it is about",
            list(got),
            list(self.items.iter().collect()),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use apprentice_episode::EpisodeId;

    #[test]
    fn an_answer_to_another_question_is_told_apart() {
        let ids = ["a", "b"].map(EpisodeId::from);
        let question = Question::new(QuestionKind::Ranking, ids.clone());
        let answer = Answer::ranking([ids.to_vec()]);
        let answer = question.answered(0, "ann", answer);
        question.check_answer(&answer).unwrap();
        let gentle = Question {
            axis: Some("gentleness".into()),
            ..question.clone()
        };
        let more = Question::new(QuestionKind::Ranking, ["a", "b", "c"].map(EpisodeId::from));
        let flag = Question::new(QuestionKind::Flag, ids[..1].to_vec());
        for (other, what) in [(gentle, "axis"), (more, "about"), (flag, "kind")] {
            let error = other.check_answer(&answer).unwrap_err().to_string();
            assert!(error.contains(what), "{what}: {error}");
        }
    }
}
