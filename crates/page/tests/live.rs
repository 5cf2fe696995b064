//! The robot at work on the page: a simulated one in real time, whose runtime is the control loop.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that fails may say so by panicking.

mod browsing;

use apprentice_control::{
    Agent, ChunkingConfig, ControlError, ControlLoop, EpisodePlan, record_episodes,
};
use apprentice_core::{ActionChunk, ActionSpace, CartesianAction, PolicyInput, Seed};
use apprentice_episode::{EpisodeMeta, Source, Tick};
use apprentice_link::security::Security;
use apprentice_link::{Arm as _, OperatorAccess, RobotLink, RunningEpisode};
use apprentice_page::{Access, LiveRobot, Material, Page, PageError, Parts};
use apprentice_preference::{Answer, JudgementLog, Verdict};
use apprentice_robot::{Kinematics, RobotDescription};
use apprentice_safety::GuardConfig;
use apprentice_sim::{ClockMode, SimConfig, SimNode, TaskKind};
use browsing::{TOKEN, asked, get, own};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

struct SideToSide(CartesianAction, u32);

impl Agent for SideToSide {
    fn plan(&mut self, inputs: &[PolicyInput<'_>]) -> Result<Vec<ActionChunk>, ControlError> {
        self.1 += 1;
        let mut action = self.0;
        action.pose.translation.vector.y += if self.1.is_multiple_of(2) { 0.1 } else { -0.1 };
        let actions = [action.to_vector(); 12];
        let chunk = |input: &PolicyInput<'_>| {
            Ok(ActionChunk::new(
                ActionSpace::CartesianPose,
                input.stamp(),
                actions,
            )?)
        };
        inputs.iter().map(chunk).collect()
    }

    fn observation_history(&self) -> usize {
        1
    }

    fn n_action_steps(&self) -> usize {
        8
    }
}

fn robot() -> RobotDescription {
    let mut robot = RobotDescription::embedded("franka_fr3").unwrap();
    for camera in &mut robot.cameras {
        (camera.width, camera.height) = (64, 48);
    }
    robot
}

fn cell(robot: &RobotDescription) -> SimNode {
    let (config, mode) = (SimConfig::default(), ClockMode::RealTime);
    SimNode::start(config, TaskKind::default(), robot, mode, None).unwrap()
}

/// Runs an episode beside this; answers how it ended.
fn running(
    robot: &RobotDescription,
    endpoint: &str,
    file: &Path,
    seconds: f64,
) -> JoinHandle<String> {
    let (robot, endpoint, path) = (robot.clone(), endpoint.to_owned(), file.to_owned());
    std::thread::spawn(move || {
        let link = RobotLink::connect(&endpoint, &robot.name, Duration::from_secs(10)).unwrap();
        let inbox = link.takeover(OperatorAccess::Shared).unwrap();
        let mut control = ControlLoop::new(Box::new(link), GuardConfig::default()).unwrap();
        control.listen_to(inbox.clone());
        let cameras = robot
            .cameras
            .iter()
            .map(|c| apprentice_episode::CameraInfo {
                name: c.name.clone(),
                width: c.width,
                height: c.height,
            });
        let kind = "cartesian_pose_and_opening";
        let (dim, hz) = (robot.action_dim(), robot.policy_hz);
        let meta = EpisodeMeta::new(
            "test",
            &robot.name,
            Source::Policy,
            cameras.collect(),
            kind,
            dim,
            hz,
        );
        let seed = Seed(1);
        let plan = EpisodePlan { path, meta, seed };
        let home = CartesianAction {
            pose: Kinematics::new(&robot).unwrap().tool_pose(&robot.home),
            gripper_width: 0.04,
        };
        let watch = |_: usize, tick: &Tick| {
            let running = RunningEpisode {
                episode: "one.mcap".into(),
                tick: tick.index,
                stamp_ns: tick.stamp_ns,
                policy: Some("abc".into()),
                ..RunningEpisode::default()
            };
            inbox.tell(running, &["workspace".into(), "velocity".into()]);
        };
        let ran = record_episodes(
            &mut [control],
            &mut SideToSide(home, 0),
            &[plan],
            (seconds * hz) as u64,
            ChunkingConfig::default(),
            &watch,
            |_| true,
        );
        ran.map_or_else(|e| e.to_string(), |_| "over".into())
    })
}

