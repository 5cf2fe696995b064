//! A robot by itself: its frames, capsules, workspace and cameras, and a sweep of each joint.
//!
//! | entity | what |
//! |---|---|
//! | `world/base`, `world/joints/<name>`, `world/tool` | frames, m, base frame |
//! | `world/capsules/<frame>` | the capsules fixed to a frame |
//! | `world/workspace` | where the tool may be |
//! | `world/cameras/<name>`, `world/tool/cameras/<name>` | where cameras stand and how they look |
//! | `joints/<name>` | position and its limits, rad |
//! | `findings` | what was found, as text |
//!
//! Along the timeline `step` each joint in turn goes from home to its lowest and its highest position and back.

use crate::{StudioError, layout, layout::STEP, sinks};
use apprentice_robot::{Camera, Capsule, Kinematics, Mount, RobotDescription};
use nalgebra::{Isometry3, Matrix3, Point3, Rotation3, UnitQuaternion, Vector3};
use rerun::{
    AsComponents, Boxes3D, Capsules3D, Pinhole, RecordingStream, RecordingStreamResult, Scalars,
    SeriesLines, TextDocument, Transform3D, TransformAxes3D, ViewCoordinates, components::FillMode,
};
use std::path::Path;
use std::time::Duration;

/// Steps of a quarter of a joint's sweep.
const QUARTER: usize = 15;
const AXIS_LENGTH: f32 = 0.08;
const CAPSULE_COLOUR: [u8; 4] = [120, 170, 220, 110];
const BOX_COLOUR: [u8; 3] = [90, 90, 90];
/// How far ahead of a camera its picture is drawn, m.
const PICTURE_DISTANCE: f32 = 0.08;
/// How long the end of the file may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Writes an `.rrd` file that shows `robot`, with `findings` (Markdown) beside it.
///
/// # Errors
/// When the file cannot be made, or the viewer's library fails. A robot without kinematics cannot be drawn:
/// only its joints' limits are shown.
pub fn draw_robot(
    path: &Path,
    robot: &RobotDescription,
    findings: &str,
) -> Result<(), StudioError> {
    let sinks = sinks::open("apprentice_robot", Some(path), false)?;
    let drawing = Drawing {
        to: &sinks.recording,
        robot,
        kinematics: Kinematics::new(robot).ok(),
    };
    drawing
        .all(findings)
        .map_err(|e| StudioError::Rerun(e.to_string()))?;
    sinks::finish(&sinks.recording, sinks.file.as_ref(), PATIENCE).map_err(StudioError::Rerun)
}

struct Drawing<'a> {
    to: &'a RecordingStream,
    robot: &'a RobotDescription,
    kinematics: Option<Kinematics>,
}

