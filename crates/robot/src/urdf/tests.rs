use super::*;
use crate::{EMBEDDED, Kinematics, RobotDescription};
use nalgebra::Vector3;

const ARM: &str = r#"<robot name="arm">
  <link name="world"/><link name="base"/>
  <joint name="stand" type="fixed"><parent link="world"/><child link="base"/><origin xyz="0 0 1"/></joint>
  <joint name="a" type="revolute"><parent link="base"/><child link="one"/><origin xyz="0 0 0.1" rpy="0 0 0"/>
    <axis xyz="0 1 0"/><limit lower="-1" upper="1" velocity="2" effort="3"/></joint>
  <link name="one">
    <collision><origin xyz="0.1 0 0" rpy="0 1.5707963267948966 0"/><geometry><cylinder radius="0.02" length="0.2"/></geometry></collision>
    <collision><origin xyz="0 0 0"/><geometry><sphere radius="0.02"/></geometry></collision>
    <collision><origin xyz="0 0 0.3"/><geometry><sphere radius="0.01"/></geometry></collision>
    <collision><geometry><mesh filename="x.stl"/></geometry></collision>
  </link>
  <joint name="m" type="fixed"><parent link="one"/><child link="mount"/><origin xyz="0.2 0 0" rpy="0 1.5707963267948966 0"/></joint>
  <link name="mount"><collision><origin xyz="0 0 0.05"/><geometry><box size="0.02 0.1 0.04"/></geometry></collision></link>
  <joint name="b" type="continuous"><parent link="mount"/><child link="two"/><origin xyz="0 0 0.1" rpy="0.1 0 0.2"/><axis xyz="0 0 2"/></joint>
  <link name="two"/><link name="tool"/><link name="finger"><collision><geometry><sphere radius="0.1"/></geometry></collision></link>
  <joint name="t" type="fixed"><parent link="two"/><child link="tool"/><origin xyz="0 0 0.1"/></joint>
  <joint name="f" type="prismatic"><parent link="tool"/><child link="finger"/></joint>
</robot>"#;

#[test]
fn a_chain_is_read_with_fixed_joints_merged() {
    let urdf = Urdf::parse(ARM, "arm.urdf").unwrap();
    let serial = urdf.chain("base", "tool").unwrap();
    assert_eq!(serial.names, ["a", "b"]);
    assert_eq!(serial.limits[0].position, Some([-1.0, 1.0]));
    assert_eq!(serial.limits[0].effort, Some(3.0));
    assert_eq!(serial.limits[1].position, None);
    let arm = Kinematics::of_chain(&serial.chain);
    // Joint a turns about y: the mount's z, along x of link one, comes to point down.
    let tool = arm.tool_pose(&[std::f64::consts::FRAC_PI_2, 0.0]);
    let turn = nalgebra::Rotation3::from_euler_angles(0.1, 0.0, 0.2) * Vector3::z() * 0.1;
    // In the mount's frame, after its quarter turn and joint a's: x points to -z... of the base, by hand:
    let mount = nalgebra::Rotation3::from_euler_angles(0.0, std::f64::consts::PI, 0.0);
    let expected = Vector3::new(0.0, 0.0, 0.1 - 0.2) + mount * (Vector3::new(0.0, 0.0, 0.1) + turn);
    assert!(
        (tool.translation.vector - expected).norm() < 1e-12,
        "{tool}"
    );
    // From the world, what the base stands on comes first.
    let higher = urdf.chain("world", "tool").unwrap();
    let lifted = Kinematics::of_chain(&higher.chain).tool_pose(&[std::f64::consts::FRAC_PI_2, 0.0]);
    assert!((lifted.translation.z - tool.translation.z - 1.0).abs() < 1e-12);
}

#[test]
fn shapes_become_capsules_and_what_is_left_out_is_said() {
    let serial = Urdf::parse(ARM, "arm.urdf")
        .unwrap()
        .chain("base", "tool")
        .unwrap();
    let of = |link: &str| -> Vec<_> {
        serial
            .shapes
            .iter()
            .filter(|s| s.link == link)
            .map(|s| s.capsule.clone())
            .collect()
    };
    // The sphere at the cylinder's end says nothing new, the other one does.
    let one = of("one");
    assert_eq!(one.len(), 2, "{one:?}");
    assert!(one[0].from[0].abs() < 1e-12 && (one[0].to[0] - 0.2).abs() < 1e-12);
    assert_eq!((one[0].radius, one[0].frame), (0.02, 1));
    assert_eq!(one[1].from, [0.0, 0.0, 0.3]);
    // A box's corners lie within its capsule; the mount is fixed to link one.
    let mount = &of("mount")[0];
    assert_eq!(mount.frame, 1);
    assert!((mount.radius - 0.01f64.hypot(0.02)).abs() < 1e-12);
    assert!((mount.from[0] - 0.25).abs() < 1e-12 && (mount.from[1] + 0.05).abs() < 1e-12);
    assert!(of("finger").is_empty());
    assert!(serial.warnings.iter().any(|w| w.contains("finger")));
    assert!(
        serial
            .warnings
            .iter()
            .any(|w| w.contains("one") && w.contains("mesh"))
    );
}

