//! Whether what an arm says of itself can be true: nobody is believed who has it move faster than it can, or be
//! where it cannot be.

use super::joint_envelope::{JointEnvelope, LONGEST_GAP_S};
use super::rejected::Problem;
use apprentice_core::RobotState;
use apprentice_robot::RobotDescription;

/// How much faster than its limit a joint may be seen to move. A description's limits are what we may ask for:
/// an arm that is guided by hand, or moved by others, does more.
const FASTER: f64 = 3.0;
/// Messages may come so much closer together than they were sent, s.
const JITTER_S: f64 = 0.1;
/// States that have to agree with each other before the first of them counts, and for how long, ns: a true
/// sender that is silent for longer would end a run.
const PROOF: (u32, u64) = (3, 200_000_000);
/// For so long they have to where others contradicted them, ns.
const DISPUTE_NS: u64 = 500_000_000;
/// Messages that may be missing at once, and more of them a second of silence.
const MISSING: (f64, f64) = (1000.0, 10_000.0);
/// A joint may be seen outside its limits by this share of its range, and by the angle (rad) if that is more: arms
/// sag, and their zero is never set exactly.
const OUTSIDE: (f64, f64) = (0.05, 0.1);

/// What it thinks of a state.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Verdict {
    /// The arm is there.
    Accepted,
    /// It may be; others have to agree first.
    Pending,
    Rejected(Problem),
}

/// Judges the states of one arm, one after the other. Allocates nothing once it has seen two.
pub(super) struct PlausibilityCheck {
    joints: Vec<JointEnvelope>,
    /// Between two commands, s.
    period_s: f64,
    /// Time passes when it is asked for, and one state comes for each asking.
    lockstep: bool,
    /// Somebody computes commands from what is accepted: a jump is not accepted, however long it goes on.
    commanding: bool,
    accepted: Option<Received>,
    /// States that agree with each other, but with none that was accepted.
    candidate: Option<Candidate>,
    /// When states contradicted each other last while none was accepted, ns.
    disputed_ns: Option<u64>,
    /// Stamp of the newest state whose time was looked at, ns.
    stamp_ns: u64,
}

struct Received {
    positions: Vec<f64>,
    sequence: u64,
    stamp_ns: u64,
    at_ns: u64,
}

struct Candidate {
    count: u32,
    since_ns: u64,
    newest: Received,
}

impl Received {
    fn of(state: &RobotState, at_ns: u64) -> Self {
        Self {
            positions: state.positions.clone(),
            sequence: state.sequence,
            stamp_ns: state.stamp_ns,
            at_ns,
        }
    }

    fn replace(&mut self, state: &RobotState, at_ns: u64) {
        self.positions.clone_from(&state.positions);
        (self.sequence, self.stamp_ns, self.at_ns) = (state.sequence, state.stamp_ns, at_ns);
    }
}

impl PlausibilityCheck {
    pub fn new(description: &RobotDescription) -> Self {
        let joints = description.joints.iter().map(|joint| {
            let [low, high] = joint.position;
            let share = OUTSIDE.0 * (high - low);
            JointEnvelope {
                name: joint.name.clone(),
                unit: joint.unit.clone(),
                low,
                high,
                margin: if joint.unit == "rad" {
                    share.max(OUTSIDE.1)
                } else {
                    share
                },
                speed: FASTER * joint.velocity,
            }
        });
        Self {
            joints: joints.collect(),
            period_s: 1.0 / description.control_hz,
            lockstep: false,
            commanding: false,
            accepted: None,
            candidate: None,
            disputed_ns: None,
            stamp_ns: 0,
        }
    }

    pub fn joints(&self) -> &[JointEnvelope] {
        &self.joints
    }

    /// Time passes only when it is asked for.
    pub fn set_lockstep(&mut self) {
        self.lockstep = true;
    }

    /// Whether commands are computed from what is accepted.
    pub fn set_commanding(&mut self, commanding: bool) {
        self.commanding = commanding;
    }

    /// The arm may be anywhere now.
    pub fn restart(&mut self) {
        (self.accepted, self.candidate, self.disputed_ns) = (None, None, None);
        self.stamp_ns = 0;
    }

    pub fn is_commanding(&self) -> bool {
        self.commanding
    }

    /// Whether it is known where the arm is.
    pub fn has_accepted(&self) -> bool {
        self.accepted.is_some()
    }

    /// States that agree with each other so far, how many have to, and for how long, ms.
    pub fn pending(&self) -> Option<(u32, u32, u64)> {
        let candidate = self.candidate.as_ref()?;
        let proof = (candidate.count, PROOF.0, PROOF.1 / 1_000_000);
        self.accepted.is_none().then_some(proof)
    }

