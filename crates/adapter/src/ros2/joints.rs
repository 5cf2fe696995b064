//! A robot's state out of ROS joint states, which name their joints in any order and may come in parts.

use super::settings::Settings;
use crate::cdr::JointState;
use crate::settings::Opening;
use apprentice_core::RobotState;
use apprentice_robot::RobotDescription;
use std::time::{Duration, Instant};

/// How old a gripper's joint may be that comes in messages of its own.
const GRIPPER_AGE: Duration = Duration::from_secs(1);
/// Two states less apart say nothing of speed, ns.
const SHORTEST_STEP_NS: u64 = 100_000;

/// Puts states together.
pub(super) struct JointReader {
    /// ROS names, in the description's order.
    names: Vec<String>,
    gripper: Option<GripperJoint>,
    sequence: u64,
    last: Option<Last>,
}

struct GripperJoint {
    name: String,
    opening: Opening,
    /// Its newest opening, metres, and when it came.
    width: Option<(f64, Instant)>,
}

/// What came before.
struct Last {
    positions: Vec<f64>,
    /// As the message says.
    header_ns: u64,
    /// As we say: where headers have no time, since we began.
    stamp_ns: u64,
}

impl JointReader {
    pub fn new(description: &RobotDescription, settings: &Settings) -> Self {
        let names = description.joints.iter();
        Self {
            names: names
                .map(|j| settings.ros_name(&j.name).to_owned())
                .collect(),
            gripper: settings.gripper.as_ref().map(|g| GripperJoint {
                name: g.joint.clone(),
                opening: g.opening(),
                width: None,
            }),
            sequence: 0,
            last: None,
        }
    }

    /// The state after this message, come at `now`, `elapsed_ns` after we began; `None` when it says nothing
    /// of our joints.
    pub fn read(
        &mut self,
        message: &JointState,
        now: Instant,
        elapsed_ns: u64,
    ) -> Result<Option<RobotState>, String> {
        let named = message.name.len();
        for (what, list) in [
            ("positions", &message.position),
            ("velocities", &message.velocity),
        ] {
            let fits = list.len() == named || (what == "velocities" && list.is_empty());
            if !fits {
                return Err(format!("it has {named} names and {} {what}", list.len()));
            }
        }
        if let Some(gripper) = &mut self.gripper
            && let Some(at) = message.name.position(&gripper.name)
        {
            let width = gripper
                .opening
                .width(message.position.get(at).unwrap_or(f64::NAN));
            if !width.is_finite() {
                return Err(format!("position of {} is not finite", gripper.name));
            }
            gripper.width = Some((width, now));
        }
        let places: Vec<_> = self
            .names
            .iter()
            .map(|n| message.name.position(n))
            .collect();
        if places.iter().all(Option::is_none) {
            return Ok(None);
        }
        let mut missing = self.names.iter().zip(&places).filter(|(_, p)| p.is_none());
        if let Some((name, _)) = missing.next() {
            let others: Vec<_> = message.name.iter().take(16).collect();
            return Err(format!(
                "joint {name} is not in it, but {}; see [adapter.joint_names]",
                others.join(", ")
            ));
        }
        let at = |list: &crate::cdr::Numbers| -> Vec<Option<f64>> {
            let places = places.iter().flatten();
            places
                .map(|&p| list.get(p).filter(|v| v.is_finite()))
                .collect()
        };
        let mut positions = Vec::with_capacity(places.len());
        for (name, position) in self.names.iter().zip(at(&message.position)) {
            positions.push(position.ok_or(format!("position of {name} is not finite"))?);
        }
        let gripper_width = self.width(now)?;
        let header_ns = message.header.stamp.as_ns();
        let (news, stamp_ns) = match (&self.last, header_ns) {
            // Headers without a time: every message is news.
            (_, 0) => (true, elapsed_ns),
            // A driver that hangs may repeat itself under new numbers.
            (Some(last), _) if last.header_ns == header_ns => (false, last.stamp_ns),
            _ => (true, header_ns),
        };
        self.sequence += u64::from(news);
        let velocities = self.velocities(&positions, at(&message.velocity), stamp_ns);
        self.last = Some(Last {
            positions: positions.clone(),
            header_ns,
            stamp_ns,
        });
        Ok(Some(RobotState {
            sequence: self.sequence,
            stamp_ns,
            positions,
            velocities,
            gripper_width,
        }))
    }

    fn width(&self, now: Instant) -> Result<f64, String> {
        let Some(gripper) = &self.gripper else {
            return Ok(0.0);
        };
        let name = &gripper.name;
        match gripper.width {
            Some((width, came)) if now.saturating_duration_since(came) <= GRIPPER_AGE => Ok(width),
            Some(_) => Err(format!(
                "the gripper's joint {name} has not come for more than 1 s"
            )),
            None => Err(format!(
                "the gripper's joint {name} has not come yet; see [adapter.gripper]"
            )),
        }
    }

