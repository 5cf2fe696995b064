//! Optimal transport.

use super::{Work, rng, timed};
use apprentice_optimal_transport::{CostMatrix, Form, SinkhornConfig, sinkhorn_batch};
use rand::Rng as _;
use std::hint::black_box;

pub(super) fn sinkhorn(form: Form) -> Work {
    let mut rng = rng();
    let costs: Vec<CostMatrix> = (0..32)
        .map(|_| CostMatrix {
            rows: 64,
            columns: 64,
            values: (0..64 * 64).map(|_| rng.random::<f64>()).collect(),
        })
        .collect();
    let config = SinkhornConfig {
        epsilon: 0.1,
        iterations: 50,
        tolerance: 0.0,
        form,
    };
    timed(move || {
        black_box(sinkhorn_batch(&costs, &config)?);
        Ok(())
    })
}
