//! `apprentice camera` as a process of its own, beside a robot whose driver has no camera: what is recorded of it, with
//! keys and without, and how it ends.

use crate::program::{apprentice, repository, succeed};
use apprentice_core::{CameraFrame, Image, Observation, RobotState};
use apprentice_episode::{
    CameraInfo, DecidedBy, Episode, EpisodeMeta, EpisodeWriter, Source, Tick,
};
use apprentice_link::RobotServer;
use apprentice_link::ServerRequest;
use apprentice_link::keys::Keys;
use apprentice_link::security::{Role, Security};
use apprentice_link::session::{Connection, ONE_THREAD, Participant, free_port};
use apprentice_link::wire::{self, TickReply};
use apprentice_robot::RobotDescription;
use apprentice_safety::Phase;
use serde_json::Value;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use zenoh::Wait as _;

/// Pixels along each side of the robot's camera.
const SIZE: u32 = 32;

/// The embedded arm's folder, with one small camera called `front`.
fn described(folder: &Path) -> PathBuf {
    let robot = folder.join("robot");
    fs::create_dir(&robot).unwrap();
    for entry in fs::read_dir(repository().join("robots/franka_fr3")).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            fs::copy(entry.path(), robot.join(entry.file_name())).unwrap();
        }
    }
    let file = robot.join("robot.toml");
    let text = fs::read_to_string(&file).unwrap();
    let (front, _) = text.rsplit_once("[[cameras]]").unwrap();
    let lines = front.lines().map(|line| match line.split_once(" = ") {
        Some((name @ ("width" | "height"), _)) => format!("{name} = {SIZE}"),
        _ => line.to_owned(),
    });
    fs::write(&file, lines.collect::<Vec<_>>().join("\n")).unwrap();
    robot
}

/// A driver without cameras, in a process of its own: with keys zenoh has to be told from the start how many threads it
/// may use.
struct Driver(Child);

/// Where the driver's process finds its robot, endpoint and keys.
const DRIVEN: [&str; 3] = ["DRIVEN_ROBOT", "DRIVEN_AT", "DRIVEN_KEYS"];

impl Driver {
    fn start(robot: &Path, endpoint: &str, keys: Option<&Path>) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", "camera::a_driver_without_cameras", "--ignored"])
            .env(DRIVEN[0], robot)
            .env(DRIVEN[1], endpoint)
            .stdout(Stdio::null());
        if let Some(keys) = keys {
            command.env(DRIVEN[2], keys).env(ONE_THREAD.0, ONE_THREAD.1);
        }
        Self(command.spawn().unwrap())
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
#[ignore = "no test of its own: the process that drives the arm in the tests of cameras"]
fn a_driver_without_cameras() {
    let [Some(robot), Some(endpoint), keys] = DRIVEN.map(std::env::var_os) else {
        return;
    };
    let robot = RobotDescription::load(Path::new(&robot)).unwrap();
    let security = keys.map_or(Security::LoopbackOnly, |keys| Security::Keys {
        folder: keys.into(),
    });
    let address = (Connection::Listen, endpoint.to_str().unwrap());
    let server = RobotServer::serve(&robot, address, &security, false).unwrap();
    drive(&robot, &server);
}

/// An arm that is where it is told to be, until its process is ended.
fn drive(robot: &RobotDescription, server: &RobotServer) -> ! {
    let begun = Instant::now();
    let mut state = RobotState {
        sequence: 0,
        stamp_ns: 0,
        positions: robot.home.clone(),
        velocities: vec![0.0; robot.home.len()],
        gripper_width: 0.04,
        efforts: None,
        external_wrench: None,
    };
    loop {
        let request = server.next_request(Duration::from_secs_f64(1.0 / robot.control_hz));
        let due = server.due();
        let before = state.positions.clone();
        if let (Phase::Active | Phase::Homing, Some(command)) = (due.phase, due.command) {
            state.positions = command.positions;
            state.gripper_width = command.gripper_width;
        }
        let moved = state.positions.iter().zip(&before);
        state.velocities = moved.map(|(q, p)| (q - p) * robot.control_hz).collect();
        state.sequence += 1;
        state.stamp_ns = 7_000_000_000 + begun.elapsed().as_nanos() as u64;
        if let Some(ServerRequest::Reset(_, reply)) = request {
            state.positions.clone_from(&robot.home);
            server.moved(&state);
            server.publish_state(&state).unwrap();
            // Of the camera's frames it knows nothing: any will do.
            reply.done(&TickReply {
                state_sequence: state.sequence,
                frame_sequences: vec![0],
            });
        } else {
            server.publish_state(&state).unwrap();
        }
    }
}

/// A recording of so many frames at 10 Hz, all red, brighter from each to the next, by a camera of this name.
fn recorded(path: &Path, camera: &str, frames: u8) {
    let cameras = vec![CameraInfo {
        name: camera.into(),
        width: 8,
        height: 8,
    }];
    let meta = EpisodeMeta::new(
        "look",
        "an arm",
        Source::Teleop,
        cameras,
        "joint_positions",
        1,
        10.0,
    );
    let mut writer = EpisodeWriter::create(path, &meta).unwrap();
    for index in 0..frames {
        let stamp_ns = u64::from(index) * 100_000_000;
        let red = [100 + 5 * index, 0, 0].repeat(64);
        let frame = CameraFrame {
            sequence: u64::from(index) + 1,
            stamp_ns,
            image: Image::new(8, 8, red).unwrap(),
        };
        let state = RobotState {
            sequence: u64::from(index),
            stamp_ns,
            positions: vec![0.0],
            velocities: vec![0.0],
            gripper_width: 0.0,
            efforts: None,
            external_wrench: None,
        };
        let tick = Tick {
            index: index.into(),
            stamp_ns,
            observation: Observation {
                state,
                frames: vec![frame],
            },
            proprioception: vec![0.0],
            action: vec![0.0],
            guard_interventions: vec![],
            decided_by: DecidedBy::Agent,
            unexecuted: vec![],
        };
        writer.tick(&tick).unwrap();
    }
    writer.finish().unwrap();
}

/// A folder with one blue picture.
fn blue(folder: &Path) -> PathBuf {
    let to = folder.join("blue");
    fs::create_dir(&to).unwrap();
    let file = fs::File::create(to.join("blue.png")).unwrap();
    let mut encoder = png::Encoder::new(file, 8, 8);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&[0, 0, 255].repeat(64)).unwrap();
    to
}

