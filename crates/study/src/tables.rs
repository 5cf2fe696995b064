//! What a study says, as tables that page and text share.

use crate::cell::Factor;
use crate::contrast::{Contrast, Difference, FEWEST_BASES, Figure, contrasts};
use crate::grid::Grid;
use crate::published;
use crate::row::{Failed, Row};
use crate::table::Table;
use std::collections::BTreeMap;

/// Everything a study says, in order.
#[must_use]
pub fn tables(grid: &Grid, rows: &[Row], failures: &[Failed]) -> Vec<Table> {
    let mut all = vec![differences(grid, rows), means(rows)];
    all.extend(unfinished(grid, rows, failures));
    all.extend([variants(grid), published::table()]);
    all
}

/// How far the study is, in a sentence.
#[must_use]
pub fn state(grid: &Grid, rows: &[Row], failures: &[Failed]) -> String {
    let cells = grid.cells().len();
    let missing = cells - rows.len();
    format!(
        "{} of {cells} cells done, {} failed, {} not run yet.",
        rows.len(),
        failures.len(),
        missing.saturating_sub(failures.len())
    )
}

/// The sentences that the differences bear out: what is told apart from the reference, and what is not.
#[must_use]
pub fn findings(grid: &Grid, rows: &[Row]) -> Vec<String> {
    let of_all = contrasts(grid, rows)
        .into_iter()
        .filter(|c| c.labels.is_none());
    of_all.map(|c| finding(&c)).collect()
}

fn finding(contrast: &Contrast) -> String {
    let [preferred, success, _] = &contrast.differences;
    let said = |d: &Difference, what: &str| match d.interval {
        None => format!(
            "{what} {:+.1} points (too few seeds for an interval)",
            100.0 * d.mean
        ),
        Some((low, high)) => {
            let told = match (low > 0.0, high < 0.0) {
                (true, _) => "more",
                (_, true) => "less",
                _ => "not told apart",
            };
            format!(
                "{what} {:+.1} points [{:+.1}, {:+.1}]: {told}",
                100.0 * d.mean,
                100.0 * low,
                100.0 * high
            )
        }
    };
    format!(
        "{} {} instead of {} (pairs of cells: {}, bases: {}): {}; {}.",
        contrast.factor.name(),
        contrast.variant,
        contrast.reference,
        contrast.pairs,
        contrast.bases,
        said(preferred, "preferred"),
        said(success, "success"),
    )
}

fn differences(grid: &Grid, rows: &[Row]) -> Table {
    let mut columns: Vec<String> = ["what", "instead of", "rankings", "pairs", "bases"]
        .map(str::to_owned)
        .to_vec();
    columns.extend(Figure::ALL.map(|f| f.name().to_owned()));
    let line = |c: &Contrast| {
        let labels = c.labels.map_or("all".to_owned(), |n| n.to_string());
        let mut line = vec![
            format!("{} {}", c.factor.name(), c.variant),
            c.reference.clone(),
            labels,
            c.pairs.to_string(),
            c.bases.to_string(),
        ];
        line.extend(c.differences.iter().map(points));
        line
    };
    Table {
        heading: "What each part makes of it".into(),
        note: format!(
            "Mean differences in points between cells that agree in everything else, with Student's 95 % intervals over bases \
             (a task and a seed, whose cells share policy and rollouts; none from fewer than {FEWEST_BASES}). A * marks an \
             interval without 0; over so many figures, one in twenty would have one by chance."
        ),
        columns,
        rows: contrasts(grid, rows).iter().map(line).collect(),
    }
}

fn points(difference: &Difference) -> String {
    let star = if difference.is_told() { " *" } else { "" };
    match difference.interval {
        None => format!("{:+.1}", 100.0 * difference.mean),
        Some((low, high)) => format!(
            "{:+.1} [{:+.1}, {:+.1}]{star}",
            100.0 * difference.mean,
            100.0 * low,
            100.0 * high
        ),
    }
}

