#![allow(clippy::unwrap_used)]

use super::*;
use apprentice_core::{JointCommand, Observation, PolicyObservation, Seed};
use apprentice_link::LinkError;
use apprentice_robot::description::Control;
use std::sync::{Arc, Mutex};

/// A leader arm whose joints are where a test puts them; silent where they are `None`.
struct Leader {
    robot: RobotDescription,
    at: Arc<Mutex<Option<Vec<f64>>>>,
}

impl Arm for Leader {
    fn description(&self) -> &RobotDescription {
        &self.robot
    }
    fn engage(&mut self) -> Result<(), LinkError> {
        Err(self.cannot("be engaged"))
    }
    fn disengage(&mut self) -> Result<(), LinkError> {
        Ok(())
    }
    fn send(&mut self, _: &JointCommand) -> Result<(), LinkError> {
        Err(self.cannot("be commanded"))
    }
    fn latest(&self, _: bool, _: Freshness) -> Result<Observation, LinkError> {
        let at = self.at.lock().unwrap().clone();
        let positions = at.ok_or_else(|| self.cannot("be heard"))?;
        Ok(Observation {
            state: state(positions, 0.02),
            frames: Vec::new(),
        })
    }
}

fn state(positions: Vec<f64>, gripper_width: f64) -> RobotState {
    RobotState {
        sequence: 1,
        stamp_ns: 0,
        velocities: vec![0.0; positions.len()],
        positions,
        gripper_width,
        efforts: None,
        external_wrench: None,
    }
}

fn act(agent: &mut LeaderAgent, tick: u64, positions: &[f64]) -> Result<Vec<f32>, ControlError> {
    let observations = [Arc::new(PolicyObservation {
        observation: Observation {
            state: state(positions.to_vec(), 0.05),
            frames: Vec::new(),
        },
        proprioception: Vec::new(),
    })];
    let input = PolicyInput {
        robot: 0,
        seed: Seed(0),
        tick,
        observations: &observations,
    };
    let chunks = agent.plan(&[input])?;
    Ok(chunks[0].executed(0).unwrap().to_vec())
}

#[test]
fn a_map_is_read_as_it_is_written() {
    let map = |joint: &str, leader: &str, scale, offset| JointMap {
        joint: joint.into(),
        leader: leader.into(),
        scale,
        offset,
    };
    for (text, wanted) in [
        ("a=b", map("a", "b", 1.0, 0.0)),
        ("a=left-b", map("a", "left-b", 1.0, 0.0)),
        ("a=b+0.5", map("a", "b", 1.0, 0.5)),
        ("a=b*-1", map("a", "b", -1.0, 0.0)),
        ("a=b*-1.5e-1-0.2", map("a", "b", -0.15, -0.2)),
        ("a=b*2+3", map("a", "b", 2.0, 3.0)),
    ] {
        assert_eq!(JointMap::parse(text).unwrap(), wanted, "{text}");
    }
    for text in [
        "",
        "a",
        "=b",
        "a=",
        "a=b*",
        "a=b*0",
        "a=b*x",
        "a=b*1+nan",
        "a=b*inf",
    ] {
        let error = JointMap::parse(text).unwrap_err().to_string();
        assert!(error.contains("allowed: JOINT=LEADER_JOINT"), "{error}");
    }
}

#[test]
fn a_leader_is_refused_far_away_approached_slowly_then_followed_and_not_when_silent() {
    let mut robot = RobotDescription::embedded("franka_fr3").unwrap();
    robot.control = Control::Joint;
    let mut other = robot.clone();
    other.name = "leader".into();
    for joint in &mut other.joints {
        joint.name += "_of_leader";
    }
    let at = Arc::new(Mutex::new(Some(robot.home.clone())));
    let leader = |robot: &RobotDescription| {
        Box::new(Leader {
            robot: robot.clone(),
            at: Arc::clone(&at),
        })
    };
    let error = LeaderAgent::new(&robot, leader(&other), &[], (0.5, 0.3)).err();
    let error = error.unwrap().to_string();
    assert!(error.contains("the leader leader has no joint"), "{error}");
    let map: Vec<JointMap> = robot
        .joints
        .iter()
        .map(|j| JointMap::parse(&format!("{0}={0}_of_leader*-1+0.1", j.name)).unwrap())
        .collect();
    let mut agent = LeaderAgent::new(&robot, leader(&other), &map, (0.5, 0.3)).unwrap();
    // Where the leader has to be for the robot to be at home.
    let mirrored = |home: &[f64]| home.iter().map(|q| 0.1 - q).collect::<Vec<_>>();
    *at.lock().unwrap() = Some(mirrored(&robot.home));
    let mut far = mirrored(&robot.home);
    far[2] += 0.6;
    *at.lock().unwrap() = Some(far);
    let error = act(&mut agent, 0, &robot.home).unwrap_err().to_string();
    let name = &robot.joints[2].name;
    assert!(error.contains("too far") && error.contains(name), "{error}");

    let mut near = robot.home.clone();
    near[2] += 0.4;
    *at.lock().unwrap() = Some(mirrored(&near));
    let period = 1.0 / robot.policy_hz;
    let mut now = robot.home.clone();
    let mut ticks = 0;
    while !agent.has_reached() {
        let next = act(&mut agent, ticks, &now).unwrap();
        let step = (f64::from(next[2]) - now[2]).abs();
        assert!(step <= 0.3 * period + 1e-6, "{step}");
        now[2] = f64::from(next[2]);
        ticks += 1;
        assert!(ticks < 1000, "never reached");
    }
    assert!(ticks as f64 * period > 1.0, "{ticks} ticks");
    // Followed as it moves, with its fingers; silent, the robot stays.
    near[2] -= 0.1;
    *at.lock().unwrap() = Some(mirrored(&near));
    let followed = (0..5).map(|i| act(&mut agent, ticks + i, &now).unwrap());
    let followed = followed.last().unwrap();
    assert!((f64::from(followed[2]) - near[2]).abs() < 1e-5);
    assert!((followed[7] - 0.02).abs() < 1e-6);
    *at.lock().unwrap() = None;
    assert_eq!(act(&mut agent, ticks + 6, &now).unwrap(), followed);
    // Back from silence it is not chased: not at all from too far away, and slowly from nearer.
    for (away, most) in [(0.6, 0.0), (0.4, 0.3 * period)] {
        let mut moved = near.clone();
        moved[2] += away;
        *at.lock().unwrap() = Some(mirrored(&moved));
        let next = act(&mut agent, ticks + 7, &now).unwrap();
        let step = f64::from(next[2] - followed[2]);
        assert!(step <= most + 1e-6 && step >= 0.9 * most, "{away}: {step}");
    }
    *at.lock().unwrap() = None;
    assert!(act(&mut agent, 0, &now).is_err());
}
