//! R9: the process that records is killed in the middle of writing.

use crate::program::Process;
use crate::{Rows, Scale};
use anyhow::{Context as _, Result};
use apprentice_core::Seed;
use apprentice_episode::{Catalog, Episode};
use rand::Rng as _;
use std::thread::sleep;
use std::time::Duration;

/// 20 times at random times, 100 in full.
pub fn run(scale: Scale, rows: &mut Rows) -> Result<()> {
    let times = scale.pick(20, 100);
    let folder = tempfile::tempdir()?;
    let path = folder.path().display().to_string();
    let mut rng = Seed(9).rng();
    let (mut read, mut lost, mut acknowledged) = (0, 0, 0);
    for turn in 0..times {
        let name = format!("killed-{turn:03}");
        let mut recorder = Process::start("recorder", &[&path, &name, "0"])?;
        recorder.line("kept 0", Duration::from_secs(20))?;
        sleep(Duration::from_micros(rng.random_range(0..150_000)));
        recorder.kill()?;
        let acks = recorder
            .rest()
            .iter()
            .filter_map(|line| number(line))
            .max()
            .unwrap_or(0)
            + 1;
        acknowledged += acks;
        if let Ok(episode) = Episode::open(folder.path().join(format!("{name}.mcap"))) {
            read += 1;
            lost += acks.saturating_sub(episode.ticks.len() as u64);
        }
    }
    rows.exactly(
        format!("recorder killed {times} times while writing: files that read"),
        read,
        times,
    );
    rows.exactly(
        format!("of {acknowledged} ticks acknowledged: lost"),
        lost,
        0,
    );
    let listed = Catalog::open(folder.path())?;
    let again = Catalog::open(folder.path())?;
    let same = listed.entries() == again.entries() && listed.unreadable().is_empty();
    rows.exactly(
        format!("list of episodes: entries of {times} files, the same when read again"),
        if same {
            listed.entries().len() as u64
        } else {
            0
        },
        times,
    );
    Ok(())
}

/// The tick in a line of the recorder.
fn number(line: &str) -> Option<u64> {
    let rest = line.strip_prefix("kept ")?;
    rest.split_whitespace()
        .next()
        .context("")
        .ok()?
        .parse()
        .ok()
}
