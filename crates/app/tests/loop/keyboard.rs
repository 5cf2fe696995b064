//! Demonstrations by the keys of a real terminal: what is pressed, and what is on the disk then.

use crate::terminal::Terminal;
use apprentice_episode::Episode;
use apprentice_pipeline::layout::{DEMONSTRATIONS, JUDGEMENTS};
use apprentice_pipeline::outcomes::Outcomes;
use apprentice_pipeline::run_dir::RunDir;
use apprentice_preference::{JudgementLog, success_labels};
use std::path::Path;
use std::time::Duration;

/// A terminal in which so many demonstrations are recorded.
fn record(out: &Path, episodes: &str, releases: bool) -> Terminal {
    let arguments = [
        "record",
        "demonstrations",
        "--by",
        "keyboard",
        "--who",
        "Ada",
        "--config",
        "configs/tiny.toml",
        "--episodes",
        episodes,
        "--out",
        out.to_str().unwrap(),
    ];
    Terminal::start(&arguments, releases)
}

/// Where the target of each tick is along x, m.
fn targets(out: &Path, file: &str) -> Vec<f32> {
    let episode = Episode::open(out.join(DEMONSTRATIONS).join(file)).unwrap();
    episode.ticks.iter().map(|t| t.action[0]).collect()
}

/// A key that is held: pressed, repeated after half a second and then every 200 ms.
fn hold(terminal: &Terminal, key: &str, repeats: usize) {
    terminal.press(key);
    std::thread::sleep(Duration::from_millis(500));
    for _ in 0..repeats {
        terminal.press(key);
        std::thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn what_is_pressed_in_a_terminal_is_what_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let mut terminal = record(&out, "2", false);
    // Kept, with a note in which a slip was taken back.
    terminal.wait("demonstration 1 of 2 (take 0)");
    terminal.wait("Enter ends the episode");
    terminal.press("\r");
    terminal.wait("s | tool |");
    hold(&terminal, "w", 8);
    // Whoever is still pressing when it ends has decided nothing.
    terminal.press("\rkd");
    terminal.wait("episode-0000.mcap");
    terminal.wait("q asks again next time");
    terminal.press("y");
    terminal.wait("success: yes");
    terminal.press("m");
    terminal.wait("note: ");
    terminal.press("slowx\u{7f}ly, k\r");
    terminal.press("k");
    // Redone in the same scene, then discarded.
    terminal.wait("demonstration 2 of 2 (take 1)");
    terminal.press("\r");
    terminal.wait("s | tool |");
    terminal.press("\r");
    terminal.wait("q asks again next time");
    terminal.press("r");
    terminal.wait("moved to");
    terminal.wait("demonstration 2 of 2 (take 2)");
    terminal.press("\r");
    terminal.wait("s | tool |");
    terminal.press("t");
    terminal.wait("s | joint ");
    terminal.press("\r");
    terminal.wait("q asks again next time");
    terminal.press("d");
    terminal.wait("moved to");
    // Left before anything was said of it: it is asked about again. Single joints are still what is moved.
    terminal.wait("demonstration 2 of 2 (take 3)");
    terminal.press("\r");
    terminal.wait("s | joint ");
    terminal.press("\r");
    terminal.wait("q asks again next time");
    terminal.press("q");
    let screen = terminal.end(1);
    assert!(screen.contains("1 of 2 demonstrations kept"), "{screen}");

    let (dir, _) = RunDir::open(&out).unwrap();
    let aside = out.join("demonstrations.discarded");
    assert!(aside.join("episode-0001.mcap").exists() && aside.join("episode-0002.mcap").exists());
    let scene = |path: &Path| Episode::open(path).unwrap().meta.seed;
    assert_eq!(
        scene(&aside.join("episode-0001.mcap")),
        scene(&aside.join("episode-0002.mcap"))
    );
    let log = JudgementLog::read(dir.path(JUDGEMENTS)).unwrap().judgements;
    assert!(
        log.iter()
            .any(|j| format!("{:?}", j.answer).contains("\"slowly, k\"")),
        "{log:?}"
    );
    // The target moved on without a stop from the first repeat of the key to its last.
    let x = targets(&out, "episode-0000.mcap");
    let steps: Vec<f32> = x.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let moving: Vec<usize> = (0..steps.len()).filter(|i| steps[*i] > 1e-4).collect();
    let after_first = moving.iter().find(|i| **i >= 8).copied().unwrap();
    let last = moving.last().copied().unwrap();
    let stalls = steps[after_first..=last].iter().filter(|s| **s <= 1e-4);
    println!(
        "{} ticks, {} of them moving: {steps:?}",
        steps.len(),
        moving.len()
    );
    assert_eq!(stalls.count(), 0, "{steps:?}");
    assert!(moving.len() >= 12, "{steps:?}");

    // A terminal that tells of releases goes on where the other one was left.
    let mut terminal = record(&out, "2", true);
    terminal.wait("episode-0003.mcap");
    terminal.wait("q asks again next time");
    terminal.press("\u{1b}[107u");
    let screen = terminal.end(0);
    assert!(!screen.contains("take 4"), "{screen}");
    let list = Outcomes::of(&dir, DEMONSTRATIONS).unwrap();
    let files: Vec<&str> = list.episodes.iter().map(|e| e.file.as_str()).collect();
    assert_eq!(files, ["episode-0000.mcap", "episode-0003.mcap"]);
    let labels = success_labels(&log);
    assert_eq!(labels.get(&list.episodes[0].id), Some(&Some(true)));
}

#[test]
fn ctrl_c_in_a_terminal_leaves_it_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let mut terminal = record(&out, "1", false);
    terminal.wait("Enter ends the episode");
    terminal.press("\r");
    terminal.wait("s | tool |");
    terminal.press("\u{3}");
    let screen = terminal.end(1);
    assert!(screen.contains("stopped on request"), "{screen}");
}
