//! What the page is told of the robot.

use super::asking::Asking;
use super::settings::LiveRobot;
use apprentice_core::RobotState;
use apprentice_link::wire::{AuthorityStatus, Status};
use apprentice_link::{LinkError, RunningEpisode};
use apprentice_robot::{Kinematics, RobotDescription};
use apprentice_safety::gate::Stop;
use apprentice_safety::{ControlAuthority, Phase};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// How long a stop may take before it is said that it has not come.
const LATE: Duration = Duration::from_secs(2);

/// What the robot answered to what it was asked, or why it did not.
type Confirmation = Result<(), String>;

/// What was last heard of the robot.
pub(crate) struct Shown {
    robot: Option<(RobotDescription, Option<Kinematics>)>,
    name: String,
    /// Why it is not reached, or silent.
    problem: Option<String>,
    status: Option<Status>,
    state: Option<RobotState>,
    at_rest: bool,
    /// Who decides, and whether that is because of this page.
    authority: Option<(AuthorityStatus, bool)>,
    episode: Option<RunningEpisode>,
    /// The one that ran last.
    last_episode: Option<RunningEpisode>,
    /// What was asked of it last, when, and what came of asking.
    asked: Option<(Asking, Instant, Option<Confirmation>)>,
    /// Whether it was seen stopped since it was asked to.
    was_stopped: bool,
}

/// What was heard at one time.
pub(crate) struct Heard {
    pub state: Result<RobotState, LinkError>,
    pub at_rest: bool,
    pub status: Option<Status>,
    pub authority: Option<(AuthorityStatus, bool)>,
    pub episode: Option<RunningEpisode>,
}

impl Shown {
    pub fn nothing(settings: &LiveRobot) -> Self {
        Self {
            name: settings.robot.clone(),
            robot: None,
            problem: Some("not reached yet".into()),
            status: None,
            state: None,
            at_rest: false,
            authority: None,
            episode: None,
            last_episode: None,
            asked: None,
            was_stopped: false,
        }
    }

    pub fn reached(&mut self, robot: &RobotDescription) {
        self.robot = Some((robot.clone(), Kinematics::new(robot).ok()));
        self.problem = None;
    }

    pub fn unreached(&mut self, why: String) {
        self.problem = Some(why);
        (self.state, self.status, self.at_rest) = (None, None, false);
        (self.authority, self.episode) = (None, None);
    }

    pub fn heard(&mut self, heard: Heard) {
        match heard.state {
            Ok(state) => {
                self.state = Some(state);
                self.problem = None;
            }
            Err(error) => {
                self.state = None;
                self.problem = Some(apprentice_core::in_one_line(&error));
            }
        }
        self.at_rest = heard.at_rest && self.state.is_some();
        // The word of a robot that has fallen silent is old.
        self.status = heard.status.filter(|_| self.state.is_some());
        self.authority = heard.authority;
        if heard.episode.is_some() {
            self.last_episode.clone_from(&heard.episode);
        }
        self.episode = heard.episode;
        self.was_stopped |= self.is_stopped();
    }

    pub fn asked(&mut self, asking: Asking) {
        self.asked = Some((asking, Instant::now(), None));
        self.was_stopped = false;
    }

    /// What came of asking.
    pub fn answered(&mut self, asking: Asking, answer: Result<(), String>) {
        if let Some((last, _, result)) = &mut self.asked
            && *last == asking
        {
            *result = Some(answer);
        }
    }

    /// The running episode, or else the one before, and whether it runs.
    pub fn episode(&self) -> Option<(&RunningEpisode, bool)> {
        let running = self.episode.as_ref().map(|e| (e, true));
        running.or_else(|| self.last_episode.as_ref().map(|e| (e, false)))
    }

    /// The file of the episode that runs.
    pub fn running(&self) -> Option<&str> {
        self.episode.as_ref().map(|e| e.episode.as_str())
    }

    fn has_adapter(&self) -> bool {
        self.robot
            .as_ref()
            .is_some_and(|(robot, _)| robot.adapter.is_some())
    }

    /// Nobody decides, and the arm is measured at rest.
    fn rests_undecided(&self) -> bool {
        let nobody = self
            .authority
            .is_some_and(|(a, _)| a.authority == ControlAuthority::Nobody);
        nobody && self.at_rest
    }