#[test]
fn what_no_chain_can_be_is_refused_in_one_line() {
    let urdf = Urdf::parse(ARM, "arm.urdf").unwrap();
    for (base, tip, word) in [
        ("nowhere", "tool", "one of world, base"),
        ("tool", "base", "broken at link world"),
        ("base", "finger", "joint f"),
        ("base", "base", "turning joint"),
    ] {
        let error = urdf.chain(base, tip).unwrap_err().to_string();
        assert!(error.contains(word) && !error.contains('\n'), "{error}");
    }
    let ring = ARM.replace("</robot>", "<joint name=\"r\" type=\"fixed\"><parent link=\"tool\"/><child link=\"world\"/></joint></robot>");
    let error = Urdf::parse(&ring, "r")
        .unwrap()
        .chain("finger", "tool")
        .unwrap_err()
        .to_string();
    assert!(error.contains("ring"), "{error}");
    for (from, to) in [
        ("xyz=\"0 0 0.1\"", "xyz=\"0 0\""),
        ("xyz=\"0 0 0.1\"", "xyz=\"0 0 inf\""),
        ("radius=\"0.02\"", "radius=\"-1\""),
        ("<axis xyz=\"0 1 0\"/>", "<axis xyz=\"0 0 0\"/>"),
        ("<parent link=\"base\"/>", ""),
        ("<robot name", "<robt name"),
    ] {
        let error = Urdf::parse(&ARM.replacen(from, to, 1), "arm.urdf")
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("arm.urdf") && !error.contains('\n'),
            "{error}"
        );
    }
}

#[test]
fn the_urdf_of_franka_fr3_agrees_with_its_parameters() {
    let fr3 = RobotDescription::embedded("franka_fr3").unwrap();
    let by_parameters = Kinematics::new(&fr3).unwrap();
    let (_, _, text) = RobotDescription::embedded_texts("franka_fr3").unwrap();
    let serial = Urdf::parse(text, "robot.urdf")
        .unwrap()
        .chain("fr3_link0", "fr3_hand_tcp")
        .unwrap();
    let by_urdf = Kinematics::of_chain(&serial.chain);
    let mut worst = 0.0f64;
    for k in 0..1000 {
        let joints: Vec<f64> = fr3
            .joints
            .iter()
            .enumerate()
            .map(|(i, j)| {
                let part = f64::from((k * 7919 + i as i32 * 104_729) % 1000) / 999.0;
                j.position[0] + part * (j.position[1] - j.position[0])
            })
            .collect();
        let (a, b) = (by_parameters.tool_pose(&joints), by_urdf.tool_pose(&joints));
        worst = worst.max((a.to_homogeneous() - b.to_homogeneous()).amax());
    }
    println!(
        "franka_fr3: robot.urdf and dh differ by at most {worst:.1e} (m, and in the rotation matrix)"
    );
    assert!(worst < 1e-9, "{worst}");
}

#[test]
fn no_robot_of_ours_leaves_a_shape_out_or_allows_more_than_its_urdf() {
    for name in EMBEDDED {
        let robot = RobotDescription::embedded(name).unwrap();
        let (_, text, xml) = RobotDescription::embedded_texts(name).unwrap();
        let source = RobotDescription::read(text, name).unwrap().urdf.unwrap();
        let serial = Urdf::parse(xml, name)
            .unwrap()
            .chain(&source.base, &source.tip)
            .unwrap();
        assert!(serial.warnings.is_empty(), "{name}: {:?}", serial.warnings);
        assert!(robot.capsules.len() > robot.joints.len(), "{name}");
        for (joint, limit) in robot.joints.iter().zip(&serial.limits) {
            if let Some([low, high]) = limit.position {
                assert!(
                    low <= joint.position[0] && joint.position[1] <= high,
                    "{name} {}",
                    joint.name
                );
            }
            assert!(
                joint.velocity <= limit.velocity.unwrap(),
                "{name} {}",
                joint.name
            );
            assert!(
                joint.torque.unwrap() <= limit.effort.unwrap(),
                "{name} {}",
                joint.name
            );
            assert!(joint.jerk.is_some(), "{name} {}", joint.name);
        }
    }
}
