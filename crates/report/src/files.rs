//! The report's files, below a run's folder.

/// The figures' file.
pub const JSON: &str = "report.json";
/// The page's file.
pub const HTML: &str = "report.html";
