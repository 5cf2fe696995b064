//! A run that never was, to test the report with. Its numbers are made up.

use super::artefacts::Artefact;
use super::figures::{
    AlignmentFigures, Controls, Labels, PolicyFigures, Report, RewardFigures, SceneChanges,
    SingleFeature, StageSeconds,
};
use super::film::Film;
use super::material::{Ending, Material, ScoredEpisode};
use crate::pipeline::STAGES;
use crate::stages::notes::{JudgedEpisode, Totals};
use apprentice_align::AlignReport;
use apprentice_core::{
    CameraFrame, Image, Observation, Proportion, RobotState, Seed, sha256_bytes,
};
use apprentice_episode::{CameraInfo, Episode, EpisodeMeta, Source, Tick};
use apprentice_reward::{Evidence, Scored};
use apprentice_sim::{Grasp, Outcome};
use rand::Rng as _;

/// Figures of a run that went well.
pub fn report() -> Report {
    let policy = |success, preferred| PolicyFigures {
        success: Proportion::new(success, 200),
        preferred: Proportion::new(preferred, success),
        preferred_of_all: Proportion::new(preferred, 200),
    };
    let episodes = (0..160).map(|i| format!("demonstrations/episode-{i:04}.mcap"));
    let others = [
        "judgements.jsonl",
        "policy/aligned.safetensors",
        "policy/base.safetensors",
        "reward/reward.json",
    ];
    Report {
        seed: 7,
        task: "pick up the mug".into(),
        device: "flex".into(),
        labels: Labels {
            rankings: 20,
            skipped: 0,
            comparisons: 74,
            operators: vec!["simulated operator".into()],
            prefers: "handle".into(),
            error_rate: 0.0,
            shuffle: false,
        },
        stages: STAGES
            .iter()
            .zip([31.2, 142.0, 28.5, 0.02, 47.3, 66.0, 41.1, 48.9])
            .map(|((name, _), seconds)| StageSeconds {
                name: (*name).to_owned(),
                seconds,
                device: "flex".into(),
            })
            .collect(),
        peak_memory_bytes: 1_503_238_553,
        base: policy(184, 93),
        aligned: policy(186, 179),
        scenes: SceneChanges {
            gained: 88,
            lost: 2,
            kept: 91,
            never: 19,
        },
        drift: 0.1312,
        alignment: AlignmentFigures {
            evidence: true,
            steps: 300,
            drift_budget: 0.25,
            stopped_by_budget: false,
        },
        reward: RewardFigures {
            spearman_heldout: 0.871,
            triplet_accuracy_heldout: 0.953,
            pairs_heldout: 11_203,
            controls: Controls {
                majority: 0.5,
                best_single_feature: SingleFeature {
                    name: "last finger opening".into(),
                    accuracy: 0.901,
                },
            },
            evidence: Evidence {
                accuracy: 0.96,
                pairs: 74,
                p_value: 0.0005,
            },
            significance: 0.01,
        },
        guard: Totals {
            commands: 304_640,
            refusals: 109_412,
            violations: 0,
            ticks: 60_928,
            reasons: [
                ("acceleration", 24_371),
                ("velocity", 9139),
                ("workspace", 12),
            ]
            .map(|(reason, ticks)| (reason.to_owned(), ticks))
            .into(),
        },
        artefacts: episodes
            .chain(others.map(str::to_owned))
            .map(|path| Artefact {
                sha256: sha256_bytes(path.as_bytes()),
                path,
            })
            .collect(),
    }
}

/// A judge's note on an episode that was picked up in this way, or not at all.
pub fn note(seed: u64, grasp: Option<Grasp>) -> JudgedEpisode {
    JudgedEpisode {
        id: "abc".into(),
        file: "episode-0000.mcap".into(),
        seed,
        outcome: Some(Outcome {
            success: grasp.is_some(),
            grasp,
            lifted_m: 0.1,
        }),
    }
}

