//! The simulated teachers of B-Pref (Lee et al. 2021, arXiv 2111.03026, section 4).

use crate::judge::{Judge, JudgeInputs};
use crate::scalar_answer::scalar_answer;
use crate::{Answer, Item, Judgement, PreferenceError, Question, QuestionKind};
use rand::Rng;
use serde::{Deserialize, Serialize};

/// A teacher who errs as people do. The default makes no error (B-Pref's "oracle").
///
/// Which of two clips is better is drawn from a Bradley-Terry model of their returns; then mistakes, skips and ties.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Teacher {
    /// Name in the judgements.
    pub who: String,
    /// Beta, by which returns are multiplied in the Bradley-Terry model, per unit of return; 0 for a perfectly rational
    /// teacher (beta without bound), who errs by the other parameters alone.
    pub rationality: f64,
    /// Gamma, 0 (exclusive) to 1: a reward `k` steps before the end counts `gamma^k`. 1 weighs all alike. An episode
    /// of which only the utility is known is one step.
    pub myopia: f64,
    /// Epsilon, 0 to 1: the probability that an answer is turned round.
    pub mistake: f64,
    /// Which questions are turned round, on average as many as `mistake` says (up to 0.5).
    pub mistakes_on: MistakesOn,
    /// The fact by which [`MistakesOn`] orders questions; empty for the utility.
    pub fact: String,
    /// Returns that are all below it are not compared: the question is skipped. `None`: no question is.
    pub skip_below: Option<f64>,
    /// Returns less far apart are equal to the teacher, unit of return.
    pub equal_within: f64,
}

impl Default for Teacher {
    fn default() -> Self {
        Self {
            who: "simulated teacher".into(),
            rationality: 0.0,
            myopia: 1.0,
            mistake: 0.0,
            mistakes_on: MistakesOn::Any,
            fact: String::new(),
            skip_below: None,
            equal_within: 0.0,
        }
    }
}

/// Which questions of a set a teacher answers wrongly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MistakesOn {
    /// Any, equally likely.
    #[default]
    Any,
    /// Those whose episodes are alike: twice `mistake` where the fact spreads least, none where it spreads most, evenly
    /// between by rank.
    Alike,
    /// Those whose episodes have most of the fact, by the same rule: noise that depends on a feature.
    High,
}

/// What a teacher says of two clips.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TeacherAnswer {
    /// The first is better.
    First,
    /// The second is better.
    Second,
    /// They are equally good.
    Equal,
    /// Neither is worth an answer.
    Skipped,
}

impl Teacher {
    /// Whether the parameters make sense.
    ///
    /// # Errors
    /// Names the first that does not, its value and what is allowed.
    pub fn validate(&self) -> Result<(), PreferenceError> {
        let finite = |v: f64| v.is_finite() && v >= 0.0;
        let checks = [
            (
                "rationality",
                self.rationality,
                finite(self.rationality),
                "0 (perfect) or more, per unit of return",
            ),
            (
                "myopia",
                self.myopia,
                self.myopia > 0.0 && self.myopia <= 1.0,
                "above 0, to 1",
            ),
            (
                "mistake",
                self.mistake,
                (0.0..=1.0).contains(&self.mistake),
                "0 to 1, a probability",
            ),
            (
                "skip_below",
                self.skip_below.unwrap_or(0.0),
                self.skip_below.is_none_or(f64::is_finite),
                "a finite return",
            ),
            (
                "equal_within",
                self.equal_within,
                finite(self.equal_within),
                "0 or more, in units of return",
            ),
        ];
        match checks.into_iter().find(|(_, _, fits, _)| !fits) {
            Some((key, got, _, allowed)) => Err(PreferenceError::Setting {
                key: format!("operator.teacher.{key}"),
                got: got.to_string(),
                allowed,
            }),
            None => Ok(()),
        }
    }

    /// What the teacher makes of rewards, one a step: their sum, of which earlier ones may count less.
    #[must_use]
    pub fn weighted_return(&self, rewards: &[f64]) -> f64 {
        rewards
            .iter()
            .fold(0.0, |sum, reward| sum * self.myopia + reward)
    }