fn serve(folder: &Path, robot: &RobotDescription, endpoint: &str) -> Result<Page, PageError> {
    let live = LiveRobot {
        robot: robot.name.clone(),
        endpoint: endpoint.into(),
        security: Security::LoopbackOnly,
        matters: BTreeSet::from(["workspace".into()]),
        versions: BTreeMap::from([("abc".into(), "version 2 (aligned)".into())]),
        root: folder.into(),
        moments: folder.join("moments.jsonl"),
    };
    let material = Material {
        title: "test".into(),
        episodes: Vec::new(),
        groups: Vec::new(),
        reason: String::new(),
        asked: None,
        who: String::new(),
        reserved: Vec::new(),
        seed: Seed(1),
        robot: None,
    };
    let log = JudgementLog::open(folder.join("judgements.jsonl")).unwrap();
    Page::serve(
        material,
        log,
        &Access::here(0, Some(TOKEN)),
        Parts {
            robot: Some(live),
            ..Parts::default()
        },
    )
}

/// What the page is told of the robot, once that is so.
fn seen(page: &Page, what: &str, is: impl Fn(&Value) -> bool) -> Value {
    let start = Instant::now();
    loop {
        let (status, told) = browsing::look(page, "/api/live");
        assert_eq!(status, 200, "{told}");
        if is(&told) {
            return told;
        }
        assert!(start.elapsed() < Duration::from_secs(40), "{what}: {told}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn ask(page: &Page, what: &str) -> Value {
    let (status, told) = asked(page, "/api/live/ask", &json!({ "what": what }));
    assert_eq!(status, 200, "{told}");
    told
}

fn say(page: &Page, key: &str, what: &str) -> (u16, Value) {
    let said = json!({ "who": "Ada", "key": key, "what": what });
    asked(page, "/api/live/say", &said)
}

#[test]
fn a_running_episode_is_shown_held_let_go_on_and_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let robot = robot();
    let node = cell(&robot);
    let page = serve(folder.path(), &robot, node.endpoint()).unwrap();
    let ran = running(
        &robot,
        node.endpoint(),
        &folder.path().join("one.mcap"),
        120.0,
    );
    let told = seen(&page, "it runs and moves", |t| {
        t["episode"]["tick"].as_u64() > Some(5)
            && t["at_rest"] == false
            && t["status"]["phase"] == "active"
    });
    assert_eq!(told["episode"]["version"], "version 2 (aligned)");
    assert!(
        told["episode"]["interventions"]["workspace"].as_u64() > Some(3),
        "{told}"
    );
    assert!(
        told["episode"]["interventions"]["velocity"].is_null()
            && told["episode"]["shaped"].as_u64() > Some(3)
    );
    assert_eq!(
        (&told["stopped"], &told["held"], &told["decides"]),
        (&json!(false), &json!(false), &json!("policy"))
    );
    assert_eq!(told["joints"].as_array().unwrap().len(), 7);
    let picture = get(&page, "/live/0", &(own(&page) + &browsing::cookie(&page)));
    assert_eq!(picture.0, 200);
    assert!(picture.1.contains("image/png"));
    assert_eq!(
        get(&page, "/live/9", &(own(&page) + &browsing::cookie(&page))).0,
        404
    );

    ask(&page, "hold");
    let told = seen(&page, "it is held", |t| t["held"] == true);
    assert_eq!(
        (&told["decides"], &told["ours"], &told["stopped"]),
        (&json!("nobody"), &json!(true), &json!(false))
    );
    // Held is not for a moment: nobody gives it back but a person.
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(seen(&page, "it stays", |_| true)["held"], true);
    ask(&page, "go_on");
    seen(&page, "it goes on", |t| {
        t["decides"] == "policy" && t["at_rest"] == false
    });

    let told = ask(&page, "stop");
    assert_eq!(
        (&told["asked"]["what"], &told["stopped"]),
        (&json!("stop"), &json!(false)),
        "not before it says so"
    );
    let told = seen(&page, "it is stopped", |t| t["stopped"] == true);
    assert!(
        ["stopped", "faulted"].contains(&told["status"]["phase"].as_str().unwrap()),
        "{told}"
    );
    assert!(told["status"]["stops"].as_u64() > Some(0));
    assert_ne!(ran.join().unwrap(), "over", "the episode has ended early");
}

#[test]
fn what_is_said_while_it_runs_is_in_the_log_once_with_its_time() {
    let folder = tempfile::tempdir().unwrap();
    let robot = robot();
    let node = cell(&robot);
    let page = serve(folder.path(), &robot, node.endpoint()).unwrap();
    let early = say(&page, "aaaaaaaa", "up");
    assert_eq!(early.0, 422, "nothing runs: {}", early.1);
    let ran = running(
        &robot,
        node.endpoint(),
        &folder.path().join("one.mcap"),
        4.0,
    );
    seen(&page, "it runs", |t| {
        t["episode"]["tick"].as_u64() > Some(4)
    });
    let kept = say(&page, "upupupup", "up").1;
    assert_eq!(kept["before"], false);
    assert_eq!(say(&page, "upupupup", "up").1["before"], true, "sent again");
    seen(&page, "it goes on", |t| {
        t["episode"]["tick"].as_u64() > Some(12)
    });
    assert_eq!(say(&page, "downdown", "down").0, 200);
    for (key, what, who) in [
        ("short", "up", "Ada"),
        ("aaaaaaaa", "shrug", "Ada"),
        ("aaaaaaaa", "up", ""),
    ] {
        let said = json!({ "who": who, "key": key, "what": what });
        assert_eq!(asked(&page, "/api/live/say", &said).0, 422, "{said}");
    }
    // The server ends before the episode does, and nothing is lost.
    drop(page);
    let page = serve(folder.path(), &robot, node.endpoint()).unwrap();
    seen(&page, "the same episode", |t| {
        t["episode"]["running"] == true
    });
    assert_eq!(
        say(&page, "upupupup", "up").1["before"],
        true,
        "known after a restart"
    );
    assert_eq!(ran.join().unwrap(), "over");
    assert_eq!(
        say(&page, "donedone", "success").0,
        200,
        "of the episode that is over"
    );
    seen(&page, "all is in the log", |t| t["waiting"] == 0);
    let log = JudgementLog::read(folder.path().join("judgements.jsonl"))
        .unwrap()
        .judgements;
    assert_eq!(log.len(), 3, "{log:?}");
    let episode = apprentice_episode::Episode::open(folder.path().join("one.mcap")).unwrap();
    let mut starts = Vec::new();
    for judgement in &log {
        assert_eq!(
            (&judgement.who, judgement.episodes().next()),
            (&"Ada".to_owned(), Some(&episode.id))
        );
        match &judgement.answer {
            Answer::Flag { item, yes } => starts.push((item.span.unwrap().start_ns, *yes)),
            Answer::Success { verdict, .. } => assert_eq!(*verdict, Verdict::Yes),
            other => panic!("{other:?}"),
        }
    }
    assert!(
        starts[0].1 && !starts[1].1 && starts[0].0 < starts[1].0,
        "{starts:?}"
    );
    let ticks: Vec<u64> = episode.ticks.iter().map(|t| t.stamp_ns).collect();
    assert!(starts.iter().all(|(start, _)| ticks.contains(start)));
    assert_eq!(log[0].when_unix_ms, kept["when_unix_ms"].as_u64().unwrap());
}

#[test]
fn a_robot_that_is_not_there_is_said_not_to_be_reached() {
    let folder = tempfile::tempdir().unwrap();
    let robot = robot();
    let page = serve(folder.path(), &robot, "tcp/127.0.0.1:9").unwrap();
    let told = seen(&page, "why not", |t| {
        t["problem"]
            .as_str()
            .is_some_and(|p| p.contains("running there"))
    });
    assert_eq!(
        (&told["stopped"], &told["held"]),
        (&json!(false), &json!(false))
    );
    let (status, why) = asked(&page, "/api/live/ask", &json!({ "what": "stop" }));
    assert!(
        status == 500 && why["error"].as_str().unwrap().contains("emergency stop"),
        "{why}"
    );
    // Whoever has no token stops nothing.
    let (status, _) = browsing::post(&page, "/api/live/ask", &own(&page), "{\"what\": \"stop\"}");
    assert_eq!(status, 401);
}
