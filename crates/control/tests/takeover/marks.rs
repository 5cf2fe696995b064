//! Whose an action is can be read off its opening: the guard lets a command's opening through as it is, so
//! that each command tells whose wish it carries out.

use apprentice_core::CartesianAction;
use apprentice_robot::{Kinematics, RobotDescription};
use rand::Rng;

/// Actions of a chunk have room for so many marks.
const ROOM: u32 = 16;
/// Openings, metres: marks of the policy begin here, of the person, of the rival.
const POLICY: f64 = 0.010;
const PERSON: f64 = 0.040;
const RIVAL: f64 = 0.070;
const STEP: f64 = 2e-7;

/// Who wanted a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Action of a chunk.
    Policy(u32, u32),
    /// Which of the person's actions.
    Person(u32),
    /// A second device.
    Rival,
}

impl Mark {
    pub fn opening(self) -> f64 {
        let metres = match self {
            Self::Policy(chunk, action) => POLICY + f64::from(chunk * ROOM + action) * STEP,
            Self::Person(number) => PERSON + f64::from(number) * STEP,
            Self::Rival => RIVAL,
        };
        f64::from(metres as f32)
    }

    /// The mark of an opening, if it is exactly one.
    pub fn of(opening: f64) -> Option<Self> {
        let place = |from: f64| ((opening - from) / STEP).round();
        let mark = if opening > RIVAL - STEP {
            Self::Rival
        } else if opening > PERSON - STEP {
            Self::Person(place(PERSON) as u32)
        } else if opening > POLICY - STEP {
            let place = place(POLICY) as u32;
            Self::Policy(place / ROOM, place % ROOM)
        } else {
            return None;
        };
        (mark.opening() == opening).then_some(mark)
    }
}

/// The tool somewhere near home, turned a little: an action that bears a mark.
pub fn somewhere(robot: &RobotDescription, mark: Mark, rng: &mut impl Rng) -> Vec<f32> {
    let mut pose = Kinematics::new(robot).unwrap().tool_pose(&robot.home);
    let place = &mut pose.translation.vector;
    place.x += rng.random_range(-0.08..0.12);
    place.y += rng.random_range(-0.2..0.2);
    place.z += rng.random_range(-0.1..0.1);
    let action = CartesianAction {
        pose,
        gripper_width: mark.opening(),
    };
    action.to_vector().to_vec()
}

#[test]
fn marks_survive_the_way_through_an_action() {
    for mark in (0..2000)
        .flat_map(|c| (0..12).map(move |i| Mark::Policy(c, i)))
        .chain((0..60_000).map(Mark::Person))
        .chain([Mark::Rival])
    {
        assert_eq!(Mark::of(mark.opening()), Some(mark));
    }
    assert_eq!(Mark::of(0.0401234567), None);
}
