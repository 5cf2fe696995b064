//! Carry a cup past a glass onto a coaster, held by friction between the fingers.
//!
//! What is preferred is a manner: well clear of the glass, level, and without haste. A demonstration that is not of
//! this manner fails in one of the three, so that none of them alone tells.

pub mod carry;
pub mod crockery;

use crate::{
    body::Body,
    config::{in_range, interval},
    error::Result,
    expert::Expert,
    expert_config::ExpertConfig,
    facts::{Fact, FactInfo, Facts},
    outcome::NOTHING,
    scene::{Holding, Scene},
    task::{Style, Task, Words},
};
use apprentice_core::Seed;
use carry::Carry;
use crockery::{COASTER, CUP, CUP_RADIUS, GLASS, GLASS_RADIUS, Places};
use nalgebra::{Isometry3, Vector3};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// How far above where it stood the cup counts as carried, metres.
const CARRIED_M: f64 = 0.008;
/// How far from the middle of the coaster the cup may stand, metres.
const OFF_M: f64 = 0.04;
/// Tilt from which a vessel does not stand any more, degrees.
const TOPPLED_DEG: f64 = 20.0;
/// Least clearance of the careful manner, metres.
pub const CLEAR_M: f64 = 0.030;
/// Most tilt of the careful manner, degrees.
pub const LEVEL_DEG: f64 = 10.0;
/// Shortest time of carrying in the careful manner, seconds.
pub const UNHURRIED_S: f64 = 2.2;

const CAREFUL: &str = "careful";
const CARELESS: &str = "careless";

static STYLES: [Style; 2] = [
    Style {
        name: CAREFUL,
        way: "with care: clear of the glass, level and without haste",
        facts: &[("manner", Fact::name(CAREFUL))],
    },
    Style {
        name: CARELESS,
        way: "carelessly: near the glass, tilted or in haste",
        facts: &[("manner", Fact::name(CARELESS))],
    },
];

static FACTS: [FactInfo; 6] = [
    FactInfo {
        name: "manner",
        unit: "",
        about: "Careful where the cup was carried at least 30 mm clear of the glass, tilted by at most 10 degrees, for at \
                least 2.2 s.",
        names: &[CAREFUL, CARELESS, NOTHING],
    },
    FactInfo::number(
        "clearance_m",
        "m",
        "Smallest gap between the walls of cup and glass, on the table's plane, while the cup was carried or stood where \
         it began.",
    ),
    FactInfo::number(
        "tilt_deg",
        "deg",
        "Largest tilt of the cup while it was carried.",
    ),
    FactInfo::number(
        "carry_s",
        "s",
        "Time from when the cup was first lifted until it last came off the table's height; 0 where it never was.",
    ),
    FactInfo::number(
        "lifted_at_s",
        "s",
        "When the cup was first lifted; -1 where it never was.",
    ),
    FactInfo::number(
        "off_m",
        "m",
        "Distance of cup and coaster on the table, at the end.",
    ),
];

/// The task's settings. Every key has a default; unknown keys are refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CarryCup {
    /// Where cup, glass and coaster may stand along x of the base frame, metres, lowest and highest.
    pub row_x_m: [f64; 2],
    /// How far along x the glass may stand from the line between cup and coaster, metres.
    pub glass_aside_m: f64,
    /// How far to the sides cup and coaster stand along y, metres, nearest and farthest.
    pub side_y_m: [f64; 2],
    /// Things on the table that do not matter (0 to 4).
    pub distractors: u32,
    /// How experts move.
    pub expert: ExpertConfig,
}

impl Default for CarryCup {
    fn default() -> Self {
        Self {
            row_x_m: [0.46, 0.52],
            glass_aside_m: 0.03,
            side_y_m: [0.12, 0.15],
            distractors: 2,
            expert: ExpertConfig {
                speed_m_s: 0.20,
                knock_m: 0.02,
                knock_rad: 0.3,
                ..ExpertConfig::default()
            },
        }
    }
}

