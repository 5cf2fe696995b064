//! `apprentice import`: someone else's clips become episodes, and a policy tries to learn them.

use crate::cli::ImportArgs;
use crate::commands::import_trial::trial;
use anyhow::{Context as _, Result, bail};
use apprentice_episode::{Episode, EpisodeEntry, ImportKind};
use apprentice_pipeline::config::Config;
use apprentice_pipeline::context::{progress_bar, stop_on_ctrl_c};
use apprentice_pipeline::device;
use apprentice_pipeline::outcomes::open_as;
use apprentice_pipeline::run_dir::write_whole;
use apprentice_studio::Studio;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// What an import came to.
const RESULT: &str = "import.json";
/// What this command changes of the default settings; a file and `--set` go before it.
const SETTINGS: [&str; 2] = ["policy.image_size=64", "train.steps=400"];

/// Runs the command.
///
/// # Errors
/// When the folder holds something else, the data set is damaged or incomplete, training fails, or
/// the user stops.
pub fn run(args: &ImportArgs) -> Result<()> {
    // Nothing is written before settings and device are known to work.
    let config = Config::load(None, &SETTINGS.map(str::to_owned))?
        .changed(args.config.as_deref(), &args.set)?;
    let device = device::open(&args.device)?;
    config.inference.precision.check(&device)?;
    let source = claim(args)?;
    let stop = stop_on_ctrl_c()?;
    let folder = args.out.join("episodes");
    let write = |result: &Value| {
        write_whole(
            &args.out.join(RESULT),
            &serde_json::to_vec_pretty(result).context("import.json cannot be encoded")?,
        )
    };
    let mut result = json!({ "source": source, "finished": false });
    write(&result)?;

    let bar = counter("import", args.json);
    let importer = ImportKind::named(&args.kind).with_context(|| {
        let known = ImportKind::NAMES.join(", ");
        format!("there is no importer {}; there are {known}", args.kind)
    })?;
    let summary = importer.import(&args.source, &folder, &mut |written| {
        bar.set_position(written as u64);
        !stop.load(Ordering::Relaxed)
    });
    bar.finish_and_clear();
    if summary.is_err() && !folder.exists() {
        // Nothing was imported: the folder is as free for another source as before.
        let _ = std::fs::remove_file(args.out.join(RESULT));
    }
    let summary = summary?;
    let recording = show(args, &folder, &summary.episodes, &stop)?;
    let note = caution(summary.episodes.len(), summary.ticks);
    result = json!({
        "source": source, "finished": !args.train, "dataset": summary.dataset,
        "episodes": summary.episodes.len(), "ticks": summary.ticks, "folder": folder,
        "cameras": summary.cameras, "blank_cameras": summary.blank_cameras,
        "recording": recording, "note": note,
    });
    write(&result)?;
    if !args.json {
        println!(
            "{} episodes, {} ticks, in {}\nto look at them: rerun {}",
            summary.episodes.len(),
            summary.ticks,
            folder.display(),
            recording.display()
        );
    }
    if args.train {
        let episodes: Vec<(String, Episode)> = summary
            .episodes
            .iter()
            .map(|entry| Ok((entry.file.clone(), open(&folder, entry)?)))
            .collect::<Result<_>>()?;
        let bar = progress_bar(config.train.steps as u64, "train", args.json);
        let trial = trial(episodes, &config, args.seed, &device, |step| {
            bar.set_position(step as u64);
            !stop.load(Ordering::Relaxed)
        })?;
        bar.finish_and_clear();
        if !args.json {
            println!("{trial}");
        }
        result["trial"] = serde_json::to_value(&trial)?;
        result["device"] = args.device.clone().into();
        result["finished"] = true.into();
        write(&result)?;
    }
    if args.json {
        println!("{}", serde_json::to_string_pretty(&result)?);
    } else {
        println!("{note}");
    }
    Ok(())
}

