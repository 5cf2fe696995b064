//! What a run amounts to, for people (`report.html`, the summary in the terminal) and for scripts (`report.json`),
//! made from what its stages left in its folder.
//!
//! ```
//! use apprentice_pipeline::run::{Options, open_to_read};
//!
//! let folder = std::env::temp_dir().join("no such run");
//! let run = open_to_read(&Options { folder, ..Options::default() });
//! // Of a finished run: `apprentice_report::write(&run?)?.aligned.success.rate()`.
//! assert!(run.is_err_and(|e| e.to_string().contains("not a run folder")));
//! ```
//!
//! Files to read first: `figures.rs` (every number there is), `wording.rs` (what may be said about
//! them), `html.rs` (the page).

#![deny(missing_docs)]

mod artefacts;
pub mod colour;
pub mod escape;
pub mod figures;
pub mod files;
mod film_strip;
mod histogram;
mod html;
mod learning;
pub mod on_robot;
mod page_content;
pub mod page_shell;
pub mod plots;
mod rates_plot;
mod read_figures;
#[cfg(test)]
mod sample;
pub mod scale;
mod sections;
mod task_words;
mod terminal_summary;
mod wording;

pub use figures::Report;
pub use terminal_summary::terminal_summary;

use anyhow::Result;
use apprentice_pipeline::context::Context;
use apprentice_pipeline::freshness::out_of_date;
use apprentice_pipeline::run_dir::write_whole;
use apprentice_pipeline::stages::STAGES;

/// Reads the figures of a finished run and writes `report.json` and `report.html` into its folder. Says which stages are
/// out of date, whose figures are shown as they are.
///
/// # Errors
/// When a stage has not run (and which), a file of the run cannot be read, or the folder cannot be
/// written.
pub fn write(context: &Context) -> Result<Report> {
    for stage in STAGES {
        context.dir.needs(stage.name, stage.command)?;
        if let Some(mark) = context.dir.done(stage.name) {
            let why = out_of_date(&context.dir, &context.run_settings(), stage, &mark)?;
            if !why.is_empty() {
                context.warn(&format!(
                    "stage {} is out of date: {}; `apprentice demo --out {}` brings the run up to date",
                    stage.name,
                    why.join("; "),
                    context.dir.root().display()
                ));
            }
        }
    }
    let report = Report::read(context)?;
    let content = page_content::PageContent::read(context)?;
    let page = html::page(&report, &content);
    context.dir.write(files::JSON, &report)?;
    write_whole(&context.dir.path(files::HTML), page.as_bytes())?;
    Ok(report)
}
