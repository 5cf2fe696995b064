use super::*;
use crate::Pairing;
use apprentice_core::{CameraFrame, Image, Observation, RobotState};
use apprentice_episode::{CameraInfo, Episode, EpisodeMeta, Source, Tick};
use apprentice_policy::PolicyConfig;
use burn::tensor::Device;

/// Six ticks that always do the same, seen by one camera.
fn episode(action: f32) -> Episode {
    let camera = CameraInfo {
        name: "front".into(),
        width: 16,
        height: 16,
    };
    let tick = |index: u64| Tick {
        index,
        stamp_ns: index,
        observation: Observation {
            state: RobotState {
                sequence: index,
                stamp_ns: index,
                positions: vec![0.0],
                velocities: vec![0.0],
                gripper_width: 0.0,
                efforts: None,
                external_wrench: None,
            },
            frames: vec![CameraFrame {
                sequence: index,
                stamp_ns: index,
                image: Image::new(16, 16, vec![index as u8 * 40; 16 * 16 * 3]).unwrap(),
            }],
        },
        proprioception: vec![index as f32, 1.0],
        action: vec![action, -action],
        guard_refusals: Vec::new(),
        decided_by: apprentice_episode::DecidedBy::Agent,
        unexecuted: Vec::new(),
    };
    Episode {
        id: "toy".into(),
        meta: EpisodeMeta::new("toy", "toy", Source::Policy, vec![camera], "toy", 2, 10.0),
        ticks: (0..6).map(tick).collect(),
        complete: true,
    }
}

/// A policy that knows nothing yet, and rollouts of which the first half goes up and the second down.
fn toy() -> (DiffusionPolicy, Windows, Vec<f64>) {
    let config = PolicyConfig {
        observation_history: 1,
        horizon: 4,
        execute: 2,
        diffusion_steps: 20,
        inference_steps: 4,
        image_size: 16,
        vision_channels: vec![8],
        vision_strides: vec![2],
        vision_kernels: vec![3],
        vision_features: 4,
        unet_channels: vec![8, 16],
        unet_kernel: 3,
        norm_groups: 8,
        step_features: 8,
        ..PolicyConfig::default()
    };
    let device = Device::flex();
    let episodes: Vec<Episode> = [0.9, 1.0, -0.9, -1.0].map(episode).into();
    let windows = Windows::new(episodes.iter().map(|e| ("toy", e)), &config).unwrap();
    let network = PolicyNetwork::new(&config, 1, 2, 2, &mut Seed(4).rng(), &device).unwrap();
    let (proprioception, actions) = windows.fit_normalizers();
    let policy =
        DiffusionPolicy::new(network, config, proprioception, actions, 1, &device).unwrap();
    (policy, windows, vec![1.0, 0.9, -1.0, -0.9])
}

fn config() -> AlignConfig {
    AlignConfig {
        steps: 60,
        pairs: 4,
        chunks: 2,
        winner_imitation: 0.0,
        learning_rate: 3e-3,
        warmup_steps: 5,
        winners: 0.5,
        drift_budget: f64::INFINITY,
        drift_every: 5,
        ..AlignConfig::default()
    }
}

fn aligned(config: &AlignConfig) -> Result<(DiffusionPolicy, AlignReport), AlignError> {
    let (policy, windows, rewards) = toy();
    align_policy(&policy, &windows, &rewards, config, Seed(2), |_| true)
}

/// Means of the (preference loss, implicit accuracy, drift) of the first or last measurements.
fn mean(curve: &[(usize, f32, f32, f64)]) -> (f32, f32, f64) {
    let n = curve.len() as f32;
    let sum = curve
        .iter()
        .fold((0.0, 0.0, 0.0), |s, c| (s.0 + c.1, s.1 + c.2, s.2 + c.3));
    (sum.0 / n, sum.1 / n, sum.2 / f64::from(n))
}

#[test]
fn preference_loss_falls_and_pairs_come_to_be_ordered() {
    for pairing in [
        Pairing::Trajectory,
        Pairing::RandomChunk,
        Pairing::FirstChunk,
    ] {
        let config = AlignConfig {
            pairing,
            ..config()
        };
        let (_, report) = aligned(&config).unwrap();
        // Either of two winners against either of two losers.
        assert_eq!(
            (report.steps, report.pairs, report.beta),
            (60, 4, 4.0 * 2.0)
        );
        let (loss, accuracy, drift) = mean(&report.curve[8..]);
        assert!(
            loss < 0.8 * std::f32::consts::LN_2,
            "{pairing:?}: {:?}",
            report.curve
        );
        assert!(accuracy > 0.8, "{pairing:?}: {:?}", report.curve);
        assert!(
            drift > mean(&report.curve[..2]).2,
            "{pairing:?}: {:?}",
            report.curve
        );
        assert!(!report.stopped_by_budget);
    }
}

#[test]
fn the_budget_stops_it_and_the_policy_before_is_kept() {
    let free = AlignConfig {
        learning_rate: 3e-4,
        drift_every: 1,
        ..config()
    };
    let curve = aligned(&free).unwrap().1.curve;
    let budget = curve[9].3;
    let over = curve.iter().position(|c| c.3 > budget).unwrap();
    let bounded = AlignConfig {
        drift_budget: budget,
        ..free
    };
    let (_, report) = aligned(&bounded).unwrap();
    assert!(report.stopped_by_budget && over < 59, "{report:?}");
    assert_eq!(report.curve, curve[..=over]);
    let before = curve[..over].last().map_or(0.0, |c| c.3);
    assert_eq!((report.steps, report.drift), (over + 1, before));
}

#[test]
fn a_running_average_lags_behind_and_is_what_is_kept() {
    let drift = |average| {
        let config = AlignConfig {
            average,
            steps: 1,
            warmup_steps: 1,
            learning_rate: 1e-4,
            ..config()
        };
        aligned(&config).unwrap().1.drift
    };
    // After one short step the average has gone 2^-0.75 of the way, and drift is of its square: 0.35.
    let (averaged, newest) = (drift(true), drift(false));
    assert!(
        averaged > 0.0 && averaged < 0.5 * newest,
        "{averaged} {newest}"
    );
}

#[test]
fn the_same_seed_gives_the_same_report() {
    assert_eq!(aligned(&config()).unwrap().1, aligned(&config()).unwrap().1);
}

#[test]
fn what_cannot_be_aligned_is_refused() {
    let (policy, windows, rewards) = toy();
    let attempt = |rewards: &[f64], config: &AlignConfig, goes_on: bool| {
        let end = align_policy(&policy, &windows, rewards, config, Seed(2), |_| goes_on);
        end.err().map(|e| e.to_string()).unwrap_or_default()
    };
    let none = AlignConfig {
        chunks: 0,
        ..config()
    };
    assert!(attempt(&rewards, &none, true).contains("align.chunks is 0"));
    assert!(attempt(&rewards[1..], &config(), true).contains("3 rewards for 4 rollouts"));
    assert!(attempt(&[1.0; 4], &config(), true).contains("gave no pair"));
    assert!(attempt(&rewards, &config(), false).contains("stopped on request"));
}
