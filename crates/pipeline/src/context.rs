//! What every stage needs: where, with which settings, on what device, and how to say how far it is.

use crate::config::Config;
use crate::inputs::RunSettings;
use crate::run_dir::RunDir;
use anyhow::{Context as _, Result};
use apprentice_core::Seed;
use apprentice_link::security::Security;
use apprentice_link::session::{ONE_THREAD, reads_and_writes_on_one_thread};
use apprentice_studio::Studio;
use burn::tensor::Device;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A run in progress.
pub struct Context {
    /// The run's folder.
    pub dir: RunDir,
    /// Its configuration.
    pub config: Config,
    /// Its seed.
    pub seed: Seed,
    /// Where networks compute.
    pub device: Device,
    /// That device's name.
    pub device_name: String,
    /// Set by Ctrl-C.
    pub stop: Arc<AtomicBool>,
    /// The rerun page to show what happens on, if one is served.
    pub view: Option<Studio>,
    /// Nothing but the result on standard output.
    pub quiet: bool,
    /// The options with which its settings were named, to name them again.
    pub named: Vec<String>,
}

impl Context {
    /// What the run goes by.
    #[must_use]
    pub fn run_settings(&self) -> RunSettings<'_> {
        RunSettings {
            config: &self.config,
            seed: self.seed.0,
        }
    }

    /// Whether the user asked to stop.
    #[must_use]
    pub fn stopping(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// A progress bar of `length` steps, with the time left.
    #[must_use]
    pub fn bar(&self, length: u64, what: &str) -> ProgressBar {
        progress_bar(length, what, self.quiet)
    }

    /// Says something to the user.
    pub fn say(&self, text: &str) {
        if !self.quiet {
            eprintln!("{text}");
        }
    }

    /// Says something that nobody may miss, even where only the result is asked for.
    pub fn warn(&self, text: &str) {
        eprintln!("note: {text}");
    }

    /// Keeps the page served, if there is one, until the user has looked.
    pub fn keep_showing(&self) {
        if let Some(url) = self.view.as_ref().and_then(|v| v.url()) {
            self.say(&format!("still showing at {url}; Ctrl-C ends"));
            while !self.stopping() {
                std::thread::sleep(Duration::from_millis(100));
            }
        }
    }
}

/// A progress bar of `length` steps, with the time left; a hidden one where `quiet`.
#[must_use]
pub fn progress_bar(length: u64, what: &str, quiet: bool) -> ProgressBar {
    let bar = ProgressBar::new(length);
    if quiet {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    let style = "{prefix:.bold} [{bar:30}] {pos}/{len} {msg} {elapsed}, {eta} left";
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_prefix(format!("{what:<14}"));
    bar
}

/// Starts this program anew as a process with keys has to be started, if it was not.
///
/// # Errors
/// When it cannot be started.
pub fn start_for(security: &Security) -> Result<()> {
    if !matches!(security, Security::Keys { .. }) || reads_and_writes_on_one_thread() {
        return Ok(());
    }
    let mut anew = std::process::Command::new(std::env::current_exe()?);
    anew.args(std::env::args_os().skip(1))
        .env(ONE_THREAD.0, ONE_THREAD.1);
    #[cfg(unix)]
    {
        // Comes back only if it fails.
        let error = std::os::unix::process::CommandExt::exec(&mut anew);
        Err(error).context("this program could not be started anew for keys")
    }
    #[cfg(not(unix))]
    {
        let status = anew
            .status()
            .context("this program could not be started anew for keys")?;
        std::process::exit(status.code().unwrap_or(1))
    }
}

/// A flag that Ctrl-C sets. A second Ctrl-C ends the program at once.
///
/// # Errors
/// When the system does not let Ctrl-C be handled.
pub fn stop_on_ctrl_c() -> Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&stop);
    ctrlc::set_handler(move || {
        if seen.swap(true, Ordering::Relaxed) {
            // Every file on disk is whole or marked as unfinished.
            std::process::exit(130);
        }
        eprintln!(
            "\nstopping after this step, an arm in real time at once; what is recorded stays (Ctrl-C again to leave at once)"
        );
    })?;
    Ok(stop)
}

/// Most memory this process has had resident, bytes; 0 where the system does not say.
#[must_use]
pub fn peak_memory_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    let kib: Option<u64> = line.and_then(|l| l.trim().strip_suffix("kB")?.trim().parse().ok());
    kib.unwrap_or(0) * 1024
}
