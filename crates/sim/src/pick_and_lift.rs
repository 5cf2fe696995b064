//! A scripted demonstrator that takes the mug by the handle or by the rim.
//!
//! It knows where the mug stands (privileged, see [`Scene`]), steers by the measured tool pose, and
//! is nearly memoryless, so that what it does can be learnt from pictures: it goes towards a point
//! above the grasp, sinks as it gets in line, closes when in place, lifts when the fingers have
//! stopped, and holds. The two ways differ from the first tick: by the handle the wrist turns
//! along the handle and the tool goes beyond the mug; by the rim the wrist turns a quarter and the
//! tool goes to the side of the mug that is turned away from the handles' middle direction.
//!
//! Disturbances: the executed action is the clean one plus a slowly changing seeded offset and two
//! knocks, while the label stays clean, so that demonstrations hold recoveries (DART, Laskey et al.
//! 2017, arXiv 1703.09327, with smooth instead of white noise).

use crate::{config::in_range, error::Result, grasp::Grasp, hand, mug, world::Scene};
use apprentice_core::{CartesianAction, Seed};
use nalgebra::{Isometry3, Translation3, UnitQuaternion, Vector3};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use std::{array, f64::consts::PI, ops::Range};

/// A way to take the mug.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Style {
    /// By the handle.
    Handle,
    /// By the rim, one finger inside.
    Rim,
}

impl Style {
    /// What the fingers hold when this style succeeds.
    #[must_use]
    pub fn grasp(self) -> Grasp {
        match self {
            Self::Handle => Grasp::Handle,
            Self::Rim => Grasp::Rim,
        }
    }
}

/// Numbers of the demonstrator. Every key has a default; unknown keys are refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExpertConfig {
    /// Rate at which [`Expert::act`] is called, Hz.
    pub rate_hz: f64,
    /// Speed of the tool, m/s.
    pub speed_m_s: f64,
    /// Speed of the tool in the last `clearance_m` before the grasp, m/s.
    pub careful_speed_m_s: f64,
    /// Speed at which the tool turns, rad/s.
    pub turn_rad_s: f64,
    /// How far the measured pose lags behind the commanded one, seconds; targets are set that much
    /// further ahead.
    pub lag_s: f64,
    /// Height above the grasp at which the tool gets in line, metres.
    pub clearance_m: f64,
    /// Height of the tool at which the mug is held in the end, metres.
    pub lift_m: f64,
    /// Ticks for which the lifted mug is held before the demonstration ends.
    pub hold_ticks: u32,
    /// Size (standard deviation) of the position offset on executed actions, metres.
    pub noise_m: f64,
    /// Size (standard deviation) of the wrist offset on executed actions, radians.
    pub noise_rad: f64,
    /// Largest offset, along each axis, of the two knocks the arm gets on its way, metres.
    pub knock_m: f64,
    /// Largest turn of the wrist by such a knock, radians.
    pub knock_rad: f64,
}

impl Default for ExpertConfig {
    fn default() -> Self {
        Self {
            rate_hz: 10.0,
            speed_m_s: 0.17,
            careful_speed_m_s: 0.08,
            turn_rad_s: 1.2,
            lag_s: 0.13,
            clearance_m: 0.10,
            lift_m: 0.22,
            hold_ticks: 4,
            noise_m: 0.008,
            noise_rad: 0.05,
            knock_m: 0.03,
            knock_rad: 0.6,
        }
    }
}

