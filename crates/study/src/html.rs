//! The report as a page.

use crate::cell::{Cell, Factor};
use crate::grid::Grid;
use crate::row::{Failed, Row};
use crate::table::Table;
use crate::tables::{findings, state, tables};
use apprentice_report::colour::Colour;
use apprentice_report::escape::escape;
use apprentice_report::page_shell::whole;
use apprentice_report::plots::{Axes, Line, line_chart};
use std::fmt::Write as _;

const COLOURS: [Colour; 5] = [
    Colour::After,
    Colour::Before,
    Colour::Preferred,
    Colour::Other,
    Colour::Failed,
];

/// The whole page.
#[must_use]
pub fn page(grid: &Grid, rows: &[Row], failures: &[Failed]) -> String {
    let mut body = format!(
        "<header><p class=\"kicker\">Apprentice</p><h1>Study</h1><p class=\"lead\">{}</p></header>",
        escape(&state(grid, rows, failures))
    );
    body.push_str("<section><h2>What it shows</h2><ul>");
    for finding in findings(grid, rows) {
        let _ = write!(body, "<li>{}</li>", escape(&finding));
    }
    body.push_str("</ul></section>");
    let charts = charts(grid, rows);
    if !charts.is_empty() {
        let _ = write!(
            body,
            "<section><h2>Labels and what they bring</h2>{charts}</section>"
        );
    }
    for table in tables(grid, rows, failures) {
        let _ = write!(
            body,
            "<section><h2>{}</h2>{}</section>",
            escape(&table.heading),
            html(&table)
        );
    }
    whole("Study", &body)
}

fn html(table: &Table) -> String {
    let mut text = format!(
        "<p>{}</p><div style=\"overflow-x:auto\"><table><thead><tr>",
        escape(&table.note)
    );
    for column in &table.columns {
        let _ = write!(text, "<th>{}</th>", escape(column));
    }
    text.push_str("</tr></thead><tbody>");
    for row in &table.rows {
        text.push_str("<tr>");
        for cell in row {
            let _ = write!(text, "<td>{}</td>", escape(cell));
        }
        text.push_str("</tr>");
    }
    text.push_str("</tbody></table></div>");
    text
}

/// For each task and factor with a reference: the preferred rate over the number of rankings, one line a variant, in
/// cells that are the reference in everything else.
fn charts(grid: &Grid, rows: &[Row]) -> String {
    let mut charts = String::new();
    for task in grid.tasks.keys() {
        for factor in Factor::ALL.into_iter().filter(|f| *f != Factor::Task) {
            let of_task: Vec<&Row> = (rows.iter())
                .filter(|row| row.cell.task == *task && plain_but(grid, &row.cell, factor))
                .collect();
            let lines = lines(grid, factor, &of_task);
            // One point is no curve.
            if lines.len() < 2 || lines.iter().all(|line| line.points.len() < 2) {
                continue;
            }
            let axes = Axes {
                title: format!("Preferred on {task}, by {}", factor.name()),
                x: "rankings".into(),
                y: "preferred, of all scenes".into(),
                include_y: vec![0.0, 1.0],
                ..Axes::default()
            };
            charts.push_str(&line_chart(&axes, &lines));
        }
    }
    charts
}

/// Whether a cell is the reference of every factor that has one, but for `factor`.
fn plain_but(grid: &Grid, cell: &Cell, factor: Factor) -> bool {
    let others = Factor::ALL
        .into_iter()
        .filter(|f| *f != factor && *f != Factor::Task);
    others
        .filter_map(|f| Some((f, grid.reference(f)?)))
        .all(|(f, reference)| cell.variant(f) == reference)
}

fn lines(grid: &Grid, factor: Factor, rows: &[&Row]) -> Vec<Line> {
    let mut labels: Vec<usize> = rows.iter().map(|row| row.cell.labels).collect();
    labels.sort_unstable();
    labels.dedup();
    let line = |(number, name): (usize, &String)| {
        let point = |&labels: &usize| {
            let own = |row: &&&Row| row.cell.labels == labels && row.cell.variant(factor) == name;
            let values: Vec<f64> = rows
                .iter()
                .filter(own)
                .map(|r| r.preferred_of_all)
                .collect();
            let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
            (!values.is_empty()).then_some((labels as f64, mean))
        };
        Line {
            name: name.clone(),
            colour: COLOURS[number % COLOURS.len()],
            points: labels.iter().filter_map(point).collect(),
            band: Vec::new(),
            faint: number >= COLOURS.len(),
        }
    };
    let all = grid.variants(factor).keys().enumerate().map(line);
    all.filter(|line| !line.points.is_empty()).collect()
}
