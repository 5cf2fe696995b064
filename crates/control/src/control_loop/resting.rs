//! Bringing an arm to rest, keeping it there, and home.

use super::ControlLoop;
use crate::ControlError;
use crate::plan_ready::PlanReady;
use apprentice_core::Observation;
use apprentice_link::LinkError;
use apprentice_robot::Joint;
use apprentice_safety::{ControlAuthority, Homing};
use std::time::Duration;

impl ControlLoop {
    /// Moves an arm that cannot be set up to its home posture, through the guard like any motion, and
    /// answers what it sees there. A person who takes over is obeyed instead; once the arm is handed back it
    /// goes home from where it is then.
    pub(super) fn go_home(&mut self) -> Result<Observation, ControlError> {
        loop {
            if let Some(seen) = self.head_home()? {
                return Ok(seen);
            }
            self.wait_for_policy()?;
        }
    }

    /// The way home; `None` where somebody else has the arm before it ends.
    fn head_home(&mut self) -> Result<Option<Observation>, ControlError> {
        let description = self.description().clone();
        let start = self.target.clone();
        let width = self.state.as_ref().map_or(0.0, |s| s.gripper_width);
        let way = Homing::new(&description, &start, &description.home)
            .map_err(|reason| ControlError::Home(description.name.clone(), reason))?;
        let mut seconds = 0.0;
        // What the guard slows down arrives a little later.
        let patience = way.duration_s() * 1.5 + 2.0;
        let away = |at: &[f64]| {
            let apart = at.iter().zip(&description.home).map(|(a, b)| (a - b).abs());
            apart.fold(0.0, f64::max)
        };
        loop {
            if self.authority() != ControlAuthority::Policy {
                return Ok(None);
            }
            seconds += self.pace.period_ns() as f64 * 1e-9;
            self.propose(&way.at(seconds), width)?;
            if seconds > way.duration_s() && away(&self.target) < 1e-3 {
                let seen = self.wait_for_frames()?;
                if self.guard.is_at_rest() {
                    return Ok(Some(seen));
                }
            } else {
                self.wait()?;
            }
            if seconds > patience {
                let away = |(joint, (at, home)): (&Joint, (&f64, &f64))| {
                    let apart = (at - home).abs();
                    (apart >= 1e-3).then(|| format!("{} {apart:.3} {}", joint.name, joint.unit))
                };
                let homes = self.target.iter().zip(&description.home);
                let joints = description.joints.iter().zip(homes);
                let left: Vec<String> = joints.filter_map(away).collect();
                let reason = if left.is_empty() {
                    format!("after {patience:.1} s it still does not rest")
                } else {
                    let left = left.join(", ");
                    format!("after {patience:.1} s joints are still away from it: {left}")
                };
                return Err(ControlError::Home(description.name, reason));
            }
        }
    }

    /// Commands a robot in real time until the agent has decided: first towards where it was going, and
    /// once that is older than `guard.stale_ms`, to a stop.
    ///
    /// # Errors
    /// As [`Self::act`].
    pub(crate) fn hold_until(&mut self, ready: &PlanReady) -> Result<(), ControlError> {
        // An agent that answers at once is not in need of a command in between.
        if ready.wait(Duration::from_nanos(self.pace.period_ns() / 4)) {
            return Ok(());
        }
        let (numbers, due) = (std::mem::take(&mut self.action.0), self.action.1.take());
        self.path.clear();
        let held = self.hold(due.map(|due_ns| (&numbers[..], due_ns)), ready);
        self.action.0 = numbers;
        held
    }

    fn hold(
        &mut self,
        action: Option<(&[f32], u64)>,
        ready: &PlanReady,
    ) -> Result<(), ControlError> {
        loop {
            self.command_authorised(action)?;
            self.wait()?;
            if ready.wait(Duration::ZERO) {
                return Ok(());
            }
        }
    }

    /// Brings an arm in real time to rest, as hard as its limits allow. In lockstep time stands still,
    /// and the arm with it.
    ///
    /// # Errors
    /// When commands cannot be sent; what the robot publishes does not matter here.
    pub fn halt(&mut self) -> Result<(), ControlError> {
        if self.is_lockstep() || self.state.is_none() {
            return Ok(());
        }
        self.action.1 = None;
        for _ in 0..self.guard.braking_ticks() {
            if self.guard.is_at_rest() {
                break;
            }
            self.command(None)?;
            self.pace.pass();
        }
        Ok(())
    }

    /// Gives the arm back, at rest.
    ///
    /// # Errors
    /// As [`Self::halt`].
    pub fn release(&mut self) -> Result<(), ControlError> {
        let halted = self.halt();
        let released = self.link.disengage();
        halted?;
        Ok(released?)
    }

    /// Brakes while a robot in real time is silent, or says nothing that can be used, until the arm should be
    /// at rest and as long again as it may be silent. A stall of this machine that ends before is no reason to
    /// end an episode.
    pub(super) fn brake_out(
        &mut self,
        want_frames: bool,
        mut error: LinkError,
    ) -> Result<Observation, LinkError> {
        let until = self.pace.now_ns() + self.freshness.state.as_nanos() as u64;
        while error.is_silence() && !(self.guard.is_at_rest() && self.pace.now_ns() > until) {
            if let Err(also) = self.command(None) {
                tracing::warn!("the robot could not be told to stop: {also}");
                break;
            }
            self.pace.pass();
            match self.link.latest(want_frames, self.freshness) {
                Ok(seen) => return Ok(seen),
                Err(newer) => error = newer,
            }
        }
        Err(error)
    }
}
