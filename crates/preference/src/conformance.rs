//! What every judge that needs no person has to keep to.

use crate::{
    Answer, Asked, Item, Judge, JudgeInputs, Judgement, PreferenceError, Question, QuestionKind,
    Scale, Span, validate,
};
use apprentice_core::{Seed, sha256_bytes};
use apprentice_episode::EpisodeId;
use std::collections::{BTreeSet, HashSet};

/// Goes through what a judge promises: an answer or none to each question; the same answers to the same seed; only
/// answers to what was asked, and only usable ones; the same ranking whatever order the items are listed in; no
/// panic where nothing is known. A judge that needs a person has to say that nobody is there.
///
/// # Errors
/// The first promise that is broken.
///
/// ```
/// for judge in apprentice_preference::JudgeKind::all() {
///     apprentice_preference::check_judge(&*judge).map_err(|broken| format!("{}: {broken}", judge.name()))?;
/// }
/// # Ok::<(), String>(())
/// ```
pub fn check_judge(judge: &dyn Judge) -> Result<(), String> {
    let questions = questions();
    if judge.needs_person() {
        let nobody = judge.answer(&questions, &mut JudgeInputs::nothing(Seed(0)));
        return match nobody {
            Err(PreferenceError::NoTerminal) => Ok(()),
            other => Err(format!("without a person it came to {other:?}")),
        };
    }
    let known: HashSet<EpisodeId> = ids().into();
    let mut answered = 0;
    for seed in [0, 1, 2].map(Seed) {
        let answers = ask(judge, &questions, seed)?;
        if answers != ask(judge, &questions, seed)? {
            return Err(format!("{seed:?} does not always have the same answers"));
        }
        for (question, judgement) in questions.iter().zip(&answers) {
            let Some(judgement) = judgement else { continue };
            answered += 1;
            let usable = validate(judgement, &known);
            let checked = usable.and_then(|()| question.check_answer(judgement));
            checked.map_err(|e| e.to_string())?;
        }
        for (question, judgement) in questions.iter().zip(&answers) {
            listed_otherwise(judge, &questions, (question, judgement.as_ref()), seed)?;
        }
    }
    if answered == 0 {
        return Err("it answers none of the questions".into());
    }
    let mut nothing = JudgeInputs::nothing(Seed(0));
    let answers = judge.answer(&questions, &mut nothing);
    match answers.map_err(|e| e.to_string())?.iter().flatten().next() {
        Some(judgement) => Err(format!("it knows nothing and still answers {judgement:?}")),
        None => Ok(()),
    }
}

/// Whether a ranking is the same with the items of every question listed from the last on.
fn listed_otherwise(
    judge: &dyn Judge,
    questions: &[Question],
    (question, judgement): (&Question, Option<&Judgement>),
    seed: Seed,
) -> Result<(), String> {
    if question.kind != QuestionKind::Ranking {
        return Ok(());
    }
    let backwards: Vec<Question> = questions
        .iter()
        .map(|other| {
            let mut other = other.clone();
            if other.kind == QuestionKind::Ranking {
                other.items.reverse();
            }
            other
        })
        .collect();
    let place = questions.iter().position(|q| q == question).unwrap_or(0);
    let again = ask(judge, &backwards, seed)?;
    let again = again.get(place).and_then(Option::as_ref);
    if judgement.map(tiers) == again.map(tiers) {
        Ok(())
    } else {
        Err(format!(
            "its ranking depends on the order in which items are listed: {judgement:?}, {again:?}"
        ))
    }
}

fn tiers(judgement: &Judgement) -> Vec<BTreeSet<Item>> {
    match &judgement.answer {
        Answer::Ranking { tiers } => tiers.iter().map(|t| t.iter().cloned().collect()).collect(),
        _ => Vec::new(),
    }
}

