//! Works a grid off: bases first, then their cells, several at a time, each in a process of its own.

use crate::base_run::{Base, branch};
use crate::cell::Cell;
use crate::row::{Failed, Row};
use crate::study::Study;
use anyhow::{Context as _, Result, bail};
use apprentice_pipeline::run::{Options, open_to_read};
use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// Runs the program with arguments, what it says going into a file; an error where it ends with one.
pub trait Launch: Sync {
    /// Runs it to its end.
    ///
    /// # Errors
    /// With the last lines that it said.
    fn run(&self, arguments: &[String], log: &Path) -> Result<()>;
}

/// Who works a study off.
pub struct Runner<'a> {
    /// The study.
    pub study: &'a Study,
    /// How the program is run.
    pub launch: &'a dyn Launch,
    /// Processes at a time.
    pub jobs: usize,
    /// Where networks compute.
    pub device: &'a str,
    /// Whether the folders of finished cells stay, with their episodes.
    pub keep: bool,
    /// Set by Ctrl-C: nothing new begins.
    pub stop: &'a AtomicBool,
    /// Hears of everything that ends.
    pub say: &'a (dyn Fn(&str) + Sync),
}

/// What is still to be done.
struct Queue {
    bases: VecDeque<Base>,
    /// Cells by their base; ready once it is not in `bases` or at work.
    cells: BTreeMap<Base, VecDeque<Cell>>,
    ready: VecDeque<Cell>,
    left: usize,
    done: usize,
}

enum Job {
    Base(Base),
    Cell(Cell),
}

