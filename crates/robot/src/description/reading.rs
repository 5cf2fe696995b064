//! Reading a description, and writing it for the link.

use crate::description::RobotDescription;
use crate::{Capsule, DescriptionError, Urdf};
use std::path::Path;

impl RobotDescription {
    /// Reads and checks a description that is complete in itself; `origin` names it in errors.
    ///
    /// # Errors
    /// One line on the first thing that is wrong; when it refers to a URDF file, since there is no folder to
    /// find it in.
    pub fn parse(text: &str, origin: &str) -> Result<Self, DescriptionError> {
        Self::parse_beside(text, origin, &mut |file| {
            Err(format!(
                "there is no folder to find {file} in; a driver answers with what `apprentice robot describe FOLDER` prints, or load the folder"
            ))
        })
    }

    /// Reads `robot.toml` in a folder, and the URDF file beside it that it refers to.
    ///
    /// # Errors
    /// When one of them cannot be read or is not valid.
    pub fn load(folder: &Path) -> Result<Self, DescriptionError> {
        let path = folder.join("robot.toml");
        let origin = path.display().to_string();
        match std::fs::read_to_string(&path) {
            Ok(text) => Self::parse_beside(&text, &origin, &mut |file| {
                std::fs::read_to_string(folder.join(file)).map_err(|e| e.to_string())
            }),
            Err(e) => Err(DescriptionError::Unreadable {
                origin,
                reason: e.to_string(),
            }),
        }
    }

    /// As TOML, for the link.
    ///
    /// # Errors
    /// When a name cannot be written.
    pub fn to_toml(&self) -> Result<String, DescriptionError> {
        toml::to_string(self).map_err(|e| DescriptionError::Syntax {
            origin: self.name.clone(),
            reason: e.to_string(),
        })
    }

    /// Reads a description; `beside` reads the files that lie beside it.
    pub(crate) fn parse_beside(
        text: &str,
        origin: &str,
        beside: &mut dyn FnMut(&str) -> Result<String, String>,
    ) -> Result<Self, DescriptionError> {
        let mut parsed = Self::read(text, origin)?;
        parsed.check_own(origin)?;
        if let Some(source) = parsed.urdf.take() {
            if !matches!(
                Path::new(&source.file).components().collect::<Vec<_>>()[..],
                [std::path::Component::Normal(_)]
            ) {
                return Err(DescriptionError::Value {
                    origin: origin.into(),
                    what: "urdf.file".into(),
                    got: format!("{:?}", source.file),
                    allowed: "the name of a file in the same folder".into(),
                });
            }
            let urdf = beside(&source.file).map_err(|reason| DescriptionError::Unreadable {
                origin: format!("{origin}, its {}", source.file),
                reason,
            })?;
            parsed.complete(
                &Urdf::parse(&urdf, &source.file)?,
                &source.base,
                &source.tip,
                origin,
            )?;
        }
        parsed.check(origin)?;
        Ok(parsed)
    }

    /// Reads a description as it stands, its URDF unread and its values unchecked.
    ///
    /// # Errors
    /// When it is not TOML or not a description.
    pub fn read(text: &str, origin: &str) -> Result<Self, DescriptionError> {
        toml::from_str(text).map_err(|e| DescriptionError::Syntax {
            origin: origin.into(),
            reason: e
                .to_string()
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" "),
        })
    }

    /// Takes kinematics and capsules that are not given from a URDF.
    fn complete(
        &mut self,
        urdf: &Urdf,
        base: &str,
        tip: &str,
        origin: &str,
    ) -> Result<(), DescriptionError> {
        let serial = urdf.chain(base, tip)?;
        if !serial.names.iter().eq(self.joints.iter().map(|j| &j.name)) {
            let ours: Vec<&str> = self.joints.iter().map(|j| j.name.as_str()).collect();
            return Err(DescriptionError::Value {
                origin: origin.into(),
                what: "joints".into(),
                got: ours.join(", "),
                allowed: format!(
                    "those that turn between {base} and {tip} in the URDF, in their order: {}",
                    serial.names.join(", ")
                ),
            });
        }
        if self.capsules.is_empty() {
            self.capsules = serial
                .shapes
                .iter()
                .map(|shape| shape.capsule.clone())
                .collect::<Vec<Capsule>>();
        }
        if self.kinematics.is_none() {
            self.kinematics = Some(serial.chain);
        }
        Ok(())
    }
}