/// The answers of a judge that knows of every episode; two episodes are worth the same.
fn ask(
    judge: &dyn Judge,
    questions: &[Question],
    seed: Seed,
) -> Result<Vec<Option<Judgement>>, String> {
    let utility = |id: &EpisodeId| Some(f64::from(id.as_str().len() as u32));
    let fact = |id: &EpisodeId, name: &str| {
        // Any number will do, if it is always the same.
        let digest = sha256_bytes(format!("{id} {name}").as_bytes());
        let digits = u32::from_str_radix(digest.get(..4)?, 16).ok()?;
        Some(f64::from(digits) / 65_536.0)
    };
    let mut inputs = JudgeInputs {
        utility: &utility,
        fact: &fact,
        terminal: None,
        seed,
    };
    let answers = judge.answer(questions, &mut inputs);
    let answers = answers.map_err(|e| e.to_string())?;
    if answers.len() == questions.len() {
        Ok(answers)
    } else {
        Err(format!(
            "{} questions have {} answers",
            questions.len(),
            answers.len()
        ))
    }
}

fn ids() -> [EpisodeId; 5] {
    ["a", "bb", "ccc", "dddd", "eeee"].map(EpisodeId::from)
}

/// Every kind of question, also on an axis and about parts.
fn questions() -> Vec<Question> {
    let [a, b, c, d, e] = ids();
    let scale = Scale {
        low: 1.0,
        high: 5.0,
    };
    let part = |id: &EpisodeId, start_ns| {
        let end_ns = start_ns + 5;
        Item::part(id.clone(), Span { start_ns, end_ns })
    };
    let ranking = [&c, &a, &e, &d, &b].map(Clone::clone);
    let plain = [
        Question::new(QuestionKind::Ranking, ranking.clone()),
        Question::new(QuestionKind::Ranking, [d.clone(), e.clone()]),
        Question::new(QuestionKind::Rating(scale), [c.clone()]),
        Question::new(QuestionKind::Flag, [b.clone()]),
        Question::new(QuestionKind::Similarity, [a.clone(), b.clone(), e]),
        Question::new(QuestionKind::Success, [d]),
        Question::new(QuestionKind::Utterance, [c]),
        Question::new(
            QuestionKind::Ranking,
            [part(&a, 0), part(&b, 0), part(&a, 5)],
        ),
    ];
    let on_axis = plain.iter().map(|question| Question {
        axis: Some("gentleness".into()),
        reason: Some("active: largest disagreement".into()),
        asked: Some(Asked {
            strategy: "disagreement".into(),
            ..Asked::default()
        }),
        ..question.clone()
    });
    let on_axis: Vec<Question> = on_axis.collect();
    plain.into_iter().chain(on_axis).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    type Answers = fn(&Question, &JudgeInputs<'_>) -> Option<Answer>;

    /// A judge that breaks a promise.
    struct Broken(Answers);

    impl Judge for Broken {
        fn answer(
            &self,
            questions: &[Question],
            inputs: &mut JudgeInputs<'_>,
        ) -> Result<Vec<Option<Judgement>>, PreferenceError> {
            let one = |q: &Question| Some(q.answered(0, "broken", self.0(q, inputs)?));
            Ok(questions.iter().map(one).collect())
        }
    }

    #[test]
    fn broken_promises_are_found() {
        let as_listed: Answers = |q, _| {
            let tiers = q.items.iter().map(|item| vec![item.clone()]);
            (q.kind == QuestionKind::Ranking).then(|| Answer::ranking(tiers))
        };
        let half: Answers = |q, _| {
            let first = q.items.first()?.clone();
            (q.kind == QuestionKind::Ranking).then(|| Answer::ranking([vec![first]]))
        };
        let twice: Answers = |q, _| {
            let items = [q.items.clone(), q.items.clone()];
            (q.kind == QuestionKind::Ranking).then(|| Answer::ranking(items))
        };
        let guesses: Answers = |q, _| match (&q.kind, &q.items[..]) {
            (QuestionKind::Flag, [item]) => Some(Answer::Flag {
                item: item.clone(),
                yes: true,
            }),
            _ => None,
        };
        for (answers, expected) in [
            (as_listed, "order in which items are listed"),
            (half, "does not answer the question"),
            (twice, "twice"),
            (guesses, "knows nothing"),
            (|_, _| None, "answers none"),
        ] {
            let broken = check_judge(&Broken(answers)).unwrap_err();
            assert!(broken.contains(expected), "{expected}: {broken}");
        }
    }
}
