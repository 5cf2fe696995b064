//! Line charts and histograms as inline SVG; colours come from the page.

use super::colour::Colour;
use super::escape::escape;
use std::fmt::Write as _;

const WIDTH: f64 = 460.0;
const HEIGHT: f64 = 240.0;
const LEFT: f64 = 60.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 42.0;

/// What a chart says beside its marks.
#[derive(Clone, Debug, Default)]
pub struct Axes {
    /// Heading, read out by screen readers too.
    pub title: String,
    /// What is along the bottom.
    pub x: String,
    /// What is up the side.
    pub y: String,
    /// Whether the side is logarithmic.
    pub log_y: bool,
    /// Values up the side that must be visible.
    pub include_y: Vec<f64>,
    /// Dashed levels with their names.
    pub rules: Vec<(f64, String)>,
}

/// One line of a chart, with an optional band about it.
#[derive(Clone, Debug)]
pub struct Line {
    /// Name in the legend; empty for none.
    pub name: String,
    /// Colour.
    pub colour: Colour,
    /// (x, y).
    pub points: Vec<(f64, f64)>,
    /// (x, low, high).
    pub band: Vec<(f64, f64, f64)>,
    /// Drawn thin and pale.
    pub faint: bool,
}

/// A span of values on an axis of so many pixels.
struct Scale {
    low: f64,
    high: f64,
    log: bool,
    from: f64,
    to: f64,
}

impl Scale {
    /// Covers `values` (those that can be shown), widened so that it is never empty.
    fn over(values: impl Iterator<Item = f64>, log: bool, from: f64, to: f64) -> Self {
        let shown = values.filter(|v| v.is_finite() && (!log || *v > 0.0));
        let (mut low, mut high) = shown.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| {
            (l.min(v), h.max(v))
        });
        if low > high {
            (low, high) = if log { (0.1, 1.0) } else { (0.0, 1.0) };
        }
        if low == high {
            let pad = if low == 0.0 { 1.0 } else { low.abs() * 0.5 };
            (low, high) = (low - pad, high + pad);
        }
        Self {
            low,
            high,
            log,
            from,
            to,
        }
    }

    fn at(&self, value: f64) -> f64 {
        let warp = |v: f64| {
            if self.log {
                v.max(self.low * 0.5).ln()
            } else {
                v
            }
        };
        let share = (warp(value) - warp(self.low)) / (warp(self.high) - warp(self.low));
        self.from + share.clamp(-0.05, 1.05) * (self.to - self.from)
    }

    /// Round values along the axis.
    fn ticks(&self) -> Vec<f64> {
        if self.log {
            let decades = self.low.log10().floor() as i32..=self.high.log10().ceil() as i32;
            let wide = self.high / self.low > 100.0;
            let steps: &[f64] = if wide { &[1.0] } else { &[1.0, 2.0, 5.0] };
            let all = decades.flat_map(|d| steps.iter().map(move |s| s * 10f64.powi(d)));
            return all
                .filter(|v| (self.low * 0.999..=self.high * 1.001).contains(v))
                .collect();
        }
        let rough = (self.high - self.low) / 4.0;
        let size = 10f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 2.5, 5.0, 10.0]
            .map(|m| m * size)
            .into_iter()
            .find(|s| *s >= rough)
            .unwrap_or(rough);
        let first = (self.low / step - 1e-9).ceil() as i64;
        let last = (self.high / step + 1e-9).floor() as i64;
        (first..=last).map(|i| i as f64 * step).collect()
    }
}

/// A tick's label: as many digits as it needs.
fn label(value: f64) -> String {
    let digits = if value == 0.0 {
        0
    } else {
        (2 - value.abs().log10().floor() as i32).clamp(0, 5) as usize
    };
    let text = format!("{value:.digits$}");
    let text = if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        &text
    };
    text.replace('-', "\u{2212}")
}

/// A line chart.
#[must_use]
pub fn line_chart(axes: &Axes, lines: &[Line]) -> String {
    let every = || lines.iter().flat_map(|l| l.points.iter().copied());
    let bands = || {
        lines
            .iter()
            .flat_map(|l| l.band.iter().flat_map(|b| [b.1, b.2]))
    };
    let x = Scale::over(every().map(|p| p.0), false, LEFT, WIDTH - RIGHT);
    let rules = axes.rules.iter().map(|r| r.0);
    let values = every()
        .map(|p| p.1)
        .chain(bands())
        .chain(rules)
        .chain(axes.include_y.iter().copied());
    let y = Scale::over(values, axes.log_y, HEIGHT - BOTTOM, TOP);
    let mut svg = frame(axes, &x, &y);
    for line in lines {
        let class = line.colour.class();
        if !line.band.is_empty() {
            let there = line.band.iter().map(|b| (b.0, b.2));
            let back = line.band.iter().rev().map(|b| (b.0, b.1));
            let _ = write!(
                svg,
                r#"<polygon class="band {class}" points="{}"/>"#,
                path(there.chain(back), &x, &y)
            );
        }
        let kind = if line.faint { "faint" } else { "line" };
        let points = path(
            line.points.iter().copied().filter(|p| p.1.is_finite()),
            &x,
            &y,
        );
        let _ = write!(
            svg,
            r#"<polyline class="{kind} {class}" points="{points}"/>"#
        );
    }
    for (level, name) in &axes.rules {
        let at = y.at(*level);
        let _ = write!(
            svg,
            r#"<line class="rule" x1="{LEFT}" x2="{:.1}" y1="{at:.1}" y2="{at:.1}"/><text x="{:.1}" y="{:.1}" text-anchor="end">{}</text>"#,
            WIDTH - RIGHT,
            WIDTH - RIGHT,
            at - 4.0,
            escape(name)
        );
    }
    let legend = lines
        .iter()
        .filter(|l| !l.name.is_empty())
        .map(|l| (l.name.as_str(), l.colour));
    figure(&axes.title, &svg, [WIDTH, HEIGHT], legend)
}

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
        HEIGHT,
        groups.iter().map(|g| (g.0.as_str(), g.1)),
    )
}