impl Drawing<'_> {
    fn all(&self, findings: &str) -> RecordingStreamResult<()> {
        let joints: Vec<&str> = self.robot.joints.iter().map(|j| j.name.as_str()).collect();
        layout::send_robot(self.to, &joints)?;
        self.fixed("findings", &TextDocument::from_markdown(findings))?;
        self.fixed("world", &ViewCoordinates::RIGHT_HAND_Z_UP())?;
        self.fixed("world/base", &TransformAxes3D::new(AXIS_LENGTH))?;
        for joint in &self.robot.joints {
            let path = format!("world/joints/{}", joint.name);
            self.fixed(&path, &TransformAxes3D::new(AXIS_LENGTH))?;
            let lines = SeriesLines::new().with_names(["position", "lowest", "highest"]);
            self.fixed(&format!("joints/{}", joint.name), &lines)?;
        }
        self.fixed("world/tool", &TransformAxes3D::new(AXIS_LENGTH))?;
        if let Some(space) = &self.robot.workspace {
            let size = std::array::from_fn(|i| (space.max[i] - space.min[i]) as f32);
            let walls = Boxes3D::from_mins_and_sizes([space.min.map(|v| v as f32)], [size]);
            // Its edges alone: the arm is inside.
            let edges = walls.with_fill_mode(FillMode::MajorWireframe);
            self.fixed("world/workspace", &edges.with_colors([BOX_COLOUR]))?;
        }
        for camera in &self.robot.cameras {
            self.camera(camera)?;
        }
        self.capsules()?;
        self.sweep()
    }

    fn fixed(&self, path: &str, what: &dyn AsComponents) -> RecordingStreamResult<()> {
        self.to.log_static(path, what)
    }

    fn camera(&self, camera: &Camera) -> RecordingStreamResult<()> {
        let [eye, target, up] = [camera.position, camera.target, camera.up].map(Vector3::from);
        let ahead = (target - eye).try_normalize(1e-9);
        let right = ahead.and_then(|z| z.cross(&up).try_normalize(1e-9).map(|x| (z, x)));
        let Some((z, x)) = right else {
            // The findings say that it looks nowhere.
            return Ok(());
        };
        let turn = Rotation3::from_matrix_unchecked(Matrix3::from_columns(&[x, z.cross(&x), z]));
        let place = Isometry3::from_parts(eye.into(), UnitQuaternion::from_rotation_matrix(&turn));
        let root = match camera.mount {
            Mount::World => "world/cameras",
            Mount::Tool => "world/tool/cameras",
        };
        let path = format!("{root}/{}", camera.name);
        self.fixed(&path, &transform(&place))?;
        let shape = camera.width as f32 / camera.height as f32;
        let angle = camera.vertical_fov_deg.to_radians() as f32;
        let view = Pinhole::from_fov_and_aspect_ratio(angle, shape)
            .with_image_plane_distance(PICTURE_DISTANCE);
        self.fixed(&path, &view)
    }

    /// Capsules do not change in their frames: each frame's are drawn once, below an entity that moves.
    fn capsules(&self) -> RecordingStreamResult<()> {
        for frame in 0..=self.robot.joints.len() + 1 {
            let all: Vec<&Capsule> = self
                .robot
                .capsules
                .iter()
                .filter(|c| c.frame == frame)
                .collect();
            if all.is_empty() {
                continue;
            }
            let (mut lengths, mut radii) = (Vec::new(), Vec::new());
            let (mut places, mut turns) = (Vec::new(), Vec::new());
            for capsule in all {
                let [from, to] = [capsule.from, capsule.to].map(Vector3::from);
                let along = to - from;
                // The viewer draws a capsule from the origin along z.
                let turn =
                    UnitQuaternion::rotation_between(&Vector3::z(), &along).unwrap_or_else(|| {
                        UnitQuaternion::from_axis_angle(&Vector3::x_axis(), std::f64::consts::PI)
                    });
                lengths.push(along.norm() as f32);
                radii.push(capsule.radius as f32);
                places.push(capsule.from.map(|v| v as f32));
                turns.push(quaternion(&turn));
            }
            let shapes = Capsules3D::from_lengths_and_radii(lengths, radii)
                .with_translations(places)
                .with_quaternions(turns)
                .with_colors([CAPSULE_COLOUR]);
            self.fixed(&format!("world/capsules/{frame}"), &shapes)?;
        }
        Ok(())
    }

    fn sweep(&self) -> RecordingStreamResult<()> {
        let mut step = 0;
        self.posture(step, &self.robot.home)?;
        for (index, joint) in self.robot.joints.iter().enumerate() {
            let home = self.robot.home.get(index).copied().unwrap_or_default();
            let [low, high] = joint.position;
            for [from, to] in [[home, low], [low, high], [high, home]] {
                for part in 1..=QUARTER {
                    step += 1;
                    let mut joints = self.robot.home.clone();
                    if let Some(q) = joints.get_mut(index) {
                        *q = from + (to - from) * part as f64 / QUARTER as f64;
                    }
                    self.posture(step, &joints)?;
                }
            }
        }
        Ok(())
    }

    fn posture(&self, step: i64, joints: &[f64]) -> RecordingStreamResult<()> {
        self.to.set_time_sequence(STEP, step);
        for (joint, q) in self.robot.joints.iter().zip(joints) {
            let [low, high] = joint.position;
            self.to.log(
                format!("joints/{}", joint.name),
                &Scalars::new([*q, low, high]),
            )?;
        }
        let Some(kinematics) = &self.kinematics else {
            return Ok(());
        };
        let mut frames = vec![Isometry3::identity(); joints.len() + 2];
        if !kinematics.frames_into(joints, &mut frames) {
            return Ok(());
        }
        for (frame, pose) in frames.iter().enumerate() {
            let place = transform(pose);
            self.to.log(format!("world/capsules/{frame}"), &place)?;
            let joint = frame.checked_sub(1).and_then(|i| self.robot.joints.get(i));
            if let Some(joint) = joint {
                self.to
                    .log(format!("world/joints/{}", joint.name), &place)?;
            } else if frame > 0 {
                self.to.log("world/tool", &place)?;
            }
        }
        Ok(())
    }
}

fn quaternion(turn: &UnitQuaternion<f64>) -> rerun::Quaternion {
    let turn = turn.coords.map(|v| v as f32);
    rerun::Quaternion::from_xyzw([turn.x, turn.y, turn.z, turn.w])
}

fn transform(pose: &Isometry3<f64>) -> Transform3D {
    let at = Point3::from(pose.translation.vector).map(|v| v as f32);
    Transform3D::from_translation_rotation([at.x, at.y, at.z], quaternion(&pose.rotation))
}
