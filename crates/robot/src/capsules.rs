//! How near an arm is to itself: capsules around its pieces and the distances between them.

use crate::{DescriptionError, Kinematics, RobotDescription};
use nalgebra::{Isometry3, Point3};

/// A pair of capsules and how far they are apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Nearest {
    /// Which capsules of the description, lower index first.
    pub pair: [usize; 2],
    /// Metres between their surfaces; less than 0 when they overlap.
    pub distance: f64,
}

/// A capsule on its frame, and its ends where the frame is now.
#[derive(Clone, Debug)]
struct Placed {
    frame: usize,
    local: [Point3<f64>; 2],
    ends: [Point3<f64>; 2],
    radius: f64,
    /// Half the length of the segment.
    half: f64,
}

impl Placed {
    fn middle(&self) -> Point3<f64> {
        nalgebra::center(&self.ends[0], &self.ends[1])
    }
}

/// Distances of an arm's capsules from each other. Made once; asking allocates nothing.
#[derive(Clone, Debug)]
pub struct SelfDistance {
    kinematics: Option<Kinematics>,
    capsules: Vec<Placed>,
    pairs: Vec<[usize; 2]>,
    /// The base, each joint's frame, the tool frame.
    frames: Vec<Isometry3<f64>>,
}

impl SelfDistance {
    /// For this robot: all pairs of capsules but those on the same or neighbouring frames and those that
    /// `may_touch`.
    ///
    /// # Errors
    /// When there are capsules but no kinematics to place them with, or one is on a frame the robot has not.
    pub fn new(description: &RobotDescription) -> Result<Self, DescriptionError> {
        let refuse = |what: String, got: String, allowed: String| DescriptionError::Value {
            origin: description.name.clone(),
            what,
            got,
            allowed,
        };
        let capsules = &description.capsules;
        if capsules.is_empty() {
            return Ok(Self {
                kinematics: None,
                capsules: Vec::new(),
                pairs: Vec::new(),
                frames: Vec::new(),
            });
        }
        let kinematics = Kinematics::new(description)?;
        let last = description.joints.len() + 1;
        for (index, capsule) in capsules.iter().enumerate() {
            if capsule.frame > last {
                return Err(refuse(
                    format!("frame of capsule {index}"),
                    capsule.frame.to_string(),
                    format!("0 (base) to {last} (tool frame)"),
                ));
            }
        }
        let mut pairs = Vec::new();
        for (i, a) in capsules.iter().enumerate() {
            for (j, b) in capsules.iter().enumerate().skip(i + 1) {
                let may = |pair: &[usize; 2]| *pair == [i, j] || *pair == [j, i];
                if a.frame.abs_diff(b.frame) > 1 && !description.may_touch.iter().any(may) {
                    pairs.push([i, j]);
                }
            }
        }
        let placed = capsules.iter().map(|c| {
            let local = [c.from, c.to].map(Point3::from);
            Placed {
                frame: c.frame,
                local,
                ends: local,
                radius: c.radius,
                half: (local[1] - local[0]).norm() / 2.0,
            }
        });
        Ok(Self {
            capsules: placed.collect(),
            kinematics: Some(kinematics),
            pairs,
            frames: vec![Isometry3::identity(); last + 1],
        })
    }

    /// Pairs that are checked.
    #[must_use]
    pub fn pairs(&self) -> usize {
        self.pairs.len()
    }

    /// Smallest distance over the checked pairs at these joints, metres: infinite when there is no pair to
    /// check, minus infinity when the joints are not this robot's or not finite, since nothing is known then.
    pub fn clearance(&mut self, joints: &[f64]) -> f64 {
        if self.pairs.is_empty() {
            return f64::INFINITY;
        }
        self.nearest(joints)
            .map_or(f64::NEG_INFINITY, |n| n.distance)
    }

    /// The checked pair that is nearest at these joints; `None` when there is no pair to check, or the joints
    /// are not this robot's or not finite.
    pub fn nearest(&mut self, joints: &[f64]) -> Option<Nearest> {
        let kinematics = self.kinematics.as_ref()?;
        if !kinematics.frames_into(joints, &mut self.frames) {
            return None;
        }
        for capsule in &mut self.capsules {
            let frame = self.frames.get(capsule.frame)?;
            capsule.ends = capsule.local.map(|end| frame * end);
            if !capsule
                .ends
                .iter()
                .all(|e| e.coords.norm_squared().is_finite())
            {
                return None;
            }
        }
        let mut nearest: Option<Nearest> = None;
        for &pair in &self.pairs {
            let [i, j] = pair;
            let (a, b) = (self.capsules.get(i)?, self.capsules.get(j)?);
            let reach = a.radius + b.radius;
            if let Some(n) = nearest {
                // Around each capsule a ball; where the balls are further apart, so are the capsules.
                let apart = (a.middle() - b.middle()).norm();
                if apart - a.half - b.half - reach > n.distance {
                    continue;
                }
            }
            let distance = segment_distance(a.ends, b.ends) - reach;
            if nearest.is_none_or(|n| distance < n.distance) {
                nearest = Some(Nearest { pair, distance });
            }
        }
        nearest
    }
}

/// Distance of two segments, metres. Either may have no length.
///
/// The squared distance is a convex quadratic in the two places along the segments, so its least value is
/// where its gradient vanishes, if that is on both segments, and otherwise on the edge of the unit square:
/// from an end of one segment to the other segment. The smallest of these five is the distance; since all are
/// distances of points that are on the segments, rounding cannot make it too small.
#[must_use]
pub fn segment_distance(a: [Point3<f64>; 2], b: [Point3<f64>; 2]) -> f64 {
    let edges = point_distance(a[0], b)
        .min(point_distance(a[1], b))
        .min(point_distance(b[0], a))
        .min(point_distance(b[1], a));
    let (u, v, w) = (a[1] - a[0], b[1] - b[0], a[0] - b[0]);
    let (uu, uv, vv) = (u.dot(&u), u.dot(&v), v.dot(&v));
    let (uw, vw) = (u.dot(&w), v.dot(&w));
    let determinant = uu * vv - uv * uv;
    if determinant <= 0.0 {
        // Parallel, or without length: an edge has the least value too.
        return edges;
    }
    let s = ((uv * vw - vv * uw) / determinant).clamp(0.0, 1.0);
    let t = ((uu * vw - uv * uw) / determinant).clamp(0.0, 1.0);
    edges.min((w + u * s - v * t).norm())
}

/// Distance of a point from a segment, metres.
fn point_distance(point: Point3<f64>, segment: [Point3<f64>; 2]) -> f64 {
    let along = segment[1] - segment[0];
    let square = along.dot(&along);
    let place = if square > 0.0 {
        ((point - segment[0]).dot(&along) / square).clamp(0.0, 1.0)
    } else {
        0.0
    };
    (point - segment[0] - along * place).norm()
}

#[cfg(test)]
mod tests;
