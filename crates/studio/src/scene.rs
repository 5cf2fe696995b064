//! What is drawn where.
//!
//! | entity | what |
//! |---|---|
//! | `episode` | label of the episode, as text |
//! | `cameras/<name>` | pictures |
//! | `joints/position`, `joints/velocity` | rad, rad/s (or the robot's own unit) |
//! | `gripper` | opening, m |
//! | `world/arm`, `world/arm/fingers`, `world/tool` | links, fingers and tool frame, m, base frame |
//! | `world/target` | where the action wants the tool |
//! | `action`, `reward` | as given |
//! | `holder` | who has the arm, as text |
//! | `log` | takeovers and what the guard refused, line by line |
//! | `clips/<label>/...` | of clips side by side: `cameras`, `world` and `action` as above |
//! | `guard/<reason>` | ticks at which commands were changed for it, so far; not those only slowed |

use crate::layout::{SECONDS, STEP, clip_root, send_clips, send_live};
use crate::story::Story;
use apprentice_core::{CartesianAction, Image, Observation};
use apprentice_episode::{DecidedBy, Episode};
use apprentice_robot::{Kinematics, RobotDescription};
use nalgebra::{Isometry3, Point3};
use rerun::{
    AsComponents, Boxes3D, LineStrips3D, Points3D, RecordingStream, RecordingStreamResult, Scalars,
    SeriesLines, TextDocument, TextLog, TextLogLevel, Transform3D, TransformAxes3D,
    ViewCoordinates, components::FillMode,
};

const LINK_RADIUS: f32 = 0.03;
const FINGER_RADIUS: f32 = 0.008;
/// From the finger tips back to the hand, m.
const FINGER_LENGTH: f64 = 0.045;
const ARM_COLOUR: [u8; 3] = [225, 228, 232];
const FINGER_COLOUR: [u8; 3] = [70, 80, 95];
const TARGET_COLOUR: [u8; 3] = [255, 140, 0];
const BOX_COLOUR: [u8; 3] = [90, 90, 90];
/// Steps left empty between two episodes on the timeline.
const GAP: i64 = 5;

/// Draws onto one recording.
pub(crate) struct Scene {
    to: RecordingStream,
    arm: Option<Kinematics>,
    cartesian: bool,
    joint_names: Vec<String>,
    cameras: Vec<String>,
    /// Step at which the episode began, and the first one after everything so far.
    begin: i64,
    next: i64,
    story: Story,
}

impl Scene {
    pub fn new(
        to: RecordingStream,
        robot: Option<&RobotDescription>,
    ) -> RecordingStreamResult<Self> {
        let joints = robot.map_or(&[][..], |r| &r.joints);
        let cameras = robot.map_or(&[][..], |r| &r.cameras);
        let scene = Self {
            // Without kinematics there is no arm to draw; everything else is shown.
            arm: robot.and_then(|r| Kinematics::new(r).ok()),
            cartesian: robot.is_some_and(RobotDescription::is_cartesian),
            joint_names: joints.iter().map(|j| j.name.clone()).collect(),
            cameras: cameras.iter().map(|c| c.name.clone()).collect(),
            begin: 0,
            next: 0,
            story: Story::default(),
            to,
        };
        send_live(&scene.to, &scene.cameras, scene.arm.is_some())?;
        if scene.arm.is_some() {
            scene.fixed("world", &ViewCoordinates::RIGHT_HAND_Z_UP())?;
            scene.fixed("world/tool", &TransformAxes3D::new(0.1))?;
            if let Some(space) = robot.and_then(|r| r.workspace.as_ref()) {
                let size = std::array::from_fn(|i| (space.max[i] - space.min[i]) as f32);
                let min = space.min.map(|v| v as f32);
                let walls = Boxes3D::from_mins_and_sizes([min], [size])
                    // Its edges alone: the arm is inside.
                    .with_fill_mode(FillMode::MajorWireframe);
                scene.fixed("world/workspace", &walls.with_colors([BOX_COLOUR]))?;
            }
        }
        for path in ["joints/position", "joints/velocity"] {
            if scene.joint_names.is_empty() {
                break;
            }
            let names = scene.joint_names.iter().map(String::as_str);
            scene.fixed(path, &SeriesLines::new().with_names(names))?;
        }
        Ok(scene)
    }

