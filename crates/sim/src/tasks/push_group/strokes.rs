//! Two strokes of an open hand that bring two blocks into the region.

use super::layout::{FAR, NEAR, REGION, REGION_HALF};
use crate::{
    disturbance::Disturbance,
    expert::{Expert, ExpertStep},
    expert_config::ExpertConfig,
    hand,
    motion::{down, nearest, towards, yaw_of},
    scene::Scene,
};
use apprentice_core::{CartesianAction, Seed};
use nalgebra::{Isometry3, Translation3, UnitQuaternion, Vector3};
use rand::Rng;

/// Opening of the fingers: too narrow for a block to slip in between, wide enough to push two side by side.
pub const WIDTH_M: f64 = 0.036;
/// Distance of tool and middle of a block when the fingers touch it from behind, metres.
const TOUCH_M: f64 = 0.025 + hand::FINGER_HALF[0];
/// Height of the tool while it pushes.
const LOW_M: f64 = 0.022;
/// Height of the tool on its way to a block.
const HIGH_M: f64 = 0.12;
/// How much higher the tool goes between strokes than it pushes.
const RISE_M: f64 = 0.025;
/// How far behind a block the tool comes down, metres.
const BEHIND_M: f64 = 0.035;
/// How far into the region blocks are pushed, metres.
const INSIDE_M: f64 = 0.045;

/// How far the hand goes back in the end, metres, lowest and highest.
const WITHDRAW_M: [f64; 2] = [0.02, 0.10];
/// Speed between strokes as a share of that of the way there, lowest and highest.
const BETWEEN: [f64; 2] = [0.45, 0.75];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Comes down behind the block of the stroke.
    Behind,
    /// Pushes it.
    Push,
    /// Goes back up.
    Back,
    /// Is done, and lets go of the blocks.
    Withdraw,
}

/// In what demonstrations differ whatever their style, as a person's do; without it a hair's breadth in height or
/// speed would say which style it was.
#[derive(Clone, Copy, Debug)]
struct Manner {
    /// Speed of approach and strokes, as a share of the usual.
    tempo: f64,
    /// Speed between strokes, as a share of the usual.
    between: f64,
    /// Height while it pushes, metres.
    low_m: f64,
    /// How far the hand is turned about its axes, rad.
    turn_rad: [f64; 3],
    /// How far into the region blocks are pushed, metres.
    inside_m: f64,
    /// How far the hand goes back in the end, metres.
    withdraw_m: f64,
}

impl Manner {
    fn draw(seed: Seed) -> Self {
        let mut rng = seed.derive("manner", 0).rng();
        let mut between = |[low, high]: [f64; 2]| rng.random_range(low..high);
        Self {
            tempo: between([0.8, 1.2]),
            between: between(BETWEEN),
            low_m: LOW_M + between([-0.006, 0.014]),
            turn_rad: [0.03, 0.03, 0.08].map(|most| between([-most, most])),
            inside_m: INSIDE_M + between([-0.01, 0.01]),
            withdraw_m: between(WITHDRAW_M),
        }
    }
}

/// Pushes the near block level with the far one and then both on; or one into the region and then the other.
#[derive(Debug)]
pub struct Strokes {
    together: bool,
    turn: UnitQuaternion<f64>,
    phase: Phase,
    second: bool,
    held: u32,
    manner: Manner,
    disturbance: Disturbance,
    config: ExpertConfig,
}

impl Strokes {
    /// A demonstration for an arm whose tool is at `tool`, base frame.
    #[must_use]
    pub fn new(
        together: bool,
        _: &Scene,
        tool: &Isometry3<f64>,
        config: ExpertConfig,
        seed: Seed,
    ) -> Self {
        let manner = Manner::draw(seed);
        Self {
            together,
            turn: down(nearest(0.0, yaw_of(tool)))
                * UnitQuaternion::from_scaled_axis(manner.turn_rad.into()),
            phase: Phase::Behind,
            second: false,
            held: 0,
            manner,
            disturbance: Disturbance::new(&config, seed),
            config,
        }
    }

