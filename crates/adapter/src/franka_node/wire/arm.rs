//! Targets and states of an arm.

use super::layout::{
    ANCHOR, HOLDING, JOINT_TARGET, JOINTS, NOT_FINITE, Problem, Reader, STATE_BYTES, TARGET_BYTES,
    VERSION, floats,
};

/// What a target's numbers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetKind {
    /// Position (m) and quaternion x, y, z, w in the base frame.
    Cartesian,
    /// Joint positions, rad.
    Joints,
}

/// Where the arm should go.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Target {
    /// What the numbers are; must be the session's.
    pub kind: TargetKind,
    /// Whether its step is measured from where the arm is, and not from the target before it.
    pub anchor: bool,
    /// Who holds the lease; never 0.
    pub client_id: u32,
    /// Must grow from one to the next.
    pub sequence: u64,
    /// The sender's clock, nanoseconds; the node only echoes it.
    pub stamp_ns: u64,
    /// The numbers.
    pub numbers: [f64; JOINTS],
}

/// What the node is doing with an arm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Nobody commands it, or its holder has been stopped.
    Idle,
    /// Someone holds it, and it is not enabled.
    Acquired,
    /// It follows targets.
    Active,
    /// It comes to rest.
    Stopping,
    /// Its control loop ended with an error.
    Faulted,
    /// It goes to its ready pose.
    Homing,
}

const PHASES: [Phase; 6] = [
    Phase::Idle,
    Phase::Acquired,
    Phase::Active,
    Phase::Stopping,
    Phase::Faulted,
    Phase::Homing,
];

impl Phase {
    /// As the node calls it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Acquired => "acquired",
            Self::Active => "active",
            Self::Stopping => "stopping",
            Self::Faulted => "faulted",
            Self::Homing => "homing",
        }
    }
}

/// What the arm's own controller is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RobotMode {
    /// None of the others.
    Other,
    /// Ready.
    Idle,
    /// A control loop runs.
    Move,
    /// Guided by hand.
    Guiding,
    /// Stopped by a reflex.
    Reflex,
    /// Stopped by the user's stop.
    UserStopped,
    /// Recovering from an error.
    AutomaticErrorRecovery,
}

const MODES: [RobotMode; 7] = [
    RobotMode::Other,
    RobotMode::Idle,
    RobotMode::Move,
    RobotMode::Guiding,
    RobotMode::Reflex,
    RobotMode::UserStopped,
    RobotMode::AutomaticErrorRecovery,
];

impl RobotMode {
    /// As the node calls it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Other => "other",
            Self::Idle => "idle",
            Self::Move => "move",
            Self::Guiding => "guiding",
            Self::Reflex => "reflex",
            Self::UserStopped => "user_stopped",
            Self::AutomaticErrorRecovery => "automatic_error_recovery",
        }
    }
}

/// What the node publishes of an arm, 100 times a second unless told otherwise.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// What the node is doing.
    pub phase: Phase,
    /// What the arm's controller is doing.
    pub robot_mode: RobotMode,
    /// Whether the arm's controller reports errors.
    pub has_errors: bool,
    /// Whether no target has been accepted for the node's `hold_after_ms`.
    pub holding: bool,
    /// Whether [`State::target`] is joint positions.
    pub joint_target: bool,
    /// Who holds the lease; 0 for nobody.
    pub client_id: u32,
    /// Sequence of the last accepted target.
    pub accepted_sequence: u64,
    /// Its sender's stamp, nanoseconds.
    pub accepted_stamp_ns: u64,
    /// The node's monotonic clock at encoding, nanoseconds.
    pub node_ns: u64,
    /// The arm's clock, milliseconds.
    pub robot_time_ms: u64,
    /// Share of the last 100 control commands the arm received in time; 0 outside a session.
    pub success_rate: f64,
    /// Joint positions, rad.
    pub q: [f64; JOINTS],
    /// Joint velocities, rad/s.
    pub dq: [f64; JOINTS],
    /// External torques, filtered, N m.
    pub tau_ext: [f64; JOINTS],
    /// End effector in the base frame, column by column, m.
    pub o_t_ee: [f64; 16],
    /// External wrench at the stiffness frame, N and N m.
    pub o_f_ext_k: [f64; 6],
    /// The current target.
    pub target: [f64; JOINTS],
    /// Targets accepted since the session began.
    pub accepted: u64,
    /// Targets refused since the session began.
    pub refused: u64,
    /// Targets overtaken by newer ones since the session began.
    pub dropped: u64,
}

