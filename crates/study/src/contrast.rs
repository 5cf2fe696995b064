//! What a variant makes of a figure, compared with the reference of its factor, cell by cell.

use crate::base_run::Base;
use crate::cell::{Cell, Factor};
use crate::grid::Grid;
use crate::row::Row;
use apprentice_statistics::mean_interval;
use std::collections::BTreeMap;

/// Fewer bases (a task and a seed) than this give no interval.
pub const FEWEST_BASES: usize = 3;

/// A figure of a row that is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Figure {
    /// Share of all scenes done the preferred way.
    Preferred,
    /// Share of scenes in which the policy succeeds.
    Success,
    /// Share of held-out pairs the reward orders rightly.
    HeldOut,
}

impl Figure {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Preferred, Self::Success, Self::HeldOut];

    /// Its name in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Preferred => "preferred, of all scenes",
            Self::Success => "success",
            Self::HeldOut => "held-out pairs",
        }
    }

    /// Its value.
    #[must_use]
    pub fn of(self, row: &Row) -> f64 {
        match self {
            Self::Preferred => row.preferred_of_all,
            Self::Success => row.success,
            Self::HeldOut => row.heldout_accuracy,
        }
    }
}

/// A mean difference, variant less reference, over cells that agree in everything else.
#[derive(Clone, Debug, PartialEq)]
pub struct Contrast {
    /// What varies.
    pub factor: Factor,
    /// What it is compared with.
    pub reference: String,
    /// The variant.
    pub variant: String,
    /// Rankings; `None` for all numbers together.
    pub labels: Option<usize>,
    /// Pairs of cells.
    pub pairs: usize,
    /// Bases (a task and a seed) that they are of: cells of one base share its policy and rollouts, so these are what
    /// is counted.
    pub bases: usize,
    /// Mean differences, in the order of [`Figure::ALL`].
    pub differences: [Difference; 3],
}

/// A mean and its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// Mean of the differences.
    pub mean: f64,
    /// Student's interval over bases, 95 %; `None` with fewer than [`FEWEST_BASES`].
    pub interval: Option<(f64, f64)>,
}

impl Difference {
    /// Of the mean differences of bases.
    #[must_use]
    pub fn of(bases: &[f64]) -> Self {
        let interval = (bases.len() >= FEWEST_BASES)
            .then(|| mean_interval(bases, 0.05))
            .flatten();
        Self {
            mean: bases.iter().sum::<f64>() / bases.len().max(1) as f64,
            interval: interval.map(|(_, low, high)| (low, high)),
        }
    }

    /// Whether the interval leaves 0 out.
    #[must_use]
    pub fn is_told(&self) -> bool {
        self.interval
            .is_some_and(|(low, high)| low > 0.0 || high < 0.0)
    }
}

/// Every variant against the reference of its factor: over all numbers of labels, and at each.
#[must_use]
pub fn contrasts(grid: &Grid, rows: &[Row]) -> Vec<Contrast> {
    let by_cell: BTreeMap<&Cell, &Row> = rows.iter().map(|row| (&row.cell, row)).collect();
    let mut labels: Vec<usize> = rows.iter().map(|row| row.cell.labels).collect();
    labels.sort_unstable();
    labels.dedup();
    let numbers = || std::iter::once(None).chain(labels.iter().copied().map(Some));
    let mut all = Vec::new();
    // Tasks are different questions; a difference between them would say nothing.
    for factor in Factor::ALL.into_iter().filter(|f| *f != Factor::Task) {
        let Some(reference) = grid.reference(factor) else {
            continue;
        };
        for variant in grid.variants(factor).keys().filter(|v| *v != reference) {
            for labels in numbers() {
                let pairs: Vec<(&Row, &Row)> = by_cell
                    .iter()
                    .filter(|(cell, _)| cell.variant(factor) == variant)
                    .filter(|(cell, _)| labels.is_none_or(|n| cell.labels == n))
                    .filter_map(|(cell, row)| {
                        Some((*row, *by_cell.get(&cell.with(factor, reference))?))
                    })
                    .collect();
                if pairs.is_empty() {
                    continue;
                }
                let mut by_base: BTreeMap<Base, Vec<(&Row, &Row)>> = BTreeMap::new();
                for pair in &pairs {
                    let of = by_base.entry(Base::of(&pair.0.cell)).or_default();
                    of.push(*pair);
                }
                let differences = Figure::ALL.map(|figure| {
                    let mean = |of: &Vec<(&Row, &Row)>| {
                        let all = of.iter().map(|(a, b)| figure.of(a) - figure.of(b));
                        all.sum::<f64>() / of.len() as f64
                    };
                    Difference::of(&by_base.values().map(mean).collect::<Vec<f64>>())
                });
                all.push(Contrast {
                    factor,
                    reference: reference.to_owned(),
                    variant: variant.clone(),
                    labels,
                    pairs: pairs.len(),
                    bases: by_base.len(),
                    differences,
                });
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_leaves_zero_out_only_where_the_bases_agree() {
        let agreeing = [0.1, 0.12, 0.08];
        let told = Difference::of(&agreeing);
        // Deviation 0.02, so 4.303 * 0.02 / sqrt(3) to each side.
        let (low, high) = told.interval.unwrap();
        assert!(
            (low - 0.0503).abs() < 1e-3 && (high - 0.1497).abs() < 1e-3,
            "{told:?}"
        );
        assert!(told.is_told());
        assert!(!Difference::of(&[0.1, -0.12, 0.08, -0.11]).is_told());
        let few = Difference::of(&agreeing[..FEWEST_BASES - 1]);
        assert_eq!((few.interval, few.is_told()), (None, false));
    }
}
