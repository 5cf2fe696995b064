//! Robots that are looked over.

use super::*;
use crate::EMBEDDED;

#[test]
fn our_own_robots_look_well() {
    for name in EMBEDDED {
        let survey = Survey::of(&RobotFolder::embedded(name).unwrap()).unwrap();
        let expected = usize::from(name == "so101");
        assert_eq!(
            survey.warnings.len(),
            expected,
            "{name}: {:?}",
            survey.warnings
        );
        assert_eq!(survey.home_in_workspace, Some(true), "{name}");
        assert!(survey.urdf.unwrap().position_m < 1e-9, "{name}");
        assert!(survey.capsules.iter().all(|c| c.link.is_some()), "{name}");
        let [tried, found] = survey.poses.unwrap();
        println!(
            "{name}: reach {:.3} m, {found} of {tried} poses, {:?} places, {} pairs of capsules, {:.1} mm at home {:?}, {:.0} % of random postures in collision",
            survey.reach_m.unwrap(),
            survey.places.unwrap(),
            survey.pairs,
            survey.home_clearance_m.unwrap() * 1e3,
            survey.home_nearest.unwrap(),
            survey.postures_in_collision * 100.0
        );
        assert_eq!(
            survey,
            Survey::of(&RobotFolder::embedded(name).unwrap()).unwrap()
        );
    }
}

#[test]
fn what_deserves_a_thought_is_said() {
    let mut folder = RobotFolder::embedded("ur5e").unwrap();
    let robot = &mut folder.description;
    robot.joints[0].velocity = 9.0;
    robot.joints[1].position = [-7.0, 7.0];
    robot.joints[2].jerk = None;
    robot.joints[3].acceleration = 0.5;
    robot.joints[4].torque = Some(300.0);
    robot.may_touch.clear();
    robot.cameras[0].target = robot.cameras[0].position;
    if let Some(w) = &mut robot.workspace {
        w.min[0] = 0.6;
    }
    if let Some(chain) = &mut robot.kinematics {
        chain.frames[2].xyz[0] += 1e-4;
    }
    robot.adapter = Some(toml::Table::new());
    let survey = Survey::of(&folder).unwrap();
    for words in [
        "shoulder_pan_joint may turn at 9",
        "shoulder_lift_joint may go from -7",
        "elbow_joint has no jerk",
        "wrist_1_joint takes 3.1 s",
        "wrist_2_joint may push with 300",
        "at home capsules",
        "camera front looks nowhere",
        "outside the workspace",
        "kinematics and URDF differ",
        "adapter.kind is missing",
    ] {
        let said = survey.warnings.iter().filter(|w| w.contains(words)).count();
        assert_eq!(said, 1, "{words}: {:#?}", survey.warnings);
    }
}

#[test]
fn a_folder_is_read_with_its_urdf() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../robots/xarm7");
    let opened = RobotFolder::open(folder.to_str().unwrap()).unwrap();
    assert_eq!(
        opened.description,
        RobotDescription::embedded("xarm7").unwrap()
    );
    assert!(opened.urdf.is_some() && opened.unused.is_empty());
    assert!(RobotFolder::open("no_such_robot").is_err());
}