/// Makes sure that the folder is new, empty, or from an import of the same data set, which gives the
/// same files again. Answers the data set's full path.
fn claim(args: &ImportArgs) -> Result<PathBuf> {
    let source = std::fs::canonicalize(&args.source)
        .with_context(|| format!("data set {} cannot be read", args.source.display()))?;
    let out = args.out.display();
    let nothing = match std::fs::read_dir(&args.out) {
        Ok(mut entries) => entries.next().is_none(),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => true,
        Err(e) => return Err(e).with_context(|| format!("folder {out} cannot be read")),
    };
    if nothing {
        return Ok(source);
    }
    let before: Option<Value> = std::fs::read(args.out.join(RESULT))
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok());
    match before.as_ref().and_then(|b| b["source"].as_str()) {
        Some(same) if Path::new(same) == source => Ok(source),
        Some(other) => bail!(
            "folder {out} holds clips of {other}, and those of {} are not mixed with them; choose another --out",
            source.display()
        ),
        None => bail!("folder {out} is not empty and holds no import; choose another --out"),
    }
}

/// What the size of a data set lets one say.
fn caution(clips: usize, ticks: usize) -> String {
    let size = format!("{clips} clips ({ticks} ticks)");
    match clips {
        0..20 => {
            format!(
                "{size} are next to nothing: this shows that the files can be read and learnt from, not how well."
            )
        }
        20..200 => format!(
            "{size} are very little: this shows that the way works; how well a policy does on them says next to nothing."
        ),
        200..2000 => format!(
            "{size} are a small set: errors on clips kept back are rough, and hold for clips like these only."
        ),
        _ => format!(
            "{size}: errors on clips kept back hold for clips like these, with this one split and seed."
        ),
    }
}

fn open(folder: &Path, entry: &EpisodeEntry) -> Result<Episode> {
    open_as(&folder.join(&entry.file), &entry.id)
}

/// Writes the clips for rerun and says where.
fn show(
    args: &ImportArgs,
    folder: &Path,
    entries: &[EpisodeEntry],
    stop: &AtomicBool,
) -> Result<PathBuf> {
    let part = args.out.join(".clips.rrd.part");
    let studio = Studio::recordings_to_file(&part)?;
    let bar = progress_bar(entries.len() as u64, "to look at", args.json);
    for entry in entries {
        if stop.load(Ordering::Relaxed) {
            bail!(
                "stopped on request; the episodes imported so far stay, and the same command starts again"
            );
        }
        studio.episode(&open(folder, entry)?, entry.file.as_str(), None);
        bar.inc(1);
    }
    bar.finish_and_clear();
    let shown = studio.finish()?;
    if shown.refused > 0 {
        bail!("rerun refused {} of the clips", shown.refused);
    }
    let path = args.out.join("clips.rrd");
    std::fs::rename(&part, &path)?;
    Ok(path)
}

/// Counts up where nobody knows how far.
fn counter(what: &str, quiet: bool) -> ProgressBar {
    let bar = ProgressBar::no_length();
    if quiet {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    if let Ok(style) = ProgressStyle::with_template("{prefix:.bold} {pos} episodes, {elapsed}") {
        bar.set_style(style);
    }
    bar.set_prefix(format!("{what:<14}"));
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_said_hangs_on_the_size() {
        assert!(caution(3, 30).starts_with("3 clips (30 ticks) are next to nothing"));
        assert!(caution(25, 250).contains("very little"));
        assert!(caution(500, 9000).contains("a small set"));
        let large = caution(60_000, 2_000_000);
        assert!(
            !large.contains("little") && !large.contains("small"),
            "{large}"
        );
    }

    #[test]
    fn a_folder_with_something_else_in_it_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let [mine, other, out] = ["mine", "other", "out"].map(|n| folder.path().join(n));
        std::fs::create_dir_all(&mine).unwrap();
        std::fs::create_dir_all(&other).unwrap();
        let args = |source: &Path| ImportArgs {
            kind: "rlds".into(),
            source: source.to_owned(),
            out: out.clone(),
            train: false,
            seed: 0,
            device: device::CPU.to_owned(),
            config: None,
            set: Vec::new(),
            json: true,
        };
        let full = claim(&args(&mine)).unwrap();
        std::fs::create_dir_all(&out).unwrap();
        std::fs::write(out.join("photo.png"), "x").unwrap();
        let error = claim(&args(&mine)).unwrap_err().to_string();
        assert!(error.contains("holds no import"), "{error}");
        std::fs::write(out.join(RESULT), json!({ "source": full }).to_string()).unwrap();
        assert_eq!(claim(&args(&mine)).unwrap(), full);
        let error = claim(&args(&other)).unwrap_err().to_string();
        assert!(error.contains("holds clips of"), "{error}");
    }
}
