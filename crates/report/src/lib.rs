//! What a run amounts to, for people (`report.html`, the last screen) and for scripts
//! (`report.json`).
//!
//! Files to read first: `figures.rs` (every number there is), `words.rs` (what may be said about
//! them), `html.rs` (the page).

mod artefacts;
mod colour;
mod escape;
mod figures;
mod film;
mod gather;
mod histogram;
mod html;
mod last_screen;
mod learning;
mod material;
mod plots;
mod rates_plot;
#[cfg(test)]
pub mod sample;
mod scale;
mod sections;
mod words;

pub use figures::Report;
pub use last_screen::last_screen;

use crate::context::Context;
use crate::run_dir::write_whole;
use anyhow::Result;

/// The figures' file.
pub const JSON: &str = "report.json";
/// The page's file.
pub const HTML: &str = "report.html";

/// Gathers the figures of a finished run and writes `report.json` and `report.html` into its
/// folder.
///
/// # Errors
/// When a stage has not run (and which), a file of the run cannot be read, or the folder cannot be
/// written.
pub fn write(context: &Context) -> Result<Report> {
    for (stage, command) in crate::pipeline::STAGES {
        context.dir.needs(stage, command)?;
    }
    let report = Report::gather(context)?;
    let material = material::Material::gather(context)?;
    let page = html::page(&report, &material);
    context.dir.write(JSON, &report)?;
    write_whole(&context.dir.path(HTML), page.as_bytes())?;
    Ok(report)
}
