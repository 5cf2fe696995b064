//! The episodes that can be asked about, and in which groups.

use rand::Rng;
use rand::seq::SliceRandom as _;
use std::collections::BTreeSet;

/// Part of a pool of which every group has so many episodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Indices of its episodes.
    pub episodes: Vec<usize>,
    /// How many of them a group has.
    pub count: usize,
}

/// Episodes by index, and how they are asked about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pool {
    /// What a group is drawn from: one part, or for instance two of new episodes and two of old ones. Without an episode
    /// in common.
    pub parts: Vec<Part>,
    /// Groups that were shown, each in any order.
    pub shown: BTreeSet<BTreeSet<usize>>,
}

impl Pool {
    /// Episodes `0..count`, `size` a group.
    #[must_use]
    pub fn of(count: usize, size: usize) -> Self {
        let episodes = (0..count).collect();
        Self {
            parts: vec![Part {
                episodes,
                count: size,
            }],
            shown: BTreeSet::new(),
        }
    }

    /// Whether every part has enough episodes for a group of two or more.
    #[must_use]
    pub fn is_enough(&self) -> bool {
        let size: usize = self.parts.iter().map(|p| p.count).sum();
        size >= 2 && self.parts.iter().all(|p| p.episodes.len() >= p.count)
    }

    /// Whether a group was shown, in any order.
    #[must_use]
    pub fn was_shown(&self, group: &[usize]) -> bool {
        self.shown.contains(&group.iter().copied().collect())
    }

    /// How many groups an episode was shown in.
    #[must_use]
    pub fn times_shown(&self, episode: usize) -> usize {
        self.shown.iter().filter(|g| g.contains(&episode)).count()
    }

    /// A group at random, all alike; it may have been shown.
    pub fn draw(&self, rng: &mut impl Rng) -> Vec<usize> {
        let drawn = self.parts.iter().flat_map(|part| {
            let mut episodes = part.episodes.clone();
            let (drawn, _) = episodes.partial_shuffle(rng, part.count);
            drawn.to_vec()
        });
        drawn.collect()
    }

    /// Up to `count` groups at random that were not shown, none twice.
    pub fn draw_new(&self, count: usize, rng: &mut impl Rng) -> Vec<Vec<usize>> {
        if !self.is_enough() {
            return Vec::new();
        }
        let mut drawn: BTreeSet<BTreeSet<usize>> = BTreeSet::new();
        let mut groups = Vec::new();
        // Where nearly all were shown, few draws are new.
        for _ in 0..count.saturating_mul(4).max(200) {
            if groups.len() == count {
                break;
            }
            let group = self.draw(rng);
            if !self.was_shown(&group) && drawn.insert(group.iter().copied().collect()) {
                groups.push(group);
            }
        }
        groups
    }

    /// Of so many groups drawn at random, the one `score` finds best, then made better by exchanging one episode at a
    /// time for some of the same part.
    pub fn best_by(
        &self,
        count: usize,
        rng: &mut impl Rng,
        score: impl Fn(&[usize]) -> f64,
    ) -> Option<Vec<usize>> {
        let groups = self.draw_new(count, rng);
        let scored = groups.into_iter().map(|group| (score(&group), group));
        let (mut now, mut best) = scored.max_by(|a, b| a.0.total_cmp(&b.0))?;
        let mut first = 0;
        for part in &self.parts {
            for place in first..first + part.count {
                let mut others = part.episodes.clone();
                let (others, _) = others.partial_shuffle(rng, EXCHANGES);
                for &other in others.iter() {
                    let mut group = best.clone();
                    if let Some(slot) = group.get_mut(place).filter(|_| !best.contains(&other)) {
                        *slot = other;
                        let then = score(&group);
                        if then > now && !self.was_shown(&group) {
                            (now, best) = (then, group);
                        }
                    }
                }
            }
            first += part.count;
        }
        Some(best)
    }
}

/// Exchanges tried for each place of a group.
const EXCHANGES: usize = 30;

#[cfg(test)]
mod tests {
    use super::*;
    use apprentice_core::Seed;

    #[test]
    fn groups_have_so_many_of_each_part_and_were_not_shown() {
        let mut pool = Pool {
            parts: vec![
                Part {
                    episodes: vec![0, 1, 2],
                    count: 2,
                },
                Part {
                    episodes: vec![5, 6],
                    count: 1,
                },
            ],
            shown: BTreeSet::new(),
        };
        let mut rng = Seed(1).rng();
        let groups = pool.draw_new(100, &mut rng);
        assert_eq!(groups.len(), 6, "{groups:?}");
        assert!(
            groups
                .iter()
                .all(|g| g[..2].iter().all(|e| *e < 3) && g[2] >= 5)
        );
        pool.shown = groups[1..]
            .iter()
            .map(|g| g.iter().copied().collect())
            .collect();
        let mut left = pool.draw_new(100, &mut rng);
        left.iter_mut().for_each(|group| group.sort_unstable());
        let mut first = groups[0].clone();
        first.sort_unstable();
        assert_eq!(left, [first]);
        assert!(pool.times_shown(5) < 6);
        pool.parts[1].count = 3;
        assert!(!pool.is_enough() && pool.draw_new(5, &mut rng).is_empty());
    }

    #[test]
    fn exchanges_find_the_best_group_among_many() {
        let pool = Pool::of(60, 4);
        let sum = |g: &[usize]| g.iter().sum::<usize>() as f64;
        let best = pool.best_by(50, &mut Seed(1).rng(), sum).unwrap();
        let by_lot = pool.draw_new(50, &mut Seed(1).rng());
        let by_lot = by_lot.iter().map(|g| sum(g)).fold(0.0, f64::max);
        assert!(sum(&best) > by_lot, "{best:?}");
    }
}