    /// Whether the arm is stopped: as it says itself, or, where it does not speak for itself, as measured.
    pub fn is_stopped(&self) -> bool {
        if self.has_adapter() {
            return self.rests_undecided();
        }
        self.status.is_some_and(|s| {
            s.stop != Stop::None && matches!(s.phase, Phase::Stopped | Phase::Faulted)
        })
    }

    /// As JSON, for the page.
    pub fn told(&self, settings: &LiveRobot) -> Value {
        let cameras = self.robot.as_ref().map_or(&[][..], |(r, _)| &r.cameras);
        let cameras: Vec<Value> = cameras
            .iter()
            .map(|c| json!({ "name": c.name, "width": c.width, "height": c.height }))
            .collect();
        let status = self.status.map(|s| {
            let stop = match s.stop {
                Stop::None => "none",
                Stop::Owner => "owner",
                Stop::Person => "person",
            };
            json!({ "phase": s.phase.name(), "stop": stop, "stops": s.stops, "owned": s.owner != 0 })
        });
        let late = "it was asked to stop, and has not by now; use its emergency stop if it moves";
        let asked = self.asked.as_ref().map(|(asking, at, answer)| {
            let waits = *asking == Asking::Stop && !self.was_stopped;
            let is_late = waits && at.elapsed() > LATE;
            json!({
                "what": match asking {
                    Asking::Stop => "stop", Asking::Hold => "hold", Asking::GoOn => "go_on",
                },
                "ago_ms": at.elapsed().as_millis() as u64,
                "granted": matches!(answer, Some(Ok(()))),
                "problem": match answer {
                    Some(Err(why)) => Some(why.as_str()),
                    _ => is_late.then_some(late),
                },
            })
        });
        json!({
            "robot": self.name,
            "problem": self.problem,
            "adapter": self.has_adapter(),
            "status": status,
            "stopped": self.is_stopped(),
            "held": self.rests_undecided(),
            "at_rest": self.at_rest,
            "joints": self.joints(),
            "tool": self.tool(),
            "decides": self.authority.map(|(a, _)| match a.authority {
                ControlAuthority::Policy => "policy",
                ControlAuthority::Human => "person",
                ControlAuthority::Nobody => "nobody",
            }),
            "ours": self.authority.is_some_and(|(_, ours)| ours),
            "episode": self.episode().map(|(e, running)| episode(e, running, settings)),
            "asked": asked,
            "cameras": cameras,
        })
    }

    fn joints(&self) -> Option<Value> {
        let ((robot, _), state) = (self.robot.as_ref()?, self.state.as_ref()?);
        let joints = robot.joints.iter().enumerate().map(|(i, joint)| {
            json!({
                "name": joint.name, "unit": joint.unit, "limits": joint.position,
                "position": state.positions.get(i), "velocity": state.velocities.get(i),
            })
        });
        Some(Value::Array(joints.collect()))
    }

    fn tool(&self) -> Option<Value> {
        let ((_, kinematics), state) = (self.robot.as_ref()?, self.state.as_ref()?);
        let at = kinematics.as_ref().map(|k| {
            let at = k.tool_pose(&state.positions).translation.vector;
            [at.x, at.y, at.z]
        });
        Some(json!({ "position_m": at, "opening_m": state.gripper_width }))
    }
}

fn episode(episode: &RunningEpisode, running: bool, settings: &LiveRobot) -> Value {
    let matters = |(reason, _): &(&String, &u64)| settings.matters.contains(*reason);
    let version = episode.policy.as_ref().map(|sha256| {
        let short = sha256.get(..12).unwrap_or(sha256);
        let named = settings.versions.get(sha256);
        named.map_or_else(|| format!("policy {short}"), Clone::clone)
    });
    json!({
        "name": episode.episode, "running": running, "tick": episode.tick, "version": version,
        "interventions": episode.interventions.iter().filter(matters).collect::<std::collections::BTreeMap<_, _>>(),
        "shaped": episode.interventions.iter().filter(|i| !matters(i)).map(|(_, n)| n).sum::<u64>(),
    })
}
