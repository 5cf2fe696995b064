//! Owning a robot's arm, and commanding it.

use super::RobotLink;
use crate::error::key_error;
use crate::keys::ClientMessage;
use crate::wire::{self, AdvanceRequest, Status};
use crate::{Arm, EpisodeVerdict, Freshness, LinkError, OperatorAccess, TakeoverInbox};
use apprentice_core::{JointCommand, Observation, RobotState};
use apprentice_robot::RobotDescription;
use apprentice_safety::gate::Stop;
use apprentice_safety::{Denial, Phase, Service};
use std::time::{Duration, Instant};
use zenoh::Wait as _;

/// How long the robot's state and its word about who owns it may take to come, when it is engaged.
const READY: Duration = Duration::from_secs(1);
/// How long the robot may take to see our lease token: it travels apart from what is asked.
const LEASE_SEEN: Duration = Duration::from_secs(10);
/// After how long of waiting that is said.
const SAY_AFTER: Duration = Duration::from_millis(500);
/// How long an arm may take to come to rest before it is enabled.
const REST: Duration = Duration::from_secs(3);

impl Arm for RobotLink {
    fn description(&self) -> &RobotDescription {
        &self.description
    }

    fn is_lockstep(&self) -> bool {
        self.lockstep
    }

    fn engage(&mut self) -> Result<(), LinkError> {
        self.check_reach()?;
        let engaged = self.as_owner(Self::enable);
        if engaged.is_err() {
            (self.lease, self.owns) = (None, false);
        }
        self.reported.engage(engaged.is_ok().then_some(self.client));
        self.inbox.set_commanding(engaged.is_ok());
        engaged
    }

    fn disengage(&mut self) -> Result<(), LinkError> {
        self.inbox.set_commanding(false);
        self.reported.engage(None);
        if !std::mem::take(&mut self.owns) {
            return Ok(());
        }
        let released = self.serve_within(Service::Release, READY);
        if released.is_err() {
            // Without its lease the arm is free even if it is not asked.
            self.lease = None;
        }
        released.map(|_| ())
    }

    fn send(&mut self, command: &JointCommand) -> Result<(), LinkError> {
        let mine =
            |s: Status| s.owner == self.client && matches!(s.phase, Phase::Active | Phase::Holding);
        let obeys = !self.reported.is_lost() && self.reported.status().is_some_and(mine);
        if self.owns && !obeys {
            return Err(self.lost());
        }
        self.sent = command.sequence;
        self.command
            .put(wire::encode_command(self.client, command))
            .wait()
            .map_err(|e| key_error(self.command.key_expr(), &e))
    }

    fn latest(&self, want_frames: bool, within: Freshness) -> Result<Observation, LinkError> {
        self.inbox.latest(want_frames, within)
    }

    fn latest_state(&self, within: Freshness, state: &mut RobotState) -> Result<bool, LinkError> {
        self.inbox.latest_state(within, state)
    }

    fn advance(&mut self, duration_ns: u64, want_frames: bool) -> Result<Observation, LinkError> {
        let request = AdvanceRequest {
            duration_ns,
            command_sequence: self.sent,
            want_frames,
        };
        self.inbox.advance_requested(duration_ns);
        let reply = self.tick(&self.keys.clock(), wire::encode_advance(&request))?;
        self.shown(&reply)
    }

    fn sets_up_scenes(&self) -> bool {
        // In lockstep nothing moves between episodes, so nobody could be asked meanwhile.
        self.lockstep || *self.scenes.get_or_init(|| self.answers_reset())
    }

    fn reset(&mut self, seed: u64) -> Result<Observation, LinkError> {
        // A scene is set up for the arm's owner alone.
        let set_up = self.as_owner(|link| {
            let key = link.keys.of(ClientMessage::Reset, link.client);
            let request = wire::encode_reset(link.client, seed);
            // From here to the next `enable` nobody drives.
            link.inbox.set_commanding(false);
            if link.lockstep {
                // What the answer speaks of may come before it.
                link.inbox.restart();
                return link.tick(&key, request);
            }
            link.inbox.scene_setup(true);
            let reply = link.tick(&key, request);
            link.inbox.scene_setup(false);
            reply
        })?;
        self.shown(&set_up)
    }

    fn verdict(&self) -> Result<EpisodeVerdict, LinkError> {
        self.ask_verdict()
    }

    fn takeover(&self, access: OperatorAccess<'_>) -> Result<TakeoverInbox, LinkError> {
        match access {
            OperatorAccess::Shared => TakeoverInbox::open(&self.session, &self.description.name),
            OperatorAccess::Own { endpoint, .. } => Err(self.cannot(&format!(
                "be taken over at {endpoint}: it speaks to operators' devices itself; let them connect where it is"
            ))),
        }
    }
}

