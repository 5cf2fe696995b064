//! A small software rasteriser: depth-buffered, flat-shaded triangles, one thread, no driver.
//!
//! A ready-made crate was considered: `euc` (0.5) is a general software pipeline but has had no
//! release since 2020, so these few hundred lines are kept here instead.
//!
//! Each pixel is the mean of `supersample` x `supersample` samples. Every operation is plain `f32`
//! arithmetic in a fixed order, so the same scene gives the same bytes on the same machine.

use crate::{
    camera::Pinhole,
    mesh::{Colour, Mesh},
};
use apprentice_core::{Image, ImageError};
use nalgebra::{Isometry3, Point3, Vector3};

/// Nothing nearer than this to the lens is drawn, metres.
const NEAR: f32 = 0.01;

/// Where light comes from and how much of it is everywhere.
#[derive(Clone, Copy, Debug)]
pub struct Light {
    /// Unit vector from the scene towards the light, base frame.
    pub towards: Vector3<f32>,
    /// Share of light that falls on every face, 0 to 1.
    pub ambient: f32,
}

impl Default for Light {
    fn default() -> Self {
        Self {
            towards: Vector3::new(0.25, 0.35, 0.9).normalize(),
            ambient: 0.55,
        }
    }
}

/// Samples of one picture being drawn.
#[derive(Debug)]
pub struct Canvas {
    width: usize,
    height: usize,
    supersample: usize,
    /// Reciprocal depth, 1/m; larger is nearer.
    depth: Vec<f32>,
    colour: Vec<u32>,
    scratch: Vec<Vector3<f32>>,
}

#[derive(Clone, Copy)]
struct Corner {
    x: f32,
    y: f32,
    inverse_depth: f32,
}

impl Canvas {
    /// A canvas for `width` x `height` pixels of `supersample` squared samples each.
    #[must_use]
    pub fn new(width: u32, height: u32, supersample: u32) -> Self {
        let supersample = supersample.clamp(1, 4) as usize;
        let (width, height) = (width as usize * supersample, height as usize * supersample);
        Self {
            width,
            height,
            supersample,
            depth: vec![0.0; width * height],
            colour: vec![0; width * height],
            scratch: Vec::new(),
        }
    }

    /// Forgets what was drawn; everything is `background`.
    pub fn clear(&mut self, background: Colour) {
        self.depth.fill(0.0);
        self.colour.fill(pack(background));
    }

    /// Draws `mesh`, placed at `pose` in the base frame, lit by `light`.
    pub fn draw(&mut self, mesh: &Mesh, pose: &Isometry3<f32>, camera: &Pinhole, light: &Light) {
        let to_camera = camera.from_base * pose;
        let eye = to_camera.inverse_transform_point(&Point3::origin());
        let towards = pose.inverse_transform_vector(&light.towards);
        self.project(mesh, &to_camera);
        let focal = camera.focal * self.supersample as f32;
        for face in &mesh.faces {
            let anchor = mesh.points[face.corners[0] as usize];
            if face.normal.dot(&(eye - anchor)) <= 0.0 {
                continue;
            }
            let lit = light.ambient
                + (1.0 - light.ambient) * (0.5 + 0.5 * face.normal.dot(&towards)).max(0.0);
            self.clip_and_fill(face.corners, focal, pack(shade(face.colour, lit)));
        }
    }

    /// Draws the shadow `mesh` casts on the plane z = `height` of the base frame.
    pub fn draw_shadow(
        &mut self,
        mesh: &Mesh,
        pose: &Isometry3<f32>,
        height: f32,
        camera: &Pinhole,
        light: &Light,
        colour: Colour,
    ) {
        let flatten = |p: &Point3<f32>| {
            let p = pose * p;
            let drop = (p.z - height).max(0.0) / light.towards.z;
            camera.from_base
                * Point3::new(
                    p.x - light.towards.x * drop,
                    p.y - light.towards.y * drop,
                    height,
                )
        };
        self.scratch.clear();
        self.scratch
            .extend(mesh.points.iter().map(|p| flatten(p).coords));
        let towards = pose.inverse_transform_vector(&light.towards);
        let focal = camera.focal * self.supersample as f32;
        let packed = pack(colour);
        for face in &mesh.faces {
            // The faces that see the light cover the same ground as those that do not.
            if face.normal.dot(&towards) > 0.0 {
                self.clip_and_fill(face.corners, focal, packed);
            }
        }
    }

    fn project(&mut self, mesh: &Mesh, to_camera: &Isometry3<f32>) {
        let rotation = to_camera.rotation.to_rotation_matrix();
        let translation = to_camera.translation.vector;
        self.scratch.clear();
        self.scratch.extend(
            mesh.points
                .iter()
                .map(|p| rotation * p.coords + translation),
        );
    }

