//! Episodes and policy ticks: from an action to what the robot saw after it.

use super::{ActionOutcome, ControlLoop};
use crate::ControlError;
use apprentice_core::Observation;
use apprentice_safety::Interventions;

impl ControlLoop {
    /// Asks for a new scene and starts from where the robot is now. Where a person let go of the arm and has not
    /// handed it back, it waits for that, at rest.
    ///
    /// # Errors
    /// When the robot cannot be reset or does not answer, where it is cannot be started from, or the run is ended
    /// while it waits ([`Self::end_when`]).
    pub fn reset(&mut self, seed: u64) -> Result<Observation, ControlError> {
        let made = self.link.sets_up_scenes();
        let observation = if made {
            // The arm is enabled where it stands in the new scene, which may not be where it was shown first.
            let mut observed = self.link.reset(seed)?;
            self.link.engage()?;
            if !self.is_lockstep() {
                observed.state = self.link.latest(false, self.freshness)?.state;
            }
            observed
        } else {
            self.link.engage()?;
            self.link.latest(true, self.freshness)?
        };
        if let Err(reason) = self.guard.restart(&observation.state) {
            let robot = self.description();
            let error = ControlError::Start(robot.name.clone(), reason.say(robot));
            // Nothing was commanded: there is nothing to brake.
            if let Err(also) = self.link.disengage() {
                tracing::warn!("the robot could not be given back: {also}");
            }
            return Err(error);
        }
        self.checker.restart(&observation.state);
        self.target.clone_from(&observation.state.positions);
        self.pace.restart();
        self.action.1 = None;
        self.path.clear();
        self.interventions = Interventions::default();
        self.authority_record.forget();
        self.rearm();
        self.state = Some(observation.state.clone());
        let observation = if made {
            self.wait_for_somebody()?.unwrap_or(observation)
        } else {
            self.go_home()?
        };
        // Whoever had the arm on the way home, the episode begins now.
        self.authority_record.forget();
        self.rearm();
        Ok(observation)
    }

    /// Executes one action (A numbers of the robot's own [`apprentice_core::ActionSpace`]) for one policy tick. It was meant to
    /// begin at `due_ns` (of [`Self::now_ns`]); later than `guard.stale_ms` after that it is not obeyed,
    /// and the arm brakes. A person who takes over is obeyed instead, from the next command on; the rest
    /// of what the agent decided before is not executed.
    ///
    /// # Errors
    /// When the link fails or a robot in real time falls silent; the arm has been told to stop by then.
    /// An action that makes no sense is not an error: the guard holds the arm.
    pub fn act(&mut self, action: &[f32], due_ns: u64) -> Result<ActionOutcome, ControlError> {
        let observation = self.policy_tick(Some((action, due_ns)), |_| ())?;
        let passed = (self.ticks_per_action - 1).saturating_mul(self.pace.period_ns());
        self.action.0.clear();
        self.action.0.extend_from_slice(action);
        self.action.1 = Some(due_ns.saturating_add(passed));
        Ok(self.outcome(observation))
    }

    /// The control ticks of one policy tick: goes on with the agent's action that was due at a time (ns), or
    /// with a person's, or brakes. `late` is told by how much each tick began too late (ns). Answers what the
    /// robot sees at the end, frames included.
    ///
    /// # Errors
    /// As [`Self::act`].
    pub(crate) fn policy_tick(
        &mut self,
        action: Option<(&[f32], u64)>,
        mut late: impl FnMut(u64),
    ) -> Result<Observation, ControlError> {
        self.send_path_of(action)?;
        let mut action = action;
        for _ in 1..self.ticks_per_action {
            self.command_authorised(action)?;
            self.wait()?;
            late(self.pace.lateness_ns());
            if let Some((_, due_ns)) = &mut action {
                *due_ns = due_ns.saturating_add(self.pace.period_ns());
            }
        }
        self.command_authorised(action)?;
        let observation = self.wait_for_frames()?;
        late(self.pace.lateness_ns());
        Ok(observation)
    }
}
