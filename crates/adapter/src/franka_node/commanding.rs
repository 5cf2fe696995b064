//! Engaging an arm, sending it targets and giving it back.

use super::exchange::{Request, Verb, unusable};
use super::wire::{self, Phase, State, Target, TargetKind};
use super::{ERRORS, FrankaNode, GRIPPER_AGE, LAST_TARGET, LIVENESS_TIMEOUT, SETTLING};
use apprentice_core::{JointCommand, Observation};
use apprentice_link::{Arm, Freshness, LinkError, OperatorAccess, TakeoverInbox};
use apprentice_robot::RobotDescription;
use std::time::{Duration, Instant};
use zenoh::Wait as _;

impl FrankaNode {
    /// Refuses an arm that shows no state, or that nobody would hear commands for.
    pub(super) fn check_liveness(&self) -> Result<(), LinkError> {
        let fresh = |state: Option<&(State, Instant)>, _: Option<&_>| {
            state
                .is_some_and(|(_, came)| came.elapsed() < LIVENESS_TIMEOUT)
                .then_some(())
        };
        if self.received.wait(LIVENESS_TIMEOUT, fresh).is_none() {
            // States that cannot be used say more than none.
            let within = Freshness {
                state: Duration::from_millis(1),
                frame: Duration::from_millis(1),
            };
            if let Err(error @ LinkError::Rejected { .. }) = self.inbox.latest(false, within) {
                return Err(error);
            }
            return Err(ERRORS.of(LinkError::Silent {
                robot: self.description.name.clone(),
                key: self.settings.key("state"),
                timeout_ms: LIVENESS_TIMEOUT.as_millis() as u64,
            }));
        }
        let key = self.settings.key("target");
        let deadline = Instant::now() + LIVENESS_TIMEOUT;
        loop {
            let status = self.target.matching_status().wait();
            if status.map_err(|e| unusable(&key, e))?.matching() {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(unusable(
                    &key,
                    "its state arrives, but nobody listens to targets: they would be lost without a word; see which zenoh peers and routers are linked",
                ));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Declares the lease and becomes the holder.
    pub(super) fn acquire(&mut self) -> Result<(), LinkError> {
        let key = self.settings.key(&format!("lease/{}", self.client_id));
        let token = self
            .network
            .session
            .liveliness()
            .declare_token(key.clone())
            .wait();
        self.lease = Some(token.map_err(|e| unusable(&key, e))?);
        let deadline = Instant::now() + SETTLING;
        loop {
            match self.ask(Verb::Acquire, &self.request()) {
                Ok(Ok(())) => return Ok(()),
                // The token may still be on its way.
                Ok(Err(reason)) if reason == "no lease" && Instant::now() < deadline => {
                    std::thread::sleep(Duration::from_millis(10));
                }
                Ok(Err(reason)) => {
                    self.lease = None;
                    return Err(self.refused(Verb::Acquire, reason));
                }
                Err(error) => {
                    self.lease = None;
                    return Err(error);
                }
            }
        }
    }

    fn enable(&self) -> Result<(), LinkError> {
        let request = Request {
            mode: Some("joints"),
            ..self.request()
        };
        self.demand(Verb::Enable, &request)?;
        let (ours, enabled) = (self.client_id, Instant::now());
        let active = |state: Option<&(State, Instant)>, _: Option<&_>| {
            let (state, came) = state?;
            let settled = matches!(state.phase, Phase::Active | Phase::Faulted);
            // What was said before may be of a fault that is over.
            (settled && *came >= enabled && state.client_id == ours).then_some(state.phase)
        };
        match self.received.wait(SETTLING, active) {
            Some(Phase::Active) => {}
            _ => return Err(self.lost()),
        }
        // While a session ends or begins the node says nothing of the gripper either.
        let received = |_: Option<&_>, gripper: Option<&(wire::GripperState, Instant)>| {
            gripper
                .is_some_and(|(_, came)| *came >= enabled)
                .then_some(())
        };
        if self.gripper.is_some() && self.received.wait(SETTLING, received).is_none() {
            return Err(ERRORS.of(LinkError::Silent {
                robot: self.description.name.clone(),
                key: self.settings.key("gripper/state"),
                timeout_ms: SETTLING.as_millis() as u64,
            }));
        }
        Ok(())
    }

    /// Waits until it is known where the arm is.
    fn believe(&self) -> Result<(), LinkError> {
        let within = Freshness {
            state: LIVENESS_TIMEOUT,
            frame: LIVENESS_TIMEOUT,
        };
        self.inbox.latest(false, within).map(|_| ())
    }

    /// Waits until the node has taken the last target: a stop overtakes targets that wait beside it, and
    /// they would be refused.
    fn drain(&self) {
        let (before, last) = (self.begun_at, self.sequence);
        if last == before {
            return;
        }
        let _ = self.received.wait(LAST_TARGET, |state, _| {
            let (state, _) = state?;
            let waited_for = state.phase == Phase::Active && state.accepted_sequence < last;
            (!waited_for).then_some(())
        });
    }

    /// Why the arm does not follow us.
    fn lost(&self) -> LinkError {
        let reason = match self.received.state() {
            None => "the node has said nothing of it".to_owned(),
            Some((state, age)) => {
                let holder = match state.client_id {
                    0 => "nobody".to_owned(),
                    id if id == self.client_id => "us".to_owned(),
                    id => format!("client {id}"),
                };
                format!(
                    "the node took control away: it is {}, held by {holder}, the arm's mode is {}{} ({} ms ago); engage it again when the cause is gone",
                    state.phase.name(),
                    state.robot_mode.name(),
                    if state.has_errors { " with errors" } else { "" },
                    age.as_millis()
                )
            }
        };
        self.refuse_target(reason)
    }

    fn refuse_target(&self, reason: String) -> LinkError {
        LinkError::Refused {
            robot: self.description.name.clone(),
            key: self.settings.key("target"),
            reason,
        }
    }
}

impl Arm for FrankaNode {
    fn description(&self) -> &RobotDescription {
        &self.description
    }

    fn engage(&mut self) -> Result<(), LinkError> {
        if self.lease.is_some() && self.phase() == Some(Phase::Active) {
            return Ok(());
        }
        self.disengage()?;
        self.check_liveness()?;
        if self.settings.recover && self.phase() == Some(Phase::Faulted) {
            self.recover()?;
        }
        self.acquire()?;
        // It goes on: a target of a session before must not pass for one of this.
        self.begun_at = self.sequence;
        if let Err(error) = self.enable().and_then(|()| self.believe()) {
            if let Err(also) = self.disengage() {
                tracing::warn!("{also}");
            }
            return Err(error);
        }
        self.inbox.set_commanding(true);
        let measured = self.received.gripper().map(|(g, _)| g.width_m);
        if let Some(gripper) = &mut self.gripper {
            gripper.restart(measured);
        }
        Ok(())
    }

    fn disengage(&mut self) -> Result<(), LinkError> {
        self.inbox.set_commanding(false);
        if self.lease.is_none() {
            return Ok(());
        }
        let request = self.request();
        let stopped = match self.phase() {
            Some(Phase::Active | Phase::Homing) => {
                self.drain();
                self.ask(Verb::Stop, &request)
            }
            _ => Ok(Ok(())),
        };
        let released = self.ask(Verb::Release, &request);
        // Without its lease the node ends the session, whatever became of the questions.
        self.lease = None;
        match (stopped?, released?) {
            (_, Ok(())) => Ok(()),
            (Err(reason), Err(_)) => Err(self.refused(Verb::Stop, reason)),
            // A watchdog, or a lease seen as lost, has let it go before us.
            (Ok(()), Err(reason)) if reason.contains("is not the holder") => Ok(()),
            (Ok(()), Err(reason)) => Err(self.refused(Verb::Release, reason)),
        }
    }

    fn send(&mut self, command: &JointCommand) -> Result<(), LinkError> {
        let got = &command.positions;
        let Ok(numbers) = <[f64; wire::JOINTS]>::try_from(got.as_slice()) else {
            return Err(self.refuse_target(format!(
                "a command for {} joints, the arm has 7; nothing was sent",
                got.len()
            )));
        };
        if let Some(joint) = numbers.iter().position(|v| !v.is_finite()) {
            return Err(self.refuse_target(format!(
                "a command with joint {} at {}, which is not finite; nothing was sent",
                joint + 1,
                got.get(joint).copied().unwrap_or(f64::NAN)
            )));
        }
        if self.lease.is_none() {
            return Err(self.refuse_target("the arm is not engaged; nothing was sent".into()));
        }
        let ours = |s: &State| s.phase == Phase::Active && s.client_id == self.client_id;
        if !self.received.state().is_some_and(|(state, _)| ours(&state)) {
            return Err(self.lost());
        }
        self.sequence += 1;
        let target = Target {
            kind: TargetKind::Joints,
            anchor: false,
            client_id: self.client_id,
            sequence: self.sequence,
            stamp_ns: command.stamp_ns,
            numbers,
        };
        self.target
            .put(wire::encode_target(&target))
            .wait()
            .map_err(|e| unusable(&self.settings.key("target"), e))?;
        match &mut self.gripper {
            Some(gripper) => gripper.send(command.gripper_width, command.stamp_ns),
            None => Ok(()),
        }
    }

    fn latest(&self, want_frames: bool, within: Freshness) -> Result<Observation, LinkError> {
        if self.gripper.is_some() {
            let allowed = within.state.max(GRIPPER_AGE);
            let key = self.settings.key("gripper/state");
            let robot = self.description.name.clone();
            let received = self
                .received
                .wait(allowed, |_, g| g.map(|(g, t)| (*g, t.elapsed())));
            match received {
                None => {
                    return Err(ERRORS.of(LinkError::Silent {
                        robot,
                        key,
                        timeout_ms: allowed.as_millis() as u64,
                    }));
                }
                Some((_, age)) if age > allowed => {
                    return Err(LinkError::Stale {
                        robot,
                        key,
                        age_ms: age.as_millis() as u64,
                        allowed_ms: allowed.as_millis() as u64,
                    });
                }
                Some((gripper, _)) if gripper.fault => {
                    return Err(LinkError::Refused {
                        robot,
                        key,
                        reason: "the node has lost the gripper; see to its cable and power, then restart the node".into(),
                    });
                }
                Some(_) => {}
            }
        }
        let newest = self.inbox.latest(want_frames, within);
        newest.map_err(|e| ERRORS.of(e))
    }

    fn takeover(&self, access: OperatorAccess<'_>) -> Result<TakeoverInbox, LinkError> {
        self.network
            .takeover(&self.description, &self.inbox, access)
    }
}
