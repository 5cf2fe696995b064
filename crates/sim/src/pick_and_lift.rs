//! An expert that takes an object where it is told to and lifts it.

use crate::{
    disturbance::Disturbance,
    expert::{Expert, ExpertStep},
    expert_config::ExpertConfig,
    hand,
    motion::towards,
    scene::Scene,
};
use apprentice_core::{CartesianAction, Seed};
use nalgebra::Isometry3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Approach,
    Close,
    Lift,
}

/// Goes above the grasp, down to it, closes the fingers and lifts.
#[derive(Debug)]
pub struct PickAndLift {
    config: ExpertConfig,
    grasp: Isometry3<f64>,
    lift_m: f64,
    phase: Phase,
    last_width: f64,
    stalled: u32,
    held: u32,
    disturbance: Disturbance,
}

impl PickAndLift {
    /// A demonstration that closes the fingers at `grasp` (tool pose, base frame) and lifts the tool to the height
    /// `lift_m`, metres.
    #[must_use]
    pub fn new(grasp: Isometry3<f64>, lift_m: f64, config: ExpertConfig, seed: Seed) -> Self {
        Self {
            disturbance: Disturbance::new(&config, seed),
            grasp,
            lift_m,
            config,
            phase: Phase::Approach,
            last_width: hand::MAX_WIDTH,
            stalled: 0,
            held: 0,
        }
    }

    fn advance_phase(&mut self, tool: &Isometry3<f64>, width: f64) {
        match self.phase {
            Phase::Approach => {
                if self.gap(tool) < 0.009 && tool.rotation.angle_to(&self.grasp.rotation) < 0.12 {
                    self.phase = Phase::Close;
                }
            }
            Phase::Close => {
                // The fingers have stopped, on the object or on each other.
                let moved = (self.last_width - width).abs() > 5e-4;
                let closing = width < 0.9 * hand::MAX_WIDTH;
                self.stalled = if closing && !moved {
                    self.stalled + 1
                } else {
                    0
                };
                if self.stalled >= 1 {
                    self.phase = Phase::Lift;
                }
            }
            Phase::Lift => {}
        }
        self.last_width = width;
    }

    /// How far the tool is from the grasp, metres.
    fn gap(&self, tool: &Isometry3<f64>) -> f64 {
        (tool.translation.vector - self.grasp.translation.vector).norm()
    }

    /// Above the grasp while out of line with it, down to the grasp as the tool gets in line.
    fn approach_goal(&self, tool: &Isometry3<f64>) -> Isometry3<f64> {
        let gap = tool.translation.vector - self.grasp.translation.vector;
        let aside = gap.xy().norm() / 0.03;
        let turned = tool.rotation.angle_to(&self.grasp.rotation) / 0.35;
        let out_of_line = (aside.max(turned) - 0.3).clamp(0.0, 1.0);
        let mut goal = self.grasp;
        goal.translation.vector.z += self.config.clearance_m * out_of_line;
        goal
    }

    fn speed(&self, tool: &Isometry3<f64>) -> f64 {
        let careful = self.phase != Phase::Lift && self.gap(tool) < self.config.clearance_m;
        if careful {
            self.config.careful_speed_m_s
        } else {
            self.config.speed_m_s
        }
    }

    fn disturbed(&mut self, pose: &Isometry3<f64>, tool: &Isometry3<f64>) -> Isometry3<f64> {
        // Nothing disturbs the last centimetres or the lift: a demonstrator is careful there.
        let gap = self.gap(tool);
        let share = |from: f64, to: f64| match self.phase {
            Phase::Approach => ((gap - from) / (to - from)).clamp(0.0, 1.0),
            Phase::Close | Phase::Lift => 0.0,
        };
        let (steady, sudden) = (share(0.02, 0.12), share(0.015, 0.05));
        self.disturbance.disturb(pose, steady, sudden)
    }
}

impl Expert for PickAndLift {
    fn act(&mut self, tool: &Isometry3<f64>, width: f64, _: &Scene) -> ExpertStep {
        self.advance_phase(tool, width);
        let (goal, gripper_width) = match self.phase {
            Phase::Approach => (self.approach_goal(tool), hand::MAX_WIDTH),
            Phase::Close => (self.grasp, 0.0),
            Phase::Lift => {
                let mut goal = self.grasp;
                goal.translation.vector.z = self.lift_m;
                (goal, 0.0)
            }
        };
        let label = CartesianAction {
            pose: towards(tool, &goal, self.speed(tool), &self.config),
            gripper_width,
        };
        let executed = CartesianAction {
            pose: self.disturbed(&label.pose, tool),
            gripper_width,
        };
        if self.phase == Phase::Lift && (tool.translation.z - self.lift_m).abs() < 0.015 {
            self.held += 1;
        }
        ExpertStep {
            label,
            executed,
            done: self.held > self.config.hold_ticks,
        }
    }
}
