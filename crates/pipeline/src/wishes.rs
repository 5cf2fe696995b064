//! What of the judgements still says how things should be: what was taken back does not, and what is old may count less.

use crate::outcomes::Outcomes;
use crate::rounds::{newest, round_of};
use apprentice_episode::EpisodeId;
use apprentice_preference::{Judgement, standing, taken_back};
use std::collections::{BTreeMap, BTreeSet};

/// The judgements that a reward is learnt from.
#[derive(Clone, Debug, PartialEq)]
pub struct Wishes {
    /// Those that stand, each as sure as its person was and its age leaves it.
    pub judgements: Vec<Judgement>,
    /// Ids of those by which what was learnt is examined, where older ones count less; `None`: all.
    pub examiners: Option<BTreeSet<String>>,
    /// How many were taken back.
    pub taken_back: usize,
    /// How many are of earlier rounds of rollouts.
    pub older: usize,
}

impl Wishes {
    /// Those among what was `said`; a judgement counts `weight` for each round that came after the newest episode it is
    /// about.
    #[must_use]
    pub fn of(said: &[Judgement], rollouts: &Outcomes, weight: f64) -> Self {
        let rounds: BTreeMap<&EpisodeId, usize> = (rollouts.episodes.iter())
            .map(|e| (&e.id, round_of(e)))
            .collect();
        let newest = newest(rollouts);
        let mut wishes = Self {
            judgements: standing(said),
            examiners: (weight < 1.0).then(BTreeSet::new),
            taken_back: taken_back(said),
            older: 0,
        };
        for judgement in &mut wishes.judgements {
            let round = judgement.episodes().filter_map(|id| rounds.get(id)).max();
            // What is about no rollout is of no round.
            let age = newest - round.copied().unwrap_or(newest);
            wishes.older += usize::from(age > 0);
            if age == 0 {
                if let Some(examiners) = &mut wishes.examiners {
                    examiners.insert(judgement.id.clone());
                }
                continue;
            }
            let left = weight.powi(i32::try_from(age).unwrap_or(i32::MAX));
            judgement.confidence = (f64::from(judgement.confidence) * left) as f32;
        }
        wishes
    }

    /// What there is to say of them, where there is anything.
    #[must_use]
    pub fn sentence(&self, weight: f64) -> Option<String> {
        let mut parts = Vec::new();
        if self.taken_back > 0 {
            parts.push(format!(
                "{} judgements were taken back: kept, not learnt from",
                self.taken_back
            ));
        }
        if self.older > 0 {
            parts.push(format!(
                "{} are of earlier rounds and count {weight} a round (reward.round_weight)",
                self.older
            ));
        }
        (!parts.is_empty()).then(|| parts.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcomes::EpisodeOutcome;
    use apprentice_preference::Answer;

    #[test]
    fn old_wishes_count_less_and_those_taken_back_not_at_all() {
        let episode = |id: &str, file: &str| EpisodeOutcome {
            id: id.into(),
            file: file.into(),
            seed: 0,
            outcome: None,
            guard: None,
            added: false,
        };
        let rollouts = Outcomes {
            episodes: vec![
                episode("a", "episode-0000.mcap"),
                episode("b", "round-0002-episode-0000.mcap"),
                episode("c", "round-0003-episode-0000.mcap"),
            ],
            ..Outcomes::default()
        };
        let ranking = |who: &str, of: [&str; 2]| {
            let tiers = of.map(|id| vec![id.into()]).into();
            Judgement::ranking(1, who, 1.0, tiers, None)
        };
        let judgements = Vec::new();
        let said = [
            ranking("bob", ["a", "b"]),
            Judgement::new(2, "bob", Answer::Revocation { judgements }),
            ranking("ann", ["a", "z"]),
            ranking("ann", ["a", "b"]),
            ranking("ann", ["a", "c"]),
        ];
        let wishes = Wishes::of(&said, &rollouts, 0.5);
        let sure: Vec<f32> = wishes.judgements.iter().map(|j| j.confidence).collect();
        assert_eq!(sure, [0.25, 0.5, 1.0]);
        assert_eq!(wishes.examiners, Some([said[4].id.clone()].into()));
        assert_eq!((wishes.taken_back, wishes.older), (1, 2));
        let sentence = wishes.sentence(0.5).unwrap();
        for part in ["1 judgements were taken back", "2 are of earlier", "0.5"] {
            assert!(sentence.contains(part), "{part}: {sentence}");
        }
        // Without a weight all count and examine alike.
        let alike = Wishes::of(&said, &rollouts, 1.0);
        assert_eq!(alike.judgements, said[2..]);
        assert_eq!(alike.examiners, None);
        assert_eq!(
            Wishes::of(&said[2..3], &Outcomes::default(), 0.5).sentence(0.5),
            None
        );
    }
}
