//! Line charts as inline SVG; colours come from the page.

use super::colour::Colour;
use super::escape::escape;
use super::scale::{Scale, label};
use std::fmt::Write as _;

/// Width of a chart, SVG units.
pub const WIDTH: f64 = 460.0;
/// Its height.
pub const HEIGHT: f64 = 240.0;
/// Room for the labels on the left.
pub const LEFT: f64 = 60.0;
/// On the right.
pub const RIGHT: f64 = 14.0;
/// At the top.
pub const TOP: f64 = 12.0;
/// At the bottom.
pub const BOTTOM: f64 = 42.0;

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

fn path(points: impl Iterator<Item = (f64, f64)>, x: &Scale, y: &Scale) -> String {
    points.fold(String::new(), |mut text, point| {
        let _ = write!(text, "{:.1},{:.1} ", x.at(point.0), y.at(point.1));
        text
    })
}

/// Grid, labels and names of the axes.
pub fn frame(axes: &Axes, x: &Scale, y: &Scale) -> String {
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
}
