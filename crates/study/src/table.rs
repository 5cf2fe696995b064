//! A table of a report.

/// A table and what is said of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its heading.
    pub heading: String,
    /// What it shows, and what it does not.
    pub note: String,
    /// Names of the columns.
    pub columns: Vec<String>,
    /// Its rows, each as long as `columns`.
    pub rows: Vec<Vec<String>>,
}