impl RobotLink {
    /// Refuses to go on where commands would reach nobody or nothing would come back: zenoh connects
    /// peers that cannot hear each other without a word.
    fn check_reach(&self) -> Result<(), LinkError> {
        let nobody = |what: &str| LinkError::Unreachable {
            robot: self.description.name.clone(),
            what: what.into(),
            waited_ms: READY.as_millis() as u64,
        };
        let deadline = Instant::now() + READY;
        let hears = || {
            let status = self.command.matching_status().wait();
            status.is_ok_and(|s| s.matching())
        };
        while !hears() {
            if Instant::now() > deadline {
                return Err(nobody("nobody receives its commands"));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        if self.lockstep {
            return Ok(());
        }
        let within = Freshness {
            state: READY,
            frame: READY,
        };
        match self.inbox.latest(false, within) {
            Ok(_) => Ok(()),
            Err(LinkError::Silent { .. } | LinkError::Stale { .. }) => {
                Err(nobody("none of its joint states arrive"))
            }
            Err(other) => Err(other),
        }
    }

    /// Whether somebody answers where new scenes are asked for; word of that may still be on its way.
    fn answers_reset(&self) -> bool {
        let key = self.keys.of(ClientMessage::Reset, self.client);
        let Ok(asks) = self.session.declare_querier(key).wait() else {
            return false;
        };
        let deadline = Instant::now() + READY;
        loop {
            let answered = asks.matching_status().wait();
            if answered.is_ok_and(|s| s.matching()) {
                return true;
            }
            if Instant::now() > deadline {
                return false;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Becomes the arm's owner, then asks for what only the owner may. Word of a token that was let go of may reach
    /// the robot after the arm was acquired anew, and take it away: then it is acquired once more.
    fn as_owner<T>(&mut self, ask: impl Fn(&Self) -> Result<T, LinkError>) -> Result<T, LinkError> {
        let deadline = Instant::now() + LEASE_SEEN;
        loop {
            let owned = self.own();
            let is_owner = owned.is_ok();
            match owned.and_then(|()| ask(self)) {
                Err(LinkError::Refused { reason, .. })
                    if reason.starts_with(Denial::NotOwner.name()) && Instant::now() < deadline =>
                {
                    std::thread::sleep(Duration::from_millis(20));
                }
                answer => {
                    if !is_owner {
                        (self.lease, self.owns) = (None, false);
                    }
                    // An owner who is refused stays it: only the owner may let a faulted arm recover.
                    return answer;
                }
            }
        }
    }

    /// Becomes the arm's owner.
    fn own(&mut self) -> Result<(), LinkError> {
        if self.lease.is_none() {
            let key = self.keys.of(ClientMessage::Lease, self.client);
            let token = self.session.liveliness().declare_token(key.clone());
            self.lease = Some(token.wait().map_err(|e| key_error(&key, &e))?);
        }
        // Its side may not have seen our lease yet.
        let ask = || self.serve(Service::Acquire);
        self.ask_while(Service::Acquire, Denial::NoLease, LEASE_SEEN, ask)?;
        self.owns = true;
        self.come_to(|s| s.owner == self.client)
    }

    /// Enables the arm, once it is at rest. A stop is a person's to lift, never ours: what we know of is what there
    /// was when the arm said that it is not stopped, however long it takes to come to rest.
    fn enable(&self) -> Result<(), LinkError> {
        let known = self.stops_seen_to()?;
        let ask = || {
            self.stops_seen_to()?;
            self.serve_knowing(Service::Enable, known)
        };
        self.ask_while(Service::Enable, Denial::Moving, REST, ask)?;
        self.come_to(|s| s.phase == Phase::Active && s.owner == self.client)
    }

    /// How many stops the arm counted when it said last that it is not stopped.
    ///
    /// # Errors
    /// When it says that it is.
    fn stops_seen_to(&self) -> Result<u64, LinkError> {
        match self.reported.status() {
            Some(status) if status.stop != Stop::None => Err(LinkError::Refused {
                robot: self.description.name.clone(),
                key: self
                    .keys
                    .of(ClientMessage::Service(Service::Enable), self.client),
                reason: format!("{}: {}", Denial::Stopped.name(), Denial::Stopped.advice()),
            }),
            status => Ok(status.map_or(0, |s| s.stops)),
        }
    }

    /// Asks again while the answer is this refusal.
    fn ask_while(
        &self,
        service: Service,
        denial: Denial,
        patience: Duration,
        ask: impl Fn() -> Result<Phase, LinkError>,
    ) -> Result<(), LinkError> {
        let began = Instant::now();
        let mut said = false;
        loop {
            match ask() {
                Err(LinkError::Refused { reason, .. })
                    if reason.starts_with(denial.name()) && began.elapsed() < patience =>
                {
                    if !said && began.elapsed() > SAY_AFTER {
                        said = true;
                        tracing::warn!(
                            "robot {} still refuses {} ({reason}); it is asked again for up to {} s",
                            self.description.name,
                            service.name(),
                            patience.as_secs()
                        );
                    }
                    std::thread::sleep(Duration::from_millis(5));
                }
                answer => return answer.map(|_| ()),
            }
        }
    }

    /// Waits until the arm says so of itself.
    fn come_to(&self, stands: impl Fn(&Status) -> bool) -> Result<(), LinkError> {
        if self.reported.wait(READY, stands) {
            Ok(())
        } else {
            Err(self.lost())
        }
    }

    /// The arm does not obey us any more; why, as far as it said.
    fn lost(&self) -> LinkError {
        let status = self.reported.status();
        let mut said = match (status, self.reported.event()) {
            (_, Some(event)) => event,
            (Some(status), None) => status.phase.name().into(),
            (None, None) => "it has not said how it stands".into(),
        };
        if status.is_some_and(|s| s.stop != Stop::None) {
            said += "; it stays until a person acknowledges that: apprentice acknowledge";
        }
        LinkError::ControlLost {
            robot: self.description.name.clone(),
            said,
        }
    }
}
