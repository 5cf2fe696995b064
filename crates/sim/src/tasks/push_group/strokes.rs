//! Two strokes of an open hand that bring two blocks into the region.

use super::{FAR, NEAR, REGION, REGION_HALF};
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

/// Opening of the fingers: too narrow for a block to slip in between, wide enough to push two side by side.
pub const WIDTH_M: f64 = 0.036;
/// Distance of tool and middle of a block when the fingers touch it from behind, metres.
const TOUCH_M: f64 = 0.025 + hand::FINGER_HALF[0];
/// Height of the tool while it pushes.
const LOW_M: f64 = 0.022;
/// Height of the tool on its way to a block.
const HIGH_M: f64 = 0.12;
/// How far behind a block the tool comes down, metres.
const BEHIND_M: f64 = 0.035;
/// How far into the region blocks are pushed, metres.
const INSIDE_M: f64 = 0.025;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Comes down behind the block of the stroke.
    Behind,
    /// Pushes it.
    Push,
    /// Goes back up.
    Back,
}

/// Pushes the near block level with the far one and then both on; or one into the region and then the other.
#[derive(Debug)]
pub struct Strokes {
    together: bool,
    turn: UnitQuaternion<f64>,
    phase: Phase,
    second: bool,
    held: u32,
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
        Self {
            together,
            turn: down(nearest(0.0, yaw_of(tool))),
            phase: Phase::Behind,
            second: false,
            held: 0,
            disturbance: Disturbance::new(&config, seed),
            config,
        }
    }

    /// Where the stroke begins and ends for the tool, base frame, heights left out.
    fn stroke(&self, scene: &Scene) -> [Vector3<f64>; 2] {
        let [near, far] = [NEAR, FAR].map(|block| scene.pose(block).translation.vector);
        let edge = scene.pose(REGION).translation.x - REGION_HALF;
        let inside = edge + INSIDE_M - TOUCH_M;
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
                if aside < 0.012 && tool.z < LOW_M + 0.012 {
                    self.phase = Phase::Push;
                }
            }
            Phase::Push => {
                if tool.x > end.x - 0.004 {
                    if self.second {
                        self.held += 1;
                    } else {
                        self.phase = Phase::Back;
                    }
                }
            }
            Phase::Back => {
                if tool.z > 0.6 * HIGH_M {
                    (self.phase, self.second) = (Phase::Behind, true);
                }
            }
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
                let height = LOW_M + (HIGH_M - LOW_M) * aside;
                (
                    Vector3::new(begin.x, begin.y, height),
                    self.config.speed_m_s,
                )
            }
            Phase::Push => {
                let step = Vector3::new(end.x, at.y + 0.5 * (end.y - at.y), LOW_M);
                (step, self.config.careful_speed_m_s)
            }
            Phase::Back => (
                Vector3::new(at.x - 0.06, at.y, HIGH_M),
                self.config.speed_m_s,
            ),
        };
        let goal = Isometry3::from_parts(Translation3::from(goal), self.turn);
        let pose = towards(tool, &goal, speed, &self.config);
        // Nothing disturbs it near the blocks.
        let share = match self.phase {
            Phase::Behind => ((at.z - 0.05) / 0.08).clamp(0.0, 1.0),
            Phase::Push | Phase::Back => 0.0,
        };
        let action = |pose| CartesianAction {
            pose,
            gripper_width: WIDTH_M,
        };
        let label = action(pose);
        let executed = action(self.disturbance.disturb(&pose, share, share));
        ExpertStep {
            label,
            executed,
            done: self.held > self.config.hold_ticks,
        }
    }
}
