//! Transport plans.

use crate::CostMatrix;

/// How much of each row's mass goes to each column; masses are uniform and sum to one.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Rows of the cost matrix.
    pub rows: usize,
    /// Columns of the cost matrix.
    pub columns: usize,
    /// `rows * columns` masses, row-major.
    pub mass: Vec<f64>,
    /// Iterations taken.
    pub iterations: usize,
    /// Largest error of a row's or column's mass.
    pub marginal_error: f64,
}

impl Plan {
    /// Total cost, `<P, C>`; the entropy is not included.
    #[must_use]
    pub fn cost(&self, cost: &CostMatrix) -> f64 {
        self.mass.iter().zip(&cost.values).map(|(p, c)| p * c).sum()
    }

    /// Cost of each row's share, `sum_j P_tj C_tj`; they add up to [`Self::cost`].
    #[must_use]
    pub fn row_costs(&self, cost: &CostMatrix) -> Vec<f64> {
        let rows = self.mass.chunks_exact(self.columns.max(1));
        rows.zip(cost.values.chunks_exact(self.columns.max(1)))
            .map(|(p, c)| p.iter().zip(c).map(|(p, c)| p * c).sum())
            .collect()
    }
}
