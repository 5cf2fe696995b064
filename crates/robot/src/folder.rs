//! A robot's folder with all that is in it, for looking at it closely.

use crate::{DescriptionError, RobotDescription, Urdf, UrdfSource};
use std::path::Path;

/// A robot's description and the URDF it refers to.
#[derive(Clone, Debug)]
pub struct RobotFolder {
    /// The complete description.
    pub description: RobotDescription,
    /// The URDF, and which part of it the robot is.
    pub urdf: Option<(UrdfSource, Urdf)>,
    /// What lies in the folder unused, one line each.
    pub unused: Vec<String>,
}

impl RobotFolder {
    /// A robot by the name of one that comes with Apprentice, or by its folder.
    ///
    /// # Errors
    /// When it is neither, cannot be read, or is not valid.
    pub fn open(name: &str) -> Result<Self, DescriptionError> {
        let folder = Path::new(name);
        if folder.is_dir() {
            Self::load(folder)
        } else {
            Self::embedded(name)
        }
    }

    /// A folder with a `robot.toml`.
    ///
    /// # Errors
    /// When a file cannot be read or is not valid.
    pub fn load(folder: &Path) -> Result<Self, DescriptionError> {
        let description = RobotDescription::load(folder)?;
        let read = |file: &str| {
            let path = folder.join(file);
            std::fs::read_to_string(&path).map_err(|e| DescriptionError::Unreadable {
                origin: path.display().to_string(),
                reason: e.to_string(),
            })
        };
        let raw = RobotDescription::read(&read("robot.toml")?, &folder.display().to_string())?;
        let urdf = match raw.urdf {
            Some(source) => {
                let text = read(&source.file)?;
                Some((source.clone(), Urdf::parse(&text, &source.file)?))
            }
            None => None,
        };
        let mut unused = Vec::new();
        if urdf.is_none() && folder.join("robot.urdf").exists() {
            unused.push(
                "robot.urdf lies in the folder but robot.toml does not refer to it: add [urdf] with file, base and tip"
                    .into(),
            );
        }
        Ok(Self {
            description,
            urdf,
            unused,
        })
    }

    /// A robot that comes with Apprentice.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn embedded(name: &str) -> Result<Self, DescriptionError> {
        let (_, text, urdf) = RobotDescription::embedded_texts(name)?;
        let source = RobotDescription::read(text, name)?.urdf;
        Ok(Self {
            description: RobotDescription::embedded(name)?,
            urdf: match source {
                Some(source) => Some((source, Urdf::parse(urdf, "robot.urdf")?)),
                None => None,
            },
            unused: Vec::new(),
        })
    }
}
