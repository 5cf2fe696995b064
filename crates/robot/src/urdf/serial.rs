//! The chain between two links of a URDF.

use super::model::{Geometry, Kind, Limit, Origin, Urdf, UrdfJoint};
use crate::{Capsule, Chain, DescriptionError, JointFrame, Placement};
use nalgebra::{Isometry3, Point3};
use std::collections::BTreeSet;

/// A sphere that lies within a capsule up to this much says nothing new, metres.
const SAME: f64 = 1e-6;

/// A chain of turning joints between two links.
#[derive(Clone, Debug)]
pub struct SerialChain {
    /// Names of the turning joints, from the base on.
    pub names: Vec<String>,
    /// What the URDF says of their limits.
    pub limits: Vec<Limit>,
    /// Their frames: each that of the joint's child link. Fixed joints on the way are merged into them.
    pub chain: Chain,
    /// Capsules around the collision shapes of the chain's links and of all that is fixed to them, frame by
    /// frame from the base on.
    pub shapes: Vec<Shape>,
    /// What was left out, one line each.
    pub warnings: Vec<String>,
}

/// A capsule and the link it is of.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    /// The link.
    pub link: String,
    /// The capsule. Around a cylinder it has the cylinder's radius and the cylinder's axis for its segment,
    /// its round ends beyond; around a box, the box's longest middle line.
    pub capsule: Capsule,
}

impl Urdf {
    /// The chain from link `base` to link `tip`.
    ///
    /// # Errors
    /// When there is none, or a joint on the way neither turns nor is fixed, or follows another.
    pub fn chain(&self, base: &str, tip: &str) -> Result<SerialChain, DescriptionError> {
        let way = self.way(base, tip)?;
        let mut serial = SerialChain {
            names: Vec::new(),
            limits: Vec::new(),
            chain: Chain::default(),
            shapes: Vec::new(),
            warnings: Vec::new(),
        };
        // The fixed transform since the last turning joint, and the joints it is made of.
        let mut fixed: (Isometry3<f64>, Vec<Origin>) = (Isometry3::identity(), Vec::new());
        let mut frame_links = vec![base];
        for joint in &way {
            fixed.0 *= joint.origin.pose();
            fixed.1.push(joint.origin);
            match joint.kind {
                Kind::Fixed => continue,
                Kind::Turning if !joint.mimics => {}
                _ => {
                    return Err(self.wrong(
                        format!("joint {} between {base} and {tip}", joint.name),
                        if joint.mimics {
                            "one that mimics another"
                        } else {
                            "of another type"
                        },
                        "revolute, continuous or fixed, following no other joint",
                    ));
                }
            }
            let Origin { xyz, rpy } = written(&fixed);
            serial.chain.frames.push(JointFrame {
                xyz,
                rpy,
                axis: joint.axis,
            });
            serial.names.push(joint.name.clone());
            serial.limits.push(joint.limit);
            frame_links.push(&joint.child);
            fixed = (Isometry3::identity(), Vec::new());
        }
        if serial.names.is_empty() {
            return Err(self.wrong(
                format!("the chain from {base} to {tip}"),
                "without a turning joint",
                "at least one",
            ));
        }
        let Origin { xyz, rpy } = written(&fixed);
        serial.chain.tool = Some(Placement { xyz, rpy });
        let on_the_way: BTreeSet<&str> = way.iter().map(|j| j.child.as_str()).collect();
        for (frame, link) in frame_links.into_iter().enumerate() {
            self.collect(frame, link, &on_the_way, &mut serial);
        }
        Ok(serial)
    }

    fn wrong(&self, what: String, got: &str, allowed: &str) -> DescriptionError {
        DescriptionError::Urdf {
            file: self.file.clone(),
            what,
            got: got.into(),
            allowed: allowed.into(),
        }
    }

    /// The joints from `base` to `tip`.
    fn way(&self, base: &str, tip: &str) -> Result<Vec<&UrdfJoint>, DescriptionError> {
        for link in [base, tip] {
            if !self.links.iter().any(|l| l.name == link) {
                let all: Vec<&str> = self.links.iter().map(|l| l.name.as_str()).collect();
                return Err(self.wrong(
                    "a link that robot.toml names".into(),
                    link,
                    &format!("one of {}", all.join(", ")),
                ));
            }
        }
        let mut way = Vec::new();
        let mut at = tip;
        while at != base {
            let mut parents = self.joints.iter().filter(|j| j.child == at);
            let (Some(joint), None) = (parents.next(), parents.next()) else {
                return Err(self.wrong(
                    format!("the way from {base} to {tip}"),
                    &format!("broken at link {at}, which has no parent or several"),
                    "one parent joint for each link up to the base",
                ));
            };
            way.push(joint);
            if way.len() > self.joints.len() {
                return Err(self.wrong(
                    format!("the way from {base} to {tip}"),
                    "a ring",
                    "a tree of links",
                ));
            }
            at = &joint.parent;
        }
        way.reverse();
        Ok(way)
    }

