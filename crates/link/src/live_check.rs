//! A running driver tested against `robots/PROTOCOL.md`: what it says by itself, whom it lets own the arm, and, where
//! that is allowed, what it does when it is commanded.
//!
//! The arm is enabled and moved only where [`Permission::moves`] says so, and then by two thousandths of a radian of
//! its last joint (or a thousandth of its range), a jump that has to be refused apart: the command right after that
//! one asks the arm to stay, and a driver that obeys both sends it there for a control period. A stop that was not
//! asked for here ends the test, and stays.

mod findings;
mod listening;
mod moving;
mod owning;
mod probe;
mod saying;
mod silence;

pub use findings::{Finding, Verdict};

use crate::LinkError;
use crate::security::Security;
use apprentice_robot::RobotDescription;
use findings::Findings;
use probe::Probe;

/// What the check may do to the arm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Permission {
    /// Whether it may enable the arm and move it, by millimetres.
    pub moves: bool,
    /// Whether it may have a new scene set up, which moves the arm as far as the robot likes.
    pub resets: bool,
}

/// Tests the driver of the robot that `wanted` describes at `endpoint`. Takes some 5 seconds, some 20 where it may
/// move the arm, which belongs to nobody afterwards.
///
/// # Errors
/// When `security` does not allow it, or nobody answers there under the robot's name: then there is nothing to test.
pub fn check_driver(
    wanted: &RobotDescription,
    endpoint: &str,
    security: &Security,
    permission: Permission,
) -> Result<Vec<Finding>, LinkError> {
    let mut probe = Probe::connect(wanted, endpoint, security)?;
    let mut findings = Findings::default();
    match tested(&mut probe, &mut findings, permission) {
        Err(_) if probe.is_stopped_by_others() => {
            findings.judge(
                "nobody else stops the arm meanwhile",
                false,
                "somebody did: the check ended there, and the stop stays",
                "an arm that nobody else needs while it is tested",
                "see to why, then `apprentice acknowledge`, and check again (or the driver counts one stop twice)",
            );
            probe.leave();
        }
        tested => tested?,
    }
    Ok(findings.list)
}

fn tested(
    probe: &mut Probe,
    findings: &mut Findings,
    permission: Permission,
) -> Result<(), LinkError> {
    saying::check(probe, findings)?;
    if owning::may_be_owned(probe, findings)? {
        let is_owned = owning::check(probe, findings)?;
        if is_owned && permission.moves {
            moving::check(probe, findings)?;
            silence::check(probe, findings)?;
        } else {
            let (why, advice) = if is_owned {
                (
                    "the arm is enabled and moved only where that is allowed",
                    "add --move once everybody is clear of the arm",
                )
            } else {
                ("the arm could not be owned", "see to that first")
            };
            let what = "commands, silence, stop while active, motion";
            findings.not_tried(what, why, advice);
        }
        owning::check_reset(probe, findings, permission.resets)?;
        probe.leave();
    }
    saying::check_optional(probe, findings)
}