    fn fixed(&self, path: &str, what: &dyn AsComponents) -> RecordingStreamResult<()> {
        self.to.log_static(path, what)
    }

    fn at(&mut self, tick: u64) {
        let step = self.begin.saturating_add(tick.cast_signed());
        self.next = self.next.max(step.saturating_add(1));
        self.to.set_time_sequence(STEP, step);
    }

    /// Starts an episode after all that was shown; other cameras rearrange the view.
    pub fn begin(
        &mut self,
        label: &str,
        cameras: Option<Vec<String>>,
    ) -> RecordingStreamResult<()> {
        if let Some(cameras) = cameras.filter(|c| *c != self.cameras) {
            self.cameras = cameras;
            send_live(&self.to, &self.cameras, self.arm.is_some())?;
        }
        self.begin = if self.next == 0 { 0 } else { self.next + GAP };
        self.at(0);
        self.story.begin();
        self.to.log("episode", &TextDocument::new(label))
    }

    /// Who decided at a tick, and why the guard changed commands; what is new of it becomes text.
    pub fn guarded(
        &mut self,
        tick: u64,
        holder: DecidedBy,
        reasons: &[String],
    ) -> RecordingStreamResult<()> {
        self.at(tick);
        let news = self.story.tick(holder, reasons);
        if let Some(holder) = news.holder {
            self.to.log("holder", &TextDocument::new(holder))?;
        }
        for line in news.lines {
            let level = if line.warns {
                TextLogLevel::WARN
            } else {
                TextLogLevel::INFO
            };
            self.to
                .log("log", &TextLog::new(line.text).with_level(level))?;
        }
        for (reason, count) in news.counts {
            self.numbers(&format!("guard/{reason}"), &[count as f64])?;
        }
        Ok(())
    }

    pub fn observation(&mut self, tick: u64, seen: &Observation) -> RecordingStreamResult<()> {
        self.at(tick);
        for (i, frame) in seen.frames.iter().enumerate() {
            let unnamed = format!("camera_{i}");
            let name = self.cameras.get(i).unwrap_or(&unnamed);
            self.picture(&format!("cameras/{name}"), &frame.image)?;
        }
        let state = &seen.state;
        self.numbers("joints/position", &state.positions)?;
        self.numbers("joints/velocity", &state.velocities)?;
        self.numbers("gripper", &[state.gripper_width])?;
        self.arm("", &state.positions, state.gripper_width)
    }

    pub fn action(&mut self, tick: u64, action: &[f32]) -> RecordingStreamResult<()> {
        self.at(tick);
        let numbers: Vec<f64> = action.iter().map(|v| f64::from(*v)).collect();
        self.numbers("action", &numbers)?;
        let target = CartesianAction::from_vector(action).filter(|_| self.cartesian);
        match target {
            Some(target) if self.arm.is_some() => {
                let place = point(&target.pose.translation.vector.into());
                let dot = Points3D::new([place]).with_radii([0.012]);
                self.to
                    .log("world/target", &dot.with_colors([TARGET_COLOUR]))
            }
            _ => Ok(()),
        }
    }

    pub fn reward(&mut self, tick: u64, reward: f64) -> RecordingStreamResult<()> {
        self.at(tick);
        self.numbers("reward", &[reward])
    }

    pub fn episode(
        &mut self,
        label: &str,
        episode: &Episode,
        reward: Option<&[f64]>,
    ) -> RecordingStreamResult<()> {
        self.begin(label, Some(camera_names(episode)))?;
        for tick in &episode.ticks {
            self.observation(tick.index, &tick.observation)?;
            self.action(tick.index, &tick.action)?;
            self.guarded(tick.index, tick.decided_by, &tick.guard_interventions)?;
        }
        for (tick, value) in (0..).zip(reward.unwrap_or_default()) {
            self.reward(tick, *value)?;
        }
        Ok(())
    }

