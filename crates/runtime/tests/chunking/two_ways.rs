//! A task with two ways around: forward in even steps, and past the middle either left or right of it.
//! Which way is under way cannot be seen, so that every new plan may take the other one.

use apprentice_core::{Observation, RobotState, Seed};
use apprentice_episode::{DecidedBy, Episode, EpisodeMeta, Source, Tick};
use apprentice_policy::{DiffusionPolicy, PolicyConfig, TrainConfig, Windows, train};
use burn::tensor::Device;
use std::f32::consts::PI;

/// Ticks of a demonstration.
pub const TICKS: usize = 40;
/// Actions of a chunk.
pub const HORIZON: usize = 8;
/// How far aside the ways lead at most.
const ASIDE: f32 = 0.5;

/// How far aside a way leads that has come so far forward.
pub fn aside(forward: f32) -> f32 {
    ASIDE * (PI * forward).sin()
}

fn demonstration(side: f32, width: f32) -> Episode {
    let tick = |index: usize| {
        let next = (index + 1) as f32 / TICKS as f32;
        Tick {
            index: index as u64,
            stamp_ns: index as u64,
            observation: Observation {
                state: RobotState {
                    sequence: index as u64,
                    stamp_ns: index as u64,
                    positions: vec![0.0],
                    velocities: vec![0.0],
                    gripper_width: 0.0,
                    efforts: None,
                    external_wrench: None,
                },
                frames: Vec::new(),
            },
            proprioception: vec![index as f32 / TICKS as f32],
            action: vec![next, side * width * aside(next)],
            guard_refusals: Vec::new(),
            decided_by: DecidedBy::Agent,
            unexecuted: Vec::new(),
        }
    };
    Episode {
        id: format!("{side} {width}").into(),
        meta: EpisodeMeta::new(
            "two ways",
            "point",
            Source::Expert,
            vec![],
            "point",
            2,
            10.0,
        ),
        ticks: (0..TICKS).map(tick).collect(),
        complete: true,
    }
}

/// A small policy that learnt both ways.
pub fn learnt() -> DiffusionPolicy {
    let config = PolicyConfig {
        observation_history: 1,
        horizon: HORIZON,
        execute: 3,
        unet_channels: vec![32, 64],
        step_features: 32,
        ..PolicyConfig::default()
    };
    let training = TrainConfig {
        steps: 800,
        batch: 32,
        noise_draws: 2,
        ..TrainConfig::default()
    };
    let widths = [0.94, 1.0, 1.06];
    let sides = [-1.0, 1.0];
    let each = |&side: &f32| widths.map(|width| demonstration(side, width));
    let episodes: Vec<Episode> = sides.iter().flat_map(each).collect();
    let named = episodes.iter().map(|e| (e.id.as_str(), e));
    let windows = Windows::new(named, &config).unwrap();
    train(
        &windows,
        &config,
        &training,
        Seed(11),
        &Device::flex(),
        |_| true,
    )
    .unwrap()
}
