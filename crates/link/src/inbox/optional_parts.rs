//! Joint efforts and external wrench: parts of a state that a robot may or may not give, and that nobody needs to
//! move it.

use super::rejected::Problem;
use apprentice_core::RobotState;

/// Takes away efforts and a wrench that cannot be used. Answers why, one problem each.
pub(super) fn remove_unusable(state: &mut RobotState) -> impl Iterator<Item = Problem> + use<> {
    let joints = state.positions.len();
    let efforts = state.efforts.as_ref().and_then(|efforts| {
        if efforts.len() != joints {
            let got = efforts.len();
            Some(format!(
                "it has {got} efforts, wanted one a joint: {joints}"
            ))
        } else if efforts.iter().any(|v| !v.is_finite()) {
            Some("an effort in it is not finite".into())
        } else {
            None
        }
    });
    if efforts.is_some() {
        state.efforts = None;
    }
    let finite = |wrench: &[f64; 6]| wrench.iter().all(|v| v.is_finite());
    let wrench = (!state.external_wrench.as_ref().is_none_or(finite))
        .then(|| "a number of its external wrench is not finite".to_owned());
    if wrench.is_some() {
        state.external_wrench = None;
    }
    efforts.into_iter().chain(wrench).map(Problem::Part)
}

/// Says once which of them a robot gives.
pub(super) fn report(robot: &str, state: &RobotState) {
    let given = match (&state.efforts, &state.external_wrench) {
        (None, None) => "no joint efforts and no external wrench",
        (Some(_), None) => "joint efforts, no external wrench",
        (None, Some(_)) => "an external wrench, no joint efforts",
        (Some(_), Some(_)) => "joint efforts and an external wrench",
    };
    tracing::info!("robot {robot} gives {given}");
}
