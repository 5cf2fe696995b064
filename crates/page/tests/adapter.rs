//! An arm behind an adapter: it says no phase, and counts as stopped once it was measured at rest with nobody deciding.

#![allow(clippy::unwrap_used, clippy::panic)] // A test that fails may say so by panicking.

mod browsing;

use apprentice_core::{RobotState, Seed};
use apprentice_link::security::{Role, Security};
use apprentice_link::session::{Connection, Participant, free_port};
use apprentice_link::{Inbox, TakeoverInbox};
use apprentice_page::{Access, LiveRobot, Material, Page, Parts};
use apprentice_preference::JudgementLog;
use apprentice_robot::RobotDescription;
use apprentice_safety::ControlAuthority;
use browsing::TOKEN;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Time between two states, seconds.
const STEP: f64 = 0.02;

fn robot() -> RobotDescription {
    let mut robot = RobotDescription::embedded("franka_fr3").unwrap();
    let adapter = "kind = \"ros2\"".parse().unwrap();
    robot.adapter = Some(adapter);
    robot
}

/// Whoever drives the arm: its first joint goes to and fro until nobody decides, and then takes half a second to rest.
fn drive(endpoint: &str, end: &Arc<AtomicBool>) -> JoinHandle<()> {
    let (endpoint, end) = (endpoint.to_owned(), Arc::clone(end));
    std::thread::spawn(move || {
        let robot = robot();
        let participant = Participant {
            role: Role::Runtime,
            connection: Connection::Listen,
            robot: &robot.name,
            endpoint: &endpoint,
        };
        let patience = Duration::from_secs(5);
        let session = participant.open(&Security::LoopbackOnly, patience).unwrap();
        let states = Arc::new(Inbox::new(&robot, "states", str::to_owned));
        let inbox = TakeoverInbox::in_place_of(&robot, &states, &session).unwrap();
        let (mut sequence, mut phase, mut pace) = (0, 0.0_f64, 1.0);
        while !end.load(Relaxed) {
            let moves = inbox.decide().0 == ControlAuthority::Policy;
            let change = if moves { 0.04 } else { -0.04 };
            pace = f64::clamp(pace + change, 0.0, 1.0);
            phase += STEP * pace;
            sequence += 1;
            let mut positions = robot.home.clone();
            positions[0] += 0.3 * phase.sin();
            let mut velocities = vec![0.0; positions.len()];
            velocities[0] = 0.3 * phase.cos() * pace;
            let state = RobotState {
                sequence,
                stamp_ns: sequence * 20_000_000,
                positions,
                velocities,
                gripper_width: 0.04,
                efforts: None,
                external_wrench: None,
            };
            states.put_state(0, Ok(state));
            std::thread::sleep(Duration::from_secs_f64(STEP));
        }
    })
}

fn serve(folder: &Path, endpoint: &str) -> Page {
    let live = LiveRobot {
        robot: robot().name,
        endpoint: endpoint.into(),
        security: Security::LoopbackOnly,
        matters: BTreeSet::new(),
        versions: BTreeMap::new(),
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
    let parts = Parts {
        robot: Some(live),
        ..Parts::default()
    };
    Page::serve(material, log, &Access::here(0, Some(TOKEN)), parts).unwrap()
}

fn seen(page: &Page, what: &str, is: impl Fn(&Value) -> bool) -> Value {
    let start = Instant::now();
    loop {
        let (_, told) = browsing::look(page, "/api/live");
        if is(&told) {
            return told;
        }
        assert!(start.elapsed() < Duration::from_secs(30), "{what}: {told}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn ask(page: &Page, what: &str) -> Value {
    let (status, told) = browsing::asked(page, "/api/live/ask", &json!({ "what": what }));
    assert_eq!(status, 200, "{told}");
    told
}

#[test]
fn a_stop_is_done_when_the_arm_is_measured_at_rest_and_not_before() {
    let folder = tempfile::tempdir().unwrap();
    let endpoint = format!("tcp/127.0.0.1:{}", free_port().unwrap());
    let end = Arc::new(AtomicBool::new(false));
    let driving = drive(&endpoint, &end);
    let page = serve(folder.path(), &endpoint);
    let told = seen(&page, "it moves", |t| {
        t["decides"] == "policy" && t["joints"].is_array()
    });
    assert_eq!(
        (&told["adapter"], &told["status"]),
        (&json!(true), &Value::Null)
    );
    ask(&page, "stop");
    let told = seen(&page, "nobody decides", |t| t["decides"] == "nobody");
    assert_eq!(told["stopped"], false, "it still moves: {told}");
    let told = seen(&page, "it is at rest", |t| t["stopped"] == true);
    assert_eq!(
        (&told["at_rest"], &told["ours"]),
        (&json!(true), &json!(true))
    );
    std::thread::sleep(Duration::from_millis(600));
    assert_eq!(seen(&page, "it stays", |_| true)["stopped"], true);
    ask(&page, "go_on");
    seen(&page, "it goes on", |t| {
        t["decides"] == "policy" && t["stopped"] == false && t["at_rest"] == false
    });
    // Nobody drives it any more: nothing is claimed.
    end.store(true, Relaxed);
    driving.join().unwrap();
    let told = seen(&page, "it is silent", |t| t["problem"].is_string());
    assert_eq!(
        (&told["stopped"], &told["at_rest"]),
        (&json!(false), &json!(false))
    );
}