impl Runner<'_> {
    /// Runs every cell that has no row yet.
    ///
    /// # Errors
    /// When a folder cannot be written. Cells that fail are noted in the study, and the others go on.
    pub fn run(&self) -> Result<()> {
        let missing = self.study.missing()?;
        let mut queue = Queue {
            bases: VecDeque::new(),
            cells: BTreeMap::new(),
            ready: VecDeque::new(),
            left: missing.len(),
            done: 0,
        };
        for cell in missing {
            let base = Base::of(&cell);
            if !queue.cells.contains_key(&base) {
                queue.bases.push_back(base.clone());
            }
            queue.cells.entry(base).or_default().push_back(cell);
        }
        let (queue, began) = (Mutex::new(queue), Instant::now());
        let jobs = self.jobs.max(1);
        std::thread::scope(|scope| {
            let works: Vec<_> = (0..jobs)
                .map(|_| scope.spawn(|| self.work(&queue, began)))
                .collect();
            let mut first = Ok(());
            for work in works {
                let ended = work
                    .join()
                    .unwrap_or_else(|_| bail!("a worker of the study panicked"));
                first = first.and(ended);
            }
            first
        })
    }

    fn work(&self, queue: &Mutex<Queue>, began: Instant) -> Result<()> {
        loop {
            if self.stop.load(Ordering::Relaxed) {
                return Ok(());
            }
            match next(queue) {
                Some(Job::Cell(cell)) => {
                    let said = self.cell(&cell)?;
                    if self.stop.load(Ordering::Relaxed) && said.starts_with("failed") {
                        return Ok(());
                    }
                    let time_left = finished(queue, began);
                    (self.say)(&format!("{cell}: {said}{time_left}"));
                }
                Some(Job::Base(base)) => {
                    let started = Instant::now();
                    let ended = self.base(&base);
                    let stopped = self.stop.load(Ordering::Relaxed);
                    let name = base.name();
                    match ended {
                        Ok(()) => (self.say)(&format!(
                            "base {name}: demonstrated, trained, rolled out in {:.0} s",
                            started.elapsed().as_secs_f64()
                        )),
                        Err(_) if stopped => return Ok(()),
                        Err(error) => {
                            (self.say)(&format!("base {name} failed: {error:#}"));
                            self.fail_all(queue, &base, &format!("{error:#}"))?;
                            continue;
                        }
                    }
                    let mut queue = lock(queue);
                    let cells = queue.cells.remove(&base).unwrap_or_default();
                    queue.ready.extend(cells);
                }
                // Bases that others are at work on may still bring cells.
                None if lock(queue).cells.is_empty() => return Ok(()),
                None => std::thread::sleep(std::time::Duration::from_millis(200)),
            }
        }
    }

    fn fail_all(&self, queue: &Mutex<Queue>, base: &Base, error: &str) -> Result<()> {
        let cells = lock(queue).cells.remove(base).unwrap_or_default();
        for cell in cells {
            let error = error.to_owned();
            self.study.note_failed(&Failed { cell, error })?;
        }
        Ok(())
    }

    fn base(&self, base: &Base) -> Result<()> {
        let folder = self.study.base_folder(base);
        let settings = self.study.grid.base_settings(base);
        let log = self.study.log(&format!("base-{}", base.name()))?;
        for stage in Base::stages() {
            let mut arguments = vec!["run".to_owned(), stage.to_owned()];
            arguments.extend(self.arguments(&folder, base.seed, &settings));
            self.launch.run(&arguments, &log)?;
        }
        Ok(())
    }

    /// Runs a cell and notes its row; says how it went.
    fn cell(&self, cell: &Cell) -> Result<String> {
        let folder = self.study.cell_folder(cell);
        let run = || -> Result<Row> {
            // One that was cut short is taken up where it is.
            if !folder.join("run.json").exists() {
                let part = folder.with_extension("part");
                if part.exists() {
                    fs::remove_dir_all(&part)?;
                }
                branch(&self.study.base_folder(&Base::of(cell)), &part)?;
                fs::rename(&part, &folder)?;
            }
            let settings = self.study.grid.settings(cell);
            let mut arguments = vec!["demo".to_owned()];
            arguments.extend(self.arguments(&folder, cell.seed, &settings));
            self.launch
                .run(&arguments, &self.study.log(&cell.name())?)?;
            let run = open_to_read(&Options {
                folder: folder.clone(),
                quiet: true,
                ..Options::default()
            })?;
            Row::of(cell, &run, &self.study.hash(cell), &Base::stages())
        };
        match run() {
            Ok(row) => {
                self.study.note(&row)?;
                if !self.keep {
                    let context = || format!("{} cannot be removed", folder.display());
                    fs::remove_dir_all(&folder).with_context(context)?;
                }
                Ok(format!(
                    "preferred {:.3} (base {:.3}), success {:.3} (base {:.3}), {:.0} s",
                    row.preferred_of_all,
                    row.base_preferred_of_all,
                    row.success,
                    row.base_success,
                    row.seconds
                ))
            }
            Err(error) => {
                let error = format!("{error:#}");
                if !self.stop.load(Ordering::Relaxed) {
                    let (cell, error) = (cell.clone(), error.clone());
                    self.study.note_failed(&Failed { cell, error })?;
                }
                Ok(format!("failed: {error}"))
            }
        }
    }

    fn arguments(&self, folder: &Path, seed: u64, settings: &[String]) -> Vec<String> {
        let folder: PathBuf = folder.to_owned();
        let mut all = ["--out".to_owned(), folder.display().to_string()].to_vec();
        all.extend(["--seed".to_owned(), seed.to_string()]);
        all.extend([
            "--device".to_owned(),
            self.device.to_owned(),
            "--json".to_owned(),
        ]);
        for setting in settings {
            all.extend(["--set".to_owned(), setting.clone()]);
        }
        all
    }
}

/// The mutex's content, whatever became of a thread that held it: it is whole between calls.
fn lock(queue: &Mutex<Queue>) -> std::sync::MutexGuard<'_, Queue> {
    queue
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Cells before bases, so that what is begun is finished first.
fn next(queue: &Mutex<Queue>) -> Option<Job> {
    let mut queue = lock(queue);
    let cell = queue.ready.pop_front().map(Job::Cell);
    cell.or_else(|| queue.bases.pop_front().map(Job::Base))
}

/// Counts a finished cell; what is left, in words.
fn finished(queue: &Mutex<Queue>, began: Instant) -> String {
    let mut queue = lock(queue);
    queue.done += 1;
    let left = queue.left - queue.done.min(queue.left);
    let minutes = began.elapsed().as_secs_f64() / 60.0 / queue.done as f64 * left as f64;
    match left {
        0 => String::new(),
        left => format!(" ({left} cells left, about {minutes:.0} min)"),
    }
}
