//! What is taken and what is left out.

use super::*;
use apprentice_core::Image;

#[test]
fn a_camera_that_repeats_its_picture_is_noticed() {
    let mut robot = RobotDescription::embedded("franka_fr3").unwrap();
    robot.cameras.truncate(1);
    let camera = &mut robot.cameras[0];
    (camera.width, camera.height, camera.frozen_after_s) = (2, 1, Some(0.03));
    let inbox = Inbox::new(&robot, "state", str::to_owned);
    let joints = RobotState {
        sequence: 1,
        stamp_ns: 1,
        positions: robot.home.clone(),
        velocities: vec![0.0; 7],
        gripper_width: 0.0,
    };
    inbox.put_state(0, Ok(joints));
    let second = Duration::from_secs(1);
    let within = Freshness {
        state: second,
        frame: second,
    };
    for (sequence, grey, good) in [
        (1, 7, true),
        (2, 8, true),
        (3, 8, true),
        (4, 8, false),
        (5, 9, true),
    ] {
        let image = Image::new(2, 1, vec![grey; 6]).unwrap();
        inbox.put_frame(
            0,
            6,
            Ok(CameraFrame {
                sequence,
                stamp_ns: sequence,
                image,
            }),
        );
        let seen = inbox.latest(true, within);
        assert_eq!(seen.is_ok(), good, "frame {sequence}: {seen:?}");
        if !good {
            assert!(matches!(seen, Err(LinkError::Frozen { .. })));
        }
        std::thread::sleep(Duration::from_millis(25));
    }
}
