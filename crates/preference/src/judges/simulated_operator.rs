//! An operator made of numbers, to measure what judgements are worth.

use crate::judge::{Judge, JudgeInputs};
use crate::{Answer, Item, Judgement, PreferenceError, Question, by_number};
use apprentice_core::Seed;
use rand::seq::{SliceRandom, index};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Judges whole episodes by a hidden number, their utility, wrongly as often as told. Equal utilities tie. Questions
/// on an axis, on parts of episodes, or that a number cannot answer have no answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SimulatedOperator {
    /// Name in the judgements.
    pub who: String,
    /// Share of wrong answers, 0 to 1: exactly `round(error_rate * n)` of `n` questions, chosen by the seed, are
    /// answered the other way round.
    pub error_rate: f64,
    /// Every ranking's order is replaced by a random one: the control that must teach nothing. A shuffled ranking
    /// keeps the number and sizes of its tiers; where all tied, it draws two halves.
    pub shuffle: bool,
}

impl Default for SimulatedOperator {
    fn default() -> Self {
        Self {
            who: "simulated operator".into(),
            error_rate: 0.0,
            shuffle: false,
        }
    }
}

impl Judge for SimulatedOperator {
    fn answer(
        &self,
        questions: &[Question],
        inputs: &mut JudgeInputs<'_>,
    ) -> Result<Vec<Option<Judgement>>, PreferenceError> {
        let (n, seed) = (questions.len(), inputs.seed);
        // Clamped, so never more than n; not-a-number counts as no errors.
        let wrong = (self.error_rate.clamp(0.0, 1.0) * n as f64).round() as usize;
        let wrong: BTreeSet<usize> =
            index::sample(&mut seed.derive("wrong rankings", 0).rng(), n, wrong)
                .into_iter()
                .collect();
        let utility = |item: &Item| (inputs.utility)(&item.episode);
        let judge = |(i, question): (usize, &Question)| {
            let parts = question.items.iter().any(|item| item.span.is_some());
            if question.axis.is_some() || parts {
                return None;
            }
            let mut answer = by_number::answer(question, utility, wrong.contains(&i))?;
            if let (true, Answer::Ranking { tiers }) = (self.shuffle, &mut answer) {
                permute(tiers, seed.derive("shuffled ranking", i as u64));
            }
            // A simulated operator has no clock, so that the same run gives the same record.
            Some(question.answered(0, &self.who, answer))
        };
        Ok(questions.iter().enumerate().map(judge).collect())
    }
}

fn permute(tiers: &mut Vec<Vec<Item>>, seed: Seed) {
    if let [tied] = tiers.as_mut_slice() {
        // Whoever shuffles does not look, so does not see that they are all the same.
        let rest = tied.split_off(tied.len() / 2);
        tiers.push(rest);
        tiers.retain(|tier| !tier.is_empty());
    }
    let mut items: Vec<Item> = tiers.iter().flatten().cloned().collect();
    items.shuffle(&mut seed.rng());
    for (slot, item) in tiers.iter_mut().flatten().zip(items) {
        *slot = item;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Judgement, QuestionKind, Scale, pairs};
    use apprentice_episode::EpisodeId;
    use proptest::prelude::*;

    fn groups(n: usize) -> Vec<Question> {
        let group = |g| (0..4).map(move |e| EpisodeId::new(format!("{g}-{e}")));
        (0..n)
            .map(|g| Question::new(QuestionKind::Ranking, group(g)))
            .collect()
    }

    /// The last digit.
    fn utility(id: &EpisodeId) -> Option<f64> {
        id.as_str().chars().last()?.to_digit(10).map(f64::from)
    }

    fn rankings(operator: &SimulatedOperator, n: usize, seed: Seed) -> Vec<Judgement> {
        let mut inputs = JudgeInputs {
            utility: &utility,
            ..JudgeInputs::nothing(seed)
        };
        let answers = operator.answer(&groups(n), &mut inputs).unwrap();
        answers.into_iter().map(Option::unwrap).collect()
    }

    /// Share of pairs that put the higher utility (the last digit) first.
    fn agreement(judgements: &[Judgement]) -> f64 {
        let pairs = pairs(judgements);
        let right = pairs
            .iter()
            .filter(|p| utility(&p.better) > utility(&p.worse));
        right.count() as f64 / pairs.len() as f64
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn the_share_of_wrong_rankings_is_exact(n in 1usize..40, rate in 0.0f64..=1.0, seed: u64) {
            let operator = SimulatedOperator { error_rate: rate, ..Default::default() };
            let judgements = rankings(&operator, n, Seed(seed));
            let wrong = judgements.iter().filter(|j| agreement(std::slice::from_ref(j)) == 0.0);
            prop_assert_eq!(wrong.count(), (rate * n as f64).round() as usize);
        }
    }

    #[test]
    fn equal_utilities_tie_and_other_questions_follow_the_utility() {
        let of =
            |kind, ids: &[&str]| Question::new(kind, ids.iter().map(|&id| EpisodeId::from(id)));
        let scale = Scale {
            low: 0.0,
            high: 2.0,
        };
        let gentle = Question {
            axis: Some("gentleness".into()),
            ..of(QuestionKind::Ranking, &["a0", "b1"])
        };
        let questions = [
            of(QuestionKind::Ranking, &["a0", "b1", "c0"]),
            of(QuestionKind::Similarity, &["a3", "b1", "c4"]),
            of(QuestionKind::Rating(scale), &["a5"]),
            of(QuestionKind::Flag, &["a5"]),
            gentle,
        ];
        let mut inputs = JudgeInputs {
            utility: &utility,
            ..JudgeInputs::nothing(Seed(1))
        };
        let item = |id: &str| Item::whole(id.into());
        let similar = |nearer, farther| Answer::Similarity {
            anchor: item("a3"),
            nearer: item(nearer),
            farther: item(farther),
        };
        let rating = |value| Answer::Rating {
            item: item("a5"),
            value,
            scale,
        };
        let (b, ac) = (vec![item("b1")], vec![item("a0"), item("c0")]);
        for (error_rate, expected) in [
            (
                0.0,
                [
                    Some(Answer::ranking([b.clone(), ac.clone()])),
                    Some(similar("c4", "b1")),
                    Some(rating(2.0)),
                    None,
                    None,
                ],
            ),
            (
                1.0,
                [
                    Some(Answer::ranking([ac, b])),
                    Some(similar("b1", "c4")),
                    Some(rating(0.0)),
                    None,
                    None,
                ],
            ),
        ] {
            let operator = SimulatedOperator {
                error_rate,
                ..Default::default()
            };
            let answers = operator.answer(&questions, &mut inputs).unwrap();
            let answers: Vec<_> = answers.into_iter().map(|j| Some(j?.answer)).collect();
            assert_eq!(answers, expected);
        }
    }

    #[test]
    fn shuffled_rankings_agree_by_chance() {
        let operator = SimulatedOperator {
            shuffle: true,
            ..Default::default()
        };
        let judgements = rankings(&operator, 500, Seed(5));
        // 3000 pairs, dependent within a ranking: 0.5 give or take 0.05 is beyond 4 deviations.
        assert!((agreement(&judgements) - 0.5).abs() < 0.05);
        assert_eq!(judgements, rankings(&operator, 500, Seed(5)));
        assert_ne!(judgements, rankings(&operator, 500, Seed(6)));
    }
}
