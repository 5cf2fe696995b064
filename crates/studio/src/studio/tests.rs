#![allow(clippy::unwrap_used)]

use super::*;
use apprentice_core::{CameraFrame, Image, RobotState};
use std::time::Instant;

fn robot() -> RobotDescription {
    RobotDescription::embedded("franka_fr3").unwrap()
}

fn seen(robot: &RobotDescription, tick: u64) -> Observation {
    let frame = CameraFrame {
        sequence: tick,
        stamp_ns: tick,
        image: Image::new(96, 96, vec![tick as u8; 96 * 96 * 3]).unwrap(),
    };
    Observation {
        state: RobotState {
            sequence: tick,
            stamp_ns: tick,
            positions: robot.home.clone(),
            velocities: vec![0.0; robot.home.len()],
            gripper_width: 0.04,
            efforts: None,
            external_wrench: None,
        },
        frames: vec![frame; robot.cameras.len()],
    }
}

#[test]
fn a_slow_viewer_holds_nobody_up() {
    let dir = tempfile::tempdir().unwrap();
    let options = StudioOptions {
        file: Some(dir.path().join("look.rrd")),
        queue: 4,
        ..StudioOptions::default()
    };
    let robot = robot();
    let studio = Studio::open(&robot, &options).unwrap();
    let (go_on, hold) = sync_channel(1);
    studio.put(Show::Hold(hold));
    let picture = seen(&robot, 0);
    let start = Instant::now();
    for tick in 0..200 {
        studio.observation(tick, &picture);
    }
    assert!(start.elapsed() < Duration::from_secs(1));
    assert!(studio.so_far().dropped >= 195);
    go_on.send(()).unwrap();
    let shown = studio.finish().unwrap();
    assert_eq!(shown.shown + shown.dropped, 200);
    assert!(shown.shown >= 3);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_said_at_the_end_and_nobody_waits_for_it() {
    let studio = Studio::to_file("/dev/full", &robot()).unwrap();
    for tick in 0..2000 {
        studio.action(tick, &[0.5; 7]);
    }
    let error = studio.finish().unwrap_err().to_string();
    assert!(
        error.contains("No space left") && error.contains("/dev/full"),
        "{error}"
    );
}
