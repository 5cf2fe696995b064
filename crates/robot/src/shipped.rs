//! The robots that come with Apprentice: a folder below `robots`, and a line here.

use crate::{DescriptionError, RobotDescription};

/// For each folder its name, `robot.toml` and `robot.urdf`.
macro_rules! shipped {
    ($($name:literal,)*) => {
        const FOLDERS: &[(&str, &str, &str)] = &[$((
            $name,
            include_str!(concat!("../../../robots/", $name, "/robot.toml")),
            include_str!(concat!("../../../robots/", $name, "/robot.urdf")),
        ),)*];

        /// Names of the robots that come with Apprentice.
        pub const EMBEDDED: [&str; FOLDERS.len()] = [$($name,)*];
    };
}

shipped! {
    "franka_fr3",
    "franka_panda",
    "ur5e",
    "xarm6",
    "xarm7",
    "kinova_gen3",
    "so101",
}

impl RobotDescription {
    /// A robot that comes with Apprentice; [`EMBEDDED`] are their names.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn embedded(name: &str) -> Result<Self, DescriptionError> {
        let (_, text, urdf) = Self::embedded_texts(name)?;
        Self::parse_beside(text, name, &mut |_| Ok(urdf.to_owned()))
    }

    /// The `robot.toml` and `robot.urdf` of a robot that comes with Apprentice, after its name.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn embedded_texts(
        name: &str,
    ) -> Result<(&'static str, &'static str, &'static str), DescriptionError> {
        let found = FOLDERS.iter().find(|(known, ..)| *known == name);
        found.copied().ok_or_else(|| DescriptionError::Unreadable {
            origin: name.into(),
            reason: format!(
                "no robot of that name comes with Apprentice (these do: {}), and it is no folder",
                EMBEDDED.join(", ")
            ),
        })
    }
}
