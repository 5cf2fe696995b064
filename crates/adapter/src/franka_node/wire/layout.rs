//! What all messages of the node have in common.

/// Version of the layouts, their first byte.
pub const VERSION: u8 = 1;
/// Bytes of a [`Target`](super::Target).
pub const TARGET_BYTES: usize = 80;
/// Bytes of a [`State`](super::State).
pub const STATE_BYTES: usize = 474;
/// Bytes of a [`GripperTarget`](super::GripperTarget), and of a [`GripperState`](super::GripperState).
pub const GRIPPER_BYTES: usize = 40;
/// Joints of the arms the node drives.
pub const JOINTS: usize = 7;

pub(super) const ANCHOR: u16 = 1;
pub(super) const HOLDING: u16 = 1;
pub(super) const JOINT_TARGET: u16 = 2;
pub(super) const CALIBRATED: u8 = 1;
pub(super) const GRASPED: u8 = 2;
pub(super) const MOVING: u8 = 4;
pub(super) const FAULT: u8 = 8;

/// What is wrong with a message.
pub type Problem = &'static str;

pub(super) const WRONG_SIZE: Problem = "it has another size than this message of franka-node 0.4.0";
pub(super) const CUT_OFF: Problem = "it is cut off";
pub(super) const NOT_FINITE: Problem = "a joint position, velocity or width in it is not finite";

/// Puts these numbers at the end.
pub(super) fn floats(out: &mut Vec<u8>, numbers: &[f64]) {
    numbers.iter().for_each(|v| out.extend(v.to_le_bytes()));
}

/// Reads a message from its beginning.
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Past the version of a message of so many bytes.
    pub fn new(bytes: &'a [u8], size: usize) -> Result<Self, Problem> {
        if bytes.len() != size {
            return Err(WRONG_SIZE);
        }
        let mut r = Self { bytes };
        if r.u8()? == VERSION {
            Ok(r)
        } else {
            Err("it has another protocol version than 1")
        }
    }

    pub fn take<const N: usize>(&mut self) -> Result<[u8; N], Problem> {
        let (head, rest) = self.bytes.split_first_chunk::<N>().ok_or(CUT_OFF)?;
        self.bytes = rest;
        Ok(*head)
    }

    pub fn u8(&mut self) -> Result<u8, Problem> {
        self.take().map(u8::from_le_bytes)
    }

    pub fn u16(&mut self) -> Result<u16, Problem> {
        self.take().map(u16::from_le_bytes)
    }

    pub fn u32(&mut self) -> Result<u32, Problem> {
        self.take().map(u32::from_le_bytes)
    }

    pub fn u64(&mut self) -> Result<u64, Problem> {
        self.take().map(u64::from_le_bytes)
    }

    pub fn f64(&mut self) -> Result<f64, Problem> {
        self.take().map(f64::from_le_bytes)
    }

    pub fn floats<const N: usize>(&mut self) -> Result<[f64; N], Problem> {
        let mut numbers = [0.0; N];
        for number in &mut numbers {
            *number = self.f64()?;
        }
        Ok(numbers)
    }
}
