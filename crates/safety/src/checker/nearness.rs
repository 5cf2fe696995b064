//! Distances of an arm's capsules, by search: no formula for where two segments are nearest.

use apprentice_robot::{DescriptionError, Kinematics, RobotDescription};
use nalgebra::Isometry3;

/// Cuts of the search along a segment: each leaves 0.62 of it, so a metre shrinks to 1e-9 m.
const CUTS: usize = 44;
const GOLDEN: f64 = 0.618_033_988_749_894_8;

type Place = [f64; 3];

#[derive(Debug)]
pub(super) struct Nearness {
    description: RobotDescription,
    kinematics: Kinematics,
    pairs: Vec<[usize; 2]>,
    /// Room for the base's frame, each joint's and the tool's.
    frames: Vec<Isometry3<f64>>,
    /// Room for where the capsules are, and their radii.
    placed: Vec<(Place, Place, f64)>,
}

impl Nearness {
    /// `None` when there is no pair of capsules to check.
    pub fn new(description: &RobotDescription) -> Result<Option<Self>, DescriptionError> {
        let count = description.capsules.len();
        let mut pairs = Vec::new();
        for (i, a) in description.capsules.iter().enumerate() {
            for (j, b) in description.capsules.iter().enumerate().take(i) {
                let apart = a.frame.max(b.frame) - a.frame.min(b.frame);
                let excused = description
                    .may_touch
                    .iter()
                    .any(|pair| pair.contains(&i) && pair.contains(&j));
                if apart >= 2 && !excused && i < count {
                    pairs.push([i, j]);
                }
            }
        }
        if pairs.is_empty() {
            return Ok(None);
        }
        Ok(Some(Self {
            kinematics: Kinematics::new(description)?,
            description: description.clone(),
            pairs,
            frames: vec![Isometry3::identity(); description.joints.len() + 2],
            placed: Vec::with_capacity(count),
        }))
    }

    /// A distance of two capsules that is less than `wanted`, metres, and which two they are; `None` when all
    /// keep it.
    pub fn closer_than(&mut self, wanted: f64, joints: &[f64]) -> Option<(f64, [usize; 2])> {
        if !self.kinematics.frames_into(joints, &mut self.frames) {
            return None;
        }
        let frames = &self.frames;
        let put = |frame: usize, place: Place| -> Place {
            let Some(pose) = frames.get(frame).or(frames.last()) else {
                return place;
            };
            let turned = pose.rotation.to_rotation_matrix();
            let row = |i: usize| {
                (0..3).map(|j| turned[(i, j)] * place[j]).sum::<f64>() + pose.translation.vector[i]
            };
            [row(0), row(1), row(2)]
        };
        self.placed.clear();
        let capsules = self.description.capsules.iter();
        let places = capsules.map(|c| (put(c.frame, c.from), put(c.frame, c.to), c.radius));
        self.placed.extend(places);
        let mut worst: Option<(f64, [usize; 2])> = None;
        for &[i, j] in &self.pairs {
            let ((a, b, r), (c, d, s)) = (self.placed[i], self.placed[j]);
            // Balls around both capsules that are far apart say enough.
            let balls = length(between(middle(a, b), middle(c, d)))
                - length(between(a, b)) / 2.0
                - length(between(c, d)) / 2.0;
            if balls - r - s >= wanted {
                continue;
            }
            let distance = search(a, b, c, d) - r - s;
            if distance < wanted && worst.is_none_or(|(w, _)| distance < w) {
                worst = Some((distance, [i, j]));
            }
        }
        worst
    }
}

/// Smallest distance of the segments a-b and c-d. The distance of a point from a segment is convex along
/// another segment, so cutting away the worse end finds it.
fn search(a: Place, b: Place, c: Place, d: Place) -> f64 {
    let along = |t: f64| -> Place { [0, 1, 2].map(|i| a[i] + (b[i] - a[i]) * t) };
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..CUTS {
        let (left, right) = (high - GOLDEN * (high - low), low + GOLDEN * (high - low));
        if from_segment(along(left), c, d) < from_segment(along(right), c, d) {
            high = right;
        } else {
            low = left;
        }
    }
    [0.0, 1.0, (low + high) / 2.0]
        .map(|t| from_segment(along(t), c, d))
        .into_iter()
        .fold(f64::INFINITY, f64::min)
}

fn from_segment(p: Place, c: Place, d: Place) -> f64 {
    let (cd, cp) = (between(c, d), between(c, p));
    let square: f64 = cd.iter().map(|v| v * v).sum();
    let product: f64 = cd.iter().zip(&cp).map(|(x, y)| x * y).sum();
    let t = if square > 0.0 {
        (product / square).clamp(0.0, 1.0)
    } else {
        0.0
    };
    length([0, 1, 2].map(|i| cp[i] - t * cd[i]))
}

fn between(a: Place, b: Place) -> Place {
    [0, 1, 2].map(|i| b[i] - a[i])
}

fn middle(a: Place, b: Place) -> Place {
    [0, 1, 2].map(|i| (a[i] + b[i]) / 2.0)
}

fn length(v: Place) -> f64 {
    v.iter().map(|x| x * x).sum::<f64>().sqrt()
}
