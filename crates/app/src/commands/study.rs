//! `apprentice study`: the loop over a grid of tasks, encoders, rewards, objectives and operators.

use crate::cli::StudyArgs;
use anyhow::{Context as _, Result, bail};
use apprentice_pipeline::context::stop_on_ctrl_c;
use apprentice_study::{FILES, Grid, Launch, Runner, Study};
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const FULL: &str = include_str!("../../../../configs/study.toml");
const QUICK: &str = include_str!("../../../../configs/study-quick.toml");
/// Time that a process has to end by itself once the user asked to stop.
const GRACE: Duration = Duration::from_secs(3);

/// Runs the command.
///
/// # Errors
/// When the grid is not valid, the folder cannot be written, cells failed, or the user stops with Ctrl-C. Rows that are
/// done stay.
pub fn run(args: &StudyArgs) -> Result<()> {
    let text = match &args.grid {
        Some(file) => std::fs::read_to_string(file)
            .with_context(|| format!("grid {} cannot be read", file.display()))?,
        None if args.quick => QUICK.to_owned(),
        None => FULL.to_owned(),
    };
    let grid = Grid::read(&text)?;
    let study = Study::open(&args.out, grid, args.resume || args.report)?;
    let missing = study.missing()?.len();
    let cells = study.grid.cells().len();
    let stop = stop_on_ctrl_c()?;
    if !args.report {
        let jobs = args.jobs.map_or_else(usual_jobs, |jobs| jobs as usize);
        eprintln!(
            "{missing} of {cells} cells to run, {} bases, {jobs} at a time; what each says is in {}",
            study.grid.bases().len(),
            args.out.join("logs").display()
        );
        let launch = Program {
            file: std::env::current_exe()?,
            threads: (processors() / jobs).max(1),
            stop: Arc::clone(&stop),
        };
        let runner = Runner {
            study: &study,
            launch: &launch,
            jobs,
            device: &args.device,
            keep: args.keep,
            stop: &stop,
            say: &|text| eprintln!("{text}"),
        };
        runner.run()?;
    }
    study.report()?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&study.rows()?)?);
    } else {
        let [rows, page, text] = FILES.map(|file| args.out.join(file).display().to_string());
        println!("{page}\n{text}\n{rows}");
    }
    if stop.load(Ordering::Relaxed) {
        bail!("stopped on request; the same command with --resume goes on from there");
    }
    match study.failures()?.len() {
        0 => Ok(()),
        failed => bail!(
            "{failed} of {cells} cells failed; {} says why, and --resume tries them again",
            args.out.join(FILES[1]).display()
        ),
    }
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn usual_jobs() -> usize {
    (processors() / 2).max(1)
}

/// This program.
struct Program {
    file: PathBuf,
    threads: usize,
    stop: Arc<AtomicBool>,
}

impl Launch for Program {
    fn run(&self, arguments: &[String], log: &Path) -> Result<()> {
        let open = || OpenOptions::new().create(true).append(true).open(log);
        let context = || format!("{} cannot be written", log.display());
        let (out, err) = (open().with_context(context)?, open().with_context(context)?);
        let begins = File::metadata(&out)?.len();
        let mut child = Command::new(&self.file)
            .args(arguments)
            .env("RAYON_NUM_THREADS", self.threads.to_string())
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .spawn()
            .with_context(|| format!("{} cannot be started", self.file.display()))?;
        let status = self.wait(&mut child)?;
        if status.success() {
            return Ok(());
        }
        let said = std::fs::read(log).unwrap_or_default();
        let said = said.get(begins as usize..).unwrap_or_default();
        let said = String::from_utf8_lossy(said);
        let lines: Vec<&str> = said.lines().filter(|l| !l.trim().is_empty()).collect();
        let last = lines.iter().rev().find(|l| l.starts_with("error:"));
        bail!(
            "{status}: {}",
            last.or(lines.last())
                .map_or("it said nothing", |line| *line)
        )
    }
}

impl Program {
    /// Waits for its end; once the user asked to stop, not for long.
    fn wait(&self, child: &mut std::process::Child) -> Result<ExitStatus> {
        let mut asked: Option<Instant> = None;
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(status);
            }
            if self.stop.load(Ordering::Relaxed) {
                let since = *asked.get_or_insert_with(Instant::now);
                if since.elapsed() > GRACE {
                    // Every file of a run on disk is whole or marked as unfinished.
                    child.kill()?;
                }
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}
