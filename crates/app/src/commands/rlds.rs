//! `apprentice import rlds`: someone else's clips become episodes, and a policy tries to learn them.

use crate::config::Config;
use crate::run_dir::write_whole;
use anyhow::{Result, bail};
use apprentice_core::Seed;
use apprentice_episode::{Catalog, Episode, import_rlds};
use apprentice_policy::{Windows, train};
use apprentice_studio::Studio;
use burn::tensor::Device;
use rand::seq::SliceRandom as _;
use std::path::{Path, PathBuf};

/// What to import, and whether to learn from it.
pub struct Import {
    pub source: PathBuf,
    pub out: PathBuf,
    pub train: bool,
    pub seed: u64,
    pub set: Vec<String>,
    pub json: bool,
}

/// Runs the command.
///
/// # Errors
/// When the data set is damaged or incomplete, or training fails.
pub fn run(import: &Import) -> Result<()> {
    let episodes_dir = import.out.join("episodes");
    let summary = import_rlds(&import.source, &episodes_dir)?;
    let recording = show(import, &episodes_dir)?;
    let mut result = serde_json::json!({
        "episodes": summary.episodes.len(), "ticks": summary.ticks, "folder": episodes_dir,
        "recording": recording,
    });
    if !import.json {
        println!(
            "{} episodes, {} ticks, in {}\nto look at them: rerun {}",
            summary.episodes.len(),
            summary.ticks,
            episodes_dir.display(),
            recording.display()
        );
    }
    if import.train {
        let trial = trial(import, &episodes_dir)?;
        if !import.json {
            println!("{trial}");
        }
        result["trial"] = serde_json::to_value(&trial)?;
    }
    write_whole(
        &import.out.join("import.json"),
        &serde_json::to_vec_pretty(&result)?,
    )?;
    if import.json {
        println!("{}", serde_json::to_string_pretty(&result)?);
    }
    Ok(())
}

/// Writes the clips for rerun and says where.
fn show(import: &Import, folder: &Path) -> Result<PathBuf> {
    let catalog = Catalog::open(folder)?;
    let part = import.out.join(".clips.rrd.part");
    let studio = Studio::recordings_to_file(&part)?;
    for entry in catalog.entries() {
        studio.episode(&catalog.load(&entry.id)?, entry.file.as_str(), None);
    }
    let shown = studio.finish()?;
    if shown.refused > 0 {
        bail!("rerun refused {} of the clips", shown.refused);
    }
    let path = import.out.join("clips.rrd");
    std::fs::rename(&part, &path)?;
    Ok(path)
}

/// How a policy did on clips it never saw, beside the mean action.
#[derive(Debug, serde::Serialize)]
struct Trial {
    clips_trained_on: usize,
    clips_held_out: usize,
    ticks_held_out: usize,
    /// Root mean square error of the next action, each dimension scaled to its range in training.
    policy_error: f64,
    /// The same, of always answering the mean action of training.
    mean_action_error: f64,
}

impl std::fmt::Display for Trial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "next action on {} clips ({} ticks) it never saw: error {:.3}, mean action {:.3} (RMS, in ranges of each \
             number); trained on {} clips, which is very little: this shows that the way works, not how well",
            self.clips_held_out,
            self.ticks_held_out,
            self.policy_error,
            self.mean_action_error,
            self.clips_trained_on
        )
    }
}

fn trial(import: &Import, folder: &Path) -> Result<Trial> {
    let mut settings = vec![
        "policy.image_size=64".to_owned(),
        "train.steps=400".to_owned(),
    ];
    settings.extend(import.set.iter().cloned());
    let config = Config::load(None, &settings)?;
    let catalog = Catalog::open(folder)?;
    let mut episodes: Vec<(String, Episode)> = catalog
        .entries()
        .iter()
        .map(|entry| Ok((entry.file.clone(), catalog.load(&entry.id)?)))
        .collect::<Result<_>>()?;
    let held_out = (episodes.len() / 5).max(1);
    if episodes.len() < 3 {
        bail!(
            "{} clips are too few to train on some and test on others; at least 3 are needed",
            episodes.len()
        );
    }
    episodes.shuffle(&mut Seed(import.seed).derive("split", 0).rng());
    let (test, training) = episodes.split_at(held_out);
    let windows = |set: &[(String, Episode)]| {
        Windows::new(set.iter().map(|(n, e)| (n.as_str(), e)), &config.policy)
    };
    let (test, training) = (windows(test)?, windows(training)?);
    let device = Device::flex();
    let bar = indicatif::ProgressBar::new(config.train.steps as u64);
    let policy = train(
        &training,
        &config.policy,
        &config.train,
        Seed(import.seed),
        &device,
        |p| {
            bar.set_position(p.step as u64);
            true
        },
    )?;
    bar.finish_and_clear();
    let (_, scaling) = policy.normalizers();
    let dim = scaling.dim();
    let scaled = |set: &Windows| -> Vec<f32> {
        let mut all: Vec<f32> = set
            .samples()
            .iter()
            .flat_map(|&(e, t)| set.action(e, t))
            .collect();
        scaling.normalize(&mut all);
        all
    };
    let (seen, truth) = (scaled(&training), scaled(&test));
    let rows = (seen.len() / dim) as f32;
    let mean: Vec<f32> = (0..dim)
        .map(|i| seen.iter().skip(i).step_by(dim).sum::<f32>() / rows)
        .collect();
    let samples = test.samples();
    let guesses = policy.next_actions(&test, &samples, Seed(import.seed).derive("trial", 0))?;
    let error = |guess: &mut dyn Iterator<Item = f32>| {
        let total: f64 = truth
            .iter()
            .zip(guess)
            .map(|(t, g)| f64::from((t - g) * (t - g)))
            .sum();
        (total / truth.len() as f64).sqrt()
    };
    Ok(Trial {
        clips_trained_on: training.episodes(),
        clips_held_out: test.episodes(),
        ticks_held_out: samples.len(),
        policy_error: error(&mut guesses.into_iter()),
        mean_action_error: error(&mut mean.iter().copied().cycle()),
    })
}
