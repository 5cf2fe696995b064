//! Takes the cup, carries it around the glass and sets it down.

use super::crockery::{COASTER, CUP, CUP_RADIUS, GLASS, GLASS_RADIUS};
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

/// Height of the tool when it holds the cup that stands on the table, metres.
const GRASP_M: f64 = 0.062;
/// How far the cup is lifted, metres.
const LIFT_M: f64 = 0.035;
/// Height of the tool on its way to the cup and away from it.
const HIGH_M: f64 = 0.17;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Approach,
    Close,
    Lift,
    /// To the side of the glass.
    Around,
    /// On above the coaster.
    Over,
    Lower,
    Open,
    Leave,
}

/// How the cup is carried.
#[derive(Clone, Copy, Debug)]
struct Manner {
    /// Gap between the walls of cup and glass, metres.
    gap_m: f64,
    /// Tilt about the axis of the fingers on the way, rad.
    tilt_rad: f64,
    /// Speed on the way, m/s.
    speed_m_s: f64,
    /// Speed to the cup and away from the coaster as a share of the usual, whatever the manner.
    tempo: f64,
}

impl Manner {
    /// A careful one, or one with a fault that is drawn.
    fn draw(careful: bool, seed: Seed) -> Self {
        let mut rng = seed.derive("manner", 0).rng();
        // Too near more often than the others: the arm's own numbers say least of it.
        let fault = if careful {
            3
        } else {
            [0, 0, 1, 2][rng.random_range(0..4)]
        };
        let mut between = |wrong: u32, bad: [f64; 2], good: [f64; 2]| {
            let [low, high] = if fault == wrong { bad } else { good };
            rng.random_range(low..high)
        };
        let sign = if seed.derive("tilt", 0).rng().random::<bool>() {
            1.0
        } else {
            -1.0
        };
        // Who is near or tilts is a little slower else, so that the time it takes does not tell.
        let calm = if careful { [0.115, 0.155] } else { [0.1, 0.14] };
        Self {
            gap_m: between(0, [0.008, 0.018], [0.045, 0.065]),
            tilt_rad: sign * between(1, [0.28, 0.40], [0.0, 0.07]),
            speed_m_s: between(2, [0.28, 0.36], calm),
            tempo: seed.derive("tempo", 0).rng().random_range(0.9..1.4),
        }
    }
}

/// One demonstration of carrying.
#[derive(Debug)]
pub struct Carry {
    manner: Manner,
    turn: UnitQuaternion<f64>,
    /// Where the cup is put, base frame, and the side of the glass along x on which it passes.
    side: f64,
    cup: Vector3<f64>,
    phase: Phase,
    wait: u32,
    disturbance: Disturbance,
    config: ExpertConfig,
}

impl Carry {
    /// A demonstration for an arm whose tool is at `tool`, base frame.
    #[must_use]
    pub fn new(
        careful: bool,
        scene: &Scene,
        tool: &Isometry3<f64>,
        config: ExpertConfig,
        seed: Seed,
    ) -> Self {
        let [cup, glass] = [CUP, GLASS].map(|body| scene.pose(body).translation.vector);
        Self {
            manner: Manner::draw(careful, seed),
            turn: down(nearest(0.0, yaw_of(tool))),
            side: if glass.x > cup.x { -1.0 } else { 1.0 },
            cup,
            phase: Phase::Approach,
            wait: 0,
            disturbance: Disturbance::new(&config, seed),
            config,
        }
    }

