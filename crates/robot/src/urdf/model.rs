//! What is read of a URDF file.

use crate::DescriptionError;
use nalgebra::{Isometry3, Translation3, UnitQuaternion, Vector3};
use roxmltree::{Document, Node};

/// A URDF file.
#[derive(Clone, Debug)]
pub struct Urdf {
    pub(super) file: String,
    pub(super) links: Vec<Link>,
    pub(super) joints: Vec<UrdfJoint>,
}

#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) name: String,
    pub(super) collisions: Vec<(Isometry3<f64>, Geometry)>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Geometry {
    Box([f64; 3]),
    Cylinder { radius: f64, length: f64 },
    Sphere { radius: f64 },
    Mesh,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Revolute or continuous.
    Turning,
    Fixed,
    /// Any other, which no chain of ours can have.
    Other,
}

#[derive(Clone, Debug)]
pub(super) struct UrdfJoint {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) parent: String,
    pub(super) child: String,
    pub(super) origin: Origin,
    pub(super) axis: [f64; 3],
    /// Whether it follows another joint.
    pub(super) mimics: bool,
    pub(super) limit: Limit,
}

/// A joint's place, as it is written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Origin {
    pub(super) xyz: [f64; 3],
    pub(super) rpy: [f64; 3],
}

impl Origin {
    pub(super) fn pose(&self) -> Isometry3<f64> {
        let [roll, pitch, yaw] = self.rpy;
        Isometry3::from_parts(
            Translation3::from(Vector3::from(self.xyz)),
            UnitQuaternion::from_euler_angles(roll, pitch, yaw),
        )
    }
}

/// Limits of a joint as the URDF states them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Limit {
    /// Lowest and highest position, rad; `None` for a joint that turns for ever.
    pub position: Option<[f64; 2]>,
    /// rad/s.
    pub velocity: Option<f64>,
    /// N m.
    pub effort: Option<f64>,
}

impl Urdf {
    /// Reads a URDF; `file` names it in errors.
    ///
    /// # Errors
    /// When it is not XML, or a link or joint lacks what it needs.
    pub fn parse(text: &str, file: &str) -> Result<Self, DescriptionError> {
        let document = Document::parse(text).map_err(|e| DescriptionError::Syntax {
            origin: file.into(),
            reason: e.to_string(),
        })?;
        let reader = Reader { file };
        let robot = document.root_element();
        if !robot.has_tag_name("robot") {
            return Err(reader.wrong("the root element", robot.tag_name().name(), "robot"));
        }
        let (mut links, mut joints) = (Vec::new(), Vec::new());
        for node in robot.children().filter(Node::is_element) {
            match node.tag_name().name() {
                "link" => links.push(reader.link(node)?),
                // A transmission names joints too, but further in.
                "joint" => joints.push(reader.joint(node)?),
                _ => {}
            }
        }
        Ok(Self {
            file: file.into(),
            links,
            joints,
        })
    }
}

pub(super) struct Reader<'a> {
    file: &'a str,
}