/// Means over seeds.
fn means(rows: &[Row]) -> Table {
    let mut groups: BTreeMap<Vec<String>, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        let mut key: Vec<String> = Factor::ALL.map(|f| row.cell.variant(f).to_owned()).to_vec();
        key.push(format!("{:>4}", row.cell.labels));
        groups.entry(key).or_default().push(row);
    }
    let mut columns: Vec<String> = Factor::ALL.map(|f| f.name().to_owned()).to_vec();
    columns.extend(
        [
            "rankings",
            "seeds",
            "preferred",
            "before",
            "success",
            "before",
            "wins",
            "held-out pairs",
            "triplets",
            "Spearman",
            "drift",
            "s",
        ]
        .map(str::to_owned),
    );
    let rows = groups.into_iter().map(|(key, of)| {
        let mean = |figure: &dyn Fn(&Row) -> f64| {
            of.iter().map(|row| figure(row)).sum::<f64>() / of.len() as f64
        };
        let mut line = key;
        line.push(of.len().to_string());
        line.extend([
            format!("{:.3}", mean(&|r| r.preferred_of_all)),
            format!("{:.3}", mean(&|r| r.base_preferred_of_all)),
            format!("{:.3}", mean(&|r| r.success)),
            format!("{:.3}", mean(&|r| r.base_success)),
            format!("{:.3}", mean(&|r| r.win_rate)),
            format!("{:.3}", mean(&|r| r.heldout_accuracy)),
            format!("{:.3}", mean(&|r| r.triplet_accuracy)),
            format!("{:.2}", mean(&|r| r.spearman_trajectory)),
            format!("{:.4}", mean(&|r| r.drift)),
            format!("{:.0}", mean(&|r| r.seconds)),
        ]);
        line.iter().map(|cell| cell.trim().to_owned()).collect()
    });
    Table {
        heading: "Means over seeds".into(),
        note: "preferred: share of all held-out scenes in which the task is done the preferred way; before: the same of the \
               base policy; wins: scenes in which the aligned policy's episode has the higher hidden utility, equal ones \
               half."
            .into(),
        columns,
        rows: rows.collect(),
    }
}

fn unfinished(grid: &Grid, rows: &[Row], failures: &[Failed]) -> Option<Table> {
    let done: Vec<_> = rows.iter().map(|row| &row.cell).collect();
    let missing: Vec<_> = grid
        .cells()
        .into_iter()
        .filter(|c| !done.contains(&c))
        .collect();
    let line = |cell: &crate::cell::Cell| {
        let failed = failures.iter().find(|f| f.cell == *cell);
        let why = failed.map_or("not run yet".to_owned(), |f| format!("failed: {}", f.error));
        vec![cell.to_string(), why]
    };
    (!missing.is_empty()).then(|| Table {
        heading: "Cells without a row".into(),
        note: "`apprentice study --resume` runs them; they are in no figure above.".into(),
        columns: ["cell", "why"].map(str::to_owned).to_vec(),
        rows: missing.iter().map(line).collect(),
    })
}

fn variants(grid: &Grid) -> Table {
    let line = |factor: Factor, name: &str| {
        let variant = grid.variants(factor).get(name);
        let (about, set, reference) = variant.map_or(("", String::new(), false), |v| {
            (v.about.as_str(), v.set.join("  "), v.reference)
        });
        let name = if reference {
            format!("{name} (reference)")
        } else {
            name.to_owned()
        };
        vec![factor.name().to_owned(), name, about.to_owned(), set]
    };
    let rows = Factor::ALL.into_iter().flat_map(|factor| {
        grid.variants(factor)
            .keys()
            .map(move |name| line(factor, name))
    });
    Table {
        heading: "What was varied".into(),
        note: format!("Settings of every cell: {}", grid.set.join("  ")),
        columns: ["factor", "name", "what it is", "settings"]
            .map(str::to_owned)
            .to_vec(),
        rows: rows.collect(),
    }
}
