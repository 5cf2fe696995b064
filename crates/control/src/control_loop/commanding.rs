//! From what is wanted to what is sent, through the guard.

use super::ControlLoop;
use crate::ControlError;
use apprentice_core::{CartesianAction, JointCommand, RobotState};
use apprentice_safety::{Admitted, Authority, Guard, Refusal};
use std::collections::VecDeque;

/// Joint positions and opening, and when they were due (ns), or what makes them none.
type Proposed = Result<((Vec<f64>, f64), u64), Refusal>;

/// Commands that a robot which takes whole paths has been sent and that are still to come, each with the guard
/// as it is after it.
pub(super) type Path = VecDeque<(Guard, Admitted)>;

impl ControlLoop {
    /// Sends a robot that takes paths all commands of an action at once, unless somebody else has the arm.
    pub(super) fn send_ahead(
        &mut self,
        action: Option<(&[f32], u64)>,
    ) -> Result<Path, ControlError> {
        let mut path = Path::new();
        let Some((action, due_ns)) = action.filter(|_| self.link.takes_paths()) else {
            return Ok(path);
        };
        if self.authority().0 != Authority::Policy || self.is_interrupted() {
            return Ok(path);
        }
        let Some(state) = &self.state else {
            return Err(ControlError::NoStart(self.description().name.clone()));
        };
        let (mut guard, mut target) = (self.guard.clone(), self.target.clone());
        let (now_ns, period_ns) = (self.pace.now_ns(), self.pace.period_ns());
        for tick in 0..self.ticks_per_action {
            let later = tick.saturating_mul(period_ns);
            let proposed = self
                .joint_targets(&target, action)
                .map(|targets| (targets, due_ns.saturating_add(later)));
            self.sequence += 1;
            let at_ns = now_ns.saturating_add(later);
            let admitted = admit(&mut guard, proposed, self.sequence, state, at_ns);
            target.clone_from(&admitted.command.positions);
            path.push_back((guard.clone(), admitted));
        }
        let commands: Vec<JointCommand> = path.iter().map(|(_, a)| a.command.clone()).collect();
        self.link.send_path(&commands)?;
        Ok(path)
    }

    /// Sends what whoever has the arm wants; of `path` the next command has been sent before, and what is left
    /// is void once somebody else has the arm.
    pub(super) fn command_authorised(
        &mut self,
        action: Option<(&[f32], u64)>,
        path: &mut Path,
    ) -> Result<(), ControlError> {
        let (authority, wanted) = self.authority();
        if authority == Authority::Policy && !self.is_interrupted() {
            return match path.pop_front() {
                Some((guard, admitted)) => {
                    self.guard = guard;
                    let now_ns = self.pace.now_ns();
                    self.take_note(&admitted, now_ns);
                    Ok(())
                }
                None => self.command(action),
            };
        }
        path.clear();
        if authority == Authority::Human && !wanted.is_empty() {
            let now_ns = self.pace.now_ns();
            self.command(Some((&wanted, now_ns)))
        } else {
            self.command(None)
        }
    }

    /// Sends the command that goes towards joint targets of now.
    pub(super) fn propose(&mut self, positions: Vec<f64>, width: f64) -> Result<(), ControlError> {
        let now_ns = self.pace.now_ns();
        self.send(Ok(((positions, width), now_ns)), now_ns)
    }

    /// Sends the command that goes on with an action which was due at a time (ns), or brakes.
    pub(super) fn command(&mut self, action: Option<(&[f32], u64)>) -> Result<(), ControlError> {
        let proposed = match action {
            Some((action, due_ns)) => self
                .joint_targets(&self.target, action)
                .map(|targets| (targets, due_ns)),
            None => Err(Refusal::Stale),
        };
        let now_ns = self.pace.now_ns();
        self.send(proposed, now_ns)
    }

    /// Sends what the guard makes of a proposal.
    fn send(&mut self, proposed: Proposed, now_ns: u64) -> Result<(), ControlError> {
        let Some(state) = &self.state else {
            return Err(ControlError::NoStart(self.description().name.clone()));
        };
        self.sequence += 1;
        let admitted = admit(&mut self.guard, proposed, self.sequence, state, now_ns);
        self.take_note(&admitted, now_ns);
        Ok(self.link.send(&admitted.command)?)
    }

    /// Counts and judges a command that takes effect now.
    fn take_note(&mut self, admitted: &Admitted, now_ns: u64) {
        self.refusals.merge(admitted.refusals);
        self.totals.count(admitted.refusals);
        for violation in self.checker.check(&admitted.command, now_ns) {
            tracing::error!(
                "command {} left the guard of {} outside the limits: {}",
                violation.sequence,
                self.link.description().name,
                violation.what
            );
        }
        self.target.clone_from(&admitted.command.positions);
    }

    /// Joint targets for an action from where the last ones were, or what makes it none.
    fn joint_targets(&self, from: &[f64], action: &[f32]) -> Result<(Vec<f64>, f64), Refusal> {
        if action.len() != self.description().action_dim() {
            return Err(Refusal::Dimension);
        }
        if action.iter().any(|v| !v.is_finite()) {
            return Err(Refusal::NotFinite);
        }
        let Some(ik) = &self.ik else {
            let joints = self.description().joints.len();
            let mut positions: Vec<f64> = action.iter().map(|&v| f64::from(v)).collect();
            let opening = positions.get(joints).copied().unwrap_or(0.0);
            positions.truncate(joints);
            return Ok((positions, opening));
        };
        let action = CartesianAction::from_vector(action).ok_or(Refusal::NotAPose)?;
        let period = self.pace.period_ns() as f64 * 1e-9;
        Ok((ik.step(from, &action.pose, period), action.gripper_width))
    }
}

/// What the guard makes of a proposal.
fn admit(
    guard: &mut Guard,
    proposed: Proposed,
    sequence: u64,
    state: &RobotState,
    now_ns: u64,
) -> Admitted {
    let mut admitted = match proposed {
        Ok(((positions, gripper_width), stamp_ns)) => {
            let proposed = JointCommand {
                sequence,
                stamp_ns,
                positions,
                gripper_width,
            };
            guard.admit(&proposed, state, now_ns)
        }
        Err(reason) => guard.hold(reason, state, now_ns),
    };
    admitted.command.sequence = sequence;
    admitted
}
