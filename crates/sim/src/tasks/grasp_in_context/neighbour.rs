//! What may stand beside the mug.

use crate::{
    body::{Body, Piece, Shape},
    mesh::Mesh,
    tasks::pick_up_mug::grasp::Grasp,
};
use nalgebra::{Isometry3, Translation3, UnitQuaternion, Vector3};

/// Half extents of the brick, metres.
const BRICK_HALF: [f64; 3] = [0.035, 0.025, 0.025];
/// Radius of the can, metres.
const CAN_RADIUS: f64 = 0.028;
/// Half the height of the can, metres: the hand passes above it.
const CAN_HALF_HEIGHT: f64 = 0.042;

/// A thing beside the mug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Neighbour {
    /// A blue can, upright.
    Can,
    /// A yellow brick.
    Brick,
}

impl Neighbour {
    /// The names, as facts have them.
    pub const NAMES: [&'static str; 2] = ["can", "brick"];

    /// Its name, in facts and among bodies.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Can => "can",
            Self::Brick => "brick",
        }
    }

    /// The one with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Can, Self::Brick]
            .into_iter()
            .find(|kind| kind.name() == name)
    }

    /// How the mug is to be held beside it.
    #[must_use]
    pub const fn fits(self) -> Grasp {
        match self {
            Self::Can => Grasp::Handle,
            Self::Brick => Grasp::Rim,
        }
    }

    /// It, standing at x and y of the base frame, metres, turned by `turn` rad about z.
    #[must_use]
    pub fn body(self, x: f64, y: f64, turn: f64) -> Body {
        let at = |z: f64| {
            Isometry3::from_parts(
                Translation3::new(x, y, z),
                UnitQuaternion::from_axis_angle(&Vector3::z_axis(), turn),
            )
        };
        match self {
            Self::Brick => Body::block(self.name(), at(BRICK_HALF[2]), BRICK_HALF, [236, 190, 40]),
            Self::Can => {
                let (radius, half) = (CAN_RADIUS as f32, CAN_HALF_HEIGHT as f32);
                let mut mesh = Mesh::default();
                let outline = [(0.0, -half), (radius, -half), (radius, half), (0.0, half)];
                mesh.revolve(&outline, 16, &Isometry3::identity(), [40, 90, 200]);
                Body {
                    name: self.name(),
                    pose: at(CAN_HALF_HEIGHT),
                    free: true,
                    angular_damping: 0.5,
                    pieces: vec![Piece {
                        part: 0,
                        shape: Shape::Cylinder {
                            radius: CAN_RADIUS,
                            half_height: CAN_HALF_HEIGHT,
                        },
                        pose: Isometry3::identity(),
                        density: 900.0,
                        friction: 0.5,
                    }],
                    mesh,
                }
            }
        }
    }
}
