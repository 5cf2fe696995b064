//! A run that never was, to test the report with. Its numbers are made up.

use super::artefacts::Artefact;
use super::figures::{
    AlignmentFigures, Controls, Labels, PolicyFigures, Report, RewardFigures, SceneChanges,
    SingleFeature, StageSeconds,
};
use super::film_strip::FilmStrip;
use super::page_content::{Ending, PageContent, ScoredEpisode};
use super::task_words::TaskWords;
use apprentice_align::{AlignReport, ObjectiveTerm};
use apprentice_core::{Seed, sha256_bytes};
use apprentice_pipeline::outcomes::{EpisodeOutcome, GuardCounts};
use apprentice_pipeline::sample_episode::sample_episode;
use apprentice_pipeline::stages::STAGES;
use apprentice_reward::{Evidence, PanelRow, Score};
use apprentice_sim::{Outcome, TaskKind};
use apprentice_statistics::Proportion;
use rand::Rng as _;

/// Figures of a run that went well.
pub fn report() -> Report {
    let policy = |success, preferred| PolicyFigures {
        success: Proportion::new(success, 200),
        preferred: Proportion::new(preferred, success),
        preferred_of_all: Proportion::new(preferred, 200),
        unknown: 0,
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
        task: TaskKind::default().words().instruction.into(),
        words: TaskWords::default(),
        device: "cpu".into(),
        labels: Labels {
            rankings: 20,
            skipped: 0,
            comparisons: 74,
            unused: Default::default(),
            operators: vec!["simulated operator".into()],
            prefers: TaskKind::default().styles()[0].name.into(),
            error_rate: 0.0,
            shuffle: false,
        },
        stages: STAGES
            .iter()
            .zip([31.2, 142.0, 28.5, 0.02, 47.3, 66.0, 41.1, 48.9])
            .map(|(stage, seconds)| StageSeconds {
                name: stage.name.to_owned(),
                seconds,
                device: "cpu".into(),
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
        panel: vec![PanelRow {
            member: "kernel_bradley_terry (used)".into(),
            heldout_accuracy: Some(0.87),
            likelihood: Some(-0.31),
            absent: None,
        }],
        objective_terms: vec![ObjectiveTerm {
            name: "diffusion_dpo".into(),
            gradient_share: 0.4,
        }],
        guard: GuardCounts {
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

/// An episode of the first task that succeeded in this style, or failed.
pub fn ended(seed: u64, style: Option<usize>) -> EpisodeOutcome {
    let mut outcome = Outcome {
        success: Some(style.is_some()),
        ..Outcome::default()
    };
    let task = TaskKind::default();
    for (name, fact) in style.map_or(&[][..], |s| task.styles()[s].facts) {
        outcome.facts.put(*name, fact.clone());
    }
    EpisodeOutcome {
        id: "abc".into(),
        file: "episode-0000.mcap".into(),
        seed,
        guard: None,
        added: false,
        outcome: Some(outcome),
    }
}

/// Curves, scores and film_strips to go with [`report`].
pub fn content() -> PageContent {
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
            scored: Score {
                total: moments.iter().sum(),
                per_frame: moments,
                closest: Some(0),
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
        FilmStrip::of(
            &sample_episode(speed),
            title.into(),
            "rollouts/episode-0000.mcap, as it went.".into(),
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
    PageContent {
        on_robot: None,
        folder: "runs/demo".into(),
        named: Vec::new(),
        alignment: Some(AlignReport {
            steps: 300,
            pairs: 3120,
            drift: 0.1312,
            noise_drift: Some(0.0412),
            sampled: None,
            objective_terms: Vec::new(),
            drift_budget: 0.25,
            stopped_by_budget: false,
            curve: (0..=15).map(|i| i * 20).map(curve).collect(),
            facts: [("beta".to_owned(), 48.0)].into(),
        }),
        training_loss: (0..600)
            .map(|i| about(1.1 * (-f64::from(i) / 45.0).exp() + 0.035, 0.012).abs() as f32)
            .collect(),
        samples: 8960,
        encoder_training: (0..40)
            .map(|i| 0.69 * (-f64::from(i) / 9.0).exp() + 0.02)
            .collect(),
        encoder_validation: (0..40)
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
