//! R10: the power fails. What a disk has then is what was waited for: `losing.c`, preloaded into the process
//! that records, keeps a copy of each file as it was at its last fsync or fdatasync. That a part of what came
//! later may be there too is tried as well.

use crate::program::{self, Process};
use crate::{Rows, Scale};
use anyhow::{Context as _, Result, ensure};
use apprentice_core::Seed;
use apprentice_episode::Episode;
use rand::Rng as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

const LOSING: &str = include_str!("power_loss/losing.c");
/// Ticks a second of the recording.
const HERTZ: u64 = 100;

/// 4 times at random times, 50 in full.
pub fn run(scale: Scale, rows: &mut Rows) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (files, disk) = (folder.path().join("files"), folder.path().join("disk"));
    fs::create_dir(&files)?;
    fs::create_dir(&disk)?;
    let losing = compile(folder.path())?;
    let start = |name: &str| {
        let mut command = program::command(
            "recorder",
            &[&files.display().to_string(), name, &HERTZ.to_string()],
        )?;
        command
            .env("LD_PRELOAD", &losing)
            .env("APPRENTICE_DISK", &disk);
        Process::spawn(command)
    };
    let times = scale.pick(4, 50);
    let mut rng = Seed(10).rng();
    let (mut lost, mut read, mut partly): (f64, u64, u64) = (0.0, 0, 0);
    let (mut earlier, mut intact) = (0, 0);
    for turn in 0..times {
        let before = hashes(&disk)?;
        let name = format!("power-{turn:02}");
        let mut recorder = start(&name)?;
        recorder.line("kept 0", Duration::from_secs(20))?;
        sleep(Duration::from_micros(rng.random_range(600_000..2_500_000)));
        recorder.kill()?;
        let acknowledged = recorder.rest().len() as u64 + 1;
        let after = hashes(&disk)?;
        earlier += before.len() as u64;
        intact += before.iter().filter(|b| after.contains(b)).count() as u64;
        let on_disk = disk.join(format!("{name}.mcap"));
        let Ok(episode) = Episode::open(&on_disk) else {
            continue;
        };
        read += 1;
        let missing = acknowledged.saturating_sub(episode.ticks.len() as u64);
        lost = lost.max(missing as f64 / HERTZ as f64);
        // Whatever part of the rest the disk has, what it was waited for stays readable.
        let (sure, all) = (
            fs::read(&on_disk)?,
            fs::read(files.join(format!("{name}.mcap")))?,
        );
        ensure!(
            all.starts_with(&sure),
            "{name}: the recorder changed what it had written"
        );
        let more = rng.random_range(sure.len()..=all.len());
        let torn = folder.path().join("torn.mcap");
        fs::write(&torn, all.get(..more).context("a file that shrank")?)?;
        let torn = Episode::open(&torn);
        partly += u64::from(torn.is_ok_and(|t| t.ticks.len() >= episode.ticks.len()));
    }
    rows.at_most(
        format!(
            "power lost {times} times while recording {HERTZ} ticks a second: most that was lost"
        ),
        lost,
        1.0,
        "s",
    );
    rows.exactly(
        "files that read, as far as the disk was waited for",
        read,
        times,
    );
    rows.exactly("files that read with some of the rest", partly, times);
    rows.exactly("files of before that are as they were", intact, earlier);
    Ok(())
}

/// Makes a library of `losing.c`.
fn compile(folder: &Path) -> Result<PathBuf> {
    let (source, library) = (folder.join("losing.c"), folder.join("losing.so"));
    fs::write(&source, LOSING)?;
    let made = Command::new("cc")
        .args(["-O1", "-shared", "-fPIC", "-Wall", "-o"])
        .args([&library, &source])
        .arg("-ldl")
        .output()
        .context("cc, the C compiler that Rust links with")?;
    let words = String::from_utf8_lossy(&made.stderr).into_owned();
    ensure!(made.status.success(), "cc: {words}");
    Ok(library)
}

/// Name and SHA-256 of each file.
fn hashes(folder: &Path) -> Result<Vec<(String, String)>> {
    fs::read_dir(folder)?
        .map(|entry| {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            Ok((name, apprentice_core::sha256_file(&entry.path())?))
        })
        .filter(|found| {
            found
                .as_ref()
                .map_or(true, |(n, _): &(String, String)| n.ends_with(".mcap"))
        })
        .collect()
}
