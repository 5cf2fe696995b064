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

#[cfg(test)]
mod tests {
    use crate::{Acceptance, Inbox};
    use apprentice_core::RobotState;
    use apprentice_robot::RobotDescription;

    #[test]
    fn efforts_that_cannot_be_used_are_counted_and_the_state_is_used_without_them() {
        let robot = RobotDescription::embedded("franka_fr3").unwrap();
        let inbox = Inbox::new(&robot, "state", str::to_owned).in_lockstep();
        let wrench = [1.0, -2.0, 3.0, 0.1, 0.2, 0.3];
        let mut broken = wrench;
        broken[5] = f64::NAN;
        let cases = [
            (None, None, 0),
            (Some(vec![1.5; 7]), Some(wrench), 0),
            (Some(vec![1.5; 6]), Some(wrench), 1),
            (Some(vec![f64::INFINITY; 7]), None, 1),
            (Some(vec![1.5; 7]), Some(broken), 1),
            (Some(Vec::new()), Some(broken), 2),
            (Some(vec![0.0; 7]), None, 0),
        ];
        let mut counted = 0;
        for (sequence, (efforts, external_wrench, unusable)) in (1..).zip(cases) {
            inbox.advance_requested(20_000_000);
            let given = (efforts.clone(), external_wrench);
            let taken = inbox.put_state(
                0,
                Ok(RobotState {
                    sequence,
                    stamp_ns: sequence * 20_000_000,
                    positions: robot.home.clone(),
                    velocities: vec![0.0; 7],
                    gripper_width: 0.0,
                    efforts,
                    external_wrench,
                }),
            );
            assert_eq!(taken, Acceptance::Accepted, "{given:?}");
            let state = inbox.newest_state().unwrap();
            assert_eq!(state.sequence, sequence);
            counted += unusable;
            assert_eq!(inbox.rejected().sum(), counted, "{given:?}");
            if unusable == 0 {
                assert_eq!((state.efforts, state.external_wrench), given);
            } else {
                let good = |w: &[f64; 6]| w.iter().all(|v| v.is_finite());
                assert!(state.external_wrench.as_ref().is_none_or(good));
                let usable = |e: &Vec<f64>| e.len() == 7 && e.iter().all(|v| v.is_finite());
                assert!(state.efforts.as_ref().is_none_or(usable));
            }
        }
        let each: Vec<_> = inbox.rejected().each().collect();
        assert_eq!(each, [("with unusable efforts or wrench", 5)]);
    }
}
