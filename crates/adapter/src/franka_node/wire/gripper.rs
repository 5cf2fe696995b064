//! Targets and states of a gripper.

use super::layout::{
    CALIBRATED, FAULT, GRASPED, GRIPPER_BYTES, MOVING, NOT_FINITE, Problem, Reader, VERSION, floats,
};

/// What the gripper should do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GripperTarget {
    /// Hold on to something of about that width with `force_n`, rather than only go there.
    pub grasp: bool,
    /// Who holds the lease.
    pub client_id: u32,
    /// Must grow from one to the next; a sequence of its own.
    pub sequence: u64,
    /// The sender's clock, nanoseconds.
    pub stamp_ns: u64,
    /// Opening, metres.
    pub width_m: f64,
    /// Force of a grasp, newtons.
    pub force_n: f64,
}

/// What the node publishes of a gripper, 20 times a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GripperState {
    /// Whether it has found its zero.
    pub calibrated: bool,
    /// Whether it holds something.
    pub grasped: bool,
    /// Whether it moves.
    pub moving: bool,
    /// Whether the node has lost it.
    pub fault: bool,
    /// Who holds the arm's lease; 0 for nobody.
    pub client_id: u32,
    /// The node's monotonic clock when the width was read, nanoseconds.
    pub node_ns: u64,
    /// Opening, metres.
    pub width_m: f64,
    /// Opening last asked for, metres.
    pub commanded_m: f64,
    /// Widest opening, metres; 0 until it is known.
    pub max_width_m: f64,
}

/// Bytes of a gripper target.
#[must_use]
pub fn encode_gripper_target(target: &GripperTarget) -> Vec<u8> {
    let mut out = Vec::with_capacity(GRIPPER_BYTES);
    out.extend([VERSION, if target.grasp { 2 } else { 1 }, 0, 0]);
    out.extend(target.client_id.to_le_bytes());
    out.extend(target.sequence.to_le_bytes());
    out.extend(target.stamp_ns.to_le_bytes());
    floats(&mut out, &[target.width_m, target.force_n]);
    out
}

/// The gripper target in a message, whatever its numbers.
///
/// # Errors
/// When the bytes are not one.
pub fn decode_gripper_target(bytes: &[u8]) -> Result<GripperTarget, Problem> {
    let mut r = Reader::new(bytes, GRIPPER_BYTES)?;
    let grasp = match r.u8()? {
        1 => false,
        2 => true,
        _ => return Err("it is neither a width nor a grasp"),
    };
    r.u16()?;
    Ok(GripperTarget {
        grasp,
        client_id: r.u32()?,
        sequence: r.u64()?,
        stamp_ns: r.u64()?,
        width_m: r.f64()?,
        force_n: r.f64()?,
    })
}

/// Bytes of a gripper's state, as a node sends them.
#[must_use]
pub fn encode_gripper_state(state: &GripperState) -> Vec<u8> {
    let mut out = Vec::with_capacity(GRIPPER_BYTES);
    let flags = u8::from(state.calibrated) * CALIBRATED
        + u8::from(state.grasped) * GRASPED
        + u8::from(state.moving) * MOVING
        + u8::from(state.fault) * FAULT;
    out.extend([VERSION, flags, 0, 0]);
    out.extend(state.client_id.to_le_bytes());
    out.extend(state.node_ns.to_le_bytes());
    floats(
        &mut out,
        &[state.width_m, state.commanded_m, state.max_width_m],
    );
    out
}

/// The gripper's state in a message.
///
/// # Errors
/// When the bytes are not one, or its width is not finite.
pub fn decode_gripper_state(bytes: &[u8]) -> Result<GripperState, Problem> {
    let mut r = Reader::new(bytes, GRIPPER_BYTES)?;
    let flags = r.u8()?;
    r.u16()?;
    let state = GripperState {
        calibrated: flags & CALIBRATED != 0,
        grasped: flags & GRASPED != 0,
        moving: flags & MOVING != 0,
        fault: flags & FAULT != 0,
        client_id: r.u32()?,
        node_ns: r.u64()?,
        width_m: r.f64()?,
        commanded_m: r.f64()?,
        max_width_m: r.f64()?,
    };
    if state.width_m.is_finite() {
        Ok(state)
    } else {
        Err(NOT_FINITE)
    }
}
