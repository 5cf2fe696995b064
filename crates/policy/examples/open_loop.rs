//! How far a policy's next action lies from the recorded one, for each number of the action:
//! `cargo run --release --example open_loop POLICY.safetensors EPISODES_FOLDER`.

use apprentice_core::Seed;
use apprentice_episode::{Catalog, Episode};
use apprentice_policy::{DiffusionPolicy, Windows};
use burn::tensor::Device;
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(file), Some(folder)) = (arguments.next(), arguments.next()) else {
        return Err("which policy, and which folder of episodes?".into());
    };
    let policy = DiffusionPolicy::load(file.as_ref(), &Device::flex())?;
    let catalog = Catalog::open(&folder)?;
    let mut episodes: Vec<(String, Episode)> = Vec::new();
    for entry in catalog.entries().iter().take(20) {
        episodes.push((entry.file.clone(), catalog.load(&entry.id)?));
    }
    let windows = Windows::new(
        episodes.iter().map(|(n, e)| (n.as_str(), e)),
        policy.config(),
    )?;
    let samples: Vec<_> = windows.samples().into_iter().step_by(5).collect();
    let predicted = policy.next_actions(&windows, &samples, Seed(1))?;
    let dim = windows.action_dim();
    let mut errors = vec![0.0f64; dim];
    for (found, &(episode, tick)) in predicted.chunks_exact(dim).zip(&samples) {
        let mut wanted = windows.action(episode, tick).to_vec();
        policy.normalizers().1.normalize(&mut wanted);
        for ((e, f), w) in errors.iter_mut().zip(found).zip(wanted) {
            *e += f64::from((f - w).abs()) / samples.len() as f64;
        }
    }
    println!("mean absolute error, in halves of each number's range:");
    for (i, e) in errors.iter().enumerate() {
        println!("  action[{i}] {e:.4}");
    }
    Ok(())
}
