//! Whether there is any use in going on.

use crate::Committee;
use crate::worth::pairs_of_pool;

/// Fits in a row that have to agree.
const WINDOW: usize = 3;
/// How well each has to agree with the one before: Cohen's kappa of which of two is better.
const KAPPA: f64 = 0.8;
/// What another answer is worth at most where one can stop: share of the pairs.
const GAIN: f64 = 0.005;
/// Answers before which nobody is told to stop.
const FEWEST: usize = 8;
/// Share of unseen pairs in the right order below which something is wrong, not finished.
const CHANCE: f64 = 0.6;

/// What there is to say of going on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Advice {
    /// Too little is known to say.
    TooEarly {
        /// Answers that were learnt from.
        answers: usize,
        /// Answers from which on there is something to say.
        fewest: usize,
    },
    /// Answers still change what is learnt.
    GoOn {
        /// How well the newest fit agrees with the one before: Cohen's kappa.
        kappa: f64,
        /// Share of the pool's pairs that another answer is expected to put right.
        gain: f64,
    },
    /// More answers change little, and yet answers are hardly foreseen: more of the same will not help.
    Stuck {
        /// Share of pairs that were foreseen by members that had not seen them.
        foreseen: f64,
    },
    /// One can stop.
    Stop {
        /// The lowest agreement of the last fits: Cohen's kappa.
        kappa: f64,
        /// Share of the pool's pairs that another answer is expected to put right.
        gain: f64,
        /// Share of pairs that were foreseen by members that had not seen them.
        foreseen: f64,
    },
}

/// Watches fits as answers come in, and says when more answers do not change what is learnt.
///
/// The rule is that of stabilising predictions (Bloodgood and Vijay-Shanker 2009, arXiv 1409.5165): stop once fits after
/// successive answers agree with one another, three times in a row. There labels are of many documents and kappa has
/// to be 0.99; here fits are of few answers, resampled each time, and 0.8 has to do. Besides, the next answer must not
/// promise more than half a point of pairs put right (its worth against its cost, as in Bıyık et al. 2019, arXiv
/// 1910.04365), and what was learnt must foresee answers it has not seen. The rule knows of this pool and this learner
/// alone: it cannot see what neither the episodes nor the features show.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stability {
    last: Option<(usize, Vec<bool>)>,
    kappas: Vec<f64>,
    gain: f64,
    foreseen: Option<f64>,
}

impl Stability {
    /// Takes note of a fit and of what the next answer is expected to be worth to it. A fit of no more answers than the
    /// one before is passed over.
    pub fn observe(&mut self, committee: &Committee, gain: f64) {
        let answers = committee.answers;
        if self.last.as_ref().is_some_and(|last| answers <= last.0) {
            return;
        }
        let mean = committee.mean();
        let order: Vec<bool> = pairs_of_pool(committee)
            .into_iter()
            .map(|(i, j)| mean[i] > mean[j])
            .collect();
        if let Some((_, before)) = &self.last {
            if before.len() == order.len() {
                self.kappas.push(kappa(before, &order));
            } else {
                self.kappas.clear();
            }
        }
        self.last = Some((answers, order));
        self.gain = gain;
        let (right, pairs) = committee.unseen;
        self.foreseen = (pairs > 0).then(|| right / pairs as f64);
    }

    /// What there is to say now.
    #[must_use]
    pub fn advice(&self) -> Advice {
        let answers = self.last.as_ref().map_or(0, |last| last.0);
        let newest = self.kappas.iter().rev().take(WINDOW);
        if answers < FEWEST || newest.len() < WINDOW {
            return Advice::TooEarly {
                answers,
                fewest: FEWEST,
            };
        }
        let lowest = newest.copied().fold(1.0, f64::min);
        let gain = self.gain;
        if lowest < KAPPA || gain > GAIN {
            let kappa = self.kappas.last().copied().unwrap_or(0.0);
            return Advice::GoOn { kappa, gain };
        }
        match self.foreseen {
            Some(foreseen) if foreseen >= CHANCE => Advice::Stop {
                kappa: lowest,
                gain,
                foreseen,
            },
            foreseen => Advice::Stuck {
                foreseen: foreseen.unwrap_or(0.5),
            },
        }
    }
}