fn tilt_deg(pose: &Isometry3<f64>) -> f64 {
    (pose.rotation * Vector3::z())
        .angle(&Vector3::z())
        .to_degrees()
}

impl Task for CarryCup {
    fn validate(&self) -> Result<()> {
        interval("row_x_m", self.row_x_m)?;
        interval("side_y_m", self.side_y_m)?;
        in_range(
            "task",
            "glass_aside_m",
            self.glass_aside_m,
            [0.0, 0.05],
            ("m", "0 to 0.05"),
        )?;
        in_range(
            "task",
            "distractors",
            f64::from(self.distractors),
            [0.0, 4.0],
            ("", "0 to 4"),
        )?;
        self.expert.validate()
    }

    fn words(&self) -> Words {
        Words {
            instruction: "carry the cup past the glass onto the coaster",
            object: "the cup",
            take: "carry",
            taken: "carried",
            done: "set down on the coaster",
            scenes: "One cup, one glass, one coaster and things that do not matter on one table, two cameras, one light; \
                     scenes differ in where all stand, in their colours and in how the arm starts.",
        }
    }

    fn styles(&self) -> &'static [Style] {
        &STYLES
    }

    fn facts(&self) -> &'static [FactInfo] {
        &FACTS
    }

    fn holding(&self) -> Holding {
        Holding::Friction
    }

    fn reset(&self, rng: &mut ChaCha8Rng) -> Vec<Body> {
        let places = Places {
            row_x_m: self.row_x_m,
            glass_aside_m: self.glass_aside_m,
            side_y_m: self.side_y_m,
            distractors: self.distractors,
        };
        crockery::laid_out(&places, rng)
    }

    fn measure(&self, scene: &Scene, facts: &mut Facts) -> Option<bool> {
        let [cup, glass, coaster] = [CUP, GLASS, COASTER].map(|body| scene.pose(body));
        let gap = |a: &Isometry3<f64>, b: &Isometry3<f64>| {
            (a.translation.vector - b.translation.vector).xy().norm()
        };
        let carried = scene.lifted_m(CUP) > CARRIED_M;
        let lifted_at = match facts.number("lifted_at_s").filter(|at| *at >= 0.0) {
            Some(at) => at,
            None if carried => scene.time_s,
            None => -1.0,
        };
        facts.set("lifted_at_s", lifted_at);
        let off = gap(&cup, &coaster);
        facts.set("off_m", off);
        facts.peak("tilt_deg", 0.0);
        facts.peak("carry_s", 0.0);
        let clearance = gap(&cup, &glass) - CUP_RADIUS - GLASS_RADIUS;
        if carried || lifted_at < 0.0 {
            facts.lowest("clearance_m", clearance);
        }
        if carried {
            facts.peak("tilt_deg", tilt_deg(&cup));
            facts.peak("carry_s", scene.time_s - lifted_at);
        }
        let number = |name| facts.number(name).unwrap_or(0.0);
        let careful = number("clearance_m") >= CLEAR_M
            && number("tilt_deg") <= LEVEL_DEG
            && number("carry_s") >= UNHURRIED_S;
        let manner = match (lifted_at < 0.0, careful) {
            (true, _) => NOTHING,
            (false, true) => CAREFUL,
            (false, false) => CARELESS,
        };
        facts.set_name("manner", manner);
        let stands = |pose: &Isometry3<f64>| tilt_deg(pose) < TOPPLED_DEG;
        let down = scene.lifted_m(CUP).abs() < CARRIED_M && scene.held.is_none();
        Some(off < OFF_M && down && stands(&cup) && stands(&glass))
    }

    fn expert(
        &self,
        style: usize,
        scene: &Scene,
        tool: &Isometry3<f64>,
        seed: Seed,
    ) -> Box<dyn Expert> {
        Box::new(Carry::new(
            style == 0,
            scene,
            tool,
            self.expert.clone(),
            seed,
        ))
    }
}