impl ExpertConfig {
    /// Checks every value.
    ///
    /// # Errors
    /// Names the first key that is out of range, with what it was and what is allowed.
    pub fn validate(&self) -> Result<()> {
        let hold_ticks = f64::from(self.hold_ticks);
        let ranges = [
            (
                "rate_hz",
                self.rate_hz,
                [0.1, 1000.0],
                ("Hz", "0.1 to 1000"),
            ),
            (
                "speed_m_s",
                self.speed_m_s,
                [0.001, 2.0],
                ("m/s", "0.001 to 2"),
            ),
            (
                "careful_speed_m_s",
                self.careful_speed_m_s,
                [0.001, 2.0],
                ("m/s", "0.001 to 2"),
            ),
            (
                "turn_rad_s",
                self.turn_rad_s,
                [0.01, 10.0],
                ("rad/s", "0.01 to 10"),
            ),
            ("lag_s", self.lag_s, [0.0, 1.0], ("s", "0 to 1")),
            (
                "clearance_m",
                self.clearance_m,
                [0.0, 0.5],
                ("m", "0 to 0.5"),
            ),
            ("lift_m", self.lift_m, [0.0, 1.0], ("m", "0 to 1")),
            (
                "hold_ticks",
                hold_ticks,
                [0.0, 10_000.0],
                ("ticks", "0 to 10000"),
            ),
            ("noise_m", self.noise_m, [0.0, 0.1], ("m", "0 to 0.1")),
            ("noise_rad", self.noise_rad, [0.0, 1.0], ("rad", "0 to 1")),
            ("knock_m", self.knock_m, [0.0, 0.2], ("m", "0 to 0.2")),
            (
                "knock_rad",
                self.knock_rad,
                [0.0, PI],
                ("rad", "0 to 3.14159"),
            ),
        ];
        ranges
            .into_iter()
            .try_for_each(|(key, got, range, words)| in_range("expert", key, got, range, words))
    }
}

/// What the demonstrator does in one tick.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ExpertStep {
    /// The clean action: what to learn.
    pub label: CartesianAction,
    /// The action to execute: the label plus the disturbance.
    pub executed: CartesianAction,
    /// The demonstration is over.
    pub done: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Approach,
    Close,
    Lift,
}

/// One demonstration being given.
#[derive(Debug)]
pub struct Expert {
    config: ExpertConfig,
    grasp: Isometry3<f64>,
    phase: Phase,
    last_width: f64,
    stalled: u32,
    held: u32,
    offset: [f64; 4],
    knocks: [Knock; 2],
    tick: u32,
    rng: ChaCha8Rng,
}

/// A push that lasts a few ticks. Without any, wrist and hand would be in line with the mug whenever they
/// are low, and a learner would find that out instead of looking at the mug.
#[derive(Debug)]
struct Knock {
    ticks: Range<u32>,
    offset: [f64; 4],
}

impl Knock {
    /// Ticks it lasts.
    const LENGTH: u32 = 4;
    /// When each knock of a demonstration begins, ticks.
    const BEGIN: [Range<u32>; 2] = [1..10, 10..24];

    fn draw(begin: Range<u32>, config: &ExpertConfig, rng: &mut ChaCha8Rng) -> Self {
        let from = rng.random_range(begin);
        let sizes = [
            config.knock_m,
            config.knock_m,
            config.knock_m,
            config.knock_rad,
        ];
        Self {
            ticks: from..from + Self::LENGTH,
            offset: sizes.map(|size| size * rng.random_range(-1.0..1.0)),
        }
    }
}

impl Expert {
    /// A demonstration of `style` on the mug of `scene`, for an arm whose tool is at `home` now.
    #[must_use]
    pub fn new(
        style: Style,
        scene: &Scene,
        home: &Isometry3<f64>,
        config: ExpertConfig,
        seed: Seed,
    ) -> Self {
        let mut rng = seed.derive("expert", 0).rng();
        let knocks = Knock::BEGIN.map(|begin| Knock::draw(begin, &config, &mut rng));
        Self {
            grasp: grasp_pose(style, scene, yaw_of(home)),
            config,
            phase: Phase::Approach,
            last_width: hand::MAX_WIDTH,
            stalled: 0,
            held: 0,
            offset: [0.0; 4],
            knocks,
            tick: 0,
            rng,
        }
    }

    /// The tool pose at which the fingers close, base frame.
    #[must_use]
    pub fn grasp_pose(&self) -> Isometry3<f64> {
        self.grasp
    }

