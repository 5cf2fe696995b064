//! The mug: one set of measures, from which the picture and the physics are both built.
//!
//! Mug frame: origin at the middle of the underside, z up, the handle along +x. Metres.

use crate::{
    body::{Body, Piece, Shape},
    mesh::{Colour, Mesh},
};
use nalgebra::{Isometry3, Translation3, UnitQuaternion, Vector3};

/// Outer radius of the wall.
pub const OUTER_RADIUS: f64 = 0.039;
/// Thickness of the wall.
pub const WALL: f64 = 0.005;
/// Height of the rim over the underside.
pub const HEIGHT: f64 = 0.092;
/// Thickness of the floor of the mug.
pub const FLOOR: f64 = 0.008;
/// How far the handle stands out of the wall.
pub const HANDLE_REACH: f64 = 0.038;
/// Thickness of the handle, across and along.
pub const HANDLE_BAR: f64 = 0.012;
/// Lowest and highest point of the handle.
pub const HANDLE_SPAN: [f64; 2] = [0.016, 0.080];
/// Flat pieces the wall is built of in the physics.
const WALL_PIECES: usize = 16;

/// Earthenware, kg/m^3.
const DENSITY: f32 = 2000.0;
const FRICTION: f32 = 0.5;
const OUTSIDE: Colour = [206, 40, 44];
const INSIDE: Colour = [138, 22, 34];
const HANDLE_COLOUR: Colour = [24, 148, 96];

/// The part that is the cylinder wall, up to and with the rim.
pub const WALL_PART: u32 = 1;
/// The part that is the floor inside.
pub const FLOOR_PART: u32 = 2;
/// The part that is the handle.
pub const HANDLE: u32 = 3;

fn cuboid(part: u32, half: Vector3<f64>, pose: Isometry3<f64>) -> Piece {
    Piece {
        part,
        shape: Shape::Cuboid(half),
        pose,
        density: DENSITY,
        friction: FRICTION,
    }
}

/// A mug that stands or lies at `pose`, base frame.
#[must_use]
pub fn body(pose: Isometry3<f64>) -> Body {
    let floor = Piece {
        part: FLOOR_PART,
        shape: Shape::Cylinder {
            radius: rim_radius(),
            half_height: 0.5 * FLOOR,
        },
        pose: Translation3::new(0.0, 0.0, 0.5 * FLOOR).into(),
        density: DENSITY,
        friction: FRICTION,
    };
    let mut pieces = wall_pieces();
    pieces.extend(handle_pieces());
    pieces.push(floor);
    Body {
        name: "mug",
        pose,
        free: true,
        angular_damping: 0.5,
        pieces,
        mesh: mesh(OUTSIDE, INSIDE, HANDLE_COLOUR),
    }
}

/// Radius of the middle of the wall, metres: where a rim grasp closes.
#[must_use]
pub fn rim_radius() -> f64 {
    OUTER_RADIUS - 0.5 * WALL
}

/// Distance of the upright bar of the handle from the mug's axis, metres: where a handle grasp
/// closes.
#[must_use]
pub fn handle_radius() -> f64 {
    OUTER_RADIUS + HANDLE_REACH - 0.5 * HANDLE_BAR
}

/// The boxes of the handle: upright bar, upper bar, lower bar.
#[must_use]
pub fn handle_pieces() -> [Piece; 3] {
    let [low, high] = HANDLE_SPAN;
    let half_bar = 0.5 * HANDLE_BAR;
    // The bars reach a little into the wall so that no gap shows.
    let root = OUTER_RADIUS - 0.6 * WALL;
    let tip = OUTER_RADIUS + HANDLE_REACH;
    let piece = |x: [f64; 2], z: [f64; 2]| {
        cuboid(
            HANDLE,
            Vector3::new(0.5 * (x[1] - x[0]), half_bar, 0.5 * (z[1] - z[0])),
            Translation3::new(0.5 * (x[0] + x[1]), 0.0, 0.5 * (z[0] + z[1])).into(),
        )
    };
    [
        piece([tip - HANDLE_BAR, tip], [low, high]),
        piece([root, tip - HANDLE_BAR], [high - HANDLE_BAR, high]),
        piece([root, tip - HANDLE_BAR], [low, low + HANDLE_BAR]),
    ]
}

/// The boxes of the wall, a ring. They end a little above the underside, so that the mug stands on
/// its floor alone.
#[must_use]
pub fn wall_pieces() -> Vec<Piece> {
    let gap = 0.002;
    let step = std::f64::consts::TAU / WALL_PIECES as f64;
    (0..WALL_PIECES)
        .map(|i| {
            let turn = UnitQuaternion::from_axis_angle(&Vector3::z_axis(), (i as f64 + 0.5) * step);
            let middle = turn * Vector3::new(rim_radius(), 0.0, 0.5 * (HEIGHT + gap));
            cuboid(
                WALL_PART,
                Vector3::new(
                    0.5 * WALL,
                    rim_radius() * (0.5 * step).tan(),
                    0.5 * (HEIGHT - gap),
                ),
                Isometry3::from_parts(middle.into(), turn),
            )
        })
        .collect()
}

/// The mug as triangles.
#[must_use]
pub fn mesh(body: Colour, inside: Colour, handle: Colour) -> Mesh {
    const SIDES: u32 = 20;
    let outer = OUTER_RADIUS as f32;
    let inner = (OUTER_RADIUS - WALL) as f32;
    let (height, floor) = (HEIGHT as f32, FLOOR as f32);
    let identity = Isometry3::identity();
    let mut mesh = Mesh::default();
    let outside = [(outer, 0.0), (outer, height), (inner, height)];
    mesh.revolve(&outside, SIDES, &identity, body);
    let hollow = [(inner, height), (inner, floor), (0.0, floor)];
    mesh.revolve(&hollow, SIDES, &identity, inside);
    mesh.revolve(&[(0.0, 0.0), (outer, 0.0)], SIDES, &identity, body);
    for piece in handle_pieces() {
        if let Shape::Cuboid(half) = piece.shape {
            let half = half.cast::<f32>();
            mesh.cuboid([half.x, half.y, half.z], &piece.pose.cast(), handle);
        }
    }
    mesh
}
