//! A camera beside a robot's driver: frames from a clip reach the robot's key, in its size and time.
#![allow(clippy::unwrap_used)]

use apprentice_camera::clip::Clip;
use apprentice_camera::publishing::{FramePublisher, described, publish_all};
use apprentice_camera::robot_clock::RobotClock;
use apprentice_camera::{CameraError, Source};
use apprentice_core::{CameraFrame, RobotState};
use apprentice_link::keys::Keys;
use apprentice_link::security::{Role, Security};
use apprentice_link::session::{Connection, Participant, free_port};
use apprentice_link::{RobotServer, wire};
use apprentice_robot::RobotDescription;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use zenoh::Wait as _;

/// A folder of pictures of one colour each, of 8 x 8 pixels.
fn clip(folder: &Path, colours: &[u8]) {
    for (i, colour) in colours.iter().enumerate() {
        let file = std::fs::File::create(folder.join(format!("{i:03}.png"))).unwrap();
        let mut encoder = png::Encoder::new(file, 8, 8);
        encoder.set_color(png::ColorType::Rgb);
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(&[*colour; 8 * 8 * 3]).unwrap();
    }
    std::fs::write(folder.join("notes.txt"), "no picture").unwrap();
}

#[test]
fn frames_of_a_clip_come_numbered_in_the_robots_size_and_time() {
    let robot = RobotDescription::embedded("franka_fr3").unwrap();
    let endpoint = format!("tcp/127.0.0.1:{}", free_port().unwrap());
    let security = Security::LoopbackOnly;
    let server =
        RobotServer::serve(&robot, (Connection::Listen, &endpoint), &security, false).unwrap();
    // A robot whose clock began 5 s before its first state.
    let begun = Instant::now();
    let clock = move || 5_000_000_000 + begun.elapsed().as_nanos() as u64;
    let stop = Arc::new(AtomicBool::new(false));
    let (until, home) = (Arc::clone(&stop), robot.home.clone());
    let states = std::thread::spawn(move || {
        let mut sequence = 0;
        while !until.load(Ordering::Relaxed) {
            sequence += 1;
            let state = RobotState {
                sequence,
                stamp_ns: clock(),
                velocities: vec![0.0; home.len()],
                positions: home.clone(),
                gripper_width: 0.04,
                efforts: None,
                external_wrench: None,
            };
            server.publish_state(&state).unwrap();
            std::thread::sleep(Duration::from_millis(5));
        }
    });
    let join = |role| {
        Participant {
            role,
            connection: Connection::Join,
            robot: &robot.name,
            endpoint: &endpoint,
        }
        .open(&security, Duration::from_secs(5))
        .unwrap()
    };
    let camera = &robot.cameras[0];
    let key = Keys::new(&robot.name).camera(&camera.name);
    let runtime = join(Role::Runtime);
    let seen: Arc<Mutex<Vec<(CameraFrame, u64)>>> = Arc::default();
    let to = Arc::clone(&seen);
    let _frames = runtime
        .declare_subscriber(&key)
        .callback(move |sample| {
            let frame = wire::decode_frame(&sample.payload().to_bytes()).unwrap();
            to.lock().unwrap().push((frame, clock()));
        })
        .wait()
        .unwrap();

    let session = join(Role::Robot);
    let (described, lockstep) = described(&session, &robot.name, Duration::from_secs(5))
        .unwrap()
        .unwrap();
    assert!(!lockstep);
    let size = (described.cameras[0].width, described.cameras[0].height);
    let heard = RobotClock::of(&session, &robot.name).unwrap();
    let deadline = Instant::now() + Duration::from_secs(5);
    while heard.there(0).is_none() && heard.there(u64::MAX / 4).is_none() {
        assert!(Instant::now() < deadline, "no state has come");
        std::thread::sleep(Duration::from_millis(5));
    }
    let folder = tempfile::tempdir().unwrap();
    let colours: Vec<u8> = (0..20).map(|i| i * 10).collect();
    clip(folder.path(), &colours);
    let mut publisher = FramePublisher::new(&session, &key, size, Some(heard)).unwrap();
    let mut open = || -> Result<Box<dyn Source>, CameraError> {
        Ok(Box::new(Clip::open(folder.path(), "front", 50.0, true)?))
    };
    let counts = publish_all(
        &mut open,
        &mut publisher,
        50.0,
        &AtomicBool::new(false),
        &mut |_| {},
    )
    .unwrap();
    assert_eq!(
        counts.published + counts.dropped + counts.left_out,
        20,
        "{counts:?}"
    );
    assert!(
        counts.published >= 10 && counts.undecodable == 0,
        "{counts:?}"
    );
    let deadline = Instant::now() + Duration::from_secs(2);
    while seen.lock().unwrap().len() < counts.published as usize && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(5));
    }
    stop.store(true, Ordering::Relaxed);
    states.join().unwrap();
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len() as u64, counts.published);
    let mut last = None;
    for (number, (frame, arrived)) in (1..).zip(seen.iter()) {
        assert_eq!(frame.sequence, number);
        assert_eq!((frame.image.width(), frame.image.height()), size);
        assert!(colours.contains(&frame.image.rgb()[0]));
        // Taken before it arrived, and not long before.
        assert!(frame.stamp_ns <= *arrived, "{} > {arrived}", frame.stamp_ns);
        assert!(arrived - frame.stamp_ns < 1_000_000_000);
        assert!(last.is_none_or(|last| last < frame.stamp_ns));
        last = Some(frame.stamp_ns);
    }
}

