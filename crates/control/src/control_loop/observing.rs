//! A control period passes, and what the robot saw comes back.

use super::ControlLoop;
use crate::ControlError;
use apprentice_core::Observation;
use apprentice_link::LinkError;

impl ControlLoop {
    /// Lets one control period pass, in the robot's time or in ours, and looks at the state that came.
    pub(super) fn wait(&mut self) -> Result<(), ControlError> {
        if self.link.is_lockstep() {
            let seen = self.advance(false);
            let seen = self.halted_unless(seen)?;
            self.state = Some(seen.state);
            return Ok(());
        }
        self.pace.pass();
        let Some(state) = &mut self.state else {
            return self.wait_out(false).map(drop);
        };
        // Where a state is being brought just now, the one before does for a tick; whoever brings it may have
        // been put to sleep in the middle of it, and is not waited for until that makes it too old.
        let patient = self.missed_states.saturating_mul(self.pace.period_ns())
            < self.freshness.state.as_nanos() as u64;
        match self.link.latest_state(self.freshness, state) {
            Ok(true) => self.missed_states = 0,
            Ok(false) if patient => self.missed_states += 1,
            _ => return self.wait_out(false).map(drop),
        }
        Ok(())
    }

    /// As [`Self::wait`], and looks at frames too.
    pub(super) fn wait_for_frames(&mut self) -> Result<Observation, ControlError> {
        if self.link.is_lockstep() {
            let seen = self.advance(true);
            let seen = self.halted_unless(seen)?;
            self.remember(&seen);
            return Ok(seen);
        }
        self.pace.pass();
        self.wait_out(true)
    }

    fn advance(&mut self, want_frames: bool) -> Result<Observation, LinkError> {
        let seen = self.link.advance(self.pace.period_ns(), want_frames);
        self.pace.pass();
        seen
    }

    /// What a robot in real time sees, however long it takes to be sure of it: it may have fallen silent, and
    /// the arm is told to brake then.
    fn wait_out(&mut self, want_frames: bool) -> Result<Observation, ControlError> {
        let seen = match self.link.latest(want_frames, self.freshness) {
            Err(error) if error.is_silence() => self.brake_out(want_frames, error),
            seen => seen,
        };
        let seen = self.halted_unless(seen)?;
        self.remember(&seen);
        self.missed_states = 0;
        Ok(seen)
    }

    fn remember(&mut self, seen: &Observation) {
        match &mut self.state {
            Some(state) => state.copy_from(&seen.state),
            None => self.state = Some(seen.state.clone()),
        }
    }

    /// Whatever the robot still hears must not leave it moving.
    fn halted_unless(
        &mut self,
        seen: Result<Observation, LinkError>,
    ) -> Result<Observation, ControlError> {
        seen.map_err(|error| {
            if let Err(also) = self.halt() {
                tracing::warn!("the robot could not be told to stop: {also}");
            }
            error.into()
        })
    }
}
