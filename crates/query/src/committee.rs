//! Models that were learnt from different shares of the same answers, and what each thinks of every episode.

use apprentice_core::Seed;
use apprentice_reward::{JudgedClips, RewardError, RewardLearner};
use burn::tensor::Device;
use rand::Rng as _;

/// How sharply an order follows from standardised utilities where no answer tells.
const RATIONALITY: f64 = 2.0;
/// What is tried, as multiples of that.
const MULTIPLES: [f64; 9] = [0.125, 0.25, 0.5, 0.71, 1.0, 1.41, 2.0, 4.0, 8.0];
/// Spread of the prior of its logarithm.
const PRIOR_SPREAD: f64 = 1.0;

/// What a committee thinks of the episodes of a pool.
#[derive(Clone, Debug, PartialEq)]
pub struct Committee {
    /// `[members][episodes]` utilities; each member's have mean 0 and spread 1 over the pool.
    pub utilities: Vec<Vec<f64>>,
    /// By what utilities are multiplied to give the logits of an order (Plackett-Luce): how far answers can be trusted to
    /// follow from them.
    pub rationality: f64,
    /// Answers it was learnt from.
    pub answers: usize,
    /// Pairs of those answers that members who had not seen the answer put in the right order (a tie counts half), and all.
    pub unseen: (f64, usize),
}

impl Committee {
    /// From scores `[members][episodes]` of any scale.
    #[must_use]
    pub fn of_scores(scores: Vec<Vec<f64>>, answers: usize) -> Self {
        Self {
            utilities: scores.into_iter().map(standardised).collect(),
            rationality: RATIONALITY,
            answers,
            unseen: (0.0, 0),
        }
    }

    /// Learns `size` models, each from as many answers as there are, drawn with replacement (bootstrap; Efron 1979) and
    /// with a seed of its own, and scores every clip with each. How sharply answers follow the scores is fitted to
    /// the answers that members did not draw.
    ///
    /// # Errors
    /// [`RewardError::NothingPreferred`] where the answers teach fewer than two members anything; otherwise as
    /// [`RewardLearner::learn`] and [`score`](apprentice_reward::RewardModel::score), or when `watch` answers `false`.
    pub fn learn(
        judged: &JudgedClips<'_>,
        learner: &dyn RewardLearner,
        size: usize,
        seed: Seed,
        device: &Device,
        watch: &mut dyn FnMut() -> bool,
    ) -> Result<Self, RewardError> {
        let judged = judged.of_kinds(learner.uses());
        let count = judged.judgements.len();
        let mut scores = Vec::new();
        let mut drawn: Vec<Vec<bool>> = Vec::new();
        for member in 0..size {
            let mut rng = seed.derive("bootstrap", member as u64).rng();
            let mut seen = vec![false; count];
            let mut sample = judged.clone();
            sample.judgements = (0..count)
                .map(|_| {
                    let i = rng.random_range(0..count);
                    seen[i] = true;
                    judged.judgements[i]
                })
                .collect();
            let seed = seed.derive("member", member as u64);
            let trained = match learner.learn(&sample, seed, device, &mut |_| watch()) {
                Ok(trained) => trained,
                Err(RewardError::NothingPreferred(_) | RewardError::NoData(_)) => continue,
                Err(error) => return Err(error),
            };
            let all = trained.model.score_all(judged.clips)?;
            scores.push(all.iter().map(|s| s.total).collect());
            drawn.push(seen);
        }
        if scores.len() < 2 {
            return Err(RewardError::NothingPreferred(count));
        }
        let mut committee = Self::of_scores(scores, count);
        let margins = committee.unseen_margins(&judged, &drawn)?;
        committee.rationality = rationality(&margins);
        let right = |m: &f64| {
            if *m > 0.0 {
                1.0
            } else {
                0.5 * f64::from(*m == 0.0)
            }
        };
        committee.unseen = (margins.iter().map(right).sum(), margins.len());
        Ok(committee)
    }

