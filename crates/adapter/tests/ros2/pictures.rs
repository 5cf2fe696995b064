//! Pictures, raw and compressed, and what becomes of those that cannot be read.

use crate::stand_in::{Driver, Router, now_ns, robot, until};
use crate::{STATES, connect, driver};
use apprentice_adapter::cdr::{CompressedImage, Header, RawImage, Time};
use apprentice_adapter::ros2::Ros2Arm;
use apprentice_link::{Arm as _, Freshness};
use apprentice_robot::{Camera, Mount, RobotDescription};
use std::sync::Arc;
use std::time::Duration;

const FRONT: &str = "0/front/image_raw/sensor_msgs::msg::dds_::Image_/RIHS01_x";
const WRIST: &str = "0/wrist/compressed/sensor_msgs::msg::dds_::CompressedImage_/RIHS01_x";
const WEBCAM: &[u8] = include_bytes!("../data/webcam.jpg");
const WITHIN: Freshness = Freshness {
    state: Duration::from_millis(500),
    frame: Duration::from_millis(400),
};

/// A robot with these cameras of 4x4 pixels, and `adapter` for where their pictures come from.
fn seeing(cameras: &[&str], adapter: &str) -> RobotDescription {
    let mut robot = robot(&format!(
        "kind = 'ros2'\n[command]\nkind = 'joint_trajectory'\ntopic = '/t'\n{adapter}"
    ));
    robot.gripper = None;
    let camera = |name: &&str| Camera {
        name: (*name).into(),
        mount: Mount::World,
        position: [1.0, 0.0, 0.0],
        target: [0.0; 3],
        up: [0.0, 0.0, 1.0],
        vertical_fov_deg: 40.0,
        frozen_after_s: None,
        width: 4,
        height: 4,
    };
    robot.cameras = cameras.iter().map(camera).collect();
    robot
}

fn now() -> Header {
    Header {
        stamp: Time::from_ns(now_ns()),
        ..Header::default()
    }
}

/// Sends a file, on the wrist's topic.
fn send_file(router: &Router, format: &str, data: &[u8]) {
    let image = CompressedImage {
        header: now(),
        format: format.into(),
        data,
    };
    router.publish(WRIST, &image);
}

/// Sends 8x6 pixels, on the front camera's topic.
fn send_raw(router: &Router, encoding: &str, pixel: &[u8]) {
    let data = pixel.repeat(48);
    let image = RawImage {
        header: now(),
        height: 6,
        width: 8,
        encoding: encoding.into(),
        is_bigendian: 0,
        step: 8 * pixel.len() as u32,
        data: &data,
    };
    router.publish(FRONT, &image);
}

fn wrist() -> (Arc<Router>, RobotDescription, Ros2Arm, Driver) {
    let router = Arc::new(Router::open());
    let table = "[cameras.wrist]\ntopic = '/wrist/compressed'\ncompressed = true";
    let robot = seeing(&["wrist"], table);
    let arm = connect(&robot, &router);
    let driver = driver(&router, STATES, &robot);
    until("the first picture", || {
        send_file(&router, "jpeg", WEBCAM);
        arm.latest(true, WITHIN).is_ok()
    });
    (router, robot, arm, driver)
}

#[test]
fn pictures_come_in_the_cameras_size() {
    let router = Arc::new(Router::open());
    let robot = seeing(
        &["front", "wrist"],
        "[cameras.front]\ntopic = '/front/image_raw'\n[cameras.wrist]\ntopic = '/wrist/compressed'\ncompressed = true",
    );
    let arm = connect(&robot, &router);
    let _driver = driver(&router, STATES, &robot);
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, 8, 8);
    encoder.set_color(png::ColorType::Grayscale);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&[90; 64]).unwrap();
    writer.finish().unwrap();
    for (encoding, pixel) in [
        ("bgr8", &[10, 20, 30][..]),
        ("rgba8", &[30, 20, 10, 255]),
        ("bgra8", &[10, 20, 30, 0]),
        ("8UC3", &[10, 20, 30]),
    ] {
        until(encoding, || {
            send_raw(&router, encoding, pixel);
            send_file(&router, "png", &file);
            let Ok(seen) = arm.latest(true, WITHIN) else {
                return false;
            };
            assert_eq!(seen.frames[0].image.rgb(), [30, 20, 10].repeat(16));
            assert_eq!(seen.frames[1].image.rgb(), [90; 48]);
            true
        });
    }
}

#[test]
fn one_bad_picture_now_and_then_ends_nothing() {
    let (router, _robot, arm, _driver) = wrist();
    let half = &WEBCAM[..WEBCAM.len() / 2];
    let ended = [half, &[0xff, 0xd9]].concat();
    let endless = &WEBCAM[..WEBCAM.len() - 2];
    let sequence = || arm.latest(true, WITHIN).map(|seen| seen.frames[0].sequence);
    for bad in [half, &ended, endless, b"GIF89a", &[]] {
        let before = sequence().unwrap();
        send_file(&router, "jpeg", bad);
        std::thread::sleep(Duration::from_millis(50));
        // It is the picture before that is seen.
        assert_eq!(sequence(), Ok(before), "{} bytes", bad.len());
        send_file(&router, "jpeg", WEBCAM);
        until("the next picture", || sequence().unwrap() > before);
    }
}

#[test]
fn pictures_that_are_all_bad_end_the_run_with_how_many_and_why() {
    let (router, robot, arm, _driver) = wrist();
    for _ in 0..5 {
        send_file(&router, "16UC1; compressedDepth png", &[0; 64]);
        // Of several that wait only the newest is looked at.
        std::thread::sleep(Duration::from_millis(40));
    }
    std::thread::sleep(WITHIN.frame + Duration::from_millis(50));
    let error = arm.latest(true, WITHIN).unwrap_err().to_string();
    for part in ["5 unreadable", "16UC1", "`topic`", &robot.name] {
        assert_eq!(error.matches(part).count(), 1, "{part}: {error}");
    }
    assert!(!error.contains("PROTOCOL"), "{error}");
    send_file(&router, "jpeg", WEBCAM);
    until("a picture again", || arm.latest(true, WITHIN).is_ok());
}
