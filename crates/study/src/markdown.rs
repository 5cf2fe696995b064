//! The report as text.

use crate::grid::Grid;
use crate::row::{Failed, Row};
use crate::tables::{findings, state, tables};
use std::fmt::Write as _;

/// The whole report, in Markdown.
#[must_use]
pub fn text(grid: &Grid, rows: &[Row], failures: &[Failed]) -> String {
    let mut text = format!("# Study\n\n{}\n", state(grid, rows, failures));
    for finding in findings(grid, rows) {
        let _ = write!(text, "\n- {}", plain(&finding));
    }
    text.push('\n');
    for table in tables(grid, rows, failures) {
        let _ = write!(text, "\n## {}\n\n{}\n\n", table.heading, plain(&table.note));
        let mut line = |cells: &[String]| {
            let cells: Vec<String> = cells.iter().map(|cell| plain(cell)).collect();
            let _ = writeln!(text, "| {} |", cells.join(" | "));
        };
        line(&table.columns);
        line(&vec!["---".to_owned(); table.columns.len()]);
        table.rows.iter().for_each(|row| line(row));
    }
    text
}

/// In one line, and no end of a table's cell.
fn plain(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").replace('|', "\\|")
}