impl Advice {
    /// In a sentence, for the person who answers.
    #[must_use]
    pub fn sentence(&self) -> String {
        let percent = |share: f64| 100.0 * share;
        match *self {
            Self::TooEarly { answers, fewest } => format!(
                "Too early to say whether this is enough: what is learnt comes from {answers} answers, {fewest} are the fewest \
                 and three fits in a row have to agree."
            ),
            Self::GoOn { kappa, gain } => format!(
                "Go on: answers still change what is learnt (agreement with the fit before {kappa:.2}; the next answer puts \
                 {:.1} % of the pairs right).",
                percent(gain)
            ),
            Self::Stuck { foreseen } => format!(
                "More of the same will not help: what is learnt does not change any more, but foresees only {:.0} % of the \
                 pairs it has not seen. Perhaps the pictures do not show what you go by.",
                percent(foreseen)
            ),
            Self::Stop {
                kappa,
                gain,
                foreseen,
            } => format!(
                "You can stop now: the last fits agree ({kappa:.2} or more), another answer puts {:.1} % of the pairs right at \
                 most, and {:.0} % of the pairs in answers it has not seen are foreseen.",
                percent(gain),
                percent(foreseen)
            ),
        }
    }
}

/// Cohen's kappa of two lists of yes and no, of the same length; 1 where both are all the same.
fn kappa(a: &[bool], b: &[bool]) -> f64 {
    let count = a.len().max(1) as f64;
    let share = |list: &[bool]| list.iter().filter(|x| **x).count() as f64 / count;
    let same = a.iter().zip(b).filter(|(x, y)| x == y).count() as f64 / count;
    let (yes_a, yes_b) = (share(a), share(b));
    let by_chance = yes_a * yes_b + (1.0 - yes_a) * (1.0 - yes_b);
    if by_chance >= 1.0 {
        1.0
    } else {
        (same - by_chance) / (1.0 - by_chance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(utilities: [f64; 5], answers: usize, right: f64) -> Committee {
        let mut committee = Committee::of_scores(vec![utilities.to_vec(); 2], answers);
        committee.unseen = (right, 10);
        committee
    }

    const ORDER: [f64; 5] = [1.0, 2.0, 3.0, 4.0, 5.0];

    #[test]
    fn kappa_is_that_of_the_textbook() {
        // 20 of both yes, 5 and 10 apart, 15 of both no: (0.7 - 0.5) / (1 - 0.5).
        let list = |parts: [(bool, usize); 4]| -> Vec<bool> {
            parts.iter().flat_map(|p| vec![p.0; p.1]).collect()
        };
        let a = list([(true, 20), (true, 5), (false, 10), (false, 15)]);
        let b = list([(true, 20), (false, 5), (true, 10), (false, 15)]);
        assert!((kappa(&a, &b) - 0.4).abs() < 1e-12);
        assert_eq!(kappa(&a, &a), 1.0);
    }

    #[test]
    fn one_can_stop_once_three_fits_agree_and_answers_are_foreseen() {
        let mut stability = Stability::default();
        for answers in 6..=9 {
            assert!(matches!(stability.advice(), Advice::TooEarly { .. }));
            // The same fit again is no other.
            stability.observe(&fit(ORDER, answers, 9.0), 0.001);
            stability.observe(&fit(ORDER, answers, 9.0), 0.001);
        }
        let advice = stability.advice();
        assert!(
            matches!(advice, Advice::Stop { foreseen, .. } if foreseen == 0.9),
            "{advice:?}"
        );
        assert!(advice.sentence().starts_with("You can stop now"));
        // An answer that promises more, or changes what is learnt, goes on.
        let mut promising = stability.clone();
        promising.observe(&fit(ORDER, 10, 9.0), 0.02);
        assert!(matches!(promising.advice(), Advice::GoOn { .. }));
        let mut changed = stability.clone();
        changed.observe(&fit([5.0, 4.0, 3.0, 2.0, 1.0], 10, 9.0), 0.001);
        assert!(matches!(changed.advice(), Advice::GoOn { kappa, .. } if kappa < 0.1));
        // What foresees nothing is not done.
        stability.observe(&fit(ORDER, 10, 5.0), 0.001);
        assert!(matches!(stability.advice(), Advice::Stuck { foreseen } if foreseen == 0.5));
    }
}