    /// Judges the next state, come at `now_ns` of the receiver's clock (in lockstep: of the time asked for).
    pub fn judge(&mut self, state: &RobotState, now_ns: u64) -> Verdict {
        if let Some(problem) = self.impossible(state) {
            return Verdict::Rejected(problem);
        }
        // Once a clock was set back its time goes on from there.
        let before_ns = std::mem::replace(&mut self.stamp_ns, state.stamp_ns);
        if state.stamp_ns < before_ns {
            let by_ns = before_ns - state.stamp_ns;
            if self.accepted.is_none() {
                // Two senders with clocks of their own never agree.
                (self.candidate, self.disputed_ns) = (None, Some(now_ns));
            }
            return Verdict::Rejected(Problem::TimeBack { by_ns });
        }
        if let Some(seen) = &self.accepted {
            let problem = self.contradiction(seen, state, now_ns);
            match problem {
                Some(problem) if self.commanding => {
                    // One that is far from the others has no say over time.
                    self.stamp_ns = before_ns;
                    return Verdict::Rejected(problem);
                }
                Some(problem) if !self.lockstep => {
                    // Who was believed may have been the wrong one, and nobody moves the arm yet.
                    self.accepted = None;
                    self.disputed_ns = Some(now_ns);
                    let _ = self.candidate(state, now_ns);
                    return Verdict::Rejected(problem);
                }
                _ => {
                    self.accept(state, now_ns);
                    return Verdict::Accepted;
                }
            }
        }
        let contradiction = self.candidate(state, now_ns);
        if contradiction.is_some() {
            self.disputed_ns = Some(now_ns);
        }
        if self.is_proven(now_ns) {
            self.accept(state, now_ns);
            return Verdict::Accepted;
        }
        contradiction.map_or(Verdict::Pending, |p| {
            Verdict::Rejected(Problem::Disagreement(Box::new(p)))
        })
    }

    fn accept(&mut self, state: &RobotState, now_ns: u64) {
        match &mut self.accepted {
            Some(seen) => seen.replace(state, now_ns),
            none => *none = Some(Received::of(state, now_ns)),
        }
        (self.candidate, self.disputed_ns) = (None, None);
    }

    /// Counts a state that has to be agreed to. Answers how it contradicts the one before.
    fn candidate(&mut self, state: &RobotState, now_ns: u64) -> Option<Problem> {
        let Some(candidate) = &self.candidate else {
            self.candidate = Some(Candidate {
                count: 1,
                since_ns: now_ns,
                newest: Received::of(state, now_ns),
            });
            return None;
        };
        let contradiction = self.contradiction(&candidate.newest, state, now_ns);
        let goes_on = contradiction.is_none()
            && now_ns.saturating_sub(candidate.newest.at_ns) < DISPUTE_NS
            && state.sequence > candidate.newest.sequence;
        if let Some(candidate) = &mut self.candidate {
            if goes_on {
                candidate.count = candidate.count.saturating_add(1);
            } else {
                (candidate.count, candidate.since_ns) = (1, now_ns);
            }
            candidate.newest.replace(state, now_ns);
        }
        contradiction
    }

    fn is_proven(&self, now_ns: u64) -> bool {
        let Some(candidate) = &self.candidate else {
            return false;
        };
        let agreed_ns = now_ns.saturating_sub(candidate.since_ns);
        let since = |then: u64| now_ns.saturating_sub(then);
        let undisputed = self.disputed_ns.is_none_or(|d| since(d) >= DISPUTE_NS);
        self.lockstep || (candidate.count >= PROOF.0 && agreed_ns >= PROOF.1 && undisputed)
    }

    /// Why no arm of this kind can be so.
    fn impossible(&self, state: &RobotState) -> Option<Problem> {
        let got = state.positions.len();
        if got != self.joints.len() {
            return Some(Problem::Joints {
                got,
                wanted: self.joints.len(),
            });
        }
        let numbers = state.positions.iter().chain(&state.velocities);
        if !numbers.chain([&state.gripper_width]).all(|v| v.is_finite()) {
            return Some(Problem::NotFinite);
        }
        let mut each = self.joints.iter().zip(&state.positions);
        let outside = |(joint, q): (&JointEnvelope, &f64)| {
            *q < joint.low - joint.margin || *q > joint.high + joint.margin
        };
        let joint = each.position(outside)?;
        let at = *state.positions.get(joint)?;
        Some(Problem::Outside { joint, at })
    }

    /// How a state contradicts one before.
    fn contradiction(&self, seen: &Received, state: &RobotState, now_ns: u64) -> Option<Problem> {
        let passed_s = now_ns.saturating_sub(seen.at_ns) as f64 * 1e-9;
        let missing = state.sequence.saturating_sub(seen.sequence);
        if missing as f64 > MISSING.0 + MISSING.1 * passed_s {
            return Some(Problem::Number {
                from: seen.sequence,
                to: state.sequence,
            });
        }
        let granted_s = if self.lockstep {
            passed_s
        } else {
            passed_s.min(LONGEST_GAP_S)
        };
        // By the sender's clock too, where it goes on as ours does: it knows nothing of jitter on the way.
        let stamped_s = state.stamp_ns.saturating_sub(seen.stamp_ns) as f64 * 1e-9;
        let sane = seen.stamp_ns > 0 && stamped_s > 0.0 && 4.0 * stamped_s + JITTER_S >= passed_s;
        let by_stamps = if sane {
            stamped_s + 2.0 * self.period_s
        } else {
            f64::INFINITY
        };
        let seconds = (granted_s + JITTER_S).min(by_stamps);
        let steps = seen.positions.iter().zip(&state.positions);
        let mut each = self.joints.iter().zip(steps);
        let joint = each.position(|(joint, (from, to))| {
            // All of them are finite by now.
            (to - from).abs() > joint.speed * seconds
        })?;
        let from = *seen.positions.get(joint)?;
        let to = *state.positions.get(joint)?;
        Some(Problem::Jump {
            joint,
            from,
            to,
            seconds: passed_s,
            allowed: self.joints.get(joint).map_or(0.0, |j| j.speed * seconds),
        })
    }
}
