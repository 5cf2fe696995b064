//! Figures that others published: beside ours as a table of their own, never as bars or as ours.

use crate::table::Table;

/// Rank correlation of true and learnt reward, frames of training triplets (Tian et al. 2024, arXiv 2412.04835, table
/// 1). Their tasks, cameras, encoders and 150 triplets; ours are other tasks, so only orders may be set side by side.
const SPEARMAN: [(&str, [f64; 3]); 6] = [
    ("RAPL", [0.59, 0.61, 0.47]),
    (
        "RLHF (a reward network on the same rankings)",
        [0.38, 0.26, 0.31],
    ),
    ("MVP, optimal transport, frozen", [-0.10, 0.08, 0.02]),
    ("MVP fine-tuned, optimal transport", [0.19, 0.11, 0.02]),
    ("ImageNet, optimal transport, frozen", [-0.09, -0.02, 0.12]),
    ("R3M, optimal transport, frozen", [0.03, -0.17, -0.14]),
];

/// Theirs, as a table.
#[must_use]
pub fn table() -> Table {
    let columns = ["reward", "Franka Group", "Franka Clutter", "Kuka Group"];
    Table {
        heading: "Published by others, not measured here".into(),
        note: "Spearman rank correlation of true and learnt reward, per frame, on videos of the training triplets: Tian et \
               al. 2024, arXiv 2412.04835, table 1. Their tasks, pictures and 150 triplets; not to be set against ours."
            .into(),
        columns: columns.map(str::to_owned).to_vec(),
        rows: SPEARMAN
            .iter()
            .map(|(name, values)| {
                let values = values.iter().map(|v| format!("{v:.2}"));
                std::iter::once((*name).to_owned()).chain(values).collect()
            })
            .collect(),
    }
}