    fn clip_and_fill(&mut self, corners: [u32; 3], focal: f32, colour: u32) {
        let points = corners.map(|i| self.scratch[i as usize]);
        let behind = points.iter().filter(|p| p.z < NEAR).count();
        if behind == 3 {
            return;
        }
        let centre = (self.width as f32 * 0.5, self.height as f32 * 0.5);
        let screen = |p: Vector3<f32>| {
            let inverse_depth = 1.0 / p.z;
            Corner {
                x: p.x * focal * inverse_depth + centre.0,
                y: p.y * focal * inverse_depth + centre.1,
                inverse_depth,
            }
        };
        if behind == 0 {
            self.fill(points.map(screen), colour);
            return;
        }
        // Sutherland-Hodgman against the near plane: three corners become three or four.
        let mut kept = [Vector3::zeros(); 4];
        let mut count = 0;
        for i in 0..3 {
            let (a, b) = (points[i], points[(i + 1) % 3]);
            if a.z >= NEAR {
                kept[count] = a;
                count += 1;
            }
            if (a.z >= NEAR) != (b.z >= NEAR) {
                kept[count] = a + (b - a) * ((NEAR - a.z) / (b.z - a.z));
                count += 1;
            }
        }
        for i in 2..count {
            self.fill([kept[0], kept[i - 1], kept[i]].map(screen), colour);
        }
    }

