//! Pictures, raw and compressed.

use crate::stand_in::{Router, now_ns, robot, until};
use crate::{FRESH, STATES, connect, driver};
use apprentice_adapter::cdr::{self, Header, RawImage, Time};
use apprentice_link::{Arm as _, Freshness};
use apprentice_robot::{Camera, Mount};
use std::sync::Arc;
use std::time::Duration;

#[test]
fn pictures_come_in_the_cameras_size_and_others_are_refused() {
    let router = Arc::new(Router::open());
    let mut robot = robot(
        "kind = 'ros2'\n[command]\nkind = 'joint_trajectory'\ntopic = '/t'\n[cameras.front]\ntopic = '/front/image_raw'\n[cameras.wrist]\ntopic = '/wrist/compressed'\ncompressed = true",
    );
    robot.gripper = None;
    robot.cameras = ["front", "wrist"]
        .map(|name| Camera {
            name: name.into(),
            mount: Mount::World,
            position: [1.0, 0.0, 0.0],
            target: [0.0; 3],
            up: [0.0, 0.0, 1.0],
            vertical_fov_deg: 40.0,
            frozen_after_s: None,
            width: 4,
            height: 4,
        })
        .into();
    let arm = connect(&robot, &router);
    let _driver = driver(&router, STATES, &robot);
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, 8, 8);
    encoder.set_color(png::ColorType::Grayscale);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&[90; 64]).unwrap();
    writer.finish().unwrap();
    let front = |encoding: &str, data: &[u8]| {
        let image = RawImage {
            header: Header {
                stamp: Time::from_ns(now_ns()),
                ..Header::default()
            },
            height: 6,
            width: 8,
            encoding: encoding.into(),
            is_bigendian: 0,
            step: 24,
            data,
        };
        router.publish(
            "0/front/image_raw/sensor_msgs::msg::dds_::Image_/RIHS01_x",
            &image,
        );
    };
    let send = |encoding: &str| {
        front(encoding, &[10, 20, 30].repeat(48));
        let image = cdr::CompressedImage {
            header: Header {
                stamp: Time::from_ns(now_ns()),
                ..Header::default()
            },
            format: "png".into(),
            data: &file,
        };
        router.publish(
            "0/wrist/compressed/sensor_msgs::msg::dds_::CompressedImage_/RIHS01_x",
            &image,
        );
    };
    let observation = {
        let mut seen = None;
        until("pictures", || {
            send("bgr8");
            seen = arm
                .latest(
                    true,
                    Freshness {
                        state: Duration::from_millis(500),
                        frame: Duration::from_millis(100),
                    },
                )
                .ok();
            seen.is_some()
        });
        seen.unwrap()
    };
    assert_eq!(observation.frames[0].image.rgb(), [30, 20, 10].repeat(16));
    assert_eq!(observation.frames[1].image.rgb(), [90; 48]);
    until("a refusal", || {
        send("yuv422");
        arm.latest(true, FRESH)
            .is_err_and(|e| e.to_string().contains("yuv422"))
    });
}