    /// What to do now, from the measured tool pose (base frame) and finger opening (metres).
    pub fn act(&mut self, tool: &Isometry3<f64>, width: f64) -> ExpertStep {
        self.advance_phase(tool, width);
        let (goal, gripper_width) = match self.phase {
            Phase::Approach => (self.approach_goal(tool), hand::MAX_WIDTH),
            Phase::Close => (self.grasp, 0.0),
            Phase::Lift => {
                let mut goal = self.grasp;
                goal.translation.vector.z = self.config.lift_m;
                (goal, 0.0)
            }
        };
        let label = CartesianAction {
            pose: self.towards(tool, &goal),
            gripper_width,
        };
        let executed = CartesianAction {
            pose: self.disturbed(&label.pose, tool),
            gripper_width,
        };
        if self.phase == Phase::Lift && (tool.translation.z - self.config.lift_m).abs() < 0.015 {
            self.held += 1;
        }
        ExpertStep {
            label,
            executed,
            done: self.held > self.config.hold_ticks,
        }
    }

    fn advance_phase(&mut self, tool: &Isometry3<f64>, width: f64) {
        match self.phase {
            Phase::Approach => {
                if self.gap(tool) < 0.009 && tool.rotation.angle_to(&self.grasp.rotation) < 0.12 {
                    self.phase = Phase::Close;
                }
            }
            Phase::Close => {
                // The fingers have stopped, on the mug or on each other.
                let moved = (self.last_width - width).abs() > 5e-4;
                let closing = width < 0.9 * hand::MAX_WIDTH;
                self.stalled = if closing && !moved {
                    self.stalled + 1
                } else {
                    0
                };
                if self.stalled >= 1 {
                    self.phase = Phase::Lift;
                }
            }
            Phase::Lift => {}
        }
        self.last_width = width;
    }

    /// How far the tool is from the grasp, metres.
    fn gap(&self, tool: &Isometry3<f64>) -> f64 {
        (tool.translation.vector - self.grasp.translation.vector).norm()
    }

    /// Above the grasp while out of line with it, down to the grasp as the tool gets in line.
    fn approach_goal(&self, tool: &Isometry3<f64>) -> Isometry3<f64> {
        let gap = tool.translation.vector - self.grasp.translation.vector;
        let aside = gap.xy().norm() / 0.03;
        let turned = tool.rotation.angle_to(&self.grasp.rotation) / 0.35;
        let out_of_line = (aside.max(turned) - 0.3).clamp(0.0, 1.0);
        let mut goal = self.grasp;
        goal.translation.vector.z += self.config.clearance_m * out_of_line;
        goal
    }

    /// The pose on the way from `tool` to `goal` that one tick at full speed reaches.
    fn towards(&self, tool: &Isometry3<f64>, goal: &Isometry3<f64>) -> Isometry3<f64> {
        let ahead = 1.0 / self.config.rate_hz + self.config.lag_s;
        let way = goal.translation.vector - tool.translation.vector;
        let careful = self.phase != Phase::Lift && self.gap(tool) < self.config.clearance_m;
        let speed = if careful {
            self.config.careful_speed_m_s
        } else {
            self.config.speed_m_s
        };
        let share = (speed * ahead / way.norm().max(1e-9)).min(1.0);
        let turn = tool.rotation.rotation_to(&goal.rotation);
        let turn_share = (self.config.turn_rad_s * ahead / turn.angle().max(1e-9)).min(1.0);
        Isometry3::from_parts(
            Translation3::from(tool.translation.vector + way * share),
            turn.powf(turn_share) * tool.rotation,
        )
    }

