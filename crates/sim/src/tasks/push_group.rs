//! Push two blocks into a goal region: together or one by one, after the Franka Group task of the public code behind
//! RAPL (github.com/thomasrantian/mvp), mirrored so that the arm pushes away from its base at the origin.
//!
//! Both ways take two strokes with the hand opened as wide, and end alike: the blocks side by side in the region. What
//! differs is how far apart the blocks were when the first of them went in.

pub mod layout;
pub mod strokes;

use crate::{
    body::Body,
    config::{in_range, interval},
    error::Result,
    expert::Expert,
    expert_config::ExpertConfig,
    facts::{Fact, FactInfo, Facts},
    outcome::NOTHING,
    scene::Scene,
    task::{Style, Task, Words},
};
use apprentice_core::Seed;
use layout::{FAR, HALF, NEAR, REGION, REGION_HALF};
use nalgebra::{Isometry3, Translation3};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use strokes::Strokes;

/// Distance of the blocks up to which they go in together, metres.
pub const GROUPED_M: f64 = 0.085;

const TOGETHER: &str = "together";
const ONE_BY_ONE: &str = "one_by_one";

static STYLES: [Style; 2] = [
    Style {
        name: TOGETHER,
        way: "together",
        facts: &[("entry", Fact::name(TOGETHER))],
    },
    Style {
        name: ONE_BY_ONE,
        way: "one by one",
        facts: &[("entry", Fact::name(ONE_BY_ONE))],
    },
];

static FACTS: [FactInfo; 6] = [
    FactInfo {
        name: "entry",
        unit: "",
        about: "How the blocks went into the region: together where they were at most 85 mm apart when the first did.",
        names: &[TOGETHER, ONE_BY_ONE, NOTHING],
    },
    FactInfo {
        name: "first",
        unit: "",
        about: "Which block was the first to go in, by where it stood when the scene began.",
        names: &["near", "far", NOTHING],
    },
    FactInfo::number(
        "spread_at_entry_m",
        "m",
        "Distance of the blocks' middles on the table when the first went in; until then, as it is.",
    ),
    FactInfo::number(
        "spread_m",
        "m",
        "Distance of the blocks' middles on the table, at the end.",
    ),
    FactInfo::number(
        "entry_gap_s",
        "s",
        "Time between the two going in; until the second does, time since the first did.",
    ),
    FactInfo::number(
        "short_m",
        "m",
        "How far the block that lags most is from the region along x, at the end; negative inside.",
    ),
];

/// The task's settings. Every key has a default; unknown keys are refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PushGroup {
    /// Where the near block may stand along x of the base frame, metres, lowest and highest.
    pub near_x_m: [f64; 2],
    /// Where the far block may stand along x, metres, lowest and highest.
    pub far_x_m: [f64; 2],
    /// Where the middle between both may be along y, metres, lowest and highest.
    pub middle_y_m: [f64; 2],
    /// How far apart both may be along y, metres, lowest and highest (0.055 to 0.08); which is left is drawn.
    pub apart_m: [f64; 2],
    /// Where the region may begin along x, metres, lowest and highest.
    pub region_x_m: [f64; 2],
    /// How experts move.
    pub expert: ExpertConfig,
}

impl Default for PushGroup {
    fn default() -> Self {
        Self {
            near_x_m: [0.35, 0.39],
            far_x_m: [0.43, 0.46],
            middle_y_m: [-0.06, 0.06],
            apart_m: [0.060, 0.070],
            region_x_m: [0.52, 0.55],
            expert: ExpertConfig {
                speed_m_s: 0.20,
                careful_speed_m_s: 0.14,
                knock_m: 0.02,
                ..ExpertConfig::default()
            },
        }
    }
}

impl Task for PushGroup {
    fn validate(&self) -> Result<()> {
        interval("near_x_m", self.near_x_m)?;
        interval("far_x_m", self.far_x_m)?;
        interval("middle_y_m", self.middle_y_m)?;
        interval("region_x_m", self.region_x_m)?;
        for apart in self.apart_m {
            in_range(
                "task",
                "apart_m",
                apart,
                [0.055, 0.08],
                ("m", "0.055 to 0.08"),
            )?;
        }
        interval("apart_m", self.apart_m)?;
        self.expert.validate()
    }

    fn words(&self) -> Words {
        Words {
            instruction: "push both blocks into the blue region",
            object: "the pair of blocks",
            take: "push",
            taken: "pushed",
            done: "pushed into the region",
            scenes: "Two blocks, one region, one table, two cameras, one light; scenes differ in where the blocks stand, \
                     which is left, where the region begins and how the arm starts.",
        }
    }

    fn styles(&self) -> &'static [Style] {
        &STYLES
    }

    fn facts(&self) -> &'static [FactInfo] {
        &FACTS
    }

    fn reset(&self, rng: &mut ChaCha8Rng) -> Vec<Body> {
        let mut between = |[low, high]: [f64; 2]| low + (high - low) * rng.random::<f64>();
        let x = [between(self.near_x_m), between(self.far_x_m)];
        let (middle, region) = (between(self.middle_y_m), between(self.region_x_m));
        let side = if between([0.0, 1.0]) < 0.5 { 0.5 } else { -0.5 };
        let y = side * between(self.apart_m);
        let block = |index: usize, name, y: f64, colour| {
            let at = Translation3::new(x[index], middle + y, HALF[index][2]);
            Body::block(name, at.into(), HALF[index], colour)
        };
        // High enough over the table top and shadows to be drawn whole.
        let at = Translation3::new(region + REGION_HALF, 0.0, 0.002);
        vec![
            block(NEAR, "near block", y, [206, 40, 44]),
            block(FAR, "far block", -y, [24, 148, 96]),
            Body::drawn(
                "region",
                at.into(),
                [REGION_HALF, 0.30, 0.002],
                [100, 159, 255],
            ),
        ]
    }

    fn measure(&self, scene: &Scene, facts: &mut Facts) -> Option<bool> {
        let edge = scene.pose(REGION).translation.x - REGION_HALF;
        let at = [NEAR, FAR].map(|block| scene.pose(block).translation.vector);
        let spread = (at[0] - at[1]).xy().norm();
        let inside = at.map(|block| block.x >= edge);
        let short = at.map(|block| edge - block.x);
        facts.set("spread_m", spread);
        facts.set("short_m", short[0].max(short[1]));
        let begun = facts.name("first").is_some_and(|first| first != NOTHING);
        if !begun {
            facts.set("spread_at_entry_m", spread);
            facts.set("entry_gap_s", 0.0);
            let (entry, first) = match inside {
                [false, false] => (NOTHING, NOTHING),
                [near, _] => (
                    if spread <= GROUPED_M {
                        TOGETHER
                    } else {
                        ONE_BY_ONE
                    },
                    if near { "near" } else { "far" },
                ),
            };
            facts.set_name("entry", entry);
            facts.set_name("first", first);
            if first != NOTHING {
                facts.set("entry_gap_s", -scene.time_s);
            }
        }
        // A time below zero is that of the first entry, kept until the second.
        if let Some(gap) = facts.number("entry_gap_s").filter(|gap| *gap < 0.0)
            && inside == [true, true]
        {
            facts.set("entry_gap_s", scene.time_s + gap);
        }
        Some(inside == [true, true])
    }

    fn expert(
        &self,
        style: usize,
        scene: &Scene,
        tool: &Isometry3<f64>,
        seed: Seed,
    ) -> Box<dyn Expert> {
        Box::new(Strokes::new(
            style == 0,
            scene,
            tool,
            self.expert.clone(),
            seed,
        ))
    }
}
