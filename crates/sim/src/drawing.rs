//! What the cameras see: room, table, arm, hand and the task's bodies as coloured triangles.

use crate::{
    camera::Pinhole,
    hand,
    mesh::{Colour, Mesh},
    raster::{Canvas, Light},
    scene::BodyState,
};
use apprentice_core::{Image, ImageError};
use nalgebra::{Isometry3, Point3};

const BACKGROUND: Colour = [226, 231, 236];
const FLOOR: Colour = [205, 206, 203];
const PLANKS: [Colour; 3] = [[203, 168, 124], [194, 158, 113], [209, 175, 132]];
const TABLE_SIDE: Colour = [140, 108, 74];
const SHADOW: Colour = [138, 108, 76];
const ARM: [Colour; 2] = [[244, 244, 242], [206, 210, 214]];
const PALM: Colour = [64, 66, 72];
const FINGER: Colour = [36, 84, 196];

/// Extent of the table top, base frame, metres.
const TABLE: [[f32; 2]; 2] = [[-0.35, 1.0], [-0.65, 0.65]];
/// Links are drawn as rods: radius at the base and at the wrist, metres.
const LINK_RADIUS: [f32; 2] = [0.062, 0.042];

/// Where everything that moves is, base frame.
#[derive(Clone, Debug)]
pub struct Placement<'a> {
    /// One pose a joint frame, base first.
    pub links: &'a [Isometry3<f64>],
    /// The tool frame.
    pub tool: Isometry3<f64>,
    /// Opening of the fingers, metres.
    pub width: f64,
    /// The task's bodies, as many as [`SceneModel::show`] was given.
    pub bodies: &'a [BodyState],
}

/// The meshes, built once for an arm.
#[derive(Debug)]
pub struct SceneModel {
    room: Mesh,
    links: Vec<Mesh>,
    palm: Mesh,
    finger: Mesh,
    bodies: Vec<Mesh>,
    light: Light,
}

impl SceneModel {
    /// The scene for an arm whose joint frames and tool are placed as in `home` (any posture does:
    /// a link's shape is the line between its joint and the next one).
    #[must_use]
    pub fn new(home: &[Isometry3<f64>], tool: &Isometry3<f64>) -> Self {
        let wrist = tool * hand::palm();
        let count = home.len();
        let links = home
            .iter()
            .enumerate()
            .map(|(i, frame)| {
                let next = home.get(i + 1).unwrap_or(&wrist);
                let to = frame.inverse_transform_point(&next.translation.vector.into());
                let share = i as f32 / count.max(2) as f32;
                let radius = LINK_RADIUS[0] + (LINK_RADIUS[1] - LINK_RADIUS[0]) * share;
                let mut mesh = Mesh::default();
                if to.coords.norm() > 0.01 {
                    mesh.rod(Point3::origin(), to.cast(), radius, 8, ARM[i % 2]);
                }
                mesh
            })
            .collect();
        let mut base = Mesh::default();
        if let Some(first) = home.first() {
            let to: Point3<f32> = Point3::from(first.translation.vector).cast();
            base.rod(Point3::origin(), to, LINK_RADIUS[0] + 0.01, 8, ARM[1]);
        }
        let mut room = room();
        append(&mut room, &base);
        let mut palm = Mesh::default();
        palm.cuboid(
            hand::PALM_HALF.map(|v| v as f32),
            &Isometry3::identity(),
            PALM,
        );
        let mut finger = Mesh::default();
        finger.cuboid(
            hand::FINGER_HALF.map(|v| v as f32),
            &Isometry3::identity(),
            FINGER,
        );
        Self {
            room,
            links,
            palm,
            finger,
            bodies: Vec::new(),
            light: Light::default(),
        }
    }

    /// Shows these bodies from now on.
    pub fn show(&mut self, bodies: Vec<Mesh>) {
        self.bodies = bodies;
    }

    /// Draws the scene into `canvas` as `camera` sees it.
    ///
    /// # Errors
    /// Never in practice, see [`Canvas::resolve`].
    pub fn render(
        &self,
        placement: &Placement<'_>,
        camera: &Pinhole,
        canvas: &mut Canvas,
    ) -> Result<Image, ImageError> {
        let light = &self.light;
        let tool = &placement.tool;
        let hand = [
            (&self.palm, (tool * hand::palm()).cast()),
            (
                &self.finger,
                (tool * hand::finger(0, placement.width)).cast(),
            ),
            (
                &self.finger,
                (tool * hand::finger(1, placement.width)).cast(),
            ),
        ];
        let states = placement.bodies.iter().map(|b| b.pose.cast());
        let moved: Vec<(&Mesh, Isometry3<f32>)> =
            self.bodies.iter().zip(states).chain(hand).collect();
        canvas.clear(BACKGROUND);
        // Near things first: what they hide costs only a depth test.
        for (mesh, pose) in &moved {
            canvas.draw(mesh, pose, camera, light);
        }
        for (mesh, pose) in self.links.iter().zip(placement.links) {
            canvas.draw(mesh, &pose.cast(), camera, light);
        }
        for (mesh, pose) in &moved {
            canvas.draw_shadow(mesh, pose, 0.0015, camera, light, SHADOW);
        }
        canvas.draw(&self.room, &Isometry3::identity(), camera, light);
        canvas.resolve()
    }
}

/// Floor and table.
fn room() -> Mesh {
    let mut mesh = Mesh::default();
    let mut level = |x: [f32; 2], y: [f32; 2], z: f32, colour: Colour| {
        mesh.quad(
            [
                Point3::new(x[0], y[0], z),
                Point3::new(x[1], y[0], z),
                Point3::new(x[1], y[1], z),
                Point3::new(x[0], y[1], z),
            ],
            colour,
        );
    };
    level([-2.5, 2.5], [-2.5, 2.5], -0.75, FLOOR);
    let [x, y] = TABLE;
    let planks = 6;
    let plank = (y[1] - y[0]) / planks as f32;
    for i in 0..planks {
        let from = y[0] + i as f32 * plank;
        level(x, [from, from + plank], 0.0, PLANKS[(i * 2 + i / 4) % 3]);
    }
    let middle = nalgebra::Translation3::new(0.5 * (x[0] + x[1]), 0.5 * (y[0] + y[1]), -0.021);
    let half = [0.5 * (x[1] - x[0]), 0.5 * (y[1] - y[0]), 0.02];
    mesh.cuboid(half, &middle.into(), TABLE_SIDE);
    mesh
}

fn append(mesh: &mut Mesh, other: &Mesh) {
    let offset = mesh.points.len() as u32;
    mesh.points.extend(&other.points);
    mesh.faces.extend(other.faces.iter().map(|face| {
        let mut face = *face;
        face.corners = face.corners.map(|i| i + offset);
        face
    }));
}