    /// Adds the shapes of `first` and of all links fixed to it, in the frame of `first`.
    fn collect(
        &self,
        frame: usize,
        first: &str,
        on_the_way: &BTreeSet<&str>,
        serial: &mut SerialChain,
    ) {
        let mut links = vec![(first, Isometry3::identity())];
        let mut next = 0;
        while let Some(&(name, pose)) = links.get(next) {
            next += 1;
            self.shapes_of(frame, name, &pose, serial);
            for joint in self.joints.iter().filter(|j| j.parent == name) {
                let child = joint.child.as_str();
                if joint.kind == Kind::Fixed {
                    if !links.iter().any(|(known, _)| *known == child) {
                        links.push((child, pose * joint.origin.pose()));
                    }
                } else if !on_the_way.contains(child) {
                    serial.warnings.push(format!(
                        "link {child} moves on joint {} beside the chain: its shapes are not looked at",
                        joint.name
                    ));
                }
            }
        }
    }

    fn shapes_of(&self, frame: usize, name: &str, pose: &Isometry3<f64>, serial: &mut SerialChain) {
        let Some(link) = self.links.iter().find(|l| l.name == name) else {
            return;
        };
        let mut capsules: Vec<Capsule> = Vec::new();
        let mut add = |at: &Isometry3<f64>, half: [f64; 3], radius: f64| {
            let end = |sign: f64| {
                let local = Point3::from(half.map(|v| v * sign));
                <[f64; 3]>::from((pose * at * local).coords)
            };
            let capsule = Capsule {
                frame,
                from: end(-1.0),
                to: end(1.0),
                radius,
            };
            if !capsules.iter().any(|c| holds(c, &capsule)) {
                capsules.push(capsule);
            }
        };
        let mut meshes = 0;
        // Spheres last: most are the round ends of a cylinder.
        for (at, geometry) in &link.collisions {
            match *geometry {
                Geometry::Cylinder { radius, length } => add(at, [0.0, 0.0, length / 2.0], radius),
                Geometry::Box([x, y, z]) => {
                    let (half, radius) = if x >= y && x >= z {
                        ([x / 2.0, 0.0, 0.0], y.hypot(z) / 2.0)
                    } else if y >= z {
                        ([0.0, y / 2.0, 0.0], x.hypot(z) / 2.0)
                    } else {
                        ([0.0, 0.0, z / 2.0], x.hypot(y) / 2.0)
                    };
                    if radius > 0.0 {
                        add(at, half, radius);
                    }
                }
                Geometry::Mesh => meshes += 1,
                Geometry::Sphere { .. } => {}
            }
        }
        for (at, geometry) in &link.collisions {
            if let Geometry::Sphere { radius } = *geometry {
                add(at, [0.0; 3], radius);
            }
        }
        serial
            .shapes
            .extend(capsules.into_iter().map(|capsule| Shape {
                link: name.into(),
                capsule,
            }));
        if meshes > 0 {
            serial.warnings.push(format!(
                "link {name} has {meshes} collision meshes or unknown shapes: they are not looked at"
            ));
        }
    }
}

/// Whether a capsule contains a sphere (a capsule without length).
fn holds(capsule: &Capsule, sphere: &Capsule) -> bool {
    let [from, to, centre] = [capsule.from, capsule.to, sphere.from].map(Point3::from);
    sphere.from == sphere.to
        && crate::capsules::segment_distance([from, to], [centre, centre]) + sphere.radius
            <= capsule.radius + SAME
}

/// The transform as it is written: as in the file where it is one joint's, otherwise from the product.
fn written((pose, parts): &(Isometry3<f64>, Vec<Origin>)) -> Origin {
    match parts.as_slice() {
        [] => Origin {
            xyz: [0.0; 3],
            rpy: [0.0; 3],
        },
        [one] => *one,
        _ => Origin {
            xyz: pose.translation.vector.into(),
            rpy: roll_pitch_yaw(pose),
        },
    }
}

/// Turns about fixed x, y and z. Where pitch is near a quarter turn roll is all but arbitrary; yaw is computed
/// with whatever roll was taken, so that the three together are exact.
fn roll_pitch_yaw(pose: &Isometry3<f64>) -> [f64; 3] {
    let r = pose.rotation.to_rotation_matrix();
    let roll = r[(2, 1)].atan2(r[(2, 2)]);
    let pitch = (-r[(2, 0)]).atan2(r[(0, 0)].hypot(r[(1, 0)]));
    let (sin, cos) = roll.sin_cos();
    let yaw = (sin * r[(0, 2)] - cos * r[(0, 1)]).atan2(cos * r[(1, 1)] - sin * r[(1, 2)]);
    [roll, pitch, yaw]
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::{Rotation3, UnitQuaternion};
    use std::f64::consts::FRAC_PI_2;

    #[test]
    fn angles_are_exact_even_where_pitch_is_a_quarter_turn() {
        for pitch in [
            0.3,
            FRAC_PI_2 - 1e-4,
            FRAC_PI_2,
            -FRAC_PI_2,
            FRAC_PI_2 - 1e-9,
            3.0,
        ] {
            for (roll, yaw) in [(0.0, 0.0), (1.0, -2.0), (3.0, 0.5), (-0.2, 3.1)] {
                let turn = Rotation3::from_euler_angles(roll, pitch, yaw);
                let pose = Isometry3::from_parts(
                    nalgebra::Translation3::identity(),
                    UnitQuaternion::from_rotation_matrix(&turn),
                );
                let [r, p, y] = roll_pitch_yaw(&pose);
                let again = Rotation3::from_euler_angles(r, p, y);
                let error = (again.matrix() - turn.matrix()).norm();
                assert!(error < 1e-14, "{roll} {pitch} {yaw}: {error}");
            }
        }
    }
}
