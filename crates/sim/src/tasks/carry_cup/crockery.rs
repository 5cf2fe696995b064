//! Cup, glass, coaster, and what else stands on the table.

use crate::{
    body::{Body, Piece, Shape},
    mesh::{Colour, Mesh},
};
use nalgebra::{Isometry3, Translation3};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// The cup among the bodies of the scene.
pub const CUP: usize = 0;
/// The glass.
pub const GLASS: usize = 1;
/// The coaster, which is only seen.
pub const COASTER: usize = 2;

/// Outer radius of the cup, metres.
pub const CUP_RADIUS: f64 = 0.026;
/// Height of the cup, metres.
pub const CUP_HEIGHT: f64 = 0.085;
/// Radius of the glass, metres.
pub const GLASS_RADIUS: f64 = 0.028;
/// Height of the glass, metres: the palm passes above it.
const GLASS_HEIGHT: f64 = 0.105;
/// Radius of the coaster, metres.
const COASTER_RADIUS: f32 = 0.055;

const CUPS: [Colour; 4] = [
    [206, 40, 44],
    [236, 190, 40],
    [232, 120, 40],
    [170, 60, 150],
];
const GLASSES: [Colour; 3] = [[160, 220, 235], [190, 235, 200], [225, 215, 240]];
const COASTERS: [Colour; 3] = [[60, 60, 66], [90, 60, 40], [40, 80, 70]];
const OTHERS: [Colour; 4] = [
    [24, 148, 96],
    [40, 90, 200],
    [120, 120, 120],
    [200, 90, 120],
];

/// An upright round vessel whose frame is in its middle.
fn vessel(name: &'static str, [x, y]: [f64; 2], radius: f64, height: f64, colour: Colour) -> Body {
    let half_height = 0.5 * height;
    let (r, h) = (radius as f32, half_height as f32);
    let mut mesh = Mesh::default();
    let outline = [(0.0, -h), (r, -h), (r, h), (0.8 * r, h)];
    mesh.revolve(&outline, 16, &Isometry3::identity(), colour);
    let inside = [(0.8 * r, h), (0.7 * r, -0.8 * h), (0.0, -0.8 * h)];
    let dark = colour.map(|v| v / 2);
    mesh.revolve(&inside, 16, &Isometry3::identity(), dark);
    Body {
        name,
        pose: Translation3::new(x, y, half_height).into(),
        free: true,
        angular_damping: 1.0,
        pieces: vec![Piece {
            part: 0,
            shape: Shape::Cylinder {
                radius,
                half_height,
            },
            pose: Isometry3::identity(),
            density: 700.0,
            friction: 1.0,
        }],
        mesh,
    }
}

/// Where things may stand, as the task's settings have it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Places {
    pub row_x_m: [f64; 2],
    pub glass_aside_m: f64,
    pub side_y_m: [f64; 2],
    pub distractors: u32,
}

/// All that is on the table of a new scene.
pub(super) fn laid_out(task: &Places, rng: &mut ChaCha8Rng) -> Vec<Body> {
    let mut between = |[low, high]: [f64; 2]| low + (high - low) * rng.random::<f64>();
    let x = between(task.row_x_m);
    let aside = between([-task.glass_aside_m, task.glass_aside_m]);
    let (left, right) = (between(task.side_y_m), between(task.side_y_m));
    let middle = between([-0.02, 0.02]);
    let ends = if between([0.0, 1.0]) < 0.5 {
        [left, -right]
    } else {
        [-left, right]
    };
    let mut one_of = |colours: &[Colour]| {
        let index = (between([0.0, 1.0]) * colours.len() as f64) as usize;
        colours[index.min(colours.len() - 1)]
    };
    let [cup, glass, coaster] = [one_of(&CUPS), one_of(&GLASSES), one_of(&COASTERS)];
    let others: Vec<Colour> = (0..task.distractors).map(|_| one_of(&OTHERS)).collect();
    let mut mat = Mesh::default();
    let outline = [
        (0.0, 0.0),
        (COASTER_RADIUS, 0.0),
        (COASTER_RADIUS, 0.003),
        (0.0, 0.003),
    ];
    mat.revolve(&outline, 20, &Isometry3::identity(), coaster);
    let mut bodies = vec![
        vessel("cup", [x, ends[0]], CUP_RADIUS, CUP_HEIGHT, cup),
        vessel(
            "glass",
            [x + aside, middle],
            GLASS_RADIUS,
            GLASS_HEIGHT,
            glass,
        ),
        Body {
            name: "coaster",
            pose: Translation3::new(x, ends[1], 0.0).into(),
            free: false,
            angular_damping: 0.5,
            pieces: Vec::new(),
            mesh: mat,
        },
    ];
    for colour in others {
        // Beyond the row, out of the way of cup and hand.
        let half = between([0.012, 0.022]);
        let at = [between([0.66, 0.74]), between([-0.22, 0.22]), half];
        bodies.push(Body::drawn(
            "distractor",
            Translation3::from(at).into(),
            [half; 3],
            colour,
        ));
    }
    bodies
}