/// An episode in which a disc crosses two cameras' pictures.
pub fn episode(speed: f64) -> Episode {
    let cameras = ["front", "wrist"].map(|name| CameraInfo {
        name: name.into(),
        width: 96,
        height: 96,
    });
    let picture = |tick: u64, tint: u8| {
        let centre = 20.0 + speed * tick as f64;
        let rgb = (0..96 * 96u32).flat_map(|i| {
            let (x, y) = (f64::from(i % 96), f64::from(i / 96));
            let inside = (x - centre).hypot(y - 48.0) < 14.0;
            if inside {
                [210, 90, tint]
            } else {
                [(60.0 + y) as u8, 110, (150.0 + x * 0.5) as u8]
            }
        });
        Image::new(96, 96, rgb.collect()).unwrap()
    };
    let tick = |index: u64| Tick {
        index,
        stamp_ns: index * 100_000_000,
        observation: Observation {
            state: RobotState {
                sequence: index,
                stamp_ns: index * 100_000_000,
                positions: vec![0.0; 7],
                velocities: vec![0.0; 7],
                gripper_width: 0.08,
                efforts: None,
                external_wrench: None,
            },
            frames: [40, 200]
                .map(|tint| CameraFrame {
                    sequence: index,
                    stamp_ns: index * 100_000_000,
                    image: picture(index, tint),
                })
                .to_vec(),
        },
        proprioception: vec![0.0; 10],
        action: vec![0.0; 10],
        guard_refusals: Vec::new(),
        decided_by: apprentice_episode::DecidedBy::Agent,
        unexecuted: Vec::new(),
    };
    Episode {
        id: "abc".into(),
        meta: EpisodeMeta::new(
            "pick up the mug",
            "franka_fr3",
            Source::Policy,
            cameras.to_vec(),
            "pose",
            10,
            10.0,
        ),
        ticks: (0..56).map(tick).collect(),
        complete: true,
    }
}

/// Curves, scores and films to go with [`report`].
pub fn material() -> Material {
    let mut rng = Seed(1).rng();
    let mut about =
        |mean: f64, spread: f64| mean + spread * (rng.random::<f64>() + rng.random::<f64>() - 1.0);
    let scored = |ending, level: f64, about: &mut dyn FnMut(f64, f64) -> f64| {
        let rest = if ending == Ending::Preferred {
            level
        } else {
            2.2 * level
        };
        let moment = |i: usize| -about(if i < 6 { level } else { rest }, 0.3 * level).abs() / 16.0;
        let moments: Vec<f64> = (0..16).map(moment).collect();
        ScoredEpisode {
            ending,
            scored: Scored {
                total: moments.iter().sum(),
                moments,
                closest: 0,
                uncertainty: 0.02,
            },
        }
    };
    let kinds = [
        (Ending::Preferred, 0.12, 93),
        (Ending::Other, 0.2, 91),
        (Ending::Failed, 0.27, 16),
    ];
    let mut held_out = Vec::new();
    for (ending, level, n) in kinds {
        for _ in 0..n {
            let level = about(level, 0.1 * level);
            held_out.push(scored(ending, level, &mut about));
        }
    }
    let film = |title: &str, speed, rewards: &[f64]| {
        Film::of(
            &episode(speed),
            title.into(),
            "rollouts/episode-0000.mcap, picked up by the handle.".into(),
            rewards.to_vec(),
        )
        .unwrap()
    };
    let curve = |i: usize| {
        let t = i as f64 / 300.0;
        (
            i,
            about(0.693 * (-1.8 * t).exp(), 0.03) as f32,
            about(0.95 - 0.45 * (-4.0 * t).exp(), 0.04) as f32,
            0.1312 * t.sqrt(),
        )
    };
    Material {
        folder: "runs/demo".into(),
        alignment: Some(AlignReport {
            steps: 300,
            pairs: 3120,
            beta: 48.0,
            drift: 0.1312,
            drift_budget: 0.25,
            stopped_by_budget: false,
            curve: (0..=15).map(|i| i * 20).map(curve).collect(),
        }),
        training_loss: (0..600)
            .map(|i| about(1.1 * (-f64::from(i) / 45.0).exp() + 0.035, 0.012).abs() as f32)
            .collect(),
        samples: 8960,
        eye_training: (0..40)
            .map(|i| 0.69 * (-f64::from(i) / 9.0).exp() + 0.02)
            .collect(),
        eye_validation: (0..40)
            .map(|i| 0.69 * (-f64::from(i) / 12.0).exp() + 0.08)
            .collect(),
        held_out,
        best_and_worst: vec![
            film("Highest reward: -0.096 \u{b1} 0.011", 1.0, &[-0.006; 16]),
            film(
                "Lowest reward: -0.512 \u{b1} 0.040",
                0.1,
                &[-0.01, -0.01, -0.012, -0.02, -0.03, -0.04, -0.04, -0.04],
            ),
        ],
        before_and_after: vec![
            film("Before alignment", 0.5, &[]),
            film("After alignment, same scene", 1.0, &[]),
        ],
        recordings: vec!["run.rrd".into()],
    }
}