    /// Where the stroke begins and ends for the tool, base frame, heights left out.
    fn stroke(&self, scene: &Scene) -> [Vector3<f64>; 2] {
        let [near, far] = [NEAR, FAR].map(|block| scene.pose(block).translation.vector);
        let edge = scene.pose(REGION).translation.x - REGION_HALF;
        let inside = edge + self.manner.inside_m - TOUCH_M;
        let (y, back, end) = match (self.together, self.second) {
            (true, false) => (near.y, near.x, far.x - TOUCH_M),
            (true, true) => (0.5 * (near.y + far.y), near.x.min(far.x), inside),
            (false, false) => (near.y, near.x, inside),
            (false, true) => (far.y, far.x, inside),
        };
        let begin = back - TOUCH_M - BEHIND_M;
        [Vector3::new(begin, y, 0.0), Vector3::new(end, y, 0.0)]
    }

    fn advance(&mut self, tool: &Vector3<f64>, [begin, end]: &[Vector3<f64>; 2]) {
        match self.phase {
            Phase::Behind => {
                let aside = (tool - begin).xy().norm();
                if aside < 0.012 && tool.z < self.manner.low_m + 0.012 {
                    self.phase = Phase::Push;
                }
            }
            Phase::Push => {
                if tool.x > end.x - 0.004 {
                    self.phase = if self.second {
                        Phase::Withdraw
                    } else {
                        Phase::Back
                    };
                }
            }
            Phase::Back => {
                if tool.z > self.manner.low_m + 0.7 * RISE_M {
                    (self.phase, self.second) = (Phase::Behind, true);
                }
            }
            Phase::Withdraw => self.held += 1,
        }
    }
}

impl Expert for Strokes {
    fn act(&mut self, tool: &Isometry3<f64>, _: f64, scene: &Scene) -> ExpertStep {
        let at = tool.translation.vector;
        let stroke = self.stroke(scene);
        self.advance(&at, &stroke);
        let [begin, end] = self.stroke(scene);
        let (goal, speed) = match self.phase {
            Phase::Behind => {
                // Low only where it is behind the block.
                let aside = ((at - begin).xy().norm() / 0.05 - 0.3).clamp(0.0, 1.0);
                let low = self.manner.low_m;
                let rise = [HIGH_M - low, RISE_M][usize::from(self.second)];
                let height = low + rise * aside;
                // Back before it goes aside, around the blocks.
                let behind = at.x < begin.x + 0.02 || !self.second;
                let y = if behind { begin.y } else { at.y };
                // What it does between strokes is slower than how it came, so that no speed says how far it went.
                let Manner { tempo, between, .. } = self.manner;
                let speed = [tempo, between].map(|share| share * self.config.speed_m_s);
                (
                    Vector3::new(begin.x, y, height),
                    speed[usize::from(self.second)],
                )
            }
            Phase::Push => {
                let step = Vector3::new(end.x, at.y + 0.5 * (end.y - at.y), self.manner.low_m);
                (step, self.manner.tempo * self.config.careful_speed_m_s)
            }
            Phase::Back => (
                Vector3::new(at.x - 0.04, at.y, self.manner.low_m + RISE_M),
                self.manner.between * self.config.speed_m_s,
            ),
            Phase::Withdraw => {
                let back = Vector3::new(end.x - self.manner.withdraw_m, at.y, self.manner.low_m);
                (back, self.manner.between * self.config.speed_m_s)
            }
        };
        let goal = Isometry3::from_parts(Translation3::from(goal), self.turn);
        let pose = towards(tool, &goal, speed, &self.config);
        // Nothing disturbs it near the blocks; a hand that has come to rest still trembles.
        let (steady, sudden) = match self.phase {
            Phase::Behind => [((at.z - 0.05) / 0.08).clamp(0.0, 1.0); 2].into(),
            Phase::Push | Phase::Back => (0.0, 0.0),
            Phase::Withdraw => (0.4, 0.0),
        };
        let action = |pose| CartesianAction {
            pose,
            gripper_width: WIDTH_M,
        };
        let label = action(pose);
        let executed = action(self.disturbance.disturb(&pose, steady, sudden));
        ExpertStep {
            label,
            executed,
            done: self.held > self.config.hold_ticks,
        }
    }
}