    /// Compares two clips by their rewards, one a step.
    pub fn compare(&self, first: &[f64], second: &[f64], rng: &mut impl Rng) -> TeacherAnswer {
        let plain = |rewards: &[f64]| rewards.iter().sum::<f64>();
        let (a, b) = (plain(first), plain(second));
        if self.skip_below.is_some_and(|least| a.max(b) < least) {
            return TeacherAnswer::Skipped;
        }
        if (a - b).abs() < self.equal_within || (self.equal_within == 0.0 && a == b) {
            return TeacherAnswer::Equal;
        }
        let gap = self.weighted_return(first) - self.weighted_return(second);
        let first_is_better = if self.rationality == 0.0 {
            gap > 0.0
        } else {
            rng.random::<f64>() < 1.0 / (1.0 + (-self.rationality * gap).exp())
        };
        if first_is_better != (rng.random::<f64>() < self.mistake) {
            TeacherAnswer::First
        } else {
            TeacherAnswer::Second
        }
    }

    /// The utility with a Gumbel draw by which a ranking's pairs follow the Bradley-Terry model (Yellott 1977).
    fn heard(&self, utility: f64, rng: &mut impl Rng) -> f64 {
        if self.rationality == 0.0 {
            return utility;
        }
        let uniform = rng
            .random::<f64>()
            .clamp(f64::MIN_POSITIVE, 1.0 - f64::EPSILON);
        utility - (-uniform.ln()).ln() / self.rationality
    }

    /// The probability that each question is answered wrongly.
    fn mistakes(&self, questions: &[Question], inputs: &JudgeInputs<'_>) -> Vec<f64> {
        let n = questions.len();
        if self.mistakes_on == MistakesOn::Any || n < 2 {
            return vec![self.mistake; n];
        }
        let fact = |item: &Item| {
            let id = &item.episode;
            let of = if self.fact.is_empty() {
                (inputs.utility)(id)
            } else {
                (inputs.fact)(id, &self.fact)
            };
            of.filter(|v| !v.is_nan())
        };
        let mut order: Vec<(f64, usize)> = Vec::with_capacity(n);
        for (number, question) in questions.iter().enumerate() {
            let facts: Vec<f64> = question.items.iter().filter_map(fact).collect();
            let most = facts.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let least = facts.iter().copied().fold(f64::INFINITY, f64::min);
            let key = match self.mistakes_on {
                MistakesOn::High => -facts.iter().sum::<f64>() / facts.len().max(1) as f64,
                MistakesOn::Any | MistakesOn::Alike => most - least,
            };
            order.push((key, number));
        }
        order.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let mut chances = vec![0.0; n];
        for (rank, (_, number)) in order.into_iter().enumerate() {
            let share = 1.0 - rank as f64 / (n - 1) as f64;
            chances[number] = (2.0 * self.mistake * share).min(1.0);
        }
        chances
    }

    fn tie(&self, tiers: Vec<Vec<Item>>, utility: &dyn Fn(&Item) -> Option<f64>) -> Vec<Vec<Item>> {
        let mut tied: Vec<Vec<Item>> = Vec::with_capacity(tiers.len());
        for tier in tiers {
            let near = tied.last().is_some_and(|before| {
                let ends = before
                    .first()
                    .and_then(utility)
                    .zip(tier.first().and_then(utility));
                ends.is_some_and(|(a, b)| (a - b).abs() < self.equal_within)
            });
            match tied.last_mut() {
                Some(before) if near => before.extend(tier),
                _ => tied.push(tier),
            }
        }
        tied
    }
}

