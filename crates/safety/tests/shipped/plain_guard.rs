//! What leaves a guard that has neither a jerk stage nor one for self-collision, in plain arithmetic: what the
//! demo's commands are, to the last bit.

use apprentice_core::{JointCommand, RobotState};
use apprentice_robot::{Kinematics, RobotDescription, Workspace};

const MARGIN: f64 = 0.98;
const PARTS: [f64; 3] = [1.0, 0.6, 0.25];

#[derive(Clone, Copy)]
struct Limits {
    low: f64,
    high: f64,
    described: [f64; 2],
    velocity: f64,
    step: f64,
}

pub struct PlainGuard {
    joints: Vec<Limits>,
    workspace: (Kinematics, Workspace),
    widest: f64,
    following_error_rad: f64,
    period: f64,
    pub position: Vec<f64>,
    velocity: Vec<f64>,
    pub width: f64,
}

impl PlainGuard {
    pub fn new(robot: &RobotDescription, following_error_rad: f64) -> Self {
        let period = 1.0 / robot.control_hz;
        let limits = |j: &apprentice_robot::Joint| {
            let inset = (j.position[1] - j.position[0]) * (1.0 - MARGIN) / 20.0;
            Limits {
                low: j.position[0] + inset,
                high: j.position[1] - inset,
                described: j.position,
                velocity: j.velocity * MARGIN,
                step: j.acceleration * MARGIN * period,
            }
        };
        Self {
            joints: robot.joints.iter().map(limits).collect(),
            workspace: (Kinematics::new(robot).unwrap(), robot.workspace.unwrap()),
            widest: robot.gripper.unwrap().max_width_m,
            following_error_rad,
            period,
            position: robot.home.clone(),
            velocity: vec![0.0; robot.joints.len()],
            width: 0.0,
        }
    }

    pub fn restart(&mut self, state: &RobotState) {
        self.position.clone_from(&state.positions);
        self.velocity.fill(0.0);
        self.width = state.gripper_width.clamp(0.0, self.widest);
    }

    /// Numbers are finite and as many as joints.
    pub fn admit(&mut self, proposed: &JointCommand, state: &RobotState) {
        self.width = proposed.gripper_width.clamp(0.0, self.widest);
        let mut wanted = Vec::new();
        for (i, l) in self.joints.iter().enumerate() {
            let mut q = proposed.positions[i];
            // The last thousandth of a joint's range is kept clear.
            if (l.described[0]..=l.described[1]).contains(&q) {
                let at = self.position[i];
                q = q.clamp(l.low.min(at), l.high.max(at));
            }
            if self.following_error_rad > 0.0 {
                let measured = state.positions[i];
                q = q.clamp(
                    measured - self.following_error_rad,
                    measured + self.following_error_rad,
                );
            }
            let speed = ((q - self.position[i]) / self.period).clamp(-l.velocity, l.velocity);
            let v = self.velocity[i];
            wanted.push(speed.clamp(v - l.step, v + l.step));
        }
        let allowed = self.excess(&self.position);
        let allowed = allowed.0.max(allowed.1).max(0.0);
        for part in PARTS {
            let speeds: Vec<f64> = (0..wanted.len())
                .map(|i| {
                    let braked = toward_zero(self.velocity[i], self.joints[i].step);
                    braked + part * (wanted[i] - braked)
                })
                .collect();
            if self.stops_inside(&speeds, allowed) {
                return self.take(&speeds);
            }
        }
        self.brake();
    }

    pub fn brake(&mut self) {
        let braked = |(v, l): (&f64, &Limits)| toward_zero(*v, l.step);
        let speeds: Vec<f64> = self.velocity.iter().zip(&self.joints).map(braked).collect();
        self.take(&speeds);
    }

    fn take(&mut self, speeds: &[f64]) {
        for (i, speed) in speeds.iter().enumerate() {
            self.velocity[i] = *speed;
            self.position[i] += speed * self.period;
        }
    }

    fn stops_inside(&self, speeds: &[f64], allowed: f64) -> bool {
        let (mut at, mut moving) = (self.position.clone(), speeds.to_vec());
        loop {
            for (i, speed) in moving.iter_mut().enumerate() {
                at[i] += *speed * self.period;
            }
            let (joints, workspace) = self.excess(&at);
            if joints > allowed || workspace > allowed {
                return false;
            }
            if moving.iter().all(|v| *v == 0.0) {
                return true;
            }
            for (speed, l) in moving.iter_mut().zip(&self.joints) {
                *speed = toward_zero(*speed, l.step);
            }
        }
    }

    fn excess(&self, joints: &[f64]) -> (f64, f64) {
        let outside = |(q, l): (&f64, &Limits)| (l.low - q).max(q - l.high);
        let position = joints
            .iter()
            .zip(&self.joints)
            .map(outside)
            .fold(f64::MIN, f64::max);
        let (kinematics, w) = &self.workspace;
        let tool = kinematics.tool_pose(joints).translation.vector;
        let side = |i: usize| (w.min[i] + 1e-4 - tool[i]).max(tool[i] - w.max[i] + 1e-4);
        (position, side(0).max(side(1)).max(side(2)))
    }
}

fn toward_zero(speed: f64, step: f64) -> f64 {
    if speed > step {
        speed - step
    } else if speed < -step {
        speed + step
    } else {
        0.0
    }
}
