//! A person at a terminal.

use crate::judge::{Judge, JudgeInputs};
use crate::{
    Answer, Item, Judgement, Order, PreferenceError, Question, QuestionKind, Scale, Terminal,
    Verdict, parse_order,
};
use serde::{Deserialize, Serialize};
use std::ops::ControlFlow;

/// Asks a person, who types. `q`, or no more lines, is a wish to stop: the question has no answer, and those after it
/// are not asked. `s` skips: a ranking is then recorded as skipped, other questions have no answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Person {
    /// Name in the judgements.
    pub who: String,
}

impl Default for Person {
    fn default() -> Self {
        Self {
            who: "operator".into(),
        }
    }
}

impl Judge for Person {
    fn needs_person(&self) -> bool {
        true
    }

    fn answer(
        &self,
        questions: &[Question],
        inputs: &mut JudgeInputs<'_>,
    ) -> Result<Vec<Option<Judgement>>, PreferenceError> {
        let terminal = inputs
            .terminal
            .as_deref_mut()
            .ok_or(PreferenceError::NoTerminal)?;
        let mut answers = Vec::with_capacity(questions.len());
        for question in questions {
            match self.ask(question, terminal)? {
                ControlFlow::Continue(answer) => answers.push(answer),
                ControlFlow::Break(()) => break,
            }
        }
        answers.resize(questions.len(), None);
        Ok(answers)
    }
}

impl Person {
    /// The answer to one question, or that the person wants to stop.
    fn ask(
        &self,
        question: &Question,
        terminal: &mut dyn Terminal,
    ) -> Result<ControlFlow<(), Option<Judgement>>, PreferenceError> {
        let asked_ms = terminal.now_unix_ms();
        loop {
            let line = terminal.ask(&prompt(question.kind));
            let line = match line.map_err(PreferenceError::Terminal)? {
                None => return Ok(ControlFlow::Break(())),
                Some(line) => line.trim().to_owned(),
            };
            if line == "q" {
                return Ok(ControlFlow::Break(()));
            }
            match read(question, &line) {
                Ok(read) => {
                    let now = terminal.now_unix_ms();
                    let took = now.saturating_sub(asked_ms);
                    let (answer, skipped) = match read {
                        Read::Answer(answer) => (answer, false),
                        Read::Skipped if question.kind == QuestionKind::Ranking => {
                            (Answer::ranking([question.items.clone()]), true)
                        }
                        Read::Skipped => return Ok(ControlFlow::Continue(None)),
                    };
                    let judgement = self.judgement(question, answer, skipped, now, took);
                    return Ok(ControlFlow::Continue(Some(judgement)));
                }
                Err(problem) => terminal.say(&problem),
            }
        }
    }

    fn judgement(
        &self,
        question: &Question,
        answer: Answer,
        skipped: bool,
        now_unix_ms: u64,
        response_time_ms: u64,
    ) -> Judgement {
        Judgement {
            skipped,
            confidence: if skipped { 0.0 } else { 1.0 },
            response_time_ms: Some(response_time_ms),
            ..question.answered(now_unix_ms, &self.who, answer)
        }
        .with_id()
    }
}

fn prompt(kind: QuestionKind) -> String {
    match kind {
        QuestionKind::Ranking => "order> ".into(),
        QuestionKind::Rating(Scale { low, high }) => format!("{low} to {high}> "),
        QuestionKind::Flag => "y/n> ".into(),
        QuestionKind::Similarity => "nearer to 1, 2 or 3> ".into(),
        QuestionKind::Utterance => "words> ".into(),
        QuestionKind::Success => "yes/no/unsure> ".into(),
    }
}

/// What a line means.
enum Read {
    Answer(Answer),
    Skipped,
}

/// The answer in a line.
///
/// # Errors
/// What is wrong with it and what would do, for the person.
fn read(question: &Question, line: &str) -> Result<Read, String> {
    let items = &question.items;
    if question.kind == QuestionKind::Ranking {
        return match parse_order(line, items.len()).map_err(|e| e.to_string())? {
            Order::Skipped => Ok(Read::Skipped),
            Order::Ranked(tiers) => {
                let named = |tier: Vec<usize>| -> Vec<Item> {
                    tier.iter().filter_map(|&i| items.get(i).cloned()).collect()
                };
                Ok(Read::Answer(Answer::ranking(tiers.into_iter().map(named))))
            }
        };
    }
    if line == "s" || line == "skip" {
        return Ok(Read::Skipped);
    }
    let not =
        |allowed: &str| format!("{line:?} is no answer; type {allowed}, s to skip or q to stop");
    let answer = match (question.kind, &items[..]) {
        (QuestionKind::Rating(scale), [item]) => {
            let value = line.parse::<f64>().ok();
            let value = value.filter(|v| (scale.low..=scale.high).contains(v));
            Answer::Rating {
                item: item.clone(),
                value: value.ok_or_else(|| {
                    not(&format!("a number from {} to {}", scale.low, scale.high))
                })?,
                scale,
            }
        }
        (QuestionKind::Flag, [item]) => Answer::Flag {
            item: item.clone(),
            yes: match line {
                "y" | "yes" => true,
                "n" | "no" => false,
                _ => return Err(not("y or n")),
            },
        },
        (QuestionKind::Similarity, [anchor, second, third]) => {
            let (nearer, farther) = match line {
                "2" => (second, third),
                "3" => (third, second),
                _ => return Err(not("2 or 3")),
            };
            Answer::Similarity {
                anchor: anchor.clone(),
                nearer: nearer.clone(),
                farther: farther.clone(),
            }
        }
        (QuestionKind::Success, [item]) => Answer::Success {
            item: item.clone(),
            verdict: match line {
                "y" | "yes" => Verdict::Yes,
                "n" | "no" => Verdict::No,
                "u" | "unsure" => Verdict::Unsure,
                _ => return Err(not("yes, no or unsure")),
            },
        },
        (QuestionKind::Utterance, _) if line.is_empty() => return Err(not("some words")),
        (QuestionKind::Utterance, items) => Answer::Utterance {
            text: line.to_owned(),
            items: items.to_vec(),
        },
        // Another number of items than the kind of question is about.
        _ => return Ok(Read::Skipped),
    };
    Ok(Read::Answer(answer))
}