#[test]
fn pictures_are_in_the_order_of_the_numbers_in_their_names() {
    let folder = tempfile::tempdir().unwrap();
    clip(folder.path(), &[7, 9, 11]);
    for (from, to) in [("000", "frame9b"), ("001", "frame10"), ("002", "frame9")] {
        let [from, to] = [from, to].map(|name| folder.path().join(format!("{name}.png")));
        std::fs::rename(from, to).unwrap();
    }
    let mut clip = Clip::open(folder.path(), "front", 1000.0, true).unwrap();
    let mut shown = Vec::new();
    let mut missed = 0;
    while !clip.ended() {
        let Some(captured) = clip.next(Duration::from_secs(1)).unwrap() else {
            continue;
        };
        missed += captured.missed;
        shown.push(captured.picture.image(8, 8).unwrap().rgb()[0]);
    }
    // frame9, frame9b, frame10; on a busy machine some may be missed.
    assert_eq!(shown.len() as u64 + missed, 3);
    let wanted: Vec<u8> = [11, 7, 9]
        .into_iter()
        .filter(|c| shown.contains(c))
        .collect();
    assert_eq!(shown, wanted);
    assert_eq!(shown.last(), Some(&9));
}

#[test]
fn a_clip_that_cannot_be_played_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let said = |path: &Path, rate| {
        let refused = Clip::open(path, "front", rate, false).err().unwrap();
        refused.to_string()
    };
    assert!(said(folder.path(), 10.0).contains("no pictures"));
    assert!(said(folder.path(), 0.0).contains("rate"));
    assert!(said(&folder.path().join("clip.avi"), 10.0).contains("allowed: a folder"));
}

#[test]
#[ignore = "a V4L2 device that gives pictures (v4l2loopback will do), named by APPRENTICE_V4L2_DEVICE: `-- --ignored with_a_camera`"]
fn with_a_camera_frames_come_from_its_device() {
    use apprentice_camera::controls::Controls;
    use apprentice_camera::device::{Device, DeviceOptions};
    let options = DeviceOptions {
        path: std::env::var("APPRENTICE_V4L2_DEVICE").unwrap(),
        size: (640, 480),
        rate: 30,
        controls: Controls::default(),
    };
    let (mut device, told) = Device::open(&options).unwrap();
    assert!(!told.is_empty());
    let mut last = 0;
    for _ in 0..10 {
        let captured = device.next(Duration::from_secs(3)).unwrap().unwrap();
        assert!(captured.stamp_ns > last);
        last = captured.stamp_ns;
        captured.picture.image(96, 96).unwrap();
    }
}
