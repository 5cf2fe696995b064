//! A studio from the outside: files, the page on this machine, and what cannot be opened.
#![allow(clippy::unwrap_used)]

use apprentice_core::{CameraFrame, Image, Observation, RobotState};
use apprentice_episode::{DecidedBy, Tick};
use apprentice_robot::RobotDescription;
use apprentice_studio::{Shown, Studio, StudioError, StudioOptions};
use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
};

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

/// A person has the arm for a while, and wants it out of its workspace.
fn tick_of(robot: &RobotDescription, index: u64) -> Tick {
    let held = (100..110).contains(&index);
    Tick {
        index,
        stamp_ns: index,
        observation: seen(robot, index),
        proprioception: Vec::new(),
        action: Vec::new(),
        guard_interventions: if held {
            vec!["workspace".into(), "velocity".into()]
        } else {
            vec!["velocity".into()]
        },
        decided_by: if held {
            DecidedBy::Human
        } else {
            DecidedBy::Agent
        },
        unexecuted: Vec::new(),
    }
}

#[test]
fn a_file_holds_everything() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("look.rrd");
    let robot = robot();
    let studio = Studio::to_file(&path, &robot).unwrap();
    for episode in 0..2 {
        studio.begin_episode(format!("episode {episode}"));
        for tick in 0..300 {
            studio.observation(tick, &seen(&robot, tick));
            studio.action(tick, &[0.5, 0.0, 0.3, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.04]);
            studio.reward(tick, -0.1);
            studio.guarded(&tick_of(&robot, tick));
        }
    }
    let shown = studio.finish().unwrap();
    let expected = Shown {
        shown: 2 * (1 + 4 * 300),
        dropped: 0,
        refused: 0,
    };
    assert_eq!(shown, expected);
    let bytes = fs::read(&path).unwrap();
    assert_eq!(&bytes[..3], b"RRF");
    let text = String::from_utf8_lossy(&bytes);
    for entity in [
        "/cameras/",
        "/joints/position",
        "/world/arm",
        "/action",
        "/reward",
        "/log",
        "/holder",
        "/guard/workspace",
        "a person took over",
        // Its reason was written before: compression refers to that.
        "the guard kept",
    ] {
        assert!(text.contains(entity), "{entity}");
    }
}

#[test]
fn the_viewer_is_served_on_this_machine_only() {
    let robot = robot();
    let studio = Studio::live(&robot).unwrap();
    let url = studio.url().unwrap().to_owned();
    let address = url
        .strip_prefix("http://")
        .unwrap()
        .split('?')
        .next()
        .unwrap();
    assert!(address.starts_with("127.0.0.1:"), "{url}");
    let mut page = TcpStream::connect(address.trim_end_matches('/')).unwrap();
    write!(page, "GET / HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    page.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("200 OK") && answer.contains("<html"));
    studio.observation(0, &seen(&robot, 0));
    studio.wait();
    assert_eq!(studio.finish().unwrap().shown, 1);
}

#[test]
fn what_cannot_be_opened_is_named() {
    let robot = robot();
    let missing = Studio::to_file("/nonexistent/look.rrd", &robot)
        .err()
        .unwrap();
    assert!(
        missing
            .to_string()
            .starts_with("cannot write /nonexistent/look.rrd")
    );
    let neither = Studio::open(&robot, &StudioOptions::default()).err();
    assert!(matches!(neither, Some(StudioError::NothingToDo)));
}

#[test]
fn every_robot_is_drawn() {
    let dir = tempfile::tempdir().unwrap();
    for name in apprentice_robot::EMBEDDED {
        let robot = RobotDescription::embedded(name).unwrap();
        let path = dir.path().join(format!("{name}.rrd"));
        apprentice_studio::draw_robot(&path, &robot, "found").unwrap();
        let bytes = fs::read(&path).unwrap();
        assert_eq!(&bytes[..3], b"RRF");
        let text = String::from_utf8_lossy(&bytes);
        for joint in &robot.joints {
            assert!(text.contains(&format!("/world/joints/{}", joint.name)));
        }
        assert!(text.contains("/world/capsules/0") && text.contains("/findings"));
    }
    let nowhere = dir.path().join("no/such/folder/x.rrd");
    let error = apprentice_studio::draw_robot(&nowhere, &robot(), "").unwrap_err();
    assert!(matches!(error, StudioError::File { .. }), "{error}");
}
