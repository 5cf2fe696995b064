//! From two similarities to a loss (RAPL; Bradley and Terry 1952).

use serde::{Deserialize, Serialize};

/// What a ranking says of a comparison's two other episodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// The first is better, so nearer to the anchor.
    Closer,
    /// They share a place, so are equally near to the anchor.
    Equal,
}

/// "`anchor` is more like `closer` than like `farther`" (or as much, where they share a place), by
/// index into the clips.
///
/// From a ranking: `anchor` is at least as good as `closer`, which is better than `farther`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Comparison {
    /// The preferred episode.
    pub anchor: usize,
    /// The one that should be near it.
    pub closer: usize,
    /// The one that should be far from it, or as near.
    pub farther: usize,
    /// Which of the two.
    pub relation: Relation,
    /// How sure the operator was, above 0 to 1; weighs the comparison's loss.
    pub confidence: f64,
}

/// How a comparison becomes a loss, given its winning probability `p = sigmoid((near - far) / temperature)` of similarities.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BradleyTerryLoss {
    /// `-log p`: the maximum-likelihood form.
    #[default]
    NegativeLogLikelihood,
    /// `1 - p`: what the author's public code minimises; forgives comparisons it has badly wrong.
    OneMinusP,
}

/// What episodes that share a place teach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ties {
    /// Nothing.
    #[default]
    Ignore,
    /// That they are equally far from any that is at least as good: loss `(1/2 - p)^2`. The author's
    /// equal-ranking triplets are the case of three episodes in one place.
    Equal,
}

/// What the losses of a step's comparisons become. Adam hardly tells the two apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reduction {
    /// Their mean.
    #[default]
    Mean,
    /// Their sum, as in the author's code (which doubles it where ties are ignored).
    Sum,
}

/// `p = sigmoid((near - far) / temperature)` of similarities `R`. With the cosine metric R is in
/// [-2, 0], so that at temperature 1 p never exceeds sigmoid(2) = 0.881 and a perfect order still has
/// a loss of 0.127 (-log p) or 0.119 (1 - p); that is why the default temperature is 0.5.
#[must_use]
pub fn winning_probability(near: f64, far: f64, temperature: f64) -> f64 {
    1.0 / (1.0 + (-(near - far) / temperature).exp())
}

/// Loss of a comparison with winning probability `p`, and its slope along the logit of `p`.
pub(super) fn loss_and_slope(p: f64, relation: Relation, loss: BradleyTerryLoss) -> (f64, f64) {
    match (relation, loss) {
        (Relation::Closer, BradleyTerryLoss::NegativeLogLikelihood) => {
            (-p.max(1e-300).ln(), -(1.0 - p))
        }
        (Relation::Closer, BradleyTerryLoss::OneMinusP) => (1.0 - p, -p * (1.0 - p)),
        (Relation::Equal, _) => {
            let off = 0.5 - p;
            (off * off, -2.0 * off * p * (1.0 - p))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use apprentice_optimal_transport::{CostMatrix, Metric, SinkhornConfig, sinkhorn};

    #[test]
    fn slopes_are_those_of_the_losses() {
        let logistic = |x: f64| winning_probability(x, 0.0, 1.0);
        for (relation, loss) in [
            (Relation::Closer, BradleyTerryLoss::NegativeLogLikelihood),
            (Relation::Closer, BradleyTerryLoss::OneMinusP),
            (Relation::Equal, BradleyTerryLoss::OneMinusP),
        ] {
            for x in [-2.0, 0.0, 0.3, 1.7] {
                let at = |x: f64| loss_and_slope(logistic(x), relation, loss);
                let numeric = (at(x + 1e-6).0 - at(x - 1e-6).0) / 2e-6;
                assert!(
                    (at(x).1 - numeric).abs() < 1e-8,
                    "{relation:?} {loss:?} {x}"
                );
            }
        }
        assert_eq!(
            loss_and_slope(0.5, Relation::Equal, BradleyTerryLoss::OneMinusP),
            (0.0, -0.0)
        );
    }

    /// The extreme: the closer video is the anchor's own direction, the farther one its opposite.
    #[test]
    fn with_cosine_costs_at_temperature_1_no_win_is_surer_than_881_in_1000() {
        let anchor = [1.0f32, 0.0, 1.0, 0.0];
        let opposite = anchor.map(|v| -v);
        let similarity = |other: &[f32]| {
            let cost = CostMatrix::between(&anchor, other, 2, Metric::Cosine);
            -sinkhorn(&cost, &SinkhornConfig::default())
                .unwrap()
                .cost(&cost)
        };
        let bound = 1.0 / (1.0 + (-2.0f64).exp());
        let p = winning_probability(similarity(&anchor), similarity(&opposite), 1.0);
        assert!(
            (p - bound).abs() < 1e-9 && (bound - 0.881).abs() < 5e-4,
            "{p}"
        );
        for angle in 0..64 {
            let (sin, cos) = (angle as f32 / 10.0).sin_cos();
            let (near, far) = ([cos, sin, sin, cos], [sin, -cos, -cos, -sin]);
            let p = winning_probability(similarity(&near), similarity(&far), 1.0);
            assert!(p <= bound + 1e-12, "{p}");
            assert!(p >= 1.0 - bound - 1e-12, "{p}");
        }
        assert!(winning_probability(0.0, -2.0, 0.5) > 0.98);
    }
}