    fn disturbed(&mut self, pose: &Isometry3<f64>, tool: &Isometry3<f64>) -> Isometry3<f64> {
        let sizes = [
            self.config.noise_m,
            self.config.noise_m,
            self.config.noise_m,
            self.config.noise_rad,
        ];
        // An autoregressive walk with unit variance before scaling; uniform kicks have variance 1/3.
        let keep = 0.8f64;
        let kick = (3.0 * (1.0 - keep * keep)).sqrt();
        for (offset, size) in self.offset.iter_mut().zip(sizes) {
            *offset = keep * *offset + kick * size * self.rng.random_range(-1.0..1.0);
        }
        // Nothing disturbs the last centimetres or the lift: a demonstrator is careful there.
        let gap = self.gap(tool);
        let share = |from: f64, to: f64| match self.phase {
            Phase::Approach => ((gap - from) / (to - from)).clamp(0.0, 1.0),
            Phase::Close | Phase::Lift => 0.0,
        };
        let (steady, sudden) = (share(0.02, 0.12), share(0.015, 0.05));
        let now = |knock: &&Knock| knock.ticks.contains(&self.tick);
        let knock = self.knocks.iter().find(now).map_or([0.0; 4], |k| k.offset);
        let [x, y, z, yaw] = array::from_fn(|i| self.offset[i] * steady + knock[i] * sudden);
        self.tick += 1;
        let turn = UnitQuaternion::from_axis_angle(&Vector3::z_axis(), yaw);
        Isometry3::from_parts(
            Translation3::from(pose.translation.vector + Vector3::new(x, y, z)),
            turn * pose.rotation,
        )
    }
}

/// The tool pose, pointing straight down, at which the fingers close. Of the two equal wrist
/// angles (the hand is symmetric) the one nearer `home_yaw` is taken.
fn grasp_pose(style: Style, scene: &Scene, home_yaw: f64) -> Isometry3<f64> {
    let mug = scene.mug_pose.translation.vector;
    let along = |angle: f64| Vector3::new(angle.cos(), angle.sin(), 0.0);
    let (at, height, yaw) = match style {
        // Fingers close across the handle, so the tool's x axis lies along it.
        Style::Handle => (
            along(scene.handle_direction) * (mug::handle_radius() - 0.002),
            0.058,
            nearest(scene.handle_direction, home_yaw),
        ),
        // Fingers close along the radius: a quarter turn from the handles' middle direction.
        Style::Rim => (
            along(scene.nominal_direction + PI) * mug::rim_radius(),
            0.066,
            nearest(scene.nominal_direction + 0.5 * PI, home_yaw + 0.01),
        ),
    };
    Isometry3::from_parts(
        Translation3::new(mug.x + at.x, mug.y + at.y, mug.z + height),
        down(yaw),
    )
}

/// The tool pointing down with its x axis at `yaw` about base z.
fn down(yaw: f64) -> UnitQuaternion<f64> {
    UnitQuaternion::from_axis_angle(&Vector3::z_axis(), yaw)
        * UnitQuaternion::from_axis_angle(&Vector3::x_axis(), PI)
}

/// Direction of the tool's x axis about base z, rad.
fn yaw_of(tool: &Isometry3<f64>) -> f64 {
    let x = tool.rotation * Vector3::x();
    x.y.atan2(x.x)
}

/// `angle` or `angle + pi`, turned by whole turns to lie within a quarter turn of `reference`.
fn nearest(angle: f64, reference: f64) -> f64 {
    angle - ((angle - reference) / PI).round() * PI
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_out_of_range_are_named() {
        ExpertConfig::default().validate().unwrap();
        let stopped = ExpertConfig {
            rate_hz: 0.0,
            ..ExpertConfig::default()
        };
        assert_eq!(
            stopped.validate().unwrap_err().to_string(),
            "expert.rate_hz is 0 Hz; allowed: 0.1 to 1000. Change it in the configuration or with \
             --set expert.rate_hz=VALUE"
        );
        let unknown = ExpertConfig {
            knock_m: f64::NAN,
            ..ExpertConfig::default()
        };
        assert!(
            unknown
                .validate()
                .unwrap_err()
                .to_string()
                .contains("knock_m is NaN")
        );
    }

    #[test]
    fn the_wrist_takes_the_shorter_turn() {
        assert!((nearest(3.0, 0.0) - (3.0 - PI)).abs() < 1e-12);
        assert!((nearest(-1.0, 0.0) + 1.0).abs() < 1e-12);
        assert!((nearest(0.5 * PI, 0.01) - 0.5 * PI).abs() < 1e-12);
    }
}
