//! What a description must be.

use crate::DescriptionError;
use crate::description::{Camera, Chain, Joint, RobotDescription};

/// Largest distance a description may speak of, metres: kinematics of larger arms are in the wrong unit.
const FAR: f64 = 100.0;
/// Capsules a robot may have: every pair is looked at in each command.
const MOST_CAPSULES: usize = 64;

/// What is wrong: which entry, its value, what would do.
type Wrong = (String, String, String);
type Checked = Result<(), Wrong>;

fn wrong(what: impl Into<String>, got: impl Into<String>, allowed: impl Into<String>) -> Checked {
    Err((what.into(), got.into(), allowed.into()))
}

fn refusal(origin: &str, (what, got, allowed): Wrong) -> DescriptionError {
    DescriptionError::Value {
        origin: origin.into(),
        what,
        got,
        allowed,
    }
}

fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

fn is_near(place: &[f64; 3]) -> bool {
    // NaN is in no range.
    place.iter().all(|v| (-FAR..=FAR).contains(v))
}

impl RobotDescription {
    /// Checks every value.
    ///
    /// # Errors
    /// One line on the first thing that is wrong; `origin` names the description.
    pub fn check(&self, origin: &str) -> Result<(), DescriptionError> {
        self.check_own(origin)?;
        let space = self
            .check_kinematics()
            .and_then(|()| self.check_workspace())
            .and_then(|()| self.check_capsules());
        space.map_err(|wrong| refusal(origin, wrong))
    }

    /// Checks what a URDF cannot add to.
    pub(super) fn check_own(&self, origin: &str) -> Result<(), DescriptionError> {
        let own = self
            .check_names_and_rates()
            .and_then(|()| {
                self.joints
                    .iter()
                    .zip(&self.home)
                    .try_for_each(|(joint, home)| self.check_joint(joint, *home))
            })
            .and_then(|()| self.kinematics.iter().try_for_each(check_chain))
            .and_then(|()| self.check_gripper())
            .and_then(|()| self.cameras.iter().try_for_each(|c| self.check_camera(c)));
        own.map_err(|wrong| refusal(origin, wrong))
    }

    fn check_names_and_rates(&self) -> Checked {
        if !is_plain(&self.name) {
            return wrong(
                "name",
                format!("{:?}", self.name),
                "letters, digits, _ and -",
            );
        }
        if self.joints.is_empty() || self.joints.len() > 64 {
            return wrong("joints", self.joints.len().to_string(), "1 to 64 joints");
        }
        if self.home.len() != self.joints.len() {
            return wrong(
                "home",
                format!("{} numbers", self.home.len()),
                "one a joint",
            );
        }
        let slow =
            self.policy_hz > 0.0 && self.policy_hz <= self.control_hz && self.control_hz <= 1000.0;
        if !slow {
            return wrong(
                "policy_hz and control_hz",
                format!("{} and {}", self.policy_hz, self.control_hz),
                "0 < policy_hz <= control_hz <= 1000",
            );
        }
        Ok(())
    }

    fn check_joint(&self, joint: &Joint, home: f64) -> Checked {
        let [low, high] = joint.position;
        let name = &joint.name;
        if !is_plain(name) || self.joints.iter().filter(|j| j.name == *name).count() > 1 {
            return wrong(
                "a joint's name",
                format!("{name:?}"),
                "letters, digits, _ and -, each once",
            );
        }
        if !(low.is_finite() && high.is_finite() && low < high) {
            let unit = &joint.unit;
            return wrong(
                format!("position of joint {name}"),
                format!("[{low}, {high}] {unit}"),
                "[lowest, highest]",
            );
        }
        if !(low..=high).contains(&home) {
            return wrong(
                format!("home of joint {name}"),
                home.to_string(),
                "within its position limits",
            );
        }
        let all = [
            joint.velocity,
            joint.acceleration,
            joint.jerk.unwrap_or(1.0),
        ];
        if all.iter().any(|v| !(*v > 0.0 && v.is_finite())) {
            return wrong(
                format!("velocity, acceleration, jerk of joint {name}"),
                format!("{all:?}"),
                "more than 0",
            );
        }
        if let Some(torque) = joint.torque
            && !(torque > 0.0 && torque.is_finite())
        {
            return wrong(
                format!("torque of joint {name}"),
                format!("{torque} {}", joint.effort_unit()),
                "more than 0",
            );
        }
        if let Some(barrier) = joint.barrier
            && !(barrier.deceleration > 0.0
                && barrier.deceleration.is_finite()
                && barrier.offset >= 0.0
                && barrier.offset.is_finite())
        {
            return wrong(
                format!("barrier of joint {name}"),
                format!(
                    "deceleration {} {unit}/s^2, offset {} {unit}/s",
                    barrier.deceleration,
                    barrier.offset,
                    unit = joint.unit
                ),
                "deceleration above 0, offset 0 or more",
            );
        }
        Ok(())
    }

    fn check_kinematics(&self) -> Checked {
        let Some(chain) = &self.kinematics else {
            if self.is_cartesian() {
                return wrong("control", "cartesian", "joint, or give [kinematics]");
            }
            return Ok(());
        };
        let (rows, which) = match (chain.dh.len(), chain.frames.len()) {
            (0, frames) => (frames, "kinematics.frames"),
            (dh, _) => (dh, "kinematics.dh"),
        };
        if rows != self.joints.len() {
            return wrong(which, format!("{rows} rows"), "one a joint");
        }
        Ok(())
    }