impl Judge for Teacher {
    /// Utilities are returns of one step. A ranking of more than two is one draw of the Plackett-Luce model, whose
    /// pairs are Bradley-Terry's; a mistake turns all of it round.
    fn answer(
        &self,
        questions: &[Question],
        inputs: &mut JudgeInputs<'_>,
    ) -> Result<Vec<Option<Judgement>>, PreferenceError> {
        self.validate()?;
        let seed = inputs.seed;
        let mistakes = self.mistakes(questions, inputs);
        let utility = |item: &Item| (inputs.utility)(&item.episode).filter(|u| !u.is_nan());
        let judge = |(number, question): (usize, &Question)| {
            let parts = question.items.iter().any(|item| item.span.is_some());
            if question.axis.is_some() || parts || question.kind != QuestionKind::Ranking {
                return None;
            }
            let mut rng = seed.derive("simulated teacher", number as u64).rng();
            let mut heard = Vec::with_capacity(question.items.len());
            for item in &question.items {
                heard.push((item, utility(item)?));
            }
            let best = heard
                .iter()
                .map(|(_, u)| *u)
                .fold(f64::NEG_INFINITY, f64::max);
            if self.skip_below.is_some_and(|least| best < least) {
                return None;
            }
            for (_, value) in &mut heard {
                *value = self.heard(*value, &mut rng);
            }
            let wrong = rng.random::<f64>() < mistakes[number];
            let value = |item: &Item| heard.iter().find(|(i, _)| *i == item).map(|(_, v)| *v);
            let mut answer = scalar_answer(question, value, wrong)?;
            if let Answer::Ranking { tiers } = &mut answer {
                *tiers = self.tie(std::mem::take(tiers), &utility);
            }
            Some(question.answered(0, &self.who, answer))
        };
        Ok(questions.iter().enumerate().map(judge).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pairs;
    use TeacherAnswer::{Equal, First, Second, Skipped};
    use apprentice_core::Seed;
    use apprentice_episode::EpisodeId;

    const DRAWS: usize = 4000;

    /// Share of draws in which the first of two clips is said to be better.
    fn share(teacher: &Teacher, first: &[f64], second: &[f64]) -> f64 {
        let mut rng = Seed(3).rng();
        let firsts = (0..DRAWS).filter(|_| teacher.compare(first, second, &mut rng) == First);
        firsts.count() as f64 / DRAWS as f64
    }

    #[test]
    fn each_teacher_errs_by_its_own_parameter() {
        let oracle = Teacher::default();
        assert_eq!(share(&oracle, &[1.0, 1.0], &[1.0, 0.9]), 1.0);
        assert_eq!(share(&oracle, &[1.0, 0.9], &[1.0, 1.0]), 0.0);
        // sigmoid(2 * 0.5) = 0.731; five standard deviations of 4000 draws are 0.035.
        let stochastic = Teacher {
            rationality: 2.0,
            ..Teacher::default()
        };
        assert!((share(&stochastic, &[1.0], &[0.5]) - 0.731).abs() < 0.035);
        let mistaken = Teacher {
            mistake: 0.1,
            ..Teacher::default()
        };
        assert!((share(&mistaken, &[1.0], &[0.5]) - 0.9).abs() < 0.024);
        let myopic = Teacher {
            myopia: 0.5,
            ..Teacher::default()
        };
        assert_eq!(myopic.weighted_return(&[4.0, 1.0]), 3.0);
        assert_eq!(share(&myopic, &[4.0, 1.0], &[0.0, 3.5]), 0.0);
        assert_eq!(share(&oracle, &[4.0, 1.0], &[0.0, 3.5]), 1.0);
        let mut rng = Seed(4).rng();
        let skips = Teacher {
            skip_below: Some(1.0),
            ..Teacher::default()
        };
        assert_eq!(skips.compare(&[0.9], &[0.1], &mut rng), Skipped);
        assert_eq!(skips.compare(&[1.1], &[0.1], &mut rng), First);
        let ties = Teacher {
            equal_within: 0.2,
            ..Teacher::default()
        };
        assert_eq!(ties.compare(&[0.9], &[1.0], &mut rng), Equal);
        assert_eq!(ties.compare(&[0.7], &[1.0], &mut rng), Second);
    }

    /// The last digit.
    fn utility(id: &EpisodeId) -> Option<f64> {
        id.as_str().chars().last()?.to_digit(10).map(f64::from)
    }

    fn answers(teacher: &Teacher, questions: usize) -> Vec<Option<Judgement>> {
        let group = |g| (0..4).map(move |e| EpisodeId::new(format!("{g}-{e}")));
        let questions: Vec<_> = (0..questions)
            .map(|g| Question::new(QuestionKind::Ranking, group(g)))
            .collect();
        let mut inputs = JudgeInputs {
            utility: &utility,
            ..JudgeInputs::nothing(Seed(7))
        };
        teacher.answer(&questions, &mut inputs).unwrap()
    }

    #[test]
    fn pairs_of_a_ranking_follow_the_model() {
        let teacher = Teacher {
            rationality: 1.0,
            ..Teacher::default()
        };
        let judgements: Vec<_> = answers(&teacher, 2000).into_iter().flatten().collect();
        let (mut right, mut all) = (0, 0);
        for pair in pairs(&judgements) {
            let gap = utility(&pair.better).unwrap() - utility(&pair.worse).unwrap();
            if gap.abs() == 1.0 {
                all += 1;
                right += usize::from(gap > 0.0);
            }
        }
        // sigmoid(1) = 0.731, of 6000 pairs.
        assert_eq!(all, 6000);
        assert!((right as f64 / all as f64 - 0.731).abs() < 0.035);
    }

    #[test]
    fn mistakes_fall_on_what_is_alike_or_high_as_often_as_told() {
        // Question g compares utility 0 with g; the fact is minus the utility.
        let pair = |g: usize| {
            [
                EpisodeId::new(format!("{g}")),
                EpisodeId::new("0".to_owned()),
            ]
        };
        let questions: Vec<_> = (1..401)
            .map(|g| Question::new(QuestionKind::Ranking, pair(g)))
            .collect();
        let utility = |id: &EpisodeId| id.as_str().parse::<f64>().ok();
        let fact = |id: &EpisodeId, _: &str| utility(id).map(|u| -u);
        let wrong = |mistakes_on, fact_name: &str| {
            let teacher = Teacher {
                mistake: 0.3,
                mistakes_on,
                fact: fact_name.into(),
                ..Teacher::default()
            };
            let mut inputs = JudgeInputs {
                utility: &utility,
                fact: &fact,
                ..JudgeInputs::nothing(Seed(2))
            };
            let answers = teacher.answer(&questions, &mut inputs).unwrap();
            let wrong = |j: &Option<Judgement>| {
                let tiers = j.as_ref().and_then(Judgement::episode_tiers);
                tiers.is_some_and(|tiers| tiers[0][0].as_str() == "0")
            };
            let half = |part: &[Option<Judgement>]| {
                part.iter().filter(|j| wrong(j)).count() as f64 / 200.0
            };
            [half(&answers[..200]), half(&answers[200..])]
        };
        // Of 200 questions five standard deviations are 0.16.
        let [near, far] = wrong(MistakesOn::Any, "");
        assert!(
            (near - 0.3).abs() < 0.16 && (far - 0.3).abs() < 0.16,
            "{near} {far}"
        );
        for (on, fact_name) in [(MistakesOn::Alike, ""), (MistakesOn::High, "slowness")] {
            let [near, far] = wrong(on, fact_name);
            assert!(
                (near - 0.45).abs() < 0.16 && (far - 0.15).abs() < 0.13,
                "{on:?} {near} {far}"
            );
        }
        let [low, high] = wrong(MistakesOn::High, "");
        assert!(
            (low - 0.15).abs() < 0.13 && (high - 0.45).abs() < 0.16,
            "{low} {high}"
        );
    }

    #[test]
    fn rankings_are_skipped_and_tied() {
        let skips = Teacher {
            skip_below: Some(3.5),
            ..Teacher::default()
        };
        assert!(answers(&skips, 3).iter().all(Option::is_none));
        let ties = Teacher {
            equal_within: 1.5,
            ..Teacher::default()
        };
        let all: Vec<_> = answers(&ties, 1).into_iter().flatten().collect();
        let tiers = all[0].episode_tiers().unwrap();
        // A place is as wide as from its best: 3 and 2, then 1 and 0.
        assert_eq!(tiers.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2]);
        let broken = Teacher {
            mistake: 1.5,
            ..Teacher::default()
        };
        let error = broken
            .answer(&[], &mut JudgeInputs::nothing(Seed(1)))
            .unwrap_err();
        assert!(
            error
                .to_string()
                .contains("operator.teacher.mistake is 1.5"),
            "{error}"
        );
    }
}