    /// Clips beside each other, all beginning at the same step, each holding its last picture.
    pub fn clips(&mut self, clips: &[(String, Episode)]) -> RecordingStreamResult<()> {
        let named: Vec<_> = clips
            .iter()
            .map(|(label, episode)| (label.clone(), camera_names(episode)))
            .collect();
        send_clips(&self.to, &named, self.arm.is_some())?;
        self.begin("clips", None)?;
        for ((label, episode), (_, cameras)) in clips.iter().zip(&named) {
            let root = clip_root(label);
            if self.arm.is_some() {
                self.fixed(&format!("{root}world"), &ViewCoordinates::RIGHT_HAND_Z_UP())?;
            }
            let first = episode.ticks.first().map_or(0, |tick| tick.stamp_ns);
            for tick in &episode.ticks {
                self.at(tick.index);
                let seconds = tick.stamp_ns.saturating_sub(first) as f64 / 1e9;
                self.to.set_duration_secs(SECONDS, seconds);
                let state = &tick.observation.state;
                self.arm(&root, &state.positions, state.gripper_width)?;
                let action: Vec<f64> = tick.action.iter().map(|v| f64::from(*v)).collect();
                self.numbers(&format!("{root}action"), &action)?;
                for (name, frame) in cameras.iter().zip(&tick.observation.frames) {
                    self.picture(&format!("{root}cameras/{name}"), &frame.image)?;
                }
            }
        }
        self.to.disable_timeline(SECONDS);
        // The next episode sends its own arrangement.
        self.cameras.clear();
        Ok(())
    }

    fn numbers(&self, path: &str, values: &[f64]) -> RecordingStreamResult<()> {
        if values.is_empty() {
            return Ok(());
        }
        self.to.log(path, &Scalars::new(values.iter().copied()))
    }

    fn picture(&self, path: &str, image: &Image) -> RecordingStreamResult<()> {
        let size = [image.width(), image.height()];
        self.to
            .log(path, &rerun::Image::from_rgb24(image.rgb().to_vec(), size))
    }

    /// The arm below `root` (empty, or with a slash at the end).
    fn arm(&self, root: &str, joints: &[f64], width: f64) -> RecordingStreamResult<()> {
        let Some(arm) = &self.arm else {
            return Ok(());
        };
        if joints.is_empty() || joints.iter().any(|v| !v.is_finite()) {
            return Ok(());
        }
        let tool = arm.tool_pose(joints);
        let mut chain = vec![[0.0; 3]];
        chain.extend(arm.link_poses(joints).iter().map(origin));
        chain.push(point(&(tool * Point3::new(0.0, 0.0, -FINGER_LENGTH))));
        let links = LineStrips3D::new([chain]).with_radii([LINK_RADIUS]);
        self.to
            .log(format!("{root}world/arm"), &links.with_colors([ARM_COLOUR]))?;
        let finger = |side: f64| {
            let y = side * width / 2.0;
            [-FINGER_LENGTH, 0.0].map(|z| point(&(tool * Point3::new(0.0, y, z))))
        };
        let fingers = LineStrips3D::new([finger(-1.0), finger(1.0)]).with_radii([FINGER_RADIUS]);
        let fingers = fingers.with_colors([FINGER_COLOUR]);
        self.to.log(format!("{root}world/arm/fingers"), &fingers)?;
        let turn = tool.rotation.coords.map(|v| v as f32);
        let pose = Transform3D::from_translation_rotation(
            origin(&tool),
            rerun::Quaternion::from_xyzw([turn.x, turn.y, turn.z, turn.w]),
        );
        self.to.log(format!("{root}world/tool"), &pose)
    }
}

fn camera_names(episode: &Episode) -> Vec<String> {
    episode
        .meta
        .cameras
        .iter()
        .map(|c| c.name.clone())
        .collect()
}

fn origin(pose: &Isometry3<f64>) -> [f32; 3] {
    point(&pose.translation.vector.into())
}

fn point(p: &Point3<f64>) -> [f32; 3] {
    [p.x as f32, p.y as f32, p.z as f32]
}
