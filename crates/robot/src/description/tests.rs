use super::*;
use crate::EMBEDDED;

const FR3: &str = include_str!("../../../../robots/franka_fr3/robot.toml");

#[test]
fn the_embedded_robot_is_valid_and_survives_the_link() {
    let fr3 = RobotDescription::embedded("franka_fr3").unwrap();
    assert_eq!(
        (fr3.joints.len(), fr3.action_dim(), fr3.cameras.len()),
        (7, 10, 2)
    );
    assert_eq!(
        RobotDescription::parse(&fr3.to_toml().unwrap(), "link").unwrap(),
        fr3
    );
}

#[test]
fn bad_descriptions_get_one_clear_line() {
    let reversed = FR3.replace(
        "position = [-1.7837, 1.7837]",
        "position = [1.7837, -1.7837]",
    );
    let error = RobotDescription::parse(&reversed, "robot.toml")
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "robot description robot.toml: position of joint fr3_joint2 is [1.7837, -1.7837] rad, \
         allowed: [lowest, highest]; correct robot.toml"
    );
    let nowhere = FR3.replace("tool_offset_m = 0.2104", "tool_offset_m = nan");
    let error = RobotDescription::parse(&nowhere, "x")
        .unwrap_err()
        .to_string();
    assert!(error.contains("kinematics") && error.contains("finite"));
    let unknown = FR3.replace("policy_hz", "polcy_hz");
    let error = RobotDescription::parse(&unknown, "x")
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("polcy_hz") && !error.contains('\n'),
        "{error}"
    );
}

#[test]
fn every_robot_is_valid_and_survives_the_link() {
    for name in EMBEDDED {
        let robot = RobotDescription::embedded(name).unwrap();
        assert_eq!((robot.name.as_str(), &robot.urdf), (name, &None));
        let text = robot.to_toml().unwrap();
        assert_eq!(
            RobotDescription::parse(&text, "link").unwrap(),
            robot,
            "{name}"
        );
        assert!(text.len() < 64 << 10, "{name}: {} bytes", text.len());
    }
    let error = RobotDescription::embedded("nobody")
        .unwrap_err()
        .to_string();
    assert!(EMBEDDED.iter().all(|n| error.contains(n)), "{error}");
}

#[test]
fn what_capsules_frames_and_barriers_cannot_be_is_refused() {
    let ur5e = RobotDescription::embedded("ur5e")
        .unwrap()
        .to_toml()
        .unwrap();
    let value = |text: &str| RobotDescription::parse(text, "x").unwrap_err().to_string();
    let mut robot = RobotDescription::parse(&ur5e, "x").unwrap();
    let check = |robot: &RobotDescription| robot.check("x").unwrap_err().to_string();
    robot.capsules[2].frame = 8;
    assert!(check(&robot).contains("frame of capsule 2 is 8"));
    robot.capsules[2].frame = 2;
    robot.capsules[3].radius = f64::NAN;
    assert!(check(&robot).contains("capsule 3"));
    robot.capsules[3].radius = 0.1;
    robot.may_touch = vec![[0, 2], [3, 3]];
    assert!(check(&robot).contains("may_touch"));
    robot.may_touch = vec![[0, 99]];
    assert!(check(&robot).contains("[0, 99]"));
    robot.may_touch.clear();
    robot.joints[1].torque = Some(-1.0);
    assert!(check(&robot).contains("torque of joint shoulder_lift_joint"));
    robot.joints[1].torque = None;
    robot.joints[1].barrier = Some(crate::VelocityBarrier {
        deceleration: 0.0,
        offset: 0.1,
    });
    assert!(check(&robot).contains("barrier of joint shoulder_lift_joint"));
    robot.joints[1].barrier = None;
    for patience in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e300] {
        robot.cameras[1].frozen_after_s = Some(patience);
        assert!(check(&robot).contains("frozen_after_s of camera wrist"));
    }
    robot.cameras[1].frozen_after_s = None;
    robot.check("x").unwrap();
    if let Some(chain) = &mut robot.kinematics {
        chain.frames[0].axis = [0.0; 3];
    }
    assert!(check(&robot).contains("axis of kinematics.frames 0"));
    if let Some(chain) = &mut robot.kinematics {
        chain.frames.pop();
        chain.frames[0].axis = [0.0, 0.0, 1.0];
    }
    assert!(check(&robot).contains("kinematics.frames is 5 rows"));
    robot.kinematics = None;
    robot.workspace = None;
    robot.control = crate::Control::Joint;
    assert!(check(&robot).contains("capsules is given without"));
    // What comes over the link has no folder to look in, and no file may be looked for elsewhere.
    let (_, text, _) = RobotDescription::embedded_texts("ur5e").unwrap();
    assert!(value(text).contains("no folder"));
    let elsewhere = text.replace("\"robot.urdf\"", "\"../robot.urdf\"");
    assert!(value(&elsewhere).contains("same folder"));
    assert!(value(&text.replace("elbow_joint", "elbow")).len() > 10);
}
