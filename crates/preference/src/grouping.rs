//! Which episodes are shown together.

use apprentice_core::Seed;
use apprentice_episode::EpisodeId;
use rand::seq::SliceRandom;

/// Episodes in one ranking.
const GROUP: usize = 4;

/// `ids` in random groups of four, each id in one group at most. What is left over makes a smaller
/// last group when it is two or three episodes.
#[must_use]
pub fn groups_of_four(ids: &[EpisodeId], seed: Seed) -> Vec<Vec<EpisodeId>> {
    let mut shuffled = ids.to_vec();
    shuffled.shuffle(&mut seed.derive("groups", 0).rng());
    shuffled
        .chunks(GROUP)
        .filter(|group| group.len() > 1)
        .map(<[EpisodeId]>::to_vec)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn groups_hold_each_episode_once_and_follow_the_seed() {
        let ids: Vec<EpisodeId> = (0..21).map(|i| EpisodeId::new(format!("{i}"))).collect();
        let groups = groups_of_four(&ids, Seed(3));
        assert_eq!(groups.iter().map(Vec::len).collect::<Vec<_>>(), [4; 5]);
        let distinct: BTreeSet<_> = groups.iter().flatten().collect();
        assert_eq!(distinct.len(), 20);
        assert_eq!(groups, groups_of_four(&ids, Seed(3)));
        assert_ne!(groups, groups_of_four(&ids, Seed(4)));
    }
}