    /// As measured where the message says, otherwise from where joints were before; 0 in the beginning.
    fn velocities(&self, positions: &[f64], said: Vec<Option<f64>>, stamp_ns: u64) -> Vec<f64> {
        let step = self.last.as_ref().and_then(|last| {
            let ns = stamp_ns.checked_sub(last.stamp_ns)?;
            (ns >= SHORTEST_STEP_NS).then_some((last, ns as f64 * 1e-9))
        });
        let said = said.into_iter().chain(std::iter::repeat(None));
        let each = positions.iter().enumerate().zip(said);
        each.map(|((i, position), said)| {
            let derived = || {
                let (last, seconds) = step?;
                Some((position - last.positions.get(i)?) / seconds)
            };
            said.or_else(derived).unwrap_or(0.0)
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cdr::{Header, Names, Numbers, Time};

    fn reader(extra: &str) -> JointReader {
        let mut robot = RobotDescription::embedded("franka_fr3").unwrap();
        robot.joints.truncate(2);
        robot.home.truncate(2);
        robot.cameras.clear();
        let text = format!(
            "kind = 'ros2'\n{extra}\n[command]\nkind = 'joint_trajectory'\ntopic = '/t'\n
             [gripper]\nkind = 'action'\naction = '/g'\njoint = 'finger'\nper_metre = 0.5"
        );
        let settings = Settings::read(&text.parse().unwrap(), &robot).unwrap();
        JointReader::new(&robot, &settings)
    }

    fn message(ns: u64, joints: &[(&str, f64)], velocities: &[f64]) -> JointState {
        let positions: Vec<f64> = joints.iter().map(|j| j.1).collect();
        JointState {
            header: Header {
                stamp: Time::from_ns(ns),
                ..Header::default()
            },
            name: joints.iter().map(|j| j.0).collect::<Names>(),
            position: Numbers(positions),
            velocity: velocities.into(),
            effort: Numbers::default(),
        }
    }

    const A: &str = "fr3_joint1";
    const B: &str = "fr3_joint2";

    #[test]
    fn joints_are_found_by_name_in_any_order_and_in_parts() {
        let mut reader = reader("");
        let now = Instant::now();
        let arm = [("other", 9.0), (B, 2.0), (A, 1.0)];
        let error = reader.read(&message(1, &arm, &[]), now, 0).unwrap_err();
        assert!(error.contains("finger"), "{error}");
        assert_eq!(
            reader.read(&message(1, &[("finger", 0.02)], &[]), now, 0),
            Ok(None)
        );
        let state = reader
            .read(&message(5_000_000, &arm, &[9.0, 0.5, f64::NAN]), now, 0)
            .unwrap()
            .unwrap();
        assert_eq!(
            (state.positions, state.gripper_width),
            (vec![1.0, 2.0], 0.04)
        );
        // Where a velocity is missing it comes from two states, and there was none before.
        assert_eq!(
            (state.velocities, state.stamp_ns),
            (vec![0.0, 0.5], 5_000_000)
        );
        let next = [(A, 1.1), (B, 2.0)];
        let state = reader
            .read(&message(105_000_000, &next, &[]), now, 0)
            .unwrap()
            .unwrap();
        assert!(
            (state.velocities[0] - 1.0).abs() < 1e-9,
            "{:?}",
            state.velocities
        );
        let late = now + Duration::from_secs(2);
        let error = reader.read(&message(7, &arm, &[]), late, 0).unwrap_err();
        assert!(error.contains("finger"), "{error}");
    }

    #[test]
    fn what_is_repeated_is_no_news_and_what_is_wrong_is_said() {
        let mut reader = reader("joint_names = { fr3_joint1 = 'shoulder' }");
        let now = Instant::now();
        let all = [("shoulder", 1.0), (B, 2.0), ("finger", 0.0)];
        let mut number = |message: &JointState, elapsed| {
            reader
                .read(message, now, elapsed)
                .map(|s| s.unwrap().sequence)
        };
        assert_eq!(number(&message(5, &all, &[]), 0), Ok(1));
        assert_eq!(number(&message(5, &all, &[]), 0), Ok(1));
        assert_eq!(number(&message(6, &all, &[]), 0), Ok(2));
        assert_eq!(number(&message(0, &all, &[]), 10), Ok(3));
        assert_eq!(number(&message(0, &all, &[]), 20), Ok(4));
        let error = number(&message(8, &[(B, 2.0), ("finger", 0.0)], &[]), 0).unwrap_err();
        assert!(
            error.contains("shoulder") && error.contains("joint_names"),
            "{error}"
        );
        let bad = [("shoulder", f64::NAN), (B, 2.0), ("finger", 0.0)];
        assert!(
            number(&message(9, &bad, &[]), 0)
                .unwrap_err()
                .contains("not finite")
        );
        assert!(
            number(&message(9, &all, &[1.0]), 0)
                .unwrap_err()
                .contains("velocities")
        );
    }
}