/// Bytes of a target.
#[must_use]
pub fn encode_target(target: &Target) -> Vec<u8> {
    let mut out = Vec::with_capacity(TARGET_BYTES);
    let kind = match target.kind {
        TargetKind::Cartesian => 1,
        TargetKind::Joints => 2,
    };
    out.extend([VERSION, kind]);
    out.extend(u16::from(target.anchor).to_le_bytes());
    out.extend(target.client_id.to_le_bytes());
    out.extend(target.sequence.to_le_bytes());
    out.extend(target.stamp_ns.to_le_bytes());
    floats(&mut out, &target.numbers);
    out
}

/// The target in a message, whatever its numbers.
///
/// # Errors
/// When the bytes are not one.
pub fn decode_target(bytes: &[u8]) -> Result<Target, Problem> {
    let mut r = Reader::new(bytes, TARGET_BYTES)?;
    let kind = match r.u8()? {
        1 => TargetKind::Cartesian,
        2 => TargetKind::Joints,
        _ => return Err("it is neither a Cartesian nor a joint target"),
    };
    Ok(Target {
        kind,
        anchor: r.u16()? & ANCHOR != 0,
        client_id: r.u32()?,
        sequence: r.u64()?,
        stamp_ns: r.u64()?,
        numbers: r.floats()?,
    })
}

/// Bytes of a state, as a node sends them.
#[must_use]
pub fn encode_state(state: &State) -> Vec<u8> {
    let mut out = Vec::with_capacity(STATE_BYTES);
    out.extend([
        VERSION,
        state.phase as u8,
        state.robot_mode as u8,
        u8::from(state.has_errors),
    ]);
    let flags = u16::from(state.holding) * HOLDING + u16::from(state.joint_target) * JOINT_TARGET;
    out.extend(flags.to_le_bytes());
    out.extend(state.client_id.to_le_bytes());
    for number in [
        state.accepted_sequence,
        state.accepted_stamp_ns,
        state.node_ns,
        state.robot_time_ms,
    ] {
        out.extend(number.to_le_bytes());
    }
    out.extend(state.success_rate.to_le_bytes());
    for numbers in [&state.q, &state.dq, &state.tau_ext] {
        floats(&mut out, numbers);
    }
    floats(&mut out, &state.o_t_ee);
    floats(&mut out, &state.o_f_ext_k);
    floats(&mut out, &state.target);
    for number in [state.accepted, state.refused, state.dropped] {
        out.extend(number.to_le_bytes());
    }
    out
}

/// The state in a message.
///
/// # Errors
/// When the bytes are not one, a code is unknown, or a joint's position or velocity is not finite. The
/// other numbers are as the arm reports them.
pub fn decode_state(bytes: &[u8]) -> Result<State, Problem> {
    let mut r = Reader::new(bytes, STATE_BYTES)?;
    let phase = PHASES.get(usize::from(r.u8()?)).copied();
    let robot_mode = MODES.get(usize::from(r.u8()?)).copied();
    let has_errors = r.u8()? != 0;
    let flags = r.u16()?;
    let state = State {
        phase: phase.ok_or("its phase is unknown")?,
        robot_mode: robot_mode.ok_or("its robot mode is unknown")?,
        has_errors,
        holding: flags & HOLDING != 0,
        joint_target: flags & JOINT_TARGET != 0,
        client_id: r.u32()?,
        accepted_sequence: r.u64()?,
        accepted_stamp_ns: r.u64()?,
        node_ns: r.u64()?,
        robot_time_ms: r.u64()?,
        success_rate: r.f64()?,
        q: r.floats()?,
        dq: r.floats()?,
        tau_ext: r.floats()?,
        o_t_ee: r.floats()?,
        o_f_ext_k: r.floats()?,
        target: r.floats()?,
        accepted: r.u64()?,
        refused: r.u64()?,
        dropped: r.u64()?,
    };
    if state.q.iter().chain(&state.dq).all(|v| v.is_finite()) {
        Ok(state)
    } else {
        Err(NOT_FINITE)
    }
}
