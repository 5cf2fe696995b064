//! A study's folder: the grid, a row for each cell that is done, and the reports made of them.

use crate::base_run::Base;
use crate::cell::Cell;
use crate::grid::Grid;
use crate::row::{Failed, Row};
use crate::{html, markdown};
use anyhow::{Context as _, Result, bail};
use apprentice_pipeline::run_dir::write_whole;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};
use std::fs;
use std::path::{Path, PathBuf};

/// The reports: rows for scripts, a page, and text.
pub const FILES: [&str; 3] = ["study.json", "study.html", "study.md"];
const GRID: &str = "grid.json";

/// A study and where it lies.
pub struct Study {
    /// What is declared.
    pub grid: Grid,
    root: PathBuf,
}

impl Study {
    /// The study in a folder: a new one, or, to be taken up, the one that is there. Rows of cells whose settings have
    /// changed since do not count, those of cells that the grid has no more are left where they are.
    ///
    /// # Errors
    /// When there is one and it is not to be taken up, or the folder cannot be written.
    pub fn open(root: &Path, grid: Grid, resume: bool) -> Result<Self> {
        let found = root.join(GRID).exists();
        if found && !resume {
            bail!(
                "{} holds a study already; --resume goes on with it, or name another --out",
                root.display()
            );
        }
        let study = Self {
            grid,
            root: root.to_owned(),
        };
        write(&root.join(GRID), &study.grid)?;
        Ok(study)
    }

    /// Cells that have no row yet, those that failed among them.
    ///
    /// # Errors
    /// When a row cannot be understood.
    pub fn missing(&self) -> Result<Vec<Cell>> {
        let mut missing = Vec::new();
        for cell in self.grid.cells() {
            if self.row(&cell)?.is_none() {
                missing.push(cell);
            }
        }
        Ok(missing)
    }

    /// Rows there are, in the grid's order.
    ///
    /// # Errors
    /// When one cannot be understood.
    pub fn rows(&self) -> Result<Vec<Row>> {
        let cells = self.grid.cells().into_iter();
        let rows = cells.map(|cell| self.row(&cell));
        rows.filter_map(Result::transpose).collect()
    }

    /// Cells that failed, with what they said.
    ///
    /// # Errors
    /// When a note cannot be understood.
    pub fn failures(&self) -> Result<Vec<Failed>> {
        let mut failures = Vec::new();
        for cell in self.missing()? {
            failures.extend(read::<Failed>(&self.failure_file(&cell))?);
        }
        Ok(failures)
    }

    fn row(&self, cell: &Cell) -> Result<Option<Row>> {
        let row: Option<Row> = read(&self.row_file(cell))?;
        Ok(row.filter(|row| row.settings == self.hash(cell)))
    }

    /// Keeps a row.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn note(&self, row: &Row) -> Result<()> {
        let failure = self.failure_file(&row.cell);
        if failure.exists() {
            fs::remove_file(&failure)?;
        }
        write(&self.row_file(&row.cell), row)
    }

    /// Keeps that a cell failed.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn note_failed(&self, failed: &Failed) -> Result<()> {
        write(&self.failure_file(&failed.cell), failed)
    }

    /// What a cell's settings are known by.
    #[must_use]
    pub fn hash(&self, cell: &Cell) -> String {
        let text = self.grid.settings(cell).join("\n");
        let digest = Sha256::digest(text.as_bytes());
        digest.iter().take(8).map(|b| format!("{b:02x}")).collect()
    }

    /// Writes the reports.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn report(&self) -> Result<()> {
        let (rows, failures) = (self.rows()?, self.failures()?);
        let [json, page, text] = FILES.map(|file| self.root.join(file));
        write(&json, &rows)?;
        write_whole(&page, html::page(&self.grid, &rows, &failures).as_bytes())?;
        let words = markdown::text(&self.grid, &rows, &failures);
        write_whole(&text, words.as_bytes())
    }

    /// Where the base of cells lies.
    #[must_use]
    pub fn base_folder(&self, base: &Base) -> PathBuf {
        // Of other settings it is another base.
        let settings = self.grid.base_settings(base).join("\n");
        let digest = Sha256::digest(settings.as_bytes());
        let hash: String = digest.iter().take(4).map(|b| format!("{b:02x}")).collect();
        self.root
            .join("bases")
            .join(format!("{}-{hash}", base.name()))
    }

    /// Where a cell lies while it runs.
    #[must_use]
    pub fn cell_folder(&self, cell: &Cell) -> PathBuf {
        let name = format!("{}-{}", cell.name(), self.hash(cell));
        self.root.join("cells").join(name)
    }

    /// The file for what a process says.
    ///
    /// # Errors
    /// When its folder cannot be made.
    pub fn log(&self, name: &str) -> Result<PathBuf> {
        let folder = self.root.join("logs");
        fs::create_dir_all(&folder)
            .with_context(|| format!("{} cannot be made", folder.display()))?;
        Ok(folder.join(format!("{name}.log")))
    }

    fn row_file(&self, cell: &Cell) -> PathBuf {
        self.root.join("rows").join(format!("{}.json", cell.name()))
    }

    fn failure_file(&self, cell: &Cell) -> PathBuf {
        self.root
            .join("rows")
            .join(format!("{}.failed.json", cell.name()))
    }
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    if !path.exists() {
        return Ok(None);
    }
    let text = fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let value = serde_json::from_slice(&text).with_context(|| {
        format!(
            "{} cannot be understood; delete it to run its cell again",
            path.display()
        )
    })?;
    Ok(Some(value))
}

fn write(path: &Path, value: &impl Serialize) -> Result<()> {
    write_whole(path, &serde_json::to_vec_pretty(value)?)
}
