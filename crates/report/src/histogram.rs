//! Histograms as inline SVG, groups stacked.

use super::colour::Colour;
use super::plots::{Axes, BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, figure, frame};
use super::scale::Scale;
use std::fmt::Write as _;

/// Counts of values in `bins` equal spans, groups stacked.
#[must_use]
pub fn histogram(axes: &Axes, groups: &[(String, Colour, Vec<f64>)], bins: usize) -> String {
    let bins = bins.max(1);
    let x = Scale::over(
        groups.iter().flat_map(|g| g.2.iter().copied()),
        false,
        LEFT,
        WIDTH - RIGHT,
    );
    let mut counts = vec![vec![0usize; bins]; groups.len()];
    for (row, group) in counts.iter_mut().zip(groups) {
        for value in group.2.iter().filter(|v| v.is_finite()) {
            let bin = ((value - x.low) / (x.high - x.low) * bins as f64) as usize;
            row[bin.min(bins - 1)] += 1;
        }
    }
    let height = |bin: usize| counts.iter().map(|row| row[bin]).sum::<usize>();
    let tallest = (0..bins).map(height).max().unwrap_or(0).max(1);
    let y = Scale::over(
        [0.0, tallest as f64].into_iter(),
        false,
        HEIGHT - BOTTOM,
        TOP,
    );
    let mut svg = frame(axes, &x, &y);
    let width = (x.to - x.from) / bins as f64;
    for bin in 0..bins {
        let mut below = 0;
        for (row, group) in counts.iter().zip(groups).filter(|(row, _)| row[bin] > 0) {
            let (bottom, top) = (y.at(below as f64), y.at((below + row[bin]) as f64));
            below += row[bin];
            let _ = write!(
                svg,
                r#"<rect class="bar {}" x="{:.1}" y="{top:.1}" width="{:.1}" height="{:.1}"/>"#,
                group.1.class(),
                x.from + bin as f64 * width + 0.5,
                width - 1.0,
                bottom - top
            );
        }
    }
    figure(
        &axes.title,
        &svg,
        [WIDTH, HEIGHT],
        groups.iter().map(|g| (g.0.as_str(), g.1)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_in_some_bar() {
        let chart = histogram(
            &Axes::default(),
            &[("a".into(), Colour::Failed, vec![0.0, 1.0, 2.0, f64::NAN])],
            3,
        );
        assert_eq!(chart.matches("class=\"bar").count(), 3);
    }
}
