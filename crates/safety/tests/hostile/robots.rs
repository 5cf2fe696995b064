//! Robots of all kinds to be hostile to.

use apprentice_robot::{RobotDescription, SelfDistance};

/// An arm without kinematics, quicker, slower to brake, commanded in its joints, one of which slides.
const SLIDER: &str = r#"
name = "slider"
control = "joint"
policy_hz = 20.0
control_hz = 500.0
home = [0.2, -0.5, 0.0]

[[joints]]
name = "rail"
unit = "m"
position = [0.0, 0.9]
velocity = 1.5
acceleration = 3.0

[[joints]]
name = "shoulder"
position = [-1.0, 0.1]
velocity = 4.0
acceleration = 5.0

[[joints]]
name = "wrist"
position = [-6.3, 6.3]
velocity = 9.0
acceleration = 60.0
"#;

/// Two long links in a plane above a base that the second can hit, jerk low, barriers at both joints, one of
/// them without an offset.
const FOLDER: &str = r#"
name = "folder"
control = "joint"
policy_hz = 10.0
control_hz = 100.0
home = [0.4, 0.5]

[[joints]]
name = "shoulder"
position = [-2.9, 2.9]
velocity = 2.0
acceleration = 6.0
jerk = 60.0
barrier = { deceleration = 4.0, offset = 0.2 }

[[joints]]
name = "elbow"
position = [-3.0, 3.0]
velocity = 3.0
acceleration = 12.0
jerk = 900.0
barrier = { deceleration = 20.0, offset = 0.0 }

[kinematics]
dh = [[0.0, 0.0, 0.0], [0.5, 0.0, 0.0]]
tool_offset_m = 0.3
tool_turn_rad = 0.0

[workspace]
min = [-0.2, -0.45, 0.0]
max = [0.8, 0.5, 0.6]

[[capsules]]
frame = 0
from = [0.0, 0.0, 0.0]
to = [0.0, 0.0, 0.3]
radius = 0.08

[[capsules]]
frame = 2
from = [0.1, 0.0, 0.1]
to = [0.45, 0.0, 0.1]
radius = 0.04
"#;

pub fn slider() -> RobotDescription {
    RobotDescription::parse(SLIDER, "slider").unwrap()
}

pub fn folder() -> RobotDescription {
    RobotDescription::parse(FOLDER, "folder").unwrap()
}

/// A robot that comes with Apprentice. Capsules that are next to each other at home say nothing here.
pub fn embedded(name: &str) -> RobotDescription {
    let mut robot = RobotDescription::embedded(name).unwrap();
    while let Some(nearest) = SelfDistance::new(&robot).unwrap().nearest(&robot.home)
        && nearest.distance < 0.032
    {
        robot.may_touch.push(nearest.pair);
    }
    robot
}

/// The arm of the demo.
pub fn shipped() -> RobotDescription {
    embedded("franka_fr3")
}

/// The arm of the demo at the rate of its own interface, where jerk binds.
pub fn at_1_khz() -> RobotDescription {
    let mut robot = shipped();
    robot.name = "franka_fr3_1khz".into();
    robot.control_hz = 1000.0;
    robot
}
