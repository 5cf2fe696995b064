//! What a task puts into the scene: bodies made of simple solids, with the mesh that cameras see.

use crate::mesh::{Colour, Mesh};
use nalgebra::{Isometry3, Vector3};

/// The form of a [`Piece`], in its own frame; metres.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    /// A box with these half extents.
    Cuboid(Vector3<f64>),
    /// A cylinder whose axis is z.
    Cylinder {
        /// Its radius.
        radius: f64,
        /// Half its height.
        half_height: f64,
    },
    /// A ball of this radius.
    Ball(f64),
}

/// A solid that is part of a body.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Piece {
    /// The task's own number of the part it belongs to; a [`Touch`](crate::scene::Touch) names it.
    pub part: u32,
    /// Its form.
    pub shape: Shape,
    /// Its pose in the body's frame.
    pub pose: Isometry3<f64>,
    /// Density, kg/m^3.
    pub density: f32,
    /// Coefficient of friction.
    pub friction: f32,
}

/// A thing in the scene.
#[derive(Clone, Debug)]
pub struct Body {
    /// The task's word for it.
    pub name: &'static str,
    /// Where it is when the scene begins, base frame; the table top is z = 0.
    pub pose: Isometry3<f64>,
    /// Whether it can be pushed and held. What is fixed, or has no pieces, stays where it is.
    pub free: bool,
    /// Angular damping, 1/s.
    pub angular_damping: f32,
    /// What it is made of for contact. A body without pieces is only seen.
    pub pieces: Vec<Piece>,
    /// What cameras see of it, in its own frame.
    pub mesh: Mesh,
}

impl Body {
    /// A wooden block with half extents `half`, metres, that can be pushed and held; its part is 0.
    #[must_use]
    pub fn block(name: &'static str, pose: Isometry3<f64>, half: [f64; 3], colour: Colour) -> Self {
        Self {
            free: true,
            pieces: vec![Piece {
                part: 0,
                shape: Shape::Cuboid(half.into()),
                pose: Isometry3::identity(),
                density: 600.0,
                friction: 0.5,
            }],
            ..Self::drawn(name, pose, half, colour)
        }
    }

    /// A box with half extents `half`, metres, that is only seen.
    #[must_use]
    pub fn drawn(name: &'static str, pose: Isometry3<f64>, half: [f64; 3], colour: Colour) -> Self {
        let mut mesh = Mesh::default();
        mesh.cuboid(half.map(|v| v as f32), &Isometry3::identity(), colour);
        Self {
            name,
            pose,
            free: false,
            angular_damping: 0.5,
            pieces: Vec::new(),
            mesh,
        }
    }
}
