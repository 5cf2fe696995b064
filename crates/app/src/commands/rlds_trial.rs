//! Whether a policy learns imported clips: trained on some, asked about the others.

use anyhow::{Result, bail};
use apprentice_core::Seed;
use apprentice_episode::Episode;
use apprentice_pipeline::config::Config;
use apprentice_policy::{Windows, train};
use burn::tensor::Device;
use rand::seq::SliceRandom as _;

/// How a policy did on clips it never saw, beside the mean action.
#[derive(Debug, serde::Serialize)]
pub struct Trial {
    /// Clips it learnt from.
    pub clips_trained_on: usize,
    /// Clips it never saw.
    pub clips_held_out: usize,
    /// Their ticks.
    pub ticks_held_out: usize,
    /// Root mean square error of the next action, each dimension scaled to its range in training.
    pub policy_error: f64,
    /// The same, of always answering the mean action of training.
    pub mean_action_error: f64,
}

impl std::fmt::Display for Trial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "next action on {} clips ({} ticks) it never saw: error {:.3}, mean action {:.3} (RMS, in ranges of each \
             number); trained on {} clips",
            self.clips_held_out,
            self.ticks_held_out,
            self.policy_error,
            self.mean_action_error,
            self.clips_trained_on
        )
    }
}

/// Trains on four fifths of the clips and tests on the rest. `watch` is told each step and stops the
/// training by answering `false`.
///
/// # Errors
/// When there are fewer than three clips, they do not fit together, or training fails or is stopped.
pub fn trial(
    mut episodes: Vec<(String, Episode)>,
    config: &Config,
    seed: u64,
    device: &Device,
    mut watch: impl FnMut(usize) -> bool + Send,
) -> Result<Trial> {
    let held_out = (episodes.len() / 5).max(1);
    if episodes.len() < 3 {
        bail!(
            "{} clips are too few to train on some and test on others; at least 3 are needed",
            episodes.len()
        );
    }
    episodes.shuffle(&mut Seed(seed).derive("split", 0).rng());
    let (test, training) = episodes.split_at(held_out);
    let windows = |set: &[(String, Episode)]| {
        Windows::new(set.iter().map(|(n, e)| (n.as_str(), e)), &config.policy)
    };
    let (test, training) = (windows(test)?, windows(training)?);
    let policy = train(
        &training,
        &config.policy,
        &config.train,
        Seed(seed),
        device,
        |p| watch(p.step),
    )?
    .in_precision(config.inference.precision)?;
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
    let guesses = policy.next_actions(&test, &samples, Seed(seed).derive("trial", 0))?;
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
