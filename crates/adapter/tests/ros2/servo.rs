//! MoveIt Servo.

use crate::stand_in::{Router, command, messages, robot, until};
use crate::{STATES, connect, driver};
use apprentice_adapter::cdr::{JointJog, TwistStamped};
use apprentice_link::Arm as _;
use std::sync::Arc;
use std::time::Duration;

#[test]
fn servo_is_told_speeds_and_none_when_the_state_is_old() {
    for kind in ["servo_twist", "servo_joint_jog"] {
        let router = Arc::new(Router::open());
        let mut robot = robot(&format!(
            "kind = 'ros2'\n[command]\nkind = '{kind}'\ntopic = '/servo/delta'\nframe = 'fr3_link0'\ngain = 10.0"
        ));
        robot.gripper = None;
        let (kept, _subscriber) = router.keep("0/servo/delta/*/*");
        let driving = driver(&router, STATES, &robot);
        let mut arm = connect(&robot, &router);
        arm.engage().unwrap();
        for i in 1..=10 {
            arm.send(&command(&robot, i, 0.002, 0.0)).unwrap();
            std::thread::sleep(Duration::from_millis(20));
        }
        drop(driving);
        std::thread::sleep(Duration::from_millis(150));
        arm.send(&command(&robot, 11, 0.002, 0.0)).unwrap();
        arm.disengage().unwrap();
        until("speeds", || kept.lock().unwrap().len() == 12);
        let speeds: Vec<Vec<f64>> = if kind == "servo_twist" {
            let got: Vec<TwistStamped> = messages(&kept);
            assert!(
                got.iter()
                    .all(|m| m.header.frame_id == "fr3_link0" && m.header.stamp.sec > 0)
            );
            let each = got.iter().map(|m| (m.twist.linear, m.twist.angular));
            each.map(|(l, a)| vec![l.x, l.y, l.z, a.x, a.y, a.z])
                .collect()
        } else {
            let got: Vec<JointJog> = messages(&kept);
            assert!(got.iter().all(|m| m.joint_names.len() == 7));
            got.into_iter().map(|m| m.velocities.0).collect()
        };
        // Told to go 2 mrad in a period, then to make up for what is missing, then (blind) to stand.
        if kind == "servo_joint_jog" {
            assert!(
                speeds[0].iter().all(|v| (v - 0.1).abs() < 1e-9),
                "{:?}",
                speeds[0]
            );
            assert!(
                speeds[5].iter().all(|v| (v - 0.02).abs() < 1e-9),
                "{:?}",
                speeds[5]
            );
        }
        assert!(
            speeds[..10]
                .iter()
                .all(|s| s.iter().any(|v| v.abs() > 1e-4)),
            "{speeds:?}"
        );
        assert!(
            speeds[10..].iter().flatten().all(|v| *v == 0.0),
            "{speeds:?}"
        );
    }
}
