//! Forward commands and trajectories.

use crate::stand_in::{Router, command, messages, robot, until};
use crate::{FRESH, GRIPPER, STATES, connect, driver, refusal, state};
use apprentice_adapter::cdr::{Float64MultiArray, JointTrajectory};
use apprentice_adapter::connect;
use apprentice_adapter::ros2::attachment::Attachment;
use apprentice_adapter::ros2::liveliness;
use apprentice_core::JointCommand;
use apprentice_link::Arm as _;
use apprentice_link::security::Security;
use std::sync::Arc;
use std::time::Duration;

#[test]
fn forward_commands_arrive_in_the_controllers_order_and_tools_see_us() {
    let router = Arc::new(Router::open());
    let mut order: Vec<_> = (1..=7).map(|i| format!("'fr3_joint{i}'")).collect();
    order.reverse();
    let robot = robot(&format!(
        "kind = 'ros2'\n[command]\nkind = 'forward_command'\ntopic = '/fwd/commands'\njoints = [{}]\n{GRIPPER}",
        order.join(", ")
    ));
    let mut arm = connect(&robot, &router);
    assert!(
        arm.send(&command(&robot, 1, 0.0, 0.04))
            .unwrap_err()
            .to_string()
            .contains("not engaged")
    );
    assert!(refusal(&mut arm).contains("nothing came"));

    // A joint is missing.
    let mut short = state(&robot);
    short.name = short
        .name
        .iter()
        .map(|n| if n == "fr3_joint3" { "elbow" } else { n })
        .collect();
    router.publish(STATES, &short);
    std::thread::sleep(Duration::from_millis(50));
    let reason = refusal(&mut arm);
    assert!(
        reason.contains("fr3_joint3") && reason.contains("elbow"),
        "{reason}"
    );

    // Humble's keys are heard as well.
    let _driver = driver(
        &router,
        &STATES.replace(
            "RIHS01_a13ee3a330e346c9d87b5aa18d24e11690752bd33a0350f11c5882bc9179260e",
            "TypeHashNotSupported",
        ),
        &robot,
    );
    until("a state", || arm.latest(false, FRESH).is_ok());
    assert!(refusal(&mut arm).contains("nobody takes commands"));

    let key = "0/fwd/commands/std_msgs::msg::dds_::Float64MultiArray_/RIHS01_1025ddc6b9552d191f89ef1a8d2f60f3d373e28b283d8891ddcc974e8c55397f";
    let (kept, _subscriber) = router.keep(key);
    arm.engage().unwrap();
    let observation = arm.latest(false, FRESH).unwrap();
    assert_eq!(observation.state.positions, robot.home);
    assert_eq!(observation.state.gripper_width, 0.04);
    for i in 1..=50 {
        arm.send(&command(&robot, i, i as f64 * 1e-4, 0.05))
            .unwrap();
    }
    until("commands", || kept.lock().unwrap().len() == 50);
    let got: Vec<Float64MultiArray> = messages(&kept);
    for (i, got) in got.iter().enumerate() {
        let mut wanted = command(&robot, 0, (i + 1) as f64 * 1e-4, 0.0).positions;
        wanted.reverse();
        wanted.push(0.025);
        assert_eq!(got.data.0, wanted);
    }

    // Node, publisher and subscriber are seen; messages carry the publisher's identity.
    let tokens = router.tokens("@ros2_lv/**");
    let find = |part: &str| {
        tokens
            .iter()
            .find(|t| t.contains(part))
            .unwrap_or_else(|| panic!("{part}: {tokens:?}"))
    };
    find("/NN/%/%/apprentice");
    find("/MS/%/%/apprentice/%joint_states/sensor_msgs::msg::dds_::JointState_/");
    let ours = find("/MP/%/%/apprentice/%fwd%commands/std_msgs::msg::dds_::Float64MultiArray_/");
    for (i, (_, attachment)) in kept.lock().unwrap().iter().enumerate() {
        let attachment = attachment.as_ref().unwrap();
        assert_eq!(attachment.len(), 33);
        let attachment = Attachment::decode(attachment).unwrap();
        assert_eq!(
            (attachment.sequence, attachment.gid),
            (i as i64 + 1, liveliness::gid(ours))
        );
    }
    let bad = JointCommand {
        gripper_width: f64::NAN,
        ..command(&robot, 51, 0.0, 0.0)
    };
    assert!(arm.send(&bad).unwrap_err().to_string().contains("finite"));
    arm.disengage().unwrap();
    assert!(arm.send(&command(&robot, 52, 0.0, 0.0)).is_err());
    println!(
        "50 forward commands, 50 attachments of 33 bytes, {} tokens",
        tokens.len()
    );
}

#[test]
fn paths_become_one_trajectory_and_letting_go_stops_the_arm() {
    let router = Arc::new(Router::open());
    let mut robot = robot(
        "kind = 'ros2'\nkeys = 'ros2dds'\n[command]\nkind = 'joint_trajectory'\ntopic = '/jtc/joint_trajectory'",
    );
    robot.gripper = None;
    let (kept, _subscriber) = router.keep("jtc/joint_trajectory");
    let _driver = driver(&router, "joint_states", &robot);
    // By its description alone, as programs do.
    let mut arm = connect::connect(
        robot.clone(),
        &router.endpoint,
        &Security::LoopbackOnly,
        Duration::from_secs(5),
    )
    .unwrap();
    arm.engage().unwrap();
    assert!(arm.takes_paths());
    let path: Vec<_> = (0..10)
        .map(|i| command(&robot, i, i as f64 * 0.001, 0.0))
        .collect();
    arm.send_path(&path).unwrap();
    arm.send(&path[9]).unwrap();
    arm.disengage().unwrap();
    until("three trajectories", || kept.lock().unwrap().len() == 3);
    let got: Vec<JointTrajectory> = messages(&kept);
    let names: Vec<_> = robot.joints.iter().map(|j| j.name.as_str()).collect();
    assert_eq!(got[0].joint_names.iter().collect::<Vec<_>>(), names);
    assert_eq!(
        [
            got[0].points.len(),
            got[1].points.len(),
            got[2].points.len()
        ],
        [10, 1, 1]
    );
    for (i, point) in got[0].points.iter().enumerate() {
        assert_eq!(point.positions, path[i].positions);
        assert_eq!(point.time_from_start.as_ns(), (i as u64 + 1) * 20_000_000);
    }
    assert_eq!(got[2].points.iter().next().unwrap().positions, robot.home);
    // Keys of the bridge have no attachment, and tokens of their own.
    assert!(kept.lock().unwrap().iter().all(|(_, a)| a.is_none()));
    let tokens = router.tokens("@/*/@ros2_lv/**");
    assert!(
        tokens.iter().any(|t| t
            .ends_with("/MP/jtc§joint_trajectory/trajectory_msgs§msg§JointTrajectory/:1:0:0,1")),
        "{tokens:?}"
    );
    assert!(
        tokens
            .iter()
            .any(|t| t.contains("/MS/joint_states/sensor_msgs§msg§JointState/")),
        "{tokens:?}"
    );
}
