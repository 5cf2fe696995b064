//! How far apart episodes are.

use apprentice_encoder::{FeatureClip, Standardisation};
use apprentice_optimal_transport::{
    CostMatrix, Metric, OptimalTransportError, SinkhornConfig, sinkhorn,
};
use rayon::prelude::*;

/// Distances between all episodes of a pool, in units of the frames' distance.
#[derive(Clone, Debug, PartialEq)]
pub struct Distances {
    count: usize,
    values: Vec<f64>,
}

impl Distances {
    /// From a function of two indices below `count`; it is asked for the first below the second.
    #[must_use]
    pub fn of(count: usize, distance: impl Fn(usize, usize) -> f64) -> Self {
        let mut values = vec![0.0; count * count];
        for i in 0..count {
            for j in i + 1..count {
                let apart = distance(i, j);
                values[i * count + j] = apart;
                values[j * count + i] = apart;
            }
        }
        Self { count, values }
    }

    /// The optimal-transport cost between each two clips, their features standardised, less half of what each costs
    /// to itself: with entropy that is not nothing (Sinkhorn divergence without its entropy terms; Genevay, Peyré and
    /// Cuturi 2018, arXiv 1706.00292).
    ///
    /// # Errors
    /// When a clip has no frame, or a number that is not finite.
    pub fn transport(
        clips: &[FeatureClip],
        metric: Metric,
        config: &SinkhornConfig,
    ) -> Result<Self, OptimalTransportError> {
        let standardisation = Standardisation::fit(clips, true);
        let rows: Vec<Vec<f32>> = clips.iter().map(|c| standardisation.apply(c)).collect();
        let width = clips.first().map_or(1, |c| c.width);
        let count = clips.len();
        let cost = |i: usize, j: usize| {
            let cost = CostMatrix::between(&rows[i], &rows[j], width, metric);
            Ok(sinkhorn(&cost, config)?.cost(&cost))
        };
        let own: Vec<f64> = (0..count)
            .into_par_iter()
            .map(|i| cost(i, i))
            .collect::<Result<_, OptimalTransportError>>()?;
        let upper: Vec<Vec<f64>> = (0..count)
            .into_par_iter()
            .map(|i| {
                (i + 1..count)
                    .map(|j| Ok((cost(i, j)? - (own[i] + own[j]) / 2.0).max(0.0)))
                    .collect()
            })
            .collect::<Result<_, OptimalTransportError>>()?;
        Ok(Self::of(count, |i, j| upper[i][j - i - 1]))
    }

    /// Between two episodes, by index; 0 where one is not in the pool.
    #[must_use]
    pub fn between(&self, i: usize, j: usize) -> f64 {
        if i < self.count && j < self.count {
            self.values[i * self.count + j]
        } else {
            0.0
        }
    }

    /// How many episodes there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// The sum of every `of` episode's distance to the closest of `medoids`; infinite without any of these.
    #[must_use]
    pub fn loss(&self, of: &[usize], medoids: &[usize]) -> f64 {
        let nearest = |&i: &usize| {
            let to = medoids.iter().map(|&m| self.between(i, m));
            to.fold(f64::INFINITY, f64::min)
        };
        of.iter().map(nearest).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clips_alike_are_close_and_a_clip_is_nowhere_but_where_it_is() {
        let clip = |a: f32| FeatureClip::vision(2, vec![a, 1.0, a + 0.1, -1.0, a, 1.0]);
        let clips = [clip(0.0), clip(0.05), clip(4.0)];
        let config = SinkhornConfig::default();
        let d = Distances::transport(&clips, Metric::Euclidean, &config).unwrap();
        assert_eq!((d.count(), d.between(1, 1)), (3, 0.0));
        assert!(d.between(0, 1) < 0.2 * d.between(0, 2), "{d:?}");
        assert_eq!(d.between(0, 2), d.between(2, 0));
        assert_eq!(d.between(0, 9), 0.0);
        assert!(
            Distances::transport(&[FeatureClip::vision(2, vec![])], Metric::Cosine, &config)
                .is_err()
        );
    }
}