#[cfg(test)]
mod tests {
    use super::*;
    use apprentice_core::Seed;
    use apprentice_episode::EpisodeId;
    use std::collections::VecDeque;
    use std::io;

    /// A terminal whose person has written everything down before; a line takes them a second.
    #[derive(Default)]
    struct Script {
        lines: VecDeque<&'static str>,
        said: Vec<String>,
        asked: u64,
    }

    impl Terminal for Script {
        fn say(&mut self, text: &str) {
            self.said.push(text.to_owned());
        }

        fn ask(&mut self, prompt: &str) -> io::Result<Option<String>> {
            self.said.push(prompt.to_owned());
            self.asked += 1;
            Ok(self.lines.pop_front().map(str::to_owned))
        }

        fn now_unix_ms(&self) -> u64 {
            5_000 + self.asked * 1_000
        }
    }

    fn of(kind: QuestionKind, ids: &[&str]) -> Question {
        Question::new(kind, ids.iter().map(|&id| EpisodeId::from(id)))
    }

    fn answered(
        questions: &[Question],
        lines: &[&'static str],
    ) -> (Vec<Option<Judgement>>, Vec<String>) {
        let mut script = Script {
            lines: lines.iter().copied().collect(),
            ..Script::default()
        };
        let mut inputs = JudgeInputs {
            terminal: Some(&mut script),
            ..JudgeInputs::nothing(Seed(0))
        };
        let answers = Person::default().answer(questions, &mut inputs).unwrap();
        (answers, script.said)
    }

    #[test]
    fn every_kind_of_question_is_answered_by_typing() {
        let scale = Scale {
            low: 1.0,
            high: 5.0,
        };
        let questions = [
            of(QuestionKind::Ranking, &["a", "b", "c"]),
            of(QuestionKind::Rating(scale), &["a"]),
            of(QuestionKind::Flag, &["a"]),
            of(QuestionKind::Similarity, &["a", "b", "c"]),
            of(QuestionKind::Utterance, &["a", "b"]),
            of(QuestionKind::Success, &["a"]),
        ];
        let lines = ["2>1=3", "4.5", "n", "3", "more slowly", "unsure"];
        let (answers, said) = answered(&questions, &lines);
        assert_eq!(said.len(), lines.len(), "{said:?}");
        for (question, judgement) in questions.iter().zip(&answers) {
            let judgement = judgement.as_ref().unwrap();
            question.check_answer(judgement).unwrap();
            assert_eq!(judgement.response_time_ms, Some(1_000));
        }
        let kept: Vec<_> = answers.into_iter().map(|j| j.unwrap().answer).collect();
        let item = |id: &str| Item::whole(id.into());
        assert_eq!(
            kept[0],
            Answer::ranking([vec![item("b")], vec![item("a"), item("c")]])
        );
        let expected = Answer::Similarity {
            anchor: item("a"),
            nearer: item("c"),
            farther: item("b"),
        };
        assert_eq!(kept[3], expected);
        let expected = Answer::Success {
            item: item("a"),
            verdict: Verdict::Unsure,
        };
        assert_eq!(kept[5], expected);
    }

    #[test]
    fn slips_are_asked_again_skips_are_kept_and_q_stops() {
        let ranking = of(QuestionKind::Ranking, &["a", "b"]);
        let flag = of(QuestionKind::Flag, &["a"]);
        let questions = [ranking.clone(), flag.clone(), flag, ranking];
        let (answers, said) = answered(&questions, &["5", "s", "maybe", "s", "q", "1>2"]);
        let skipped = answers[0].as_ref().unwrap();
        assert!(skipped.skipped && skipped.confidence == 0.0);
        assert_eq!(answers[1..], [None, None, None]);
        assert!(said[1].contains("\"5\" is not a clip number"), "{said:?}");
        assert!(
            said[4].contains("\"maybe\" is no answer; type y or n"),
            "{said:?}"
        );
        assert_eq!(
            said.last().unwrap(),
            "y/n> ",
            "the last question is not asked"
        );
    }

    #[test]
    fn without_a_terminal_there_is_nobody_to_ask() {
        let mut inputs = JudgeInputs::nothing(Seed(0));
        let error = Person::default().answer(&[], &mut inputs).unwrap_err();
        assert!(error.to_string().contains("no terminal"), "{error}");
    }
}
