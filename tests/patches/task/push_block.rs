//! Push a block onto a mat, with closed fingers or with the hand half open.

use crate::{
    body::Body,
    config::{in_range, interval},
    disturbance::Disturbance,
    error::Result,
    expert::{Expert, ExpertStep},
    expert_config::ExpertConfig,
    facts::{Fact, FactInfo, Facts},
    motion::{down, nearest, towards, yaw_of},
    outcome::NOTHING,
    scene::Scene,
    task::{Style, Task, Words},
};
use apprentice_core::{CartesianAction, Seed};
use nalgebra::{Isometry3, Translation3};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// Half the length of the block's edges, metres.
const HALF: f64 = 0.025;
/// Opening of the fingers in each style, metres.
const WIDTHS: [f64; 2] = [0.0, 0.03];

static STYLES: [Style; 2] = [
    Style {
        name: "closed",
        way: "with closed fingers",
        facts: &[("hand", Fact::name("closed"))],
    },
    Style {
        name: "open",
        way: "with the hand half open",
        facts: &[("hand", Fact::name("open"))],
    },
];

static FACTS: [FactInfo; 2] = [
    FactInfo {
        name: "hand",
        unit: "",
        about: "How the hand was when it first touched the block.",
        names: &["closed", "open", NOTHING],
    },
    FactInfo::number(
        "off_m",
        "m",
        "Distance of block and mat along x, at the end.",
    ),
];

/// The task's settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PushBlock {
    /// Where the block may lie along y, metres, lowest and highest.
    pub block_y_m: [f64; 2],
    /// Where the middle of the mat is along x, metres.
    pub mat_x_m: f64,
    /// How experts move.
    pub expert: ExpertConfig,
}

impl Default for PushBlock {
    fn default() -> Self {
        Self {
            block_y_m: [-0.1, 0.1],
            mat_x_m: 0.56,
            expert: ExpertConfig::default(),
        }
    }
}

impl Task for PushBlock {
    fn validate(&self) -> Result<()> {
        interval("block_y_m", self.block_y_m)?;
        in_range(
            "task",
            "mat_x_m",
            self.mat_x_m,
            [0.52, 0.65],
            ("m", "0.52 to 0.65"),
        )?;
        self.expert.validate()
    }

    fn words(&self) -> Words {
        Words {
            instruction: "push the block onto the mat",
            object: "the block",
            take: "push",
            taken: "pushed",
            done: "pushed onto the mat",
            scenes: "One block, one mat; scenes differ in where the block lies and how the arm starts.",
        }
    }

    fn styles(&self) -> &'static [Style] {
        &STYLES
    }

    fn facts(&self) -> &'static [FactInfo] {
        &FACTS
    }

    fn reset(&self, rng: &mut ChaCha8Rng) -> Vec<Body> {
        let y = rng.random_range(self.block_y_m[0]..=self.block_y_m[1]);
        let mat = Translation3::new(self.mat_x_m, 0.0, 0.001).into();
        vec![
            Body::block(
                "block",
                Translation3::new(0.42, y, HALF).into(),
                [HALF; 3],
                [40, 90, 200],
            ),
            Body::drawn("mat", mat, [0.05, 0.15, 0.0005], [60, 140, 80]),
        ]
    }

    fn measure(&self, scene: &Scene, facts: &mut Facts) -> Option<bool> {
        let block = scene.bodies.first()?;
        let off = (block.pose.translation.x - self.mat_x_m).abs();
        facts.set("off_m", off);
        if facts.name("hand").is_none_or(|hand| hand == NOTHING) {
            let how = if scene.width_m < 0.5 * WIDTHS[1] {
                "closed"
            } else {
                "open"
            };
            facts.set_name(
                "hand",
                if block.contact_force_n > 0.0 {
                    how
                } else {
                    NOTHING
                },
            );
        }
        Some(off < 0.05)
    }

    fn expert(
        &self,
        style: usize,
        scene: &Scene,
        tool: &Isometry3<f64>,
        seed: Seed,
    ) -> Box<dyn Expert> {
        let block = scene.pose(0).translation.vector;
        let turn = down(nearest(0.0, yaw_of(tool)));
        let at = |x: f64, z: f64| Isometry3::from_parts(Translation3::new(x, block.y, z), turn);
        let behind = block.x - HALF - 0.05;
        let goals = [
            at(behind, 0.12),
            at(behind, 0.03),
            at(self.mat_x_m - HALF - 0.01, 0.03),
        ];
        let (config, width) = (self.expert.clone(), WIDTHS[style.min(1)]);
        Box::new(Push {
            goals,
            width,
            next: 0,
            held: 0,
            disturbance: Disturbance::new(&config, seed),
            config,
        })
    }
}

/// Goes behind the block, down, and ahead.
#[derive(Debug)]
struct Push {
    goals: [Isometry3<f64>; 3],
    width: f64,
    next: usize,
    held: u32,
    disturbance: Disturbance,
    config: ExpertConfig,
}

impl Expert for Push {
    fn act(&mut self, tool: &Isometry3<f64>, _: f64, _: &Scene) -> ExpertStep {
        let gap = (tool.translation.vector - self.goals[self.next].translation.vector).norm();
        let there = gap < 0.01;
        self.held += u32::from(there && self.next == 2);
        self.next = (self.next + usize::from(there)).min(2);
        let speed =
            [self.config.speed_m_s, self.config.careful_speed_m_s][usize::from(self.next > 0)];
        let pose = towards(tool, &self.goals[self.next], speed, &self.config);
        // Nothing disturbs it near the block.
        let share = if self.next == 0 {
            (5.0 * gap).min(1.0)
        } else {
            0.0
        };
        let action = |pose| CartesianAction {
            pose,
            gripper_width: self.width,
        };
        let executed = action(self.disturbance.disturb(&pose, share, share));
        ExpertStep {
            label: action(pose),
            executed,
            done: self.held > self.config.hold_ticks,
        }
    }
}
