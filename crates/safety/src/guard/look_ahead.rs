//! What the guard looks ahead at: the whole way to a stop.

use super::Guard;
use super::filter::LONG_BRAKING;
use super::joint_motion::JointMotion;
use crate::Intervention;
use crate::geometry_limits::{Excess, Margin};

impl Guard {
    /// What would be crossed on the way to a stop if the joints' `speed`s were taken, or `None`.
    pub(super) fn look_ahead(&mut self, now: Excess, allowed: Excess) -> Option<Intervention> {
        if self.braking_ticks > LONG_BRAKING
            && let Some(intervention) = self.check_stop_pose(allowed)
        {
            return Some(intervention);
        }
        self.start_prediction();
        let mut margin = Margin::between(now, allowed);
        for _ in 0..=self.braking_ticks {
            for (index, (joint, position)) in self.joints.iter().zip(&mut self.ahead).enumerate() {
                let moved = joint.ahead_speed * self.period;
                *position += moved;
                let (tool, piece) = self.geometry.reach(index);
                margin.workspace -= moved.abs() * tool;
                margin.nearness -= moved.abs() * piece;
            }
            if self.joint_excess(&self.ahead) > allowed.workspace {
                return Some(Intervention::Position);
            }
            let breaks = |(joint, position): (&JointMotion, &f64)| {
                joint.limits.breaks_barrier(*position, joint.ahead_speed)
            };
            if self.joints.iter().zip(&self.ahead).any(breaks) {
                return Some(Intervention::Barrier);
            }
            // Poses the arm cannot have got to from the last one that was looked at need no look.
            if margin.workspace <= 0.0 {
                self.pose_checks = self.pose_checks.saturating_sub(1);
                let outside = self.geometry.outside_workspace(&self.ahead);
                if outside > allowed.workspace || self.pose_checks == 0 {
                    return Some(Intervention::Workspace);
                }
                margin.workspace = Margin::between(
                    Excess {
                        workspace: outside,
                        ..now
                    },
                    allowed,
                )
                .workspace;
            }
            if margin.nearness <= 0.0 {
                self.pose_checks = self.pose_checks.saturating_sub(1);
                let near = self.geometry.too_near(&self.ahead);
                if near > allowed.nearness || self.pose_checks == 0 {
                    return Some(Intervention::SelfCollision);
                }
                margin.nearness = Margin::between(
                    Excess {
                        nearness: near,
                        ..now
                    },
                    allowed,
                )
                .nearness;
            }
            if self.joints.iter().all(JointMotion::rests_ahead) {
                return None;
            }
            for joint in &mut self.joints {
                joint.brake_ahead();
            }
        }
        // It takes longer to stop than any joint can: not to be trusted.
        Some(Intervention::Position)
    }

    /// What would be crossed by staying where the joints come to a stop, or `None`.
    fn check_stop_pose(&mut self, allowed: Excess) -> Option<Intervention> {
        self.start_prediction();
        for (joint, position) in self.joints.iter_mut().zip(&mut self.ahead) {
            for _ in 0..=self.braking_ticks {
                *position += joint.ahead_speed * self.period;
                if joint.rests_ahead() {
                    break;
                }
                joint.brake_ahead();
            }
        }
        if self.joint_excess(&self.ahead) > allowed.workspace {
            return Some(Intervention::Position);
        }
        if self.geometry.outside_workspace(&self.ahead) > allowed.workspace {
            return Some(Intervention::Workspace);
        }
        (self.geometry.too_near(&self.ahead) > allowed.nearness)
            .then_some(Intervention::SelfCollision)
    }

    fn start_prediction(&mut self) {
        self.ahead.copy_from_slice(&self.position);
        for joint in &mut self.joints {
            joint.ahead_speed = joint.speed;
            joint.ahead_change = joint.speed - joint.velocity;
        }
    }
}
