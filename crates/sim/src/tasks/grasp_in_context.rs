//! Pick up a mug by the side that fits what stands beside it: by the handle beside a can, by the rim beside a brick.
//!
//! How the mug is held says nothing of itself; only together with what is seen does it say what is preferred.

pub mod neighbour;

use crate::{
    body::Body,
    config::in_range,
    error::Result,
    expert::Expert,
    expert_config::ExpertConfig,
    facts::{Fact, FactInfo, Facts},
    outcome::NOTHING,
    scene::Scene,
    task::{Style, Task, Words},
    tasks::pick_up_mug::{MUG, PickUpMug, grasp::Grasp},
};
use apprentice_core::Seed;
use nalgebra::Isometry3;
use neighbour::Neighbour;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// What stands beside the mug, among the bodies of the scene.
pub const NEIGHBOUR: usize = 1;

const FITTING: &str = "fitting";
const UNFITTING: &str = "unfitting";

static STYLES: [Style; 2] = [
    Style {
        name: FITTING,
        way: "by the side that fits what stands beside it",
        facts: &[("side", Fact::name(FITTING))],
    },
    Style {
        name: UNFITTING,
        way: "by the side that does not fit what stands beside it",
        facts: &[("side", Fact::name(UNFITTING))],
    },
];

static FACTS: [FactInfo; 6] = [
    FactInfo {
        name: "side",
        unit: "",
        about: "Whether the grasp is the handle beside a can, the rim beside a brick.",
        names: &[FITTING, UNFITTING, NOTHING],
    },
    FactInfo {
        name: "grasp",
        unit: "",
        about: "What the fingers hold, or held last.",
        names: &Grasp::NAMES,
    },
    FactInfo {
        name: "beside",
        unit: "",
        about: "What stands beside the mug.",
        names: &Neighbour::NAMES,
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
    FactInfo::number(
        "beside_moved_m",
        "m",
        "How far what stands beside the mug is from where it stood, at the end.",
    ),
];

/// The task's settings. Every key has a default; unknown keys are refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GraspInContext {
    /// Where the mug may stand along x of the base frame, metres, lowest and highest.
    pub mug_x_m: [f64; 2],
    /// Where the mug may stand along y of the base frame, metres, lowest and highest.
    pub mug_y_m: [f64; 2],
    /// Middle of the directions the handle may point in, degrees about z from x of the base frame.
    pub handle_direction_deg: f64,
    /// How far the handle's direction may lie from that middle, degrees (0 to 75).
    pub handle_spread_deg: f64,
    /// How far from the mug's axis its neighbour may stand, metres, nearest and farthest (0.09 to 0.2).
    pub beside_m: [f64; 2],
    /// The task is done while the mug is held at least this high above where it stood, metres.
    pub success_lift_m: f64,
    /// Height of the tool at which an expert holds the mug in the end, metres.
    pub lift_m: f64,
    /// How experts move.
    pub expert: ExpertConfig,
}

impl Default for GraspInContext {
    fn default() -> Self {
        let mug = PickUpMug::default();
        Self {
            mug_x_m: mug.mug_x_m,
            mug_y_m: mug.mug_y_m,
            handle_direction_deg: mug.handle_direction_deg,
            handle_spread_deg: mug.handle_spread_deg,
            beside_m: [0.10, 0.13],
            success_lift_m: mug.success_lift_m,
            lift_m: mug.lift_m,
            expert: mug.expert,
        }
    }
}

impl GraspInContext {
    /// The mug alone, with these settings.
    fn mug(&self) -> PickUpMug {
        PickUpMug {
            mug_x_m: self.mug_x_m,
            mug_y_m: self.mug_y_m,
            handle_direction_deg: self.handle_direction_deg,
            handle_spread_deg: self.handle_spread_deg,
            success_lift_m: self.success_lift_m,
            lift_m: self.lift_m,
            expert: self.expert.clone(),
        }
    }
}

/// What stands beside the mug.
fn beside(scene: &Scene) -> Option<Neighbour> {
    Neighbour::named(scene.bodies.get(NEIGHBOUR)?.name)
}

impl Task for GraspInContext {
    fn validate(&self) -> Result<()> {
        let range = |end| {
            in_range(
                "task",
                "beside_m",
                end,
                [0.09, 0.2],
                ("m", "0.09 to 0.2, nearest first"),
            )
        };
        let [nearest, farthest] = self.beside_m;
        range(nearest)?;
        range(farthest)?;
        // Out of order, the nearest is what is wrong.
        range(if nearest <= farthest {
            nearest
        } else {
            f64::NAN
        })?;
        self.mug().validate()
    }

    fn words(&self) -> Words {
        Words {
            scenes: "One mug with a can or a brick beside it, one table, two cameras, one light; scenes differ in what \
                     stands beside the mug and on which side, where the mug stands, how it is turned and how the arm \
                     starts.",
            ..self.mug().words()
        }
    }

    fn styles(&self) -> &'static [Style] {
        &STYLES
    }

    fn facts(&self) -> &'static [FactInfo] {
        &FACTS
    }

    fn reset(&self, rng: &mut ChaCha8Rng) -> Vec<Body> {
        let mut bodies = self.mug().reset(rng);
        let mut between = |[low, high]: [f64; 2]| low + (high - low) * rng.random::<f64>();
        let kind = if between([0.0, 1.0]) < 0.5 {
            Neighbour::Can
        } else {
            Neighbour::Brick
        };
        let side = if between([0.0, 1.0]) < 0.5 { 1.0 } else { -1.0 };
        let y = side * between(self.beside_m);
        let (x, turn) = (between([-0.03, 0.03]), between([-0.6, 0.6]));
        let mug = bodies
            .first()
            .map_or_else(Isometry3::identity, |body| body.pose);
        bodies.push(kind.body(mug.translation.x + x, mug.translation.y + y, turn));
        bodies
    }

    fn measure(&self, scene: &Scene, facts: &mut Facts) -> Option<bool> {
        let success = self.mug().measure(scene, facts);
        let beside = beside(scene)?;
        let fits = beside.fits().name();
        let side = match scene.last_held.filter(|hold| hold.body == MUG) {
            Some(hold) => match Grasp::from_touches(hold.touches) {
                Grasp::Body => NOTHING,
                grasp if grasp.name() == fits => FITTING,
                _ => UNFITTING,
            },
            None => NOTHING,
        };
        facts.set_name("side", side);
        facts.set_name("beside", beside.name());
        if let Some(body) = scene.bodies.get(NEIGHBOUR) {
            let way = body.pose.translation.vector - body.start.translation.vector;
            facts.set("beside_moved_m", way.norm());
        }
        success
    }

    fn expert(
        &self,
        style: usize,
        scene: &Scene,
        tool: &Isometry3<f64>,
        seed: Seed,
    ) -> Box<dyn Expert> {
        let fits = beside(scene).map_or(Grasp::Handle, Neighbour::fits);
        let by_handle = (fits == Grasp::Handle) == (style == 0);
        self.mug()
            .expert(usize::from(!by_handle), scene, tool, seed)
    }
}