    fn check_workspace(&self) -> Checked {
        let Some(w) = &self.workspace else {
            return Ok(());
        };
        if (0..3).any(|i| !(w.min[i].is_finite() && w.max[i].is_finite() && w.min[i] < w.max[i])) {
            return wrong(
                "workspace",
                format!("{:?} to {:?} m", w.min, w.max),
                "min below max on each axis",
            );
        }
        if self.kinematics.is_none() {
            return wrong("workspace", "given without [kinematics]", "both or neither");
        }
        Ok(())
    }

    fn check_capsules(&self) -> Checked {
        let count = self.capsules.len();
        if count > MOST_CAPSULES {
            return wrong(
                "capsules",
                count.to_string(),
                format!("at most {MOST_CAPSULES}"),
            );
        }
        if count > 0 && self.kinematics.is_none() {
            return wrong("capsules", "given without [kinematics]", "both or neither");
        }
        let last = self.joints.len() + 1;
        for (index, capsule) in self.capsules.iter().enumerate() {
            if capsule.frame > last {
                return wrong(
                    format!("frame of capsule {index}"),
                    capsule.frame.to_string(),
                    format!("0 (base) to {last} (tool frame)"),
                );
            }
            let sound = capsule.radius > 0.0 && capsule.radius <= FAR;
            if !sound || !is_near(&capsule.from) || !is_near(&capsule.to) {
                return wrong(
                    format!("capsule {index}"),
                    format!(
                        "from {:?} to {:?} m, radius {} m",
                        capsule.from, capsule.to, capsule.radius
                    ),
                    format!("numbers up to {FAR} m, radius above 0"),
                );
            }
        }
        for pair in &self.may_touch {
            let [a, b] = *pair;
            if a == b || a >= count || b >= count {
                return wrong(
                    "a pair of may_touch",
                    format!("{pair:?}"),
                    format!("two different capsules, 0 to {}", count.saturating_sub(1)),
                );
            }
        }
        Ok(())
    }

    fn check_gripper(&self) -> Checked {
        if let Some(g) = &self.gripper
            && !(g.max_width_m > 0.0
                && g.max_width_m.is_finite()
                && g.speed_m_s > 0.0
                && g.speed_m_s.is_finite())
        {
            return wrong(
                "gripper",
                format!("{} m, {} m/s", g.max_width_m, g.speed_m_s),
                "more than 0",
            );
        }
        Ok(())
    }

    fn check_camera(&self, camera: &Camera) -> Checked {
        let name = &camera.name;
        if !is_plain(name) || self.cameras.iter().filter(|c| c.name == *name).count() > 1 {
            return wrong(
                "a camera's name",
                format!("{name:?}"),
                "letters, digits, _ and -, each once",
            );
        }
        if !(1..=4096).contains(&camera.width) || !(1..=4096).contains(&camera.height) {
            return wrong(
                format!("size of camera {name}"),
                format!("{}x{} pixels", camera.width, camera.height),
                "1 to 4096 each way",
            );
        }
        if let Some(patience) = camera.frozen_after_s
            && !(0.001..=86_400.0).contains(&patience)
        {
            return wrong(
                format!("frozen_after_s of camera {name}"),
                format!("{patience} s"),
                "0.001 to 86400",
            );
        }
        if !(1.0..=170.0).contains(&camera.vertical_fov_deg) {
            return wrong(
                format!("vertical_fov_deg of camera {name}"),
                camera.vertical_fov_deg.to_string(),
                "1 to 170",
            );
        }
        Ok(())
    }
}

/// A number that is not finite would make the workspace impossible to check, not smaller.
fn check_chain(chain: &Chain) -> Checked {
    if chain.dh.is_empty() == chain.frames.is_empty() {
        return wrong(
            "kinematics",
            format!(
                "{} rows of dh, {} of frames",
                chain.dh.len(),
                chain.frames.len()
            ),
            "one of dh and frames",
        );
    }
    let frames = chain.frames.iter();
    let numbers = chain.dh.iter().flatten().copied();
    let numbers = numbers.chain(frames.flat_map(|f| f.xyz.into_iter().chain(f.rpy).chain(f.axis)));
    let tool = chain
        .tool
        .iter()
        .flat_map(|t| t.xyz.into_iter().chain(t.rpy));
    let mut numbers = numbers
        .chain(tool)
        .chain([chain.tool_offset_m, chain.tool_turn_rad]);
    if !numbers.all(|v| (-FAR..=FAR).contains(&v)) {
        return wrong(
            "kinematics",
            format!("{chain:?}"),
            format!("finite numbers (m and rad), none beyond {FAR}"),
        );
    }
    for (row, frame) in chain.frames.iter().enumerate() {
        let square: f64 = frame.axis.iter().map(|v| v * v).sum();
        if square < 1e-6 {
            return wrong(
                format!("axis of kinematics.frames {row}"),
                format!("{:?}", frame.axis),
                "a direction",
            );
        }
    }
    let offset = chain.tool_offset_m != 0.0 || chain.tool_turn_rad != 0.0;
    if chain.frames.is_empty() && chain.tool.is_some() || !chain.frames.is_empty() && offset {
        return wrong(
            "the tool frame of kinematics",
            "given in the other form",
            "tool_offset_m and tool_turn_rad with dh, kinematics.tool with frames",
        );
    }
    Ok(())
}
