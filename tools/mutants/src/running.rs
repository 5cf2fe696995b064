//! Runs the tests with each mutant turned on.

use crate::switching::Mutant;
use std::error::Error;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

/// A test that takes so many times as long as without a mutant, and some seconds, hangs: that is noticed too.
const TIMES: u32 = 5;
const SECONDS: u64 = 10;
/// Mutants that are tried at the same time.
const AT_ONCE: usize = 2;

/// Mutants that no test notices.
pub fn survivors<'a>(
    programs: &[PathBuf],
    mutants: &[&'a Mutant],
) -> Result<Vec<&'a Mutant>, Box<dyn Error>> {
    let mut patience = Vec::new();
    for program in programs {
        let begun = Instant::now();
        if is_killed(program, 0, Duration::from_secs(600))? {
            return Err(format!("{} fails without a mutant", program.display()).into());
        }
        patience.push(begun.elapsed() * TIMES + Duration::from_secs(SECONDS));
    }
    let (next, survivors) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| -> Result<(), Box<dyn Error>> {
        let work = || -> Result<(), String> {
            while let Some(mutant) = mutants.get(next.fetch_add(1, Relaxed)) {
                let mut killed = false;
                for (program, patience) in programs.iter().zip(&patience) {
                    killed = is_killed(program, mutant.number, *patience)?;
                    if killed {
                        break;
                    }
                }
                if !killed {
                    println!("no test notices line {}: {}", mutant.line, mutant.name());
                    survivors
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push(*mutant);
                }
                let tried = next.load(Relaxed).min(mutants.len());
                if tried.is_multiple_of(50) {
                    println!("{tried} of {} tried", mutants.len());
                }
            }
            Ok(())
        };
        let threads: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(work)).collect();
        for thread in threads {
            thread.join().map_err(|_| "a thread panicked")??;
        }
        Ok(())
    })?;
    let mut survivors = survivors
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    survivors.sort_by_key(|m| m.number);
    Ok(survivors)
}

/// Whether a test of the program fails, or hangs, with this mutant.
fn is_killed(program: &Path, number: u32, patience: Duration) -> Result<bool, String> {
    let mut child = Command::new(program)
        .env("APPRENTICE_MUTANT", number.to_string())
        .env("PROPTEST_CASES", "64")
        .env("APPRENTICE_HOSTILE", "0.1")
        .env("RUST_BACKTRACE", "0")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| format!("{} could not be started: {e}", program.display()))?;
    let out = child.stdout.take();
    let (sender, receiver) = mpsc::channel();
    let reader = std::thread::spawn(move || {
        for line in out.into_iter().flat_map(|o| BufReader::new(o).lines()) {
            let failed = line.is_ok_and(|l| l.ends_with("... FAILED"));
            if failed && sender.send(()).is_err() {
                break;
            }
        }
    });
    // The first failure is enough; its end without one closes the channel.
    let told = receiver.recv_timeout(patience);
    let killed = match told {
        Ok(()) | Err(mpsc::RecvTimeoutError::Timeout) => {
            end(&mut child);
            true
        }
        Err(mpsc::RecvTimeoutError::Disconnected) => {
            let status = child.wait().map_err(|e| e.to_string())?;
            !status.success()
        }
    };
    reader.join().map_err(|_| "a thread panicked".to_owned())?;
    Ok(killed)
}

fn end(child: &mut Child) {
    // It may have ended by itself.
    let _ = child.kill();
    let _ = child.wait();
}
