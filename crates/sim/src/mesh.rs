//! Triangle meshes built from a few solids. Right-handed, metres, faces wound anticlockwise seen
//! from outside.

use nalgebra::{Isometry3, Point3, Vector3};

/// 8-bit RGB.
pub type Colour = [u8; 3];

/// One flat-coloured triangle.
#[derive(Clone, Copy, Debug)]
pub struct Face {
    /// Corner indices, anticlockwise seen from outside.
    pub corners: [u32; 3],
    /// Outward unit normal in the mesh frame.
    pub normal: Vector3<f32>,
    /// Colour under full light.
    pub colour: Colour,
}

/// Triangles sharing corners, in a frame of their own.
#[derive(Clone, Debug, Default)]
pub struct Mesh {
    /// Corners, metres.
    pub points: Vec<Point3<f32>>,
    /// Triangles.
    pub faces: Vec<Face>,
}

impl Mesh {
    fn point(&mut self, p: Point3<f32>) -> u32 {
        self.points.push(p);
        (self.points.len() - 1) as u32
    }

    /// A triangle; degenerate ones are left out.
    pub fn triangle(&mut self, corners: [u32; 3], colour: Colour) {
        let [a, b, c] = corners.map(|i| self.points[i as usize]);
        if let Some(normal) = (b - a).cross(&(c - a)).try_normalize(1e-12) {
            self.faces.push(Face {
                corners,
                normal,
                colour,
            });
        }
    }

    /// A flat quadrilateral, as two triangles.
    pub fn quad(&mut self, corners: [Point3<f32>; 4], colour: Colour) {
        let [a, b, c, d] = corners.map(|p| self.point(p));
        self.triangle([a, b, c], colour);
        self.triangle([a, c, d], colour);
    }

    /// A box with half extents `half`, at `pose`.
    pub fn cuboid(&mut self, half: [f32; 3], pose: &Isometry3<f32>, colour: Colour) {
        let corner: [u32; 8] = std::array::from_fn(|i| {
            let sign = |bit: usize| if i >> bit & 1 == 1 { 1.0 } else { -1.0 };
            let local = Point3::new(sign(0) * half[0], sign(1) * half[1], sign(2) * half[2]);
            self.point(pose * local)
        });
        for [a, b, c, d] in [
            [0, 4, 6, 2],
            [1, 3, 7, 5],
            [0, 1, 5, 4],
            [2, 6, 7, 3],
            [0, 2, 3, 1],
            [4, 5, 7, 6],
        ] {
            self.triangle([corner[a], corner[b], corner[c]], colour);
            self.triangle([corner[a], corner[c], corner[d]], colour);
        }
    }

    /// A surface of revolution about z: `profile` holds (radius, height) pairs, walked so that the
    /// outside lies to the right of the walk from low to high; `sides` flat sides.
    pub fn revolve(
        &mut self,
        profile: &[(f32, f32)],
        sides: u32,
        pose: &Isometry3<f32>,
        colour: Colour,
    ) {
        let rings: Vec<Vec<u32>> = profile
            .iter()
            .map(|&(radius, z)| {
                (0..sides)
                    .map(|side| {
                        let (sin, cos) =
                            (side as f32 * std::f32::consts::TAU / sides as f32).sin_cos();
                        self.point(pose * Point3::new(radius * cos, radius * sin, z))
                    })
                    .collect()
            })
            .collect();
        for pair in rings.windows(2) {
            for side in 0..sides as usize {
                let next = (side + 1) % sides as usize;
                self.triangle([pair[0][side], pair[0][next], pair[1][next]], colour);
                self.triangle([pair[0][side], pair[1][next], pair[1][side]], colour);
            }
        }
    }

    /// A closed rod of `radius` from `from` to `to`, ends bevelled so that joints look round.
    pub fn rod(
        &mut self,
        from: Point3<f32>,
        to: Point3<f32>,
        radius: f32,
        sides: u32,
        colour: Colour,
    ) {
        let along = to - from;
        let length = along.norm();
        let rotation = nalgebra::UnitQuaternion::rotation_between(&Vector3::z(), &along)
            .unwrap_or_else(|| {
                nalgebra::UnitQuaternion::from_axis_angle(&Vector3::x_axis(), std::f32::consts::PI)
            });
        let pose = Isometry3::from_parts(from.coords.into(), rotation);
        let bevel = 0.7 * radius;
        self.revolve(
            &[
                (0.0, -radius),
                (bevel, -bevel),
                (radius, 0.0),
                (radius, length),
                (bevel, length + bevel),
                (0.0, length + radius),
            ],
            sides,
            &pose,
            colour,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Six times the enclosed volume; positive only when faces point outwards.
    fn volume(mesh: &Mesh) -> f32 {
        mesh.faces
            .iter()
            .map(|f| {
                let [a, b, c] = f.corners.map(|i| mesh.points[i as usize].coords);
                a.dot(&b.cross(&c)) / 6.0
            })
            .sum()
    }

    #[test]
    fn solids_face_outwards_and_hold_their_volume() {
        let mut cube = Mesh::default();
        cube.cuboid([0.5, 1.0, 1.5], &Isometry3::identity(), [1; 3]);
        assert!((volume(&cube) - 6.0).abs() < 1e-4);
        let mut cylinder = Mesh::default();
        let profile = [(0.0, 0.0), (1.0, 0.0), (1.0, 2.0), (0.0, 2.0)];
        cylinder.revolve(&profile, 64, &Isometry3::identity(), [1; 3]);
        assert!((volume(&cylinder) - std::f32::consts::TAU).abs() < 0.02);
        let mut rod = Mesh::default();
        rod.rod(
            Point3::origin(),
            Point3::new(0.0, 0.0, -1.0),
            0.1,
            12,
            [1; 3],
        );
        assert!(volume(&rod) > 0.0);
    }
}