impl Reader<'_> {
    fn wrong(
        &self,
        what: impl Into<String>,
        got: impl Into<String>,
        allowed: &str,
    ) -> DescriptionError {
        DescriptionError::Urdf {
            file: self.file.into(),
            what: what.into(),
            got: got.into(),
            allowed: allowed.into(),
        }
    }

    fn name(&self, node: Node<'_, '_>) -> Result<String, DescriptionError> {
        let kind = node.tag_name().name();
        match node.attribute("name") {
            Some(name) if !name.is_empty() => Ok(name.into()),
            _ => Err(self.wrong(format!("the name of a {kind}"), "missing", "a name")),
        }
    }

    /// One number; `None` when it is not there.
    fn number(&self, node: Node<'_, '_>, key: &str) -> Result<Option<f64>, DescriptionError> {
        let Some(text) = node.attribute(key) else {
            return Ok(None);
        };
        match text.trim().parse::<f64>() {
            Ok(v) if v.is_finite() => Ok(Some(v)),
            _ => Err(self.wrong(
                format!("{key} of a {}", node.tag_name().name()),
                format!("{text:?}"),
                "a finite number",
            )),
        }
    }

    /// Three numbers; `missing` when they are not there.
    fn three(
        &self,
        node: Option<Node<'_, '_>>,
        key: &str,
        missing: [f64; 3],
    ) -> Result<[f64; 3], DescriptionError> {
        let Some(text) = node.and_then(|n| n.attribute(key)) else {
            return Ok(missing);
        };
        let mut numbers = [0.0; 3];
        let mut words = text.split_whitespace();
        let good = numbers.iter_mut().all(|number| {
            let word = words.next().and_then(|w| w.parse::<f64>().ok());
            *number = word.unwrap_or(f64::NAN);
            number.is_finite()
        });
        if !good || words.next().is_some() {
            return Err(self.wrong(key, format!("{text:?}"), "three finite numbers"));
        }
        Ok(numbers)
    }

    fn origin(&self, node: Node<'_, '_>) -> Result<Origin, DescriptionError> {
        let origin = child(node, "origin");
        Ok(Origin {
            xyz: self.three(origin, "xyz", [0.0; 3])?,
            rpy: self.three(origin, "rpy", [0.0; 3])?,
        })
    }

    fn link(&self, node: Node<'_, '_>) -> Result<Link, DescriptionError> {
        let mut collisions = Vec::new();
        for collision in node.children().filter(|n| n.has_tag_name("collision")) {
            let shape =
                child(collision, "geometry").and_then(|g| g.children().find(Node::is_element));
            let Some(shape) = shape else { continue };
            let size = |key| -> Result<f64, DescriptionError> {
                match self.number(shape, key)? {
                    Some(v) if v > 0.0 => Ok(v),
                    other => Err(self.wrong(
                        format!("{key} of a {}", shape.tag_name().name()),
                        other.map_or("missing".into(), |v| v.to_string()),
                        "more than 0 m",
                    )),
                }
            };
            let geometry = match shape.tag_name().name() {
                "box" => Geometry::Box(self.three(Some(shape), "size", [0.0; 3])?.map(f64::abs)),
                "cylinder" => Geometry::Cylinder {
                    radius: size("radius")?,
                    length: size("length")?,
                },
                "sphere" => Geometry::Sphere {
                    radius: size("radius")?,
                },
                _ => Geometry::Mesh,
            };
            collisions.push((self.origin(collision)?.pose(), geometry));
        }
        Ok(Link {
            name: self.name(node)?,
            collisions,
        })
    }

    fn joint(&self, node: Node<'_, '_>) -> Result<UrdfJoint, DescriptionError> {
        let name = self.name(node)?;
        let end = |key: &str| {
            child(node, key)
                .and_then(|n| n.attribute("link"))
                .map(str::to_owned)
                .ok_or_else(|| {
                    self.wrong(format!("{key} of joint {name}"), "missing", "a link's name")
                })
        };
        let kind_name = node.attribute("type").unwrap_or_default();
        let kind = match kind_name {
            "revolute" | "continuous" => Kind::Turning,
            "fixed" => Kind::Fixed,
            _ => Kind::Other,
        };
        let axis = self.three(child(node, "axis"), "xyz", [1.0, 0.0, 0.0])?;
        if kind == Kind::Turning && axis.iter().map(|v| v * v).sum::<f64>() < 1e-6 {
            return Err(self.wrong(
                format!("axis of joint {name}"),
                format!("{axis:?}"),
                "a direction",
            ));
        }
        let mut limit = Limit::default();
        if let Some(limits) = child(node, "limit") {
            let low = self.number(limits, "lower")?.unwrap_or(0.0);
            let high = self.number(limits, "upper")?.unwrap_or(0.0);
            limit.position = (kind_name != "continuous").then_some([low, high]);
            limit.velocity = self.number(limits, "velocity")?;
            limit.effort = self.number(limits, "effort")?;
        }
        Ok(UrdfJoint {
            parent: end("parent")?,
            child: end("child")?,
            origin: self.origin(node)?,
            mimics: child(node, "mimic").is_some(),
            name,
            kind,
            axis,
            limit,
        })
    }
}

fn child<'a, 'i>(node: Node<'a, 'i>, name: &str) -> Option<Node<'a, 'i>> {
    node.children().find(|n| n.has_tag_name(name))
}
