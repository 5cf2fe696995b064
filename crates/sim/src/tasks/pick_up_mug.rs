//! Pick up a mug: by its handle or by its rim.

pub mod grasp;
pub mod grasp_pose;
pub mod mug;

use crate::{
    body::Body,
    config::{in_range, interval},
    error::Result,
    expert::Expert,
    expert_config::ExpertConfig,
    facts::{Fact, FactInfo, Facts},
    outcome::{NOTHING, Outcome},
    pick_and_lift::PickAndLift,
    scene::Scene,
    task::{Style, Task, Words},
};
use apprentice_core::Seed;
use grasp::Grasp;
use nalgebra::{Isometry3, Translation3, UnitQuaternion, Vector3};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// The mug among the bodies of the scene.
pub const MUG: usize = 0;

static STYLES: [Style; 2] = [
    Style {
        name: Grasp::Handle.name(),
        way: "by the handle",
        facts: &[("grasp", Fact::name(Grasp::Handle.name()))],
    },
    Style {
        name: Grasp::Rim.name(),
        way: "by the rim",
        facts: &[("grasp", Fact::name(Grasp::Rim.name()))],
    },
];

static FACTS: [FactInfo; 3] = [
    FactInfo {
        name: "grasp",
        unit: "",
        about: "What the fingers hold, or held last.",
        names: &Grasp::NAMES,
    },
    FactInfo::number(
        "lifted_m",
        "m",
        "Height of the mug over where it stood, at the end.",
    ),
    FactInfo::number(
        "peak_lift_m",
        "m",
        "Largest height of the mug over where it stood.",
    ),
];

/// The task's settings. Every key has a default; unknown keys are refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PickUpMug {
    /// Where the mug may stand along x of the base frame, metres, lowest and highest.
    pub mug_x_m: [f64; 2],
    /// Where the mug may stand along y of the base frame, metres, lowest and highest.
    pub mug_y_m: [f64; 2],
    /// Middle of the directions the handle may point in, degrees about z from x of the base frame.
    pub handle_direction_deg: f64,
    /// How far the handle's direction may lie from that middle, degrees (0 to 75).
    pub handle_spread_deg: f64,
    /// The task is done while the mug is held at least this high above where it stood, metres.
    pub success_lift_m: f64,
    /// Height of the tool at which an expert holds the mug in the end, metres.
    pub lift_m: f64,
    /// How experts move.
    pub expert: ExpertConfig,
}

impl Default for PickUpMug {
    fn default() -> Self {
        Self {
            mug_x_m: [0.44, 0.56],
            mug_y_m: [-0.10, 0.10],
            handle_direction_deg: 0.0,
            handle_spread_deg: 30.0,
            success_lift_m: 0.10,
            lift_m: 0.22,
            expert: ExpertConfig::default(),
        }
    }
}

impl PickUpMug {
    /// The tool pose (base frame) at which an expert of this style closes the fingers.
    #[must_use]
    pub fn grasp_pose(&self, style: usize, scene: &Scene, tool: &Isometry3<f64>) -> Isometry3<f64> {
        let grasp = [Grasp::Handle, Grasp::Rim][style.min(1)];
        let nominal = self.handle_direction_deg.to_radians();
        grasp_pose::grasp_pose(grasp, &scene.pose(MUG), nominal, tool).unwrap_or(*tool)
    }
}

impl Task for PickUpMug {
    fn validate(&self) -> Result<()> {
        interval("mug_x_m", self.mug_x_m)?;
        interval("mug_y_m", self.mug_y_m)?;
        let ranges = [
            (
                "handle_direction_deg",
                self.handle_direction_deg,
                [-180.0, 180.0],
                ("deg", "-180 to 180"),
            ),
            (
                "handle_spread_deg",
                self.handle_spread_deg,
                [0.0, 75.0],
                ("deg", "0 to 75"),
            ),
            (
                "success_lift_m",
                self.success_lift_m,
                [0.01, 0.5],
                ("m", "0.01 to 0.5"),
            ),
            ("lift_m", self.lift_m, [0.0, 1.0], ("m", "0 to 1")),
        ];
        for (key, got, range, words) in ranges {
            in_range("task", key, got, range, words)?;
        }
        self.expert.validate()
    }

    fn words(&self) -> Words {
        Words {
            instruction: "pick up the mug",
            object: "the mug",
            take: "take",
            taken: "taken",
            done: "picked up",
            scenes: "One mug, one table, two cameras, one light; scenes differ in where the mug stands, how it is \
                     turned and how the arm starts.",
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
        let (x, y) = (between(self.mug_x_m), between(self.mug_y_m));
        let spread = self.handle_spread_deg;
        let direction = (self.handle_direction_deg + between([-spread, spread])).to_radians();
        vec![mug::body(Isometry3::from_parts(
            Translation3::new(x, y, 0.0),
            UnitQuaternion::from_axis_angle(&Vector3::z_axis(), direction),
        ))]
    }

    fn measure(&self, scene: &Scene, facts: &mut Facts) -> Option<bool> {
        let lifted = scene.lifted_m(MUG);
        let grasp = scene
            .last_held
            .map_or(NOTHING, |h| Grasp::from_touches(h.touches).name());
        facts.set_name("grasp", grasp);
        facts.set("lifted_m", lifted);
        facts.peak("peak_lift_m", lifted);
        Some(scene.holds(MUG) && lifted >= self.success_lift_m)
    }

    fn expert(
        &self,
        style: usize,
        scene: &Scene,
        tool: &Isometry3<f64>,
        seed: Seed,
    ) -> Box<dyn Expert> {
        let grasp = self.grasp_pose(style, scene, tool);
        Box::new(PickAndLift::new(
            grasp,
            self.lift_m,
            self.expert.clone(),
            seed,
        ))
    }

    fn describe(&self, outcome: &Outcome) -> String {
        let done = self.words().done;
        match (outcome.success, self.style_of(outcome)) {
            (Some(true), Some(style)) => format!("{done} {}", STYLES[style.min(1)].way),
            (Some(true), None) => format!("{done} around the body"),
            (Some(false), _) => format!("not {done}"),
            (None, _) => format!("not known whether {done}"),
        }
    }
}
