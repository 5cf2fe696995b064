//! Which episodes others are compared with.

use crate::rankings::Ranking;
use crate::{PreferredRule, RewardError};
use apprentice_encoder::{AlignmentHead, FeatureClip};
use apprentice_optimal_transport::{CostMatrix, Metric, SinkhornConfig, TransportError, sinkhorn};

/// Up to `count` of the clips that rankings put first, by `rule`; ties by index.
///
/// # Errors
/// When no ranking puts an episode above another.
pub(crate) fn choose(
    clips: &[FeatureClip],
    rankings: &[&Ranking<'_>],
    head: &AlignmentHead,
    (metric, transport): (Metric, &SinkhornConfig),
    (rule, count): (PreferredRule, usize),
) -> Result<Vec<usize>, RewardError> {
    let (best, worst) = ends(rankings);
    let chosen = match rule {
        PreferredRule::First => best.into_iter().take(count).collect(),
        PreferredRule::Central => central(clips, (best, worst), head, (metric, transport), count)?,
    };
    if chosen.is_empty() {
        Err(RewardError::NothingPreferred(rankings.len()))
    } else {
        Ok(chosen)
    }
}

/// The clips in a first place and those in a last one, in the order of the rankings.
fn ends(rankings: &[&Ranking<'_>]) -> (Vec<usize>, Vec<usize>) {
    let (mut best, mut worst) = (Vec::new(), Vec::new());
    for ranking in rankings {
        let top = ranking.places.iter().map(|r| r.1).min();
        let bottom = ranking.places.iter().map(|r| r.1).max();
        if top == bottom {
            continue;
        }
        for &(clip, tier) in &ranking.places {
            if Some(tier) == top && !best.contains(&clip) {
                best.push(clip);
            } else if Some(tier) == bottom && !worst.contains(&clip) {
                worst.push(clip);
            }
        }
    }
    (best, worst)
}

/// The best-ranked clips that stand closest to the other best-ranked ones and farthest from the
/// worst-ranked.
fn central(
    clips: &[FeatureClip],
    (best, worst): (Vec<usize>, Vec<usize>),
    head: &AlignmentHead,
    (metric, transport): (Metric, &SinkhornConfig),
    count: usize,
) -> Result<Vec<usize>, TransportError> {
    let embedded =
        |list: &[usize]| -> Vec<Vec<f32>> { list.iter().map(|&i| head.embed(&clips[i])).collect() };
    let (best_space, worst_space) = (embedded(&best), embedded(&worst));
    let mean_cost = |from: &Vec<f32>, to: &[Vec<f32>]| -> Result<f64, TransportError> {
        let mut total = 0.0;
        for other in to {
            let cost = CostMatrix::between(from, other, head.output, metric);
            total += sinkhorn(&cost, transport)?.cost(&cost);
        }
        Ok(total / to.len().max(1) as f64)
    };
    let mut scored = Vec::with_capacity(best.len());
    for (&clip, space) in best.iter().zip(&best_space) {
        scored.push((
            mean_cost(space, &worst_space)? - mean_cost(space, &best_space)?,
            clip,
        ));
    }
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    Ok(scored.into_iter().take(count).map(|s| s.1).collect())
}