/// `apprentice camera`, interrupted when it goes out of scope.
struct Camera(Option<Child>);

impl Camera {
    fn start(endpoint: &str, keys: Option<&Path>, file: &Path, more: &[&str]) -> Self {
        let mut command = apprentice();
        command.args(["camera", "--json", "--endpoint", endpoint, "--file"]);
        command.arg(file).args(more);
        if let Some(keys) = keys {
            command.arg("--keys").arg(keys);
        }
        let child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        Self(Some(child.unwrap()))
    }

    /// Waits until it ends by itself, or by Ctrl-C; what it counted.
    fn end(mut self, interrupt: bool) -> Value {
        let child = self.0.take().unwrap();
        if interrupt {
            let id = child.id().to_string();
            let sent = Command::new("kill").args(["-INT", &id]).status().unwrap();
            assert!(sent.success());
        }
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

impl Drop for Camera {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Of the frames in a demonstration, which share is the camera's and which the stranger's. The camera plays a recording
/// over and over; the stranger publishes on the camera's key, beside it or in its place.
fn recorded_frames(camera: bool, with_keys: bool) -> (f64, f64) {
    let folder = tempfile::tempdir().unwrap();
    let path = described(folder.path());
    let robot = RobotDescription::load(&path).unwrap();
    let [keys, strangers] = ["keys", "strangers"].map(|n| folder.path().join(n));
    let mut endpoint = format!("tcp/127.0.0.1:{}", free_port().unwrap());
    let (mut own, mut others) = (None, None);
    if with_keys {
        succeed(
            apprentice()
                .arg("keys")
                .arg(&keys)
                .args(["--robot", &robot.name]),
        );
        // Somebody who may look on, as a program that speaks zenoh and not our protocol.
        fs::create_dir(&strangers).unwrap();
        fs::copy(keys.join("ca.pem"), strangers.join("ca.pem")).unwrap();
        for end in ["pem", "key"] {
            let from = keys.join(format!("viewer.{end}"));
            fs::copy(from, strangers.join(format!("guest.{end}"))).unwrap();
        }
        endpoint = endpoint.replace("tcp/", "tls/");
        (own, others) = (Some(keys.as_path()), Some(strangers.as_path()));
    }
    let _driver = Driver::start(&path, &endpoint, own);
    let clip = folder.path().join("clip.mcap");
    recorded(&clip, "front", 30);
    let key = Keys::new(&robot.name).camera("front");
    let size = SIZE.to_string();
    let strange = ["--key", &key, "--width", &size, "--height", &size];
    let stranger = Camera::start(&endpoint, others, &blue(folder.path()), &strange);
    let camera = camera.then(|| Camera::start(&endpoint, own, &clip, &[]));

    let out = folder.path().join("run");
    let mut record = apprentice();
    record
        .args(["record", "demonstrations", "--by", "keyboard", "--out"])
        .arg(&out)
        .args(["--config", "configs/tiny.toml", "--episodes", "1", "--set"])
        .arg(format!("robot.description={}", path.display()))
        .args(["--set", &format!("robot.endpoint={endpoint}")]);
    if with_keys {
        record.arg("--set");
        record.arg(format!("robot.keys={}", keys.display()));
    }
    let mut record = record
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut person = record.stdin.take().unwrap();
    person.write_all(b"\nwwwwwwwwwwaaaaa\nk").unwrap();
    drop(person);
    let output = record.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let counts = stranger.end(true);
    assert!(counts["published"].as_u64() > Some(0), "{counts}");
    if let Some(camera) = camera {
        let counts = camera.end(true);
        assert!(counts["published"].as_u64() > Some(0), "{counts}");
        assert_eq!(
            (&counts["width"], &counts["key"]),
            (&SIZE.into(), &key.into())
        );
        assert_eq!(counts["reconnected"], 0);
    }
    let episode = Episode::open(out.join("demonstrations/episode-0000.mcap")).unwrap();
    // Enter ended it, in real time: a key for each decision, and one more for what was under way.
    assert!((10..=30).contains(&episode.ticks.len()));
    let colours = episode.ticks.iter().map(|tick| {
        let image = &tick.observation.frames[0].image;
        assert_eq!((image.width(), image.height()), (SIZE, SIZE));
        (image.rgb()[0] >= 100, image.rgb()[2] == 255)
    });
    let colours: Vec<(bool, bool)> = colours.collect();
    let share = |which: fn(&&(bool, bool)) -> bool| {
        colours.iter().filter(which).count() as f64 / colours.len() as f64
    };
    (share(|c| c.0), share(|c| c.1))
}

#[test]
fn with_keys_a_strangers_frames_are_not_recorded_and_the_cameras_are() {
    let open = std::thread::spawn(|| recorded_frames(false, false));
    assert_eq!(recorded_frames(true, true), (1.0, 0.0));
    // Without keys nobody can tell them apart: the same stranger is recorded.
    assert_eq!(open.join().unwrap(), (0.0, 1.0));
}

#[test]
fn a_recording_is_played_once_at_its_own_speed_whole_and_by_its_cameras_name() {
    let folder = tempfile::tempdir().unwrap();
    let clip = folder.path().join("clip.mcap");
    recorded(&clip, "left eye", 12);
    let endpoint = format!("tcp/127.0.0.1:{}", free_port().unwrap());
    let session = Participant {
        role: Role::Guest,
        connection: Connection::Listen,
        robot: "an arm",
        endpoint: &endpoint,
    }
    .open(&Security::LoopbackOnly, Duration::from_secs(5))
    .unwrap();
    let seen: Arc<Mutex<Vec<CameraFrame>>> = Arc::default();
    let to = Arc::clone(&seen);
    let _frames = session
        .declare_subscriber("cell/eye")
        .callback(move |sample| {
            let frame = wire::decode_frame(&sample.payload().to_bytes()).unwrap();
            to.lock().unwrap().push(frame);
        })
        .wait()
        .unwrap();
    let on = [
        "--key", "cell/eye", "--width", "16", "--height", "16", "--once",
    ];
    let named = [&on[..], &["--camera", "left eye"]].concat();
    let counts = Camera::start(&endpoint, None, &clip, &named).end(false);
    assert_eq!(counts["left_out"], 0, "{counts}");
    let published = counts["published"].as_u64().unwrap();
    let dropped = counts["dropped"].as_u64().unwrap();
    assert_eq!(published + dropped, 12, "{counts}");
    let deadline = Instant::now() + Duration::from_secs(5);
    while (seen.lock().unwrap().len() as u64) < published {
        assert!(Instant::now() < deadline, "the last frames never came");
        std::thread::sleep(Duration::from_millis(5));
    }
    let seen = std::mem::take(&mut *seen.lock().unwrap());
    let reds: Vec<u8> = seen.iter().map(|f| f.image.rgb()[0]).collect();
    assert!(reds.is_sorted() && reds.last() == Some(&155), "{reds:?}");
    let seconds = (seen[seen.len() - 1].stamp_ns - seen[0].stamp_ns) as f64 / 1e9;
    // 12 frames at 10 Hz, however often a camera may be asked (30 Hz here).
    assert!((0.8..1.4).contains(&seconds), "{seconds} s for {reds:?}");

    // A camera that the recording does not have, and a rate below its own.
    let wrong = apprentice()
        .args(["camera", "--endpoint", &endpoint, "--file"])
        .arg(&clip)
        .args(on)
        .output()
        .unwrap();
    let said = String::from_utf8(wrong.stderr).unwrap();
    assert!(!wrong.status.success());
    assert!(
        said.contains("no camera \"front\", allowed: left eye"),
        "{said}"
    );
    let slower = [&named[..], &["--rate", "5"]].concat();
    let counts = Camera::start(&endpoint, None, &clip, &slower).end(false);
    let left_out = counts["left_out"].as_u64().unwrap();
    assert!((4..=7).contains(&left_out), "{counts}");
}
