//! Which episodes others are compared with.

use super::projection::LinearProjection;
use crate::RewardError;
use crate::judged_clips::Ranking;
use apprentice_encoder::FeatureClip;
use apprentice_optimal_transport::{
    CostMatrix, Metric, OptimalTransportError, SinkhornConfig, sinkhorn,
};
use serde::{Deserialize, Serialize};

/// Which of the best-ranked episodes are the preferred ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PreferredRule {
    /// Those closest to the other best-ranked ones and farthest from the worst-ranked: a wrong ranking's
    /// "best" stands alone and is passed over.
    #[default]
    Central,
    /// The first in the order of the rankings.
    First,
}

/// Up to `count` of the clips that rankings put first, by `rule`; ties by index.
///
/// # Errors
/// When no ranking puts an episode above another.
pub(crate) fn choose(
    clips: &[FeatureClip],
    rankings: &[Ranking<'_>],
    projection: &LinearProjection,
    (metric, config): (Metric, &SinkhornConfig),
    (rule, count): (PreferredRule, usize),
) -> Result<Vec<usize>, RewardError> {
    let (best, worst) = best_and_worst(rankings);
    let clips_of = |list: &[(usize, f64)]| list.iter().map(|c| c.0).collect::<Vec<_>>();
    let chosen = match rule {
        PreferredRule::First => clips_of(&best).into_iter().take(count).collect(),
        PreferredRule::Central => {
            most_central(clips, (best, worst), projection, (metric, config), count)?
        }
    };
    if chosen.is_empty() {
        Err(RewardError::NothingPreferred(rankings.len()))
    } else {
        Ok(chosen)
    }
}

/// Clips, each with how sure it is that it belongs there, 0 to 1.
type Weighted = Vec<(usize, f64)>;

/// The clips in a first place and those in a last one, in the order of the rankings, each as sure as the first ranking
/// that puts it there. Rankings of which nobody is sure at all say nothing.
fn best_and_worst(rankings: &[Ranking<'_>]) -> (Weighted, Weighted) {
    let (mut best, mut worst): (Weighted, Weighted) = (Vec::new(), Vec::new());
    for ranking in rankings {
        let top = ranking.places.iter().map(|r| r.1).min();
        let bottom = ranking.places.iter().map(|r| r.1).max();
        let sure = ranking.confidence();
        if top == bottom || sure <= 0.0 {
            continue;
        }
        for &(clip, tier) in &ranking.places {
            let holds = |list: &Weighted| list.iter().any(|c| c.0 == clip);
            if Some(tier) == top && !holds(&best) {
                best.push((clip, sure));
            } else if Some(tier) == bottom && !holds(&worst) {
                worst.push((clip, sure));
            }
        }
    }
    (best, worst)
}

/// The best-ranked clips that stand closest to the other best-ranked ones and farthest from the
/// worst-ranked.
fn most_central(
    clips: &[FeatureClip],
    (best, worst): (Weighted, Weighted),
    projection: &LinearProjection,
    (metric, config): (Metric, &SinkhornConfig),
    count: usize,
) -> Result<Vec<usize>, OptimalTransportError> {
    let embedded = |list: &Weighted| -> Vec<(Vec<f32>, f64)> {
        let embed = |&(i, sure): &(usize, f64)| (projection.embed(&clips[i]), sure);
        list.iter().map(embed).collect()
    };
    let (best_space, worst_space) = (embedded(&best), embedded(&worst));
    let mean_cost =
        |from: &Vec<f32>, to: &[(Vec<f32>, f64)]| -> Result<f64, OptimalTransportError> {
            let (mut total, mut sure) = (0.0, 0.0);
            for (other, weight) in to {
                let cost = CostMatrix::between(from, other, projection.output, metric);
                total += weight * sinkhorn(&cost, config)?.cost(&cost);
                sure += weight;
            }
            Ok(if sure > 0.0 { total / sure } else { 0.0 })
        };
    let mut scored = Vec::with_capacity(best.len());
    for (&(clip, _), (space, _)) in best.iter().zip(&best_space) {
        scored.push((
            mean_cost(space, &worst_space)? - mean_cost(space, &best_space)?,
            clip,
        ));
    }
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    Ok(scored.into_iter().take(count).map(|s| s.1).collect())
}