    /// For each pair of an answer, by how much the better one is ahead in the mean of members that did not draw it.
    fn unseen_margins(
        &self,
        judged: &JudgedClips<'_>,
        drawn: &[Vec<bool>],
    ) -> Result<Vec<f64>, RewardError> {
        let mut margins = Vec::new();
        for answer in 0..judged.judgements.len() {
            let unaware: Vec<&Vec<f64>> = (self.utilities.iter().zip(drawn))
                .filter(|(_, seen)| !seen[answer])
                .map(|(utilities, _)| utilities)
                .collect();
            if unaware.is_empty() {
                continue;
            }
            for order in judged.keeping(|i, _| i == answer).orders()? {
                for &(better, place) in &order.places {
                    for &(worse, _) in order.places.iter().filter(|(_, other)| *other > place) {
                        let ahead = unaware.iter().map(|u| u[better] - u[worse]);
                        margins.push(ahead.sum::<f64>() / unaware.len() as f64);
                    }
                }
            }
        }
        Ok(margins)
    }

    /// Mean utility of every episode over the members.
    #[must_use]
    pub fn mean(&self) -> Vec<f64> {
        let episodes = self.utilities.first().map_or(0, Vec::len);
        let members = self.utilities.len().max(1) as f64;
        let of = |i: usize| self.utilities.iter().filter_map(|u| u.get(i)).sum::<f64>();
        (0..episodes).map(|i| of(i) / members).collect()
    }

    /// For each member, the logits of a group's episodes.
    #[must_use]
    pub fn logits(&self, group: &[usize]) -> Vec<Vec<f64>> {
        let of = |u: &Vec<f64>| {
            let logit = |&i: &usize| self.rationality * u.get(i).copied().unwrap_or(0.0);
            group.iter().map(logit).collect()
        };
        self.utilities.iter().map(of).collect()
    }
}

/// Mean 0 and spread 1; zeros where all are the same.
fn standardised(mut scores: Vec<f64>) -> Vec<f64> {
    let count = scores.len().max(1) as f64;
    let mean = scores.iter().sum::<f64>() / count;
    let spread = (scores.iter().map(|s| (s - mean).powi(2)).sum::<f64>() / count).sqrt();
    for score in &mut scores {
        *score = if spread > 1e-12 {
            (*score - mean) / spread
        } else {
            0.0
        };
    }
    scores
}

/// The multiple of `margins` under which they are most likely (Bradley-Terry), with a prior.
fn rationality(margins: &[f64]) -> f64 {
    // Pairs of one answer hang together: of a ranking of four about half say something of their own.
    let log_likelihood = |b: f64| -> f64 {
        let pairs = margins.iter().map(|m| -(-b * m).exp().ln_1p());
        0.5 * pairs.sum::<f64>() - 0.5 * ((b / RATIONALITY).ln() / PRIOR_SPREAD).powi(2)
    };
    let tried = MULTIPLES.map(|m| m * RATIONALITY);
    let best = tried
        .into_iter()
        .max_by(|a, b| log_likelihood(*a).total_cmp(&log_likelihood(*b)));
    best.unwrap_or(RATIONALITY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utilities_are_of_one_scale() {
        let committee =
            Committee::of_scores(vec![vec![1.0, 3.0], vec![50.0, -50.0], vec![7.0, 7.0]], 4);
        assert_eq!(committee.utilities, [[-1.0, 1.0], [1.0, -1.0], [0.0, 0.0]]);
        assert_eq!(committee.mean(), [0.0, 0.0]);
        assert_eq!(committee.logits(&[1])[0], [2.0]);
    }

    #[test]
    fn answers_that_follow_the_utilities_are_trusted_more() {
        let right = rationality(&[1.0; 30]);
        let by_chance: Vec<f64> = (0..30)
            .map(|i| if i % 2 == 0 { 1.0 } else { -1.0 })
            .collect();
        assert!(right > RATIONALITY && rationality(&by_chance) < RATIONALITY);
        assert_eq!(rationality(&[]), RATIONALITY);
    }
}
