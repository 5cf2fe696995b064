//! Demonstrations by a gamepad, a leader arm and a device on the network, as whole recordings, and a policy taught by
//! them.

use crate::program::{apprentice, succeed};
use apprentice_core::{CartesianAction, RobotState};
use apprentice_episode::{Episode, Source, Tick};
use apprentice_link::RobotServer;
use apprentice_link::keys::Keys;
use apprentice_link::security::{Role, Security};
use apprentice_link::session::{Connection, Participant, free_port};
use apprentice_link::wire;
use apprentice_robot::{Kinematics, RobotDescription};
use serde_json::Value;
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use zenoh::Wait as _;

/// A process, ended with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Our simulator as a robot that is not the run's own, in lockstep.
fn robot() -> (Running, String) {
    let endpoint = format!("tcp/127.0.0.1:{}", free_port().unwrap());
    let mut child = apprentice()
        .args(["sim", "--lockstep", "--config", "configs/tiny.toml"])
        .args(["--set", "robot.image_size=96", "--listen", &endpoint])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut said = BufReader::new(child.stdout.take().unwrap());
    said.read_line(&mut line).unwrap();
    let running = Running(child);
    assert!(line.contains(&endpoint), "{line}");
    (running, endpoint)
}

/// A recording in progress, and the person at it: the arm goes on by a tick for each key that is no other.
struct Recording {
    process: Running,
    keys: ChildStdin,
    file: PathBuf,
    ticks: usize,
}