    /// Where the tool is to go in this phase, base frame.
    fn goal(&self, tool: &Vector3<f64>, scene: &Scene) -> Vector3<f64> {
        let [glass, coaster] = [GLASS, COASTER].map(|body| scene.pose(body).translation.vector);
        let cup = match self.phase {
            Phase::Approach => scene.pose(CUP).translation.vector,
            _ => self.cup,
        };
        let carry = GRASP_M + LIFT_M;
        match self.phase {
            Phase::Approach => {
                let aside = ((tool - cup).xy().norm() / 0.03 - 0.3).clamp(0.0, 1.0);
                Vector3::new(cup.x, cup.y, GRASP_M + (HIGH_M - GRASP_M) * aside)
            }
            Phase::Close => Vector3::new(cup.x, cup.y, GRASP_M),
            Phase::Lift => Vector3::new(cup.x, cup.y, carry),
            Phase::Around => {
                let way = CUP_RADIUS + GLASS_RADIUS + self.manner.gap_m;
                let aside = glass.x + self.side * way;
                // Aside while it is still before the glass.
                let left = (0.06 - (aside - tool.x) * self.side) / 0.06;
                let y = tool.y + (glass.y - tool.y) * left.clamp(0.15, 1.0);
                Vector3::new(aside, y, carry)
            }
            Phase::Over => {
                // Aside until it has passed the glass.
                let past = ((tool.y - glass.y).abs() / 0.06 - 0.5).clamp(0.0, 1.0);
                let x = tool.x + (coaster.x - tool.x) * past;
                Vector3::new(x, coaster.y, carry)
            }
            Phase::Lower | Phase::Open => Vector3::new(coaster.x, coaster.y, GRASP_M + 0.001),
            Phase::Leave => Vector3::new(tool.x, tool.y, HIGH_M),
        }
    }

    fn advance(&mut self, tool: &Vector3<f64>, scene: &Scene) {
        let goal = self.goal(tool, scene);
        let gap = (tool - goal).norm();
        let glass = scene.pose(GLASS).translation.y;
        let (so, ticks) = match self.phase {
            Phase::Close => (scene.held.is_some(), 3),
            Phase::Lower => (tool.z < goal.z + 0.004, 1),
            Phase::Open => (scene.width_m > 0.07, 1),
            _ => (false, 1),
        };
        if self.phase != Phase::Leave {
            self.wait = if so { self.wait + 1 } else { 0 };
        }
        let waited = self.wait >= ticks;
        let next = match self.phase {
            Phase::Approach if gap < 0.007 && tool.z < GRASP_M + 0.007 => {
                self.cup = *tool;
                Phase::Close
            }
            Phase::Close if waited => Phase::Lift,
            Phase::Lift if tool.z > goal.z - 0.012 => Phase::Around,
            Phase::Around if (tool.y - glass).abs() < 0.02 => Phase::Over,
            Phase::Over if (tool - goal).xy().norm() < 0.010 => Phase::Lower,
            Phase::Lower if waited => Phase::Open,
            Phase::Open if waited => Phase::Leave,
            phase => phase,
        };
        if next != self.phase {
            (self.phase, self.wait) = (next, 0);
        }
    }
}

impl Expert for Carry {
    fn act(&mut self, tool: &Isometry3<f64>, _: f64, scene: &Scene) -> ExpertStep {
        let at = tool.translation.vector;
        self.advance(&at, scene);
        let carries = matches!(self.phase, Phase::Around | Phase::Over);
        // Level again before the cup is set down.
        let left = (at - scene.pose(COASTER).translation.vector).xy().norm();
        let tilt = if carries && left > 0.08 {
            self.manner.tilt_rad
        } else {
            0.0
        };
        let turn = self.turn * UnitQuaternion::from_axis_angle(&Vector3::y_axis(), tilt);
        let goal = Isometry3::from_parts(Translation3::from(self.goal(&at, scene)), turn);
        let speed = match self.phase {
            Phase::Around | Phase::Over => self.manner.speed_m_s,
            Phase::Approach if (at - goal.translation.vector).norm() > 0.05 => {
                self.manner.tempo * self.config.speed_m_s
            }
            Phase::Leave => self.manner.tempo * self.config.speed_m_s,
            _ => self.config.careful_speed_m_s,
        };
        let pose = towards(tool, &goal, speed, &self.config);
        // Nothing disturbs it near the cup or with it.
        let share = match self.phase {
            Phase::Approach => ((at.z - 0.08) / 0.08).clamp(0.0, 1.0),
            _ => 0.0,
        };
        let open = matches!(self.phase, Phase::Approach | Phase::Open | Phase::Leave);
        let action = |pose| CartesianAction {
            pose,
            gripper_width: if open { hand::MAX_WIDTH } else { 0.0 },
        };
        let label = action(pose);
        let executed = action(self.disturbance.disturb(&pose, share, share));
        let away = self.phase == Phase::Leave && at.z > HIGH_M - 0.02;
        self.wait += u32::from(away);
        ExpertStep {
            label,
            executed,
            done: away && self.wait > self.config.hold_ticks,
        }
    }
}
