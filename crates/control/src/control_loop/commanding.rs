//! From what is wanted to what is sent, through the guard.

use super::ControlLoop;
use super::buffers::{CommandBuffers, SentPath};
use crate::ControlError;
use apprentice_core::CartesianAction;
use apprentice_robot::{DifferentialIk, RobotDescription};
use apprentice_safety::{ControlAuthority, Intervention, Interventions, Proposal};

impl ControlLoop {
    /// Sends a robot that takes paths all commands of an action at once, unless somebody else has the arm.
    pub(super) fn send_path_of(
        &mut self,
        action: Option<(&[f32], u64)>,
    ) -> Result<(), ControlError> {
        self.path.clear();
        let Some((action, due_ns)) = action.filter(|_| self.link.takes_paths()) else {
            return Ok(());
        };
        if self.authority() != ControlAuthority::Policy || self.is_interrupted() {
            return Ok(());
        }
        let Some(state) = &self.state else {
            return Err(ControlError::NoStart(self.description().name.clone()));
        };
        let (now_ns, period_ns) = (self.pace.now_ns(), self.pace.period_ns());
        let CommandBuffers { from, targets, .. } = &mut self.buffers;
        let SentPath {
            commands,
            after,
            before,
            ..
        } = &mut self.path;
        let mut kept = self.guard.snapshot_into(before);
        from.clone_from(&self.target);
        for (tick, (command, (interventions, guard))) in (0..).zip(commands.iter_mut().zip(after)) {
            let later = period_ns.saturating_mul(tick);
            let robot = self.link.description();
            let wanted = joint_targets(self.ik.as_mut(), robot, from, action, period_ns, targets);
            self.sequence += 1;
            let proposal = wanted.map(|gripper_width| Proposal {
                sequence: self.sequence,
                stamp_ns: due_ns.saturating_add(later),
                observed_ns: None,
                positions: targets,
                gripper_width,
            });
            let at_ns = now_ns.saturating_add(later);
            *interventions = match proposal {
                Ok(proposal) => self.guard.admit_into(proposal, state, at_ns, command),
                Err(reason) => self.guard.hold_into(reason, state, at_ns, command),
            };
            command.sequence = self.sequence;
            from.clone_from(&command.positions);
            kept &= self.guard.snapshot_into(guard);
        }
        kept &= self.guard.restore(before);
        if !kept {
            return Err(ControlError::NoStart(self.description().name.clone()));
        }
        self.link.send_path(&self.path.commands)?;
        self.path.count = self.path.commands.len();
        Ok(())
    }

    /// Sends what whoever has the arm wants; of a path the next command has been sent before, and what is left
    /// is void once somebody else has the arm.
    pub(super) fn command_authorised(
        &mut self,
        action: Option<(&[f32], u64)>,
    ) -> Result<(), ControlError> {
        let authority = self.authority();
        if authority == ControlAuthority::Policy && !self.is_interrupted() {
            return if self.path.next < self.path.count {
                self.follow_path();
                Ok(())
            } else {
                self.command(action)
            };
        }
        self.path.clear();
        let wanted = self.authority_record.take_wanted();
        let sent = if authority == ControlAuthority::Human && !wanted.is_empty() {
            let now_ns = self.pace.now_ns();
            self.command(Some((&wanted, now_ns)))
        } else {
            self.command(None)
        };
        self.authority_record.return_wanted(wanted);
        sent
    }

    /// The next command of the path takes effect.
    fn follow_path(&mut self) {
        let place = self.path.next;
        self.path.next += 1;
        let SentPath {
            commands, after, ..
        } = &self.path;
        if let (Some(command), Some((interventions, guard))) =
            (commands.get(place), after.get(place))
            && self.guard.restore(guard)
        {
            self.buffers.command.copy_from(command);
            let (interventions, now_ns) = (*interventions, self.pace.now_ns());
            self.take_note(interventions, now_ns);
        }
    }

    /// Sends the command that goes towards joint targets of now.
    pub(super) fn propose(&mut self, positions: &[f64], width: f64) -> Result<(), ControlError> {
        let now_ns = self.pace.now_ns();
        self.buffers.targets.clear();
        self.buffers.targets.extend_from_slice(positions);
        self.send(Ok((width, now_ns)), now_ns)
    }

    /// Sends the command that goes on with an action which was due at a time (ns), or brakes.
    pub(super) fn command(&mut self, action: Option<(&[f32], u64)>) -> Result<(), ControlError> {
        let proposed = match action {
            Some((action, due_ns)) => joint_targets(
                self.ik.as_mut(),
                self.link.description(),
                &self.target,
                action,
                self.pace.period_ns(),
                &mut self.buffers.targets,
            )
            .map(|width| (width, due_ns)),
            None => Err(Intervention::Stale),
        };
        let now_ns = self.pace.now_ns();
        self.send(proposed, now_ns)
    }

    /// Sends what the guard makes of the targets that lie in the buffers, of an opening (m) and when they were
    /// due (ns), or of what makes them none.
    fn send(
        &mut self,
        proposed: Result<(f64, u64), Intervention>,
        now_ns: u64,
    ) -> Result<(), ControlError> {
        let Some(state) = &self.state else {
            return Err(ControlError::NoStart(self.description().name.clone()));
        };
        self.sequence += 1;
        let CommandBuffers {
            targets, command, ..
        } = &mut self.buffers;
        let interventions = match proposed {
            Ok((gripper_width, stamp_ns)) => {
                let proposal = Proposal {
                    sequence: self.sequence,
                    stamp_ns,
                    observed_ns: None,
                    positions: targets,
                    gripper_width,
                };
                self.guard.admit_into(proposal, state, now_ns, command)
            }
            Err(reason) => self.guard.hold_into(reason, state, now_ns, command),
        };
        command.sequence = self.sequence;
        self.take_note(interventions, now_ns);
        Ok(self.link.send(&self.buffers.command)?)
    }

    /// Counts and judges the command that lies in the buffers and takes effect now.
    fn take_note(&mut self, interventions: Interventions, now_ns: u64) {
        self.interventions.merge(interventions);
        self.totals.count(interventions);
        let command = &self.buffers.command;
        for violation in self.checker.check(command, now_ns) {
            tracing::error!(
                "command {} left the guard of {} outside the limits: {}",
                violation.sequence,
                self.link.description().name,
                violation.what
            );
        }
        self.target.clone_from(&command.positions);
    }
}

/// Writes joint targets for an action, a period (ns) on from where the last ones were, and answers the opening
/// (m), or what makes it no action.
fn joint_targets(
    ik: Option<&mut DifferentialIk>,
    robot: &RobotDescription,
    from: &[f64],
    action: &[f32],
    period_ns: u64,
    targets: &mut Vec<f64>,
) -> Result<f64, Intervention> {
    if action.len() != robot.action_dim() {
        return Err(Intervention::Dimension);
    }
    if action.iter().any(|v| !v.is_finite()) {
        return Err(Intervention::NotFinite);
    }
    let Some(ik) = ik else {
        let joints = robot.joints.len();
        targets.clear();
        targets.extend(action.iter().take(joints).map(|&v| f64::from(v)));
        return Ok(action.get(joints).map_or(0.0, |&v| f64::from(v)));
    };
    let action = CartesianAction::from_vector(action).ok_or(Intervention::NotAPose)?;
    let period = period_ns as f64 * 1e-9;
    ik.step_into(from, &action.pose, period, targets);
    Ok(action.gripper_width)
}