fn path(points: impl Iterator<Item = (f64, f64)>, x: &Scale, y: &Scale) -> String {
    points.fold(String::new(), |mut text, point| {
        let _ = write!(text, "{:.1},{:.1} ", x.at(point.0), y.at(point.1));
        text
    })
}

fn frame(axes: &Axes, x: &Scale, y: &Scale) -> String {
    let mut svg = String::new();
    for tick in y.ticks() {
        let at = y.at(tick);
        let _ = write!(
            svg,
            r#"<line class="grid" x1="{LEFT}" x2="{:.1}" y1="{at:.1}" y2="{at:.1}"/><text x="{:.1}" y="{:.1}" text-anchor="end">{}</text>"#,
            WIDTH - RIGHT,
            LEFT - 6.0,
            at + 4.0,
            label(tick)
        );
    }
    for tick in x.ticks() {
        let at = x.at(tick);
        let _ = write!(
            svg,
            r#"<text x="{at:.1}" y="{:.1}" text-anchor="middle">{}</text>"#,
            HEIGHT - BOTTOM + 17.0,
            label(tick)
        );
    }
    let middle = (LEFT + WIDTH - RIGHT) / 2.0;
    let up = (HEIGHT - BOTTOM + TOP) / 2.0;
    let _ = write!(
        svg,
        r#"<text class="axis" x="{middle:.1}" y="{:.1}" text-anchor="middle">{}</text><text class="axis" transform="translate(11 {up:.1}) rotate(-90)" text-anchor="middle">{}</text>"#,
        HEIGHT - 6.0,
        escape(&axes.x),
        escape(&axes.y)
    );
    svg
}

/// A drawing of this width and height with heading and legend.
pub fn figure<'a>(
    title: &str,
    svg: &str,
    [width, height]: [f64; 2],
    legend: impl Iterator<Item = (&'a str, Colour)>,
) -> String {
    let title = escape(title);
    let key: String = legend
        .map(|(name, colour)| format!(r#"<li class="{}">{}</li>"#, colour.class(), escape(name)))
        .collect();
    let key = if key.is_empty() {
        key
    } else {
        format!(r#"<ul class="legend">{key}</ul>"#)
    };
    format!(
        r#"<figure><figcaption>{title}</figcaption><svg viewBox="0 0 {width} {height}" role="img" aria-label="{title}">{svg}</svg>{key}</figure>"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(points: Vec<(f64, f64)>) -> Line {
        Line {
            name: "a<b".into(),
            colour: Colour::After,
            points,
            band: Vec::new(),
            faint: false,
        }
    }

    #[test]
    fn names_are_escaped_and_nothing_is_off_the_canvas() {
        let axes = Axes {
            title: "x < \"y\"".into(),
            rules: vec![(0.5, "<b>".into())],
            ..Axes::default()
        };
        let chart = line_chart(
            &axes,
            &[line(vec![(0.0, 0.0), (1.0, f64::NAN), (2.0, 1e9)])],
        );
        assert!(
            chart.contains("x &lt; &quot;y&quot;")
                && chart.contains("a&lt;b")
                && chart.contains("&lt;b&gt;")
        );
        assert!(!chart.contains("NaN") && !chart.contains("inf") && !chart.contains("<b>"));
    }

    #[test]
    fn empty_and_constant_data_still_give_a_chart() {
        for points in [vec![], vec![(0.0, 3.0)], vec![(0.0, 0.0), (1.0, 0.0)]] {
            for log_y in [false, true] {
                let chart = line_chart(
                    &Axes {
                        log_y,
                        ..Axes::default()
                    },
                    &[line(points.clone())],
                );
                assert!(
                    !chart.contains("NaN") && !chart.contains("inf"),
                    "{points:?} {log_y}"
                );
            }
        }
    }

    #[test]
    fn every_value_is_in_some_bar() {
        let chart = histogram(
            &Axes::default(),
            &[("a".into(), Colour::Failed, vec![0.0, 1.0, 2.0, f64::NAN])],
            3,
        );
        assert_eq!(chart.matches("class=\"bar").count(), 3);
    }

    #[test]
    fn ticks_are_round() {
        let scale = |low: f64, high: f64, log| Scale::over([low, high].into_iter(), log, 0.0, 1.0);
        assert_eq!(
            scale(0.0, 1.0, false)
                .ticks()
                .iter()
                .map(|t| label(*t))
                .collect::<Vec<_>>(),
            ["0", "0.25", "0.5", "0.75", "1"]
        );
        assert_eq!(
            scale(0.02, 1.5, true)
                .ticks()
                .iter()
                .map(|t| label(*t))
                .collect::<Vec<_>>(),
            ["0.02", "0.05", "0.1", "0.2", "0.5", "1"]
        );
        assert_eq!(label(-0.25), "\u{2212}0.25");
        assert_eq!(label(600.0), "600");
    }
}