    /// Fills the samples whose centres lie inside the triangle and nearer than what is there.
    fn fill(&mut self, corners: [Corner; 3], colour: u32) {
        let [a, b, c] = corners;
        let area = (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
        if area.abs() < 1e-6 {
            return;
        }
        let slope_x = ((b.inverse_depth - a.inverse_depth) * (c.y - a.y)
            - (c.inverse_depth - a.inverse_depth) * (b.y - a.y))
            / area;
        let slope_y = ((c.inverse_depth - a.inverse_depth) * (b.x - a.x)
            - (b.inverse_depth - a.inverse_depth) * (c.x - a.x))
            / area;
        let top = a.y.min(b.y).min(c.y);
        let bottom = a.y.max(b.y).max(c.y);
        let first = sample_after(top, self.height);
        let last = sample_after(bottom, self.height);
        // Edges as a corner and the run along x per row; a level edge crosses no row.
        let edges = [(a, b), (b, c), (c, a)]
            .map(|(from, to)| (from, to, (to.x - from.x) / (to.y - from.y)));
        for row in first..last {
            let y = row as f32 + 0.5;
            let (mut left, mut right) = (f32::MAX, f32::MIN);
            for (from, to, run) in &edges {
                if (from.y <= y) != (to.y <= y) {
                    let x = from.x + (y - from.y) * run;
                    left = if x < left { x } else { left };
                    right = if x > right { x } else { right };
                }
            }
            let start = sample_after(left, self.width);
            let end = sample_after(right, self.width);
            if start >= end {
                continue;
            }
            let at_start =
                a.inverse_depth + slope_y * (y - a.y) + slope_x * (start as f32 + 0.5 - a.x);
            let line = row * self.width;
            let depths = &mut self.depth[line + start..line + end];
            let colours = &mut self.colour[line + start..line + end];
            // Without branches, and with stores in any case, so that it becomes vector code.
            for (i, (depth, pixel)) in (0i32..).zip(depths.iter_mut().zip(colours)) {
                let here = at_start + slope_x * i as f32;
                let nearer = u32::from(here > *depth).wrapping_neg();
                *depth = f32::from_bits(here.to_bits() & nearer | depth.to_bits() & !nearer);
                *pixel = colour & nearer | *pixel & !nearer;
            }
        }
    }

    /// The picture: each pixel the mean of its samples.
    ///
    /// # Errors
    /// Never in practice: the buffer is built to the image's size.
    pub fn resolve(&self) -> Result<Image, ImageError> {
        let s = self.supersample;
        let (width, height) = (self.width / s, self.height / s);
        let samples = (s * s) as u32;
        if s == 2 {
            let mut rgb = vec![0; width * height * 3];
            let rows = self.colour.chunks_exact(2 * self.width);
            for (rows, out) in rows.zip(rgb.chunks_exact_mut(3 * width)) {
                let (upper, lower) = rows.split_at(self.width);
                let blocks = upper.chunks_exact(2).zip(lower.chunks_exact(2));
                for ((u, l), pixel) in blocks.zip(out.chunks_exact_mut(3)) {
                    pixel.copy_from_slice(&mean_of_four([u[0], u[1], l[0], l[1]]));
                }
            }
            return Image::new(width as u32, height as u32, rgb);
        }
        let mut rgb = Vec::with_capacity(width * height * 3);
        for row in 0..height {
            for column in 0..width {
                let mut sum = [0u32; 3];
                for dy in 0..s {
                    let at = (row * s + dy) * self.width + column * s;
                    for sample in &self.colour[at..at + s] {
                        sum[0] += sample & 0xff;
                        sum[1] += sample >> 8 & 0xff;
                        sum[2] += sample >> 16 & 0xff;
                    }
                }
                rgb.extend(sum.map(|v| ((v + samples / 2) / samples) as u8));
            }
        }
        Image::new(width as u32, height as u32, rgb)
    }
}

/// The first sample whose centre does not lie before `edge`, at most `count`.
fn sample_after(edge: f32, count: usize) -> usize {
    // Truncation of a non-negative number: `floor` is a library call on the oldest x86-64.
    (((edge + 0.5).clamp(0.0, count as f32)) as i32) as usize
}

/// Sums of red and blue, and of green, of four samples, kept apart in 16-bit lanes.
fn mean_of_four(samples: [u32; 4]) -> [u8; 3] {
    let two = samples
        .iter()
        .fold(0x0002_0002, |sum, s| sum + (s & 0x00ff_00ff));
    let one = samples.iter().fold(2, |sum, s| sum + (s >> 8 & 0xff));
    [(two >> 2) as u8, (one >> 2) as u8, (two >> 18) as u8]
}

fn pack([r, g, b]: Colour) -> u32 {
    u32::from(r) | u32::from(g) << 8 | u32::from(b) << 16
}

fn shade(colour: Colour, lit: f32) -> Colour {
    colour.map(|v| (f32::from(v) * lit).round().clamp(0.0, 255.0) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn camera() -> Pinhole {
        // Looks along base z from the origin.
        Pinhole {
            from_base: Isometry3::identity(),
            focal: 50.0,
        }
    }

    fn square(z: f32, half: f32, colour: Colour) -> Mesh {
        let mut mesh = Mesh::default();
        mesh.quad(
            [
                Point3::new(-half, half, z),
                Point3::new(half, half, z),
                Point3::new(half, -half, z),
                Point3::new(-half, -half, z),
            ],
            colour,
        );
        mesh
    }

    const FLAT: Light = Light {
        towards: Vector3::new(0.0, 0.0, 1.0),
        ambient: 1.0,
    };

    #[test]
    fn nearer_wins_whatever_the_order_and_size_follows_perspective() {
        let near = square(1.0, 0.2, [255, 0, 0]);
        let far = square(2.0, 1.0, [0, 255, 0]);
        let draw = |first: &Mesh, second: &Mesh| {
            let mut canvas = Canvas::new(64, 64, 1);
            canvas.clear([0, 0, 0]);
            canvas.draw(first, &Isometry3::identity(), &camera(), &FLAT);
            canvas.draw(second, &Isometry3::identity(), &camera(), &FLAT);
            canvas.resolve().unwrap()
        };
        let image = draw(&near, &far);
        assert_eq!(image, draw(&far, &near));
        let red = image.rgb().chunks(3).filter(|p| p[0] == 255).count();
        let green = image.rgb().chunks(3).filter(|p| p[1] == 255).count();
        // 0.4 m at 1 m and 2 m at 2 m under a focal length of 50 pixels.
        assert_eq!(red, 20 * 20);
        assert_eq!(green, 50 * 50 - 20 * 20);
    }

    #[test]
    fn faces_through_the_lens_plane_are_clipped() {
        let mut floor = Mesh::default();
        floor.quad(
            [
                Point3::new(-5.0, 0.5, -5.0),
                Point3::new(-5.0, 0.5, 5.0),
                Point3::new(5.0, 0.5, 5.0),
                Point3::new(5.0, 0.5, -5.0),
            ],
            [9; 3],
        );
        // Whichever way it faces, draw it so that it is seen from above (-y).
        for face in &mut floor.faces {
            face.normal = Vector3::new(0.0, -1.0, 0.0);
        }
        let mut canvas = Canvas::new(32, 32, 2);
        canvas.clear([200; 3]);
        canvas.draw(&floor, &Isometry3::identity(), &camera(), &FLAT);
        let image = canvas.resolve().unwrap();
        // y down: the floor fills the bottom rows and none of the top ones.
        assert_eq!(image.rgb()[31 * 32 * 3], 9);
        assert_eq!(image.rgb()[0], 200);
    }
}
