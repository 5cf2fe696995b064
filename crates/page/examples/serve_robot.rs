//! Serves a page beside a simulated robot in real time whose policy goes from side to side, episode after episode:
//! `cargo run --release -p apprentice-page --example serve_robot -- FOLDER [PORT [TOKEN [SECONDS]]]`, with episodes of so
//! many seconds. Prints where the page is, then each thing that happens to the robot. Ends when its input ends.

use apprentice_control::{
    Agent, ChunkingConfig, ControlError, ControlLoop, EpisodePlan, record_episodes,
};
use apprentice_core::{ActionChunk, ActionSpace, CartesianAction, PolicyInput, Seed};
use apprentice_episode::{CameraInfo, EpisodeMeta, Source, Tick};
use apprentice_link::security::Security;
use apprentice_link::{Arm as _, OperatorAccess, RobotLink, RunningEpisode};
use apprentice_page::{Access, LiveRobot, Material, Page, Parts};
use apprentice_preference::JudgementLog;
use apprentice_robot::{Kinematics, RobotDescription};
use apprentice_safety::{GuardConfig, Service};
use apprentice_sim::{ClockMode, SimConfig, SimNode, TaskKind};
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// As the SHA-256 of a policy's file would be.
const POLICY: &str = "5de5de5de5de5de5de5de5de5de5de5de5de5de5de5de5de5de5de5de5de5de5";

/// Goes 10 cm to one side of home, then to the other, 12 ticks at a time.
struct SideToSide {
    home: CartesianAction,
    decisions: u32,
}

impl Agent for SideToSide {
    fn plan(&mut self, inputs: &[PolicyInput<'_>]) -> Result<Vec<ActionChunk>, ControlError> {
        self.decisions += 1;
        let side = if self.decisions.is_multiple_of(2) {
            0.1
        } else {
            -0.1
        };
        let mut action = self.home;
        action.pose.translation.vector.y += side;
        let actions = [action.to_vector(); 12];
        let chunks = inputs.iter().map(|input| {
            let space = ActionSpace::CartesianPose;
            Ok(ActionChunk::new(space, input.stamp(), actions)?)
        });
        chunks.collect()
    }

    fn observation_history(&self) -> usize {
        1
    }

    fn n_action_steps(&self) -> usize {
        8
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let argument = |i: usize| arguments.get(i).map(String::as_str);
    let folder = PathBuf::from(argument(0).ok_or("which FOLDER?")?);
    let port = argument(1).unwrap_or("0").parse()?;
    let token = argument(2).filter(|t| !t.is_empty());
    let seconds: f64 = argument(3).unwrap_or("60").parse()?;
    std::fs::create_dir_all(&folder)?;
    let mut robot = RobotDescription::embedded("franka_fr3")?;
    for camera in &mut robot.cameras {
        (camera.width, camera.height) = (160, 120);
    }
    let (config, mode) = (SimConfig::default(), ClockMode::RealTime);
    let node = SimNode::start(config, TaskKind::default(), &robot, mode, None)?;
    let live = LiveRobot {
        robot: robot.name.clone(),
        endpoint: node.endpoint().into(),
        security: Security::LoopbackOnly,
        matters: BTreeSet::from(["workspace".into()]),
        versions: BTreeMap::from([(POLICY.into(), "version 3 (aligned)".into())]),
        root: folder.clone(),
        moments: folder.join("moments.jsonl"),
    };
    let material = Material {
        title: "A simulated robot".into(),
        episodes: Vec::new(),
        groups: Vec::new(),
        reason: String::new(),
        asked: None,
        who: String::new(),
        reserved: Vec::new(),
        seed: Seed(7),
        robot: None,
    };
    let log = JudgementLog::open(folder.join("judgements.jsonl"))?;
    let page = Page::serve(
        material,
        log,
        &Access::here(port, token),
        Parts {
            robot: Some(live),
            ..Parts::default()
        },
    )?;
    println!("{}", page.entrance());
    std::io::stdout().flush()?;
    let endpoint = node.endpoint().to_owned();
    std::thread::spawn(move || {
        for number in 0.. {
            // A stop ends an episode; the next one begins once it has been acknowledged.
            let said = match episode(&robot, &endpoint, &folder, number, seconds) {
                Ok(()) => format!("episode {number} over"),
                Err(error) => format!("episode {number}: {error}"),
            };
            println!("{said}");
            std::thread::sleep(Duration::from_secs(2));
            if number > 0 {
                acknowledge(&robot, &endpoint);
            }
        }
    });
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

/// As a person would who has looked at the arm.
fn acknowledge(robot: &RobotDescription, endpoint: &str) {
    let link = RobotLink::connect(endpoint, &robot.name, Duration::from_secs(5));
    if let Ok(link) = link {
        let _ = link.serve(Service::Acknowledge);
    }
}

fn episode(
    robot: &RobotDescription,
    endpoint: &str,
    folder: &Path,
    number: u32,
    seconds: f64,
) -> Result<(), Box<dyn Error>> {
    let link = RobotLink::connect(endpoint, &robot.name, Duration::from_secs(5))?;
    let inbox = link.takeover(OperatorAccess::Shared)?;
    let mut control = ControlLoop::new(Box::new(link), GuardConfig::default())?;
    control.listen_to(inbox.clone());
    let cameras = robot.cameras.iter().map(|c| CameraInfo {
        name: c.name.clone(),
        width: c.width,
        height: c.height,
    });
    let name = format!("episode-{number:04}.mcap");
    let path = folder.join(&name);
    let _ = std::fs::remove_file(&path);
    let mut meta = EpisodeMeta::new(
        "from side to side",
        &robot.name,
        Source::Policy,
        cameras.collect(),
        "cartesian_pose_and_opening",
        robot.action_dim(),
        robot.policy_hz,
    );
    meta.policy = Some(POLICY.into());
    let plan = EpisodePlan {
        path,
        meta,
        seed: Seed(u64::from(number)),
    };
    let mut agent = SideToSide {
        home: CartesianAction {
            pose: Kinematics::new(robot)?.tool_pose(&robot.home),
            gripper_width: 0.04,
        },
        decisions: 0,
    };
    let watch = |_: usize, tick: &Tick| {
        let running = RunningEpisode {
            episode: name.clone(),
            tick: tick.index,
            stamp_ns: tick.stamp_ns,
            policy: Some(POLICY.into()),
            ..RunningEpisode::default()
        };
        inbox.tell(running, &tick.guard_interventions);
    };
    record_episodes(
        &mut [control],
        &mut agent,
        &[plan],
        (seconds * robot.policy_hz) as u64,
        ChunkingConfig::default(),
        &watch,
        |_| true,
    )?;
    Ok(())
}
