//! What was heard last from a node about one arm.

use super::exchange::{EpisodeMarker, NodeStatus};
use super::wire::{GripperState, Phase, State};
use apprentice_core::RobotState;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Outside a session the node reads the arm once a second, and publishes what it read a hundred times. It
/// may be that old and a bit more; in a session every state must be new.
const IDLE_READ: Duration = Duration::from_millis(2500);

/// What was heard last.
#[derive(Debug, Default)]
pub(super) struct Received {
    last: Mutex<Last>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Last {
    state: Option<(State, Instant)>,
    /// When the arm's own clock last went on.
    alive: Option<Instant>,
    /// Counts states that say something new.
    sequence: u64,
    gripper: Option<(GripperState, Instant)>,
    status: Option<NodeStatus>,
    marker: Option<EpisodeMarker>,
    /// When refusals were told of last, so that a flood of them is not one of lines too.
    told: Option<Instant>,
}

impl Received {
    fn lock(&self) -> MutexGuard<'_, Last> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a state over. Answers it as the control loop wants it: one that repeats what the arm said
    /// before keeps its number, so that it grows old. Nothing while the gripper is waited for.
    pub(super) fn put_state(&self, state: State, wants_gripper: bool) -> Option<RobotState> {
        let now = Instant::now();
        let mut last = self.lock();
        let went_on = last
            .state
            .as_ref()
            .is_none_or(|(before, _)| before.robot_time_ms != state.robot_time_ms);
        if went_on {
            last.alive = Some(now);
        }
        let in_session = matches!(state.phase, Phase::Active | Phase::Homing);
        let read_lately = last.alive.is_some_and(|t| now - t < IDLE_READ);
        if went_on || (!in_session && read_lately) {
            last.sequence += 1;
        }
        if let Some((before, _)) = &last.state
            && in_session
            && state.refused > before.refused
            && last.told.is_none_or(|t| now - t > Duration::from_secs(1))
        {
            tracing::warn!(
                "franka-node has refused {} of {} targets in this session",
                state.refused,
                state.refused + state.accepted + state.dropped
            );
            last.told = Some(now);
        }
        let width = last.gripper.as_ref().map(|(g, _)| g.width_m);
        let seen = RobotState {
            sequence: last.sequence,
            stamp_ns: state.robot_time_ms.saturating_mul(1_000_000),
            positions: state.q.to_vec(),
            velocities: state.dq.to_vec(),
            gripper_width: width.unwrap_or(0.0),
            // The node passes on external torques only, not those of the motors.
            efforts: Some(state.tau_ext.to_vec()),
            external_wrench: Some(state.o_f_ext_k),
        };
        last.state = Some((state, now));
        drop(last);
        self.changed.notify_all();
        (width.is_some() || !wants_gripper).then_some(seen)
    }

    pub(super) fn put_gripper(&self, state: GripperState) {
        self.lock().gripper = Some((state, Instant::now()));
        self.changed.notify_all();
    }

    /// Takes the node's status over, when it is the node of this arm.
    pub(super) fn put_status(&self, status: NodeStatus, arm: &str) {
        let Some(now) = status.arms.iter().find(|a| a.name == arm) else {
            return;
        };
        let mut last = self.lock();
        let before = last
            .status
            .as_ref()
            .and_then(|s| s.arms.iter().find(|a| a.name == arm))
            .map(|a| a.decode_failures);
        if before.is_some_and(|before| now.decode_failures > before) {
            tracing::warn!(
                "franka-node {} has been sent {} messages for arm {arm} that it cannot read",
                status.node,
                now.decode_failures
            );
        }
        if last.status.is_none() && !status.version.starts_with("0.4.") {
            tracing::warn!(
                "node {} is franka-node {}; this adapter is made and tested for 0.4.0",
                status.node,
                status.version
            );
        }
        last.status = Some(status);
    }

    pub(super) fn put_marker(&self, marker: EpisodeMarker) {
        self.lock().marker = Some(marker);
    }

    pub(super) fn state(&self) -> Option<(State, Duration)> {
        let last = self.lock();
        last.state.as_ref().map(|(s, t)| (s.clone(), t.elapsed()))
    }

    pub(super) fn gripper(&self) -> Option<(GripperState, Duration)> {
        let last = self.lock();
        last.gripper.as_ref().map(|(g, t)| (*g, t.elapsed()))
    }

    pub(super) fn status(&self) -> Option<NodeStatus> {
        self.lock().status.clone()
    }

    pub(super) fn marker(&self) -> Option<EpisodeMarker> {
        self.lock().marker.clone()
    }

    /// Waits until `ready` answers something of the state or gripper heard last.
    pub(super) fn wait<T>(
        &self,
        patience: Duration,
        ready: impl Fn(Option<&(State, Instant)>, Option<&(GripperState, Instant)>) -> Option<T>,
    ) -> Option<T> {
        let deadline = Instant::now() + patience;
        let mut last = self.lock();
        loop {
            if let Some(answer) = ready(last.state.as_ref(), last.gripper.as_ref()) {
                return Some(answer);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            last = self
                .changed
                .wait_timeout(last, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }
}