impl Recording {
    /// One more demonstration, which is the one of this number.
    fn start(out: &Path, endpoint: &str, number: usize, device: &[&str]) -> Self {
        let mut child = apprentice()
            .args(["record", "demonstrations", "--config", "configs/tiny.toml"])
            .args(["--episodes", &(number + 1).to_string(), "--set"])
            .arg(format!("robot.endpoint={endpoint}"))
            .args(["--who", "Ada", "--by"])
            .args(device)
            .arg("--out")
            .arg(out)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut recording = Self {
            keys: child.stdin.take().unwrap(),
            process: Running(child),
            file: out.join(format!("demonstrations/episode-{number:04}.mcap")),
            ticks: 0,
        };
        recording.press("\n");
        recording
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// Lets so many ticks pass, and waits until they are on the disk.
    fn pass(&mut self, ticks: usize) {
        self.press(&".".repeat(ticks));
        self.ticks += ticks;
        let deadline = Instant::now() + Duration::from_secs(30);
        while Episode::open(&self.file).map_or(0, |e| e.ticks.len()) < self.ticks {
            assert!(Instant::now() < deadline, "{} ticks never came", self.ticks);
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Keeps it: what was recorded.
    fn keep(mut self, ending: &str) -> Episode {
        self.press(ending);
        self.press("yk");
        drop(self.keys);
        let mut said = String::new();
        let mut stderr = self.process.0.stderr.take().unwrap();
        std::io::Read::read_to_string(&mut stderr, &mut said).unwrap();
        assert!(self.process.0.wait().unwrap().success(), "{said}");
        let episode = Episode::open(&self.file).unwrap();
        assert!(episode.complete);
        assert_eq!(episode.meta.source, Source::Teleop);
        episode
    }
}

/// Where the target is along x at each tick, m.
fn along_x(episode: &Episode) -> Vec<f32> {
    episode.ticks.iter().map(|t| t.action[0]).collect()
}

/// A gamepad whose bytes are these.
struct Pad(File);

impl Pad {
    fn event(&mut self, value: i16, kind: u8, number: u8) {
        let [low, high] = value.to_ne_bytes();
        let bytes = [0, 0, 0, 0, low, high, kind, number];
        self.0.write_all(&bytes).unwrap();
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A leader that is where it is put.
struct Leader {
    at: Arc<Mutex<Vec<f64>>>,
    stop: Arc<AtomicBool>,
    endpoint: String,
}

impl Drop for Leader {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
    }
}

fn leader(robot: &RobotDescription) -> Leader {
    let server = RobotServer::open(robot, None, false).unwrap();
    let leader = Leader {
        at: Arc::new(Mutex::new(robot.home.clone())),
        stop: Arc::default(),
        endpoint: server.endpoint().to_owned(),
    };
    let (at, stop) = (Arc::clone(&leader.at), Arc::clone(&leader.stop));
    std::thread::spawn(move || {
        let begun = Instant::now();
        let mut sequence = 0;
        while !stop.load(Relaxed) {
            sequence += 1;
            let positions = at.lock().unwrap().clone();
            let state = RobotState {
                sequence,
                stamp_ns: begun.elapsed().as_nanos() as u64,
                velocities: vec![0.0; positions.len()],
                positions,
                gripper_width: 0.0,
                efforts: None,
                external_wrench: None,
            };
            server.publish_state(&state).unwrap();
            std::thread::sleep(Duration::from_millis(10));
        }
    });
    leader
}

#[test]
fn a_gamepad_a_leader_and_a_device_on_the_network_teach_one_policy() {
    let (_robot, endpoint) = robot();
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");

    let path = folder.path().join("js0");
    assert!(
        Command::new("mkfifo")
            .arg(&path)
            .status()
            .unwrap()
            .success()
    );
    let device = ["gamepad", "--input", path.to_str().unwrap()];
    let mut recording = Recording::start(&out, &endpoint, 0, &device);
    let mut pad = Pad(OpenOptions::new().write(true).open(&path).unwrap());
    // Without a shoulder button nothing moves.
    pad.event(-32767, 2, 1);
    recording.pass(3);
    pad.event(1, 1, 4);
    recording.pass(6);
    pad.event(0, 2, 1);
    recording.pass(3);
    pad.event(1, 1, 1);
    let episode = recording.keep(".");
    let x = along_x(&episode);
    assert_eq!(x.len(), 13, "{x:?}");
    let moved: Vec<bool> = x.windows(2).map(|w| w[1] - w[0] > 1e-3).collect();
    let expected: Vec<bool> = (1..13).map(|tick| (3..9).contains(&tick)).collect();
    assert_eq!(moved, expected, "{x:?}");

    let mut follower = RobotDescription::embedded("franka_fr3").unwrap();
    follower.name = "leader".into();
    let leader = leader(&follower);
    leader.at.lock().unwrap()[0] += 0.1;
    let device = ["leader", "--leader", "leader", "--input", &leader.endpoint];
    let mut recording = Recording::start(&out, &endpoint, 1, &device);
    recording.pass(6);
    // At a pace that joints have: one that jumps is not believed, and then approached slowly again.
    for _ in 0..30 {
        leader.at.lock().unwrap()[0] += 0.01;
        std::thread::sleep(Duration::from_millis(15));
    }
    recording.pass(8);
    let episode = recording.keep("\n");
    // Approached slowly, then followed as it moves: the tool is where the leader's is.
    let kinematics = Kinematics::new(&follower).unwrap();
    let tool = |joints: &[f64]| kinematics.tool_pose(joints).translation.vector;
    let state = |t: &Tick| tool(&t.observation.state.positions);
    let apart: Vec<f64> = (episode.ticks.iter())
        .map(|t| (state(t) - tool(&leader.at.lock().unwrap())).norm())
        .collect();
    let steps = apart.windows(2).map(|w| (w[1] - w[0]).abs());
    let steps: Vec<f64> = steps.collect();
    assert!(steps[..5].iter().all(|s| *s < 0.025), "{apart:?}");
    assert!(steps[5..].iter().any(|s| *s > 0.03), "{apart:?}");
    assert!(apart[0] > 0.1 && apart[apart.len() - 1] < 0.02, "{apart:?}");

    // A leader that is too far away is not followed, and nothing is kept of that.
    leader.at.lock().unwrap()[0] += 1.0;
    let mut refused = Recording::start(&out, &endpoint, 2, &device);
    refused.press(".");
    let mut said = String::new();
    let mut stderr = refused.process.0.stderr.take().unwrap();
    std::io::Read::read_to_string(&mut stderr, &mut said).unwrap();
    assert!(!refused.process.0.wait().unwrap().success());
    assert!(said.contains("a leader too far from the robot"), "{said}");

    let device = Participant {
        role: Role::Operator,
        connection: Connection::Join,
        robot: "franka_fr3",
        endpoint: &endpoint,
    }
    .open(&Security::LoopbackOnly, Duration::from_secs(5))
    .unwrap();
    let robot = RobotDescription::embedded("franka_fr3").unwrap();
    let home = Kinematics::new(&robot).unwrap().tool_pose(&robot.home);
    let asked = Arc::new(Mutex::new(0_u32));
    let count = Arc::clone(&asked);
    let _answers = device
        .declare_queryable(Keys::new("franka_fr3").teleop())
        .callback(move |query| {
            let mut count = count.lock().unwrap();
            *count += 1;
            let mut wanted = CartesianAction {
                pose: home,
                gripper_width: 0.02,
            };
            wanted.pose.translation.vector.x += 0.005 * f64::from(*count);
            let answer = wire::encode_action(&wanted.to_vector());
            query
                .reply(query.key_expr().clone(), answer)
                .wait()
                .unwrap();
        })
        .wait()
        .unwrap();
    let next = next_take(&out);
    let mut recording = Recording::start(&out, &endpoint, 2, &["network"]);
    recording.file = out.join(format!("demonstrations/episode-{next:04}.mcap"));
    recording.pass(8);
    let episode = recording.keep("\n");
    let x = along_x(&episode);
    assert!(
        x.windows(2).all(|w| (w[1] - w[0] - 0.005).abs() < 1e-5),
        "{x:?}"
    );
    assert_eq!(
        *asked.lock().unwrap() as usize,
        x.len(),
        "once a policy tick"
    );

    let trained = succeed(apprentice().args(["train", "--json", "--out"]).arg(&out));
    let trained: Value = serde_json::from_str(&trained).unwrap();
    assert_eq!(trained[0]["result"]["steps"], 4, "{trained}");
    assert!(out.join("policy/base.safetensors").exists());
    let mark = std::fs::read_to_string(out.join("stages/train.json")).unwrap();
    let kept = std::fs::read_to_string(out.join("judge/demonstrations.json")).unwrap();
    let kept: Value = serde_json::from_str(&kept).unwrap();
    assert_eq!(kept["episodes"].as_array().unwrap().len(), 3);
    assert!(mark.contains("demonstrations"), "{mark}");
}

/// The number of the next take: one more than any that was recorded.
fn next_take(out: &Path) -> usize {
    let names = ["demonstrations", "demonstrations.discarded"].map(|f| out.join(f));
    let names = names
        .iter()
        .filter_map(|f| std::fs::read_dir(f).ok())
        .flatten();
    let numbers = names.filter_map(|e| {
        let name = e.unwrap().file_name().into_string().unwrap();
        name.get(8..12)?.parse::<usize>().ok()
    });
    numbers.max().unwrap() + 1
}
