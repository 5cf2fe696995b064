//! What every objective does to samples: a policy that does a thing in two ways comes to do it in the better one, in
//! the other where the labels are turned round, and does not forget how to do it.

// A test may stop where something is wrong.
#![allow(clippy::unwrap_used)]

use apprentice_align::{AlignConfig, AlignReport, Objective, ObjectiveSum, align_policy};
use apprentice_core::{CameraFrame, Image, Observation, RobotState, Seed};
use apprentice_episode::{CameraInfo, DecidedBy, Episode, EpisodeMeta, Source, Tick};
use apprentice_policy::{DiffusionConfig, DiffusionPolicy, TrainConfig, Windows, train};
use burn::tensor::Device;
use rand::Rng as _;
use std::sync::OnceLock;

const TICKS: usize = 6;
/// Where the two ways lie, and how far from there still counts as done.
const MODE: f32 = 0.5;
const WITHIN: f32 = 0.2;

/// An episode whose action is `action` at every tick, whatever is seen.
fn episode(number: usize, action: f32) -> Episode {
    let camera = CameraInfo {
        name: "front".into(),
        width: 8,
        height: 8,
    };
    let tick = |index: usize| Tick {
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
            frames: vec![CameraFrame {
                sequence: index as u64,
                stamp_ns: index as u64,
                image: Image::new(8, 8, vec![100; 8 * 8 * 3]).unwrap(),
            }],
        },
        proprioception: vec![0.0],
        action: vec![action],
        guard_interventions: Vec::new(),
        decided_by: DecidedBy::Agent,
        unexecuted: Vec::new(),
    };
    Episode {
        id: format!("episode {number}").as_str().into(),
        meta: EpisodeMeta::new("toy", "toy", Source::Policy, vec![camera], "toy", 2, 10.0),
        ticks: (0..TICKS).map(tick).collect(),
        complete: true,
    }
}

/// A policy that imitates two ways alike, with one attempt in ten that is neither, and what it imitates.
struct Toy {
    policy: DiffusionPolicy,
    windows: Windows,
    actions: Vec<f32>,
}

fn toy() -> &'static Toy {
    static TOY: OnceLock<Toy> = OnceLock::new();
    TOY.get_or_init(|| {
        let config = DiffusionConfig {
            observation_history: 1,
            horizon: 4,
            n_action_steps: 2,
            diffusion_steps: 100,
            inference_steps: 8,
            image_size: 8,
            vision_channels: vec![8],
            vision_strides: vec![2],
            vision_kernels: vec![3],
            vision_features: 4,
            unet_channels: vec![16, 32],
            unet_kernel: 3,
            norm_groups: 8,
            step_features: 16,
            ..DiffusionConfig::default()
        };
        let mut rng = Seed(1).rng();
        let actions: Vec<f32> = (0..60)
            .map(|i| match i % 10 {
                9 => rng.random_range(-1.0..1.0),
                n => {
                    let mode = if n % 2 == 0 { MODE } else { -MODE };
                    mode + rng.random_range(-0.1..0.1)
                }
            })
            // What the normaliser scales by.
            .chain([-1.0, 1.0])
            .collect();
        let episodes: Vec<Episode> = (actions.iter().enumerate())
            .map(|(i, &action)| episode(i, action))
            .collect();
        let windows = Windows::new(episodes.iter().map(|e| ("toy", e)), &config).unwrap();
        let training = TrainConfig {
            steps: 2000,
            batch: 32,
            noise_samples: 2,
            ..TrainConfig::default()
        };
        let device = Device::flex();
        let policy = train(&windows, &config, &training, Seed(2), &device, |_| true).unwrap();
        Toy {
            policy,
            windows,
            actions,
        }
    })
}

/// What a policy's samples come to.
#[derive(Clone, Copy, Debug)]
struct Samples {
    /// Of those that do the thing, the share that do it in the upper way.
    upper: f64,
    /// Share that do it at all.
    done: f64,
}

fn samples(policy: &DiffusionPolicy) -> Samples {
    let toy = toy();
    let rows: Vec<(usize, usize)> = vec![(0, 2); 400];
    let (p, a) = policy.normalizers();
    let batch = toy.windows.batch(&rows, p, a, policy.device());
    let condition = policy.network().condition_on(&batch).unwrap();
    let seeds: Vec<Seed> = (0..400).map(|i| Seed(7).derive("sample", i)).collect();
    let chunks = policy.sample(condition, &seeds).unwrap();
    let (mut upper, mut done) = (0.0, 0.0);
    for chunk in chunks.chunks_exact(4) {
        let sign = chunk[0].signum();
        if chunk.iter().all(|x| (x * sign - MODE).abs() < WITHIN) {
            done += 1.0;
            upper += if sign > 0.0 { 1.0 } else { 0.0 };
        }
    }
    Samples {
        upper: upper / f64::max(done, 1.0),
        done: done / 400.0,
    }
}

/// The better the nearer to the way of this sign, all else far behind.
fn rewards(sign: f32) -> Vec<f64> {
    let of = |action: &f32| {
        let done = (action.abs() - MODE).abs() < WITHIN;
        let preferred = action * sign > 0.0;
        f64::from(u8::from(done))
            + f64::from(u8::from(done && preferred))
            + f64::from(action * sign) * 0.1
    };
    toy().actions.iter().map(of).collect()
}

fn align_to(objective: &Objective, rewards: &[f64]) -> (DiffusionPolicy, AlignReport) {
    let config = AlignConfig {
        steps: 300,
        chunks: 2,
        tick_stride: 1,
        objectives: ObjectiveSum::of([objective.clone()]),
        drift_budget: f64::INFINITY,
        drift_every: 50,
        ..AlignConfig::default()
    };
    let toy = toy();
    align_policy(&toy.policy, &toy.windows, rewards, &config, Seed(3), |_| {
        true
    })
    .unwrap()
}

#[test]
fn samples_move_to_the_better_way_and_back_and_the_task_is_kept() {
    let base = samples(&toy().policy);
    println!("base: {base:?}");
    assert!(
        base.done > 0.75 && (0.3..0.7).contains(&base.upper),
        "{base:?}"
    );
    for objective in Objective::all() {
        let name = objective.name();
        for sign in [1.0, -1.0] {
            let (policy, report) = align_to(&objective, &rewards(sign));
            let after = samples(&policy);
            let better = if sign > 0.0 {
                after.upper
            } else {
                1.0 - after.upper
            };
            assert!(better > 0.9, "{name} {sign:+}: {after:?}");
            assert!(
                after.done > base.done - 0.05,
                "{name} {sign:+}: {base:?} {after:?}"
            );
            // From half and half to one: the meters see it.
            let change = report.sampled.unwrap();
            println!(
                "{name} {sign:+}: {after:?}, drift {:.3}, {change:?}",
                report.drift
            );
            assert!(
                change.modes_moved > 0.3 && report.drift > 0.0,
                "{name}: {change:?}"
            );
        }
    }
}
