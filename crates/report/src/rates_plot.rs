//! Base and aligned policy side by side: shares with the intervals they could have come from.

use super::colour::Colour;
use super::escape::escape;
use super::plots::figure;
use super::wording::share as in_words;
use apprentice_statistics::Proportion;
use std::fmt::Write as _;

const LEFT: f64 = 6.0;
const FULL: f64 = 600.0;
const WIDTH: f64 = 860.0;
const BAR: f64 = 16.0;
/// Height of a pair of bars with its name.
const ROW: f64 = 76.0;

/// Bars of shares, in pairs before and after, with Wilson whiskers.
#[must_use]
pub fn rates_plot(title: &str, rows: &[(String, Proportion, Proportion)]) -> String {
    let x = |share: f64| LEFT + share.clamp(0.0, 1.0) * FULL;
    let mut svg = String::new();
    let height = rows.len() as f64 * ROW + 26.0;
    for tick in 0..=4 {
        let at = x(f64::from(tick) * 0.25);
        let anchor = if tick == 0 { "start" } else { "middle" };
        let _ = write!(
            svg,
            r#"<line class="grid" x1="{at:.1}" x2="{at:.1}" y1="4" y2="{:.1}"/><text x="{at:.1}" y="{:.1}" text-anchor="{anchor}">{} %</text>"#,
            height - 22.0,
            height - 6.0,
            tick * 25
        );
    }
    for (i, (name, before, after)) in rows.iter().enumerate() {
        let top = 18.0 + i as f64 * ROW;
        let _ = write!(
            svg,
            r#"<text class="row" x="{LEFT}" y="{top:.1}">{}</text>"#,
            escape(name)
        );
        for (j, (share, colour)) in [(before, Colour::Before), (after, Colour::After)]
            .into_iter()
            .enumerate()
        {
            let y = top + 8.0 + j as f64 * (BAR + 6.0);
            let middle = y + BAR / 2.0;
            let (low, high) = (x(share.low), x(share.high));
            let said = in_words(*share);
            let (shown, counted) = said.split_once('(').unwrap_or((&said, ")"));
            let _ = write!(
                svg,
                r#"<rect class="bar {class}" x="{left}" y="{y:.1}" width="{width:.1}" height="{bar}"/><path class="whisker" d="M{low:.1} {middle:.1}H{high:.1}M{low:.1} {t:.1}v8M{high:.1} {t:.1}v8"/><text x="{text:.1}" y="{base:.1}"><tspan class="row">{shown}</tspan><tspan>({counted}</tspan></text>"#,
                class = colour.class(),
                left = LEFT,
                width = x(share.rate()) - LEFT,
                bar = BAR,
                t = middle - 4.0,
                text = LEFT + FULL + 16.0,
                base = middle + 4.0,
            );
        }
    }
    let legend = [
        ("base policy (before)", Colour::Before),
        ("aligned policy (after)", Colour::After),
    ];
    figure(title, &svg, [WIDTH, height], legend.into_iter())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_share_has_a_whisker_and_its_interval_in_digits() {
        let rows = [(
            "<done at all>".to_owned(),
            Proportion::new(81, 263),
            Proportion::new(0, 0),
        )];
        let plot = rates_plot("shares", &rows);
        assert_eq!(plot.matches("class=\"whisker\"").count(), 2);
        assert!(
            plot.contains("25.5 to 36.6 %")
                && plot.contains("30.8 %")
                && plot.contains("&lt;done at all&gt;")
        );
        assert!(plot.contains("nothing to count"));
    }
}
